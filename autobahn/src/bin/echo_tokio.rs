//! An echo server on tokio: two tasks for each client, one that reads and one that writes.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use sockless_autobahn::listen;
use sockless_autobahn::opening::{Terms, plain};
use sockless_autobahn::options::Options;
use sockless_tokio::{Decision, ServerOptions, Shutdown, accept_with};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;

/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::from_args("echo_tokio") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_tokio: {}", listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    println!("echo_tokio listens on http://{}/ (Ctrl-C stops it)", listener.local_addr()?);

    let shutdown = Shutdown::new();
    let accepted = Terms::new(options).on_tokio(&shutdown);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            stream = listener.accept() => match stream {
                Ok((stream, _)) => drop(clients.spawn(serve(stream, accepted.clone()))),
                // Too many open files, say: `ulimit -n` tells how many there may be.
                Err(error) => {
                    eprintln!("echo_tokio: can't accept a client: {error}");
                    tokio::time::sleep(RECOVER).await;
                }
            },
            // Those who are gone are forgotten.
            Some(_) = clients.join_next() => {}
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }

    drop(listener);
    shutdown.begin();
    tokio::select! {
        () = shutdown.ended() => {}
        () = tokio::time::sleep(options.grace) => {}
        // A second signal ends the program at once.
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn serve(stream: TcpStream, options: ServerOptions) {
    let _ = stream.set_nodelay(true);
    let opened = accept_with(stream, options, |request| match request.is_upgrade() {
        true => Decision::Accept,
        false => Decision::Answer(plain(request)),
    });
    // Otherwise it has been answered, or it is gone.
    let Ok(socket) = opened.await else { return };
    let (sender, mut reader) = socket.split();
    // It has closed, or it has failed and the client knows why.
    while let Some(Ok(message)) = reader.recv().await {
        // If nothing can be sent any more, the reader says why.
        let _ = sender.send(message).await;
    }
}
