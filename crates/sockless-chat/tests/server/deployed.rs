//! What stands in `deploy` is what the programs that it is for take, and does what it says.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sockless_tokio::session::SUBPROTOCOL;
use sockless_tokio::{ClientOptions, ConnectError, Tls, connect_with};

use crate::directory::Directory;
use crate::program::{Program, command, token_for};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(DEPLOY).join(name)).expect("a file")
}

/// Whether a program is there. Where it isn't the test fails, unless `SOCKLESS_SKIPPED=FILE` allows it, where it is written down.
fn is_there(program: &str, argument: &str) -> bool {
    if Command::new(program).arg(argument).output().is_ok() {
        return true;
    }
    let skipped = std::env::var_os("SOCKLESS_SKIPPED");
    let skipped = skipped.unwrap_or_else(|| panic!("no {program} here"));
    let mut skipped =
        std::fs::OpenOptions::new().create(true).append(true).open(skipped).expect("it");
    writeln!(skipped, "the chat behind {program}: it is not here").expect("written down");
    false
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("its address").port()
}

#[test]
fn the_settings_file_is_taken() {
    let directory = Directory::new();
    let path = Path::new(DEPLOY).join("sockless-chat.toml");
    let program = Program::start(directory.path(), &["--config", path.to_str().expect("text")]);
    assert!(program.ask("GET /healthz", "").starts_with("HTTP/1.1 200 "));
    let origin = "Origin: https://chat.example.com\r\n";
    let path = format!("/chat?token={}", token_for("ann", 60));
    assert_eq!(program.knock(&path, origin), "101");
    assert_eq!(program.knock(&path, "Origin: https://evil.example\r\n"), "403");
}

#[test]
fn the_unit_of_systemd_and_the_container_start_what_there_is() {
    for name in ["sockless-chat.service", "Containerfile"] {
        let text = file(name);
        let flags: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("ExecStart") || line.starts_with("ENTRYPOINT"))
            .flat_map(|line| line.split(&[' ', '"', ',', '[', ']'][..]))
            .filter(|word| word.starts_with("--"))
            .collect();
        let help = command(Path::new("."), &["--help"]).output().expect("help");
        let help = String::from_utf8_lossy(&help.stdout).into_owned();
        assert!(flags.len() > 1, "{name}");
        assert!(flags.iter().all(|flag| help.contains(&format!("{flag} "))), "{name}: {flags:?}");
    }
    if is_there("systemd-analyze", "--version") {
        // It looks whether the program is there, too.
        let unit = file("sockless-chat.service")
            .replace("/usr/local/bin/sockless-chat", env!("CARGO_BIN_EXE_sockless-chat"));
        let directory = Directory::new();
        let path = directory.path().join("sockless-chat.service");
        std::fs::write(&path, unit).expect("written");
        let output = Command::new("systemd-analyze").arg("verify").arg(&path).output();
        let output = output.expect("systemd-analyze");
        let said = String::from_utf8_lossy(&output.stderr);
        let about_ours: Vec<_> =
            said.lines().filter(|line| line.contains("sockless-chat.service")).collect();
        assert!(output.status.success() && about_ours.is_empty(), "{said}");
    }
}

/// A proxy, which ends with the test.
struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The chat behind a proxy with a configuration of `deploy`: a socket through it, the page, and a limit for each caller.
async fn behind(configuration: &str, start: impl Fn(&Path, String) -> Command) {
    let directory = Directory::new();
    let program = Program::start(
        directory.path(),
        &[
            "--proxy",
            "127.0.0.1",
            "--origin",
            "https://chat.example.com",
            "--requests-a-minute",
            "5",
        ],
    );
    let port = free_port();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, key) = (directory.path().join("chain.pem"), directory.path().join("key.pem"));
    let (chain_text, key_text) = (made.cert.pem(), made.signing_key.serialize_pem());
    std::fs::write(&key, &key_text).expect("written");
    std::fs::write(&chain, &chain_text).expect("written");
    let both = directory.path().join("both.pem");
    std::fs::write(&both, format!("{chain_text}{key_text}")).expect("written");
    let text = file(configuration)
        .replace("127.0.0.1:3000", &program.address)
        .replace("443", &port.to_string())
        .replace("/etc/ssl/chat.example.com.pem", &chain.display().to_string())
        .replace("/etc/ssl/private/chat.example.com.key", &key.display().to_string())
        .replace("/etc/haproxy/chat.example.com.pem", &both.display().to_string())
        .replace("maxconn 200000", "maxconn 100");
    let child = start(directory.path(), text).stdin(Stdio::null()).spawn();
    let _proxy = Proxy(child.expect("the proxy"));
    let url = format!("wss://localhost:{port}/chat?token={}", token_for("ann", 60));
    let tls = Tls::with_roots([made.cert.der().clone()]).expect("roots");
    let options = ClientOptions::new().with_tls(tls).with_subprotocols([SUBPROTOCOL]);
    let mut tries = 0;
    let socket = loop {
        let origin = options.clone().with_origin("https://chat.example.com");
        // It believes nobody but the proxy: another address of the client's own invention is not the caller's.
        match connect_with(&url, origin.with_field("X-Forwarded-For", "5.6.7.8")).await {
            Ok(socket) => break socket,
            Err(ConnectError::Refused(refused))
                if refused.status != 502 && refused.status != 503 =>
            {
                panic!("{}", refused.status)
            }
            Err(error) => {
                tries += 1;
                assert!(tries < 100, "{error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    };
    assert_eq!(socket.subprotocol(), Some(SUBPROTOCOL));
    let mut last = 0;
    for at in 0..6 {
        let field = format!("9.9.9.{at}");
        let asked = options.clone().with_field("X-Forwarded-For", field);
        if let Err(ConnectError::Refused(refused)) = connect_with(&url, asked).await {
            last = refused.status;
        }
    }
    assert_eq!(last, 429, "the limit is the caller's, whatever it says of itself");
}

#[tokio::test]
async fn nginx_passes_sockets_and_callers_on() {
    if !is_there("nginx", "-v") {
        return;
    }
    behind("nginx.conf", |directory, text| {
        let site = directory.join("site.conf");
        std::fs::write(&site, text).expect("written");
        let main = format!(
            "daemon off; master_process off; pid {0}/nginx.pid; error_log {0}/error.log; events {{}}\n\
             http {{ client_body_temp_path {0}/body; proxy_temp_path {0}/proxy; fastcgi_temp_path {0}/fastcgi; uwsgi_temp_path {0}/uwsgi; \
             scgi_temp_path {0}/scgi; include {1}; }}\n",
            directory.display(),
            site.display()
        );
        let path = directory.join("nginx.conf");
        std::fs::write(&path, main).expect("written");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(directory).arg("-c").arg(&path).arg("-e").arg("error.log");
        command
    })
    .await;
}

#[tokio::test]
async fn haproxy_passes_sockets_and_callers_on() {
    if !is_there("haproxy", "-v") {
        return;
    }
    behind("haproxy.cfg", |directory, text| {
        let path = directory.join("haproxy.cfg");
        std::fs::write(&path, text).expect("written");
        let mut command = Command::new("haproxy");
        command.arg("-db").arg("-f").arg(&path);
        command
    })
    .await;
}
