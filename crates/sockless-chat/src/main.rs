//! The chat as a program: `sockless-chat [--flag value]..`, and `sockless-chat token NAME`, which prints a token for a name.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use sockless_chat::chat::Name;
use sockless_chat::server::{Server, StartError};
use sockless_chat::settings::Settings;
use sockless_chat::token::{Claims, Tokens};

type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let mut flags: Vec<String> = std::env::args().skip(1).collect();
    if flags.iter().any(|flag| flag == "--help" || flag == "-h") {
        println!(
            "sockless-chat [token NAME] [FLAGS]: a chat server, alone\n\n{}\nEach flag is a variable as well: SOCKLESS_CHAT_LISTEN for --listen.",
            Settings::help()
        );
        return ExitCode::SUCCESS;
    }
    let name = (flags.first().is_some_and(|first| first == "token") && flags.len() > 1)
        .then(|| flags.drain(..2).next_back())
        .flatten();
    let done =
        Settings::read(flags, |name| std::env::var(name).ok(), |path| fs::read_to_string(path))
            .map_err(Error::from);
    let done = done.and_then(|settings| match name {
        Some(name) => print_token(&settings, &name),
        None => serve(&settings),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sockless-chat: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(settings: &Settings) -> Result<(), Error> {
    sockless_chat::log::begin(settings.log, settings.log_json);
    let tokens = tokens(settings)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let server = Server::start(settings, tokens).await?;
        println!("{}", server.url());
        std::io::stdout().flush()?;
        server.serve(signal()?).await?;
        Ok(())
    })
}

/// Ready when the program is asked to stop. The handlers are there when it returns.
#[cfg(unix)]
fn signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signal() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    Ok(async { tokio::signal::ctrl_c().await.unwrap_or_default() })
}

fn print_token(settings: &Settings, name: &str) -> Result<(), Error> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    let exp = (now + settings.token_life).as_secs();
    println!("{}", tokens(settings)?.make(&Claims { sub: Name::parse(name)?, exp })?);
    Ok(())
}

/// What signs tokens: with the secret that there is, or with a new one.
fn tokens(settings: &Settings) -> Result<Tokens, StartError> {
    make_directory(&settings.data)?;
    let path = settings.secret_file.clone().unwrap_or_else(|| settings.data.join("secret"));
    let failed = |error| StartError::File(path.clone(), error);
    let secret = match fs::read(&path) {
        Err(error)
            if error.kind() == std::io::ErrorKind::NotFound && settings.secret_file.is_none() =>
        {
            let mut secret = [0; 32];
            ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut secret)
                .map_err(|_| failed(std::io::Error::other("no random numbers")))?;
            write_secret(&path, &secret).map_err(failed)?;
            secret.to_vec()
        }
        read => read.map_err(failed)?,
    };
    Tokens::new(&secret).map_err(|_| StartError::Secret(path))
}

/// What is said to one is in it: it is for its owner alone.
fn make_directory(path: &Path) -> Result<(), StartError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| StartError::File(PathBuf::from(path), error))
}

fn write_secret(path: &Path, secret: &[u8]) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(secret)?;
    file.sync_all()
}
