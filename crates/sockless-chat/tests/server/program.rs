//! The program as a process, and requests to it.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sockless_chat::chat::Name;
use sockless_chat::token::{Claims, Tokens};

pub(crate) const SECRET: &[u8] = b"a secret of thirty-two octets or so";

/// The program, which ends with the test.
pub(crate) struct Program {
    child: Child,
    pub(crate) scheme: String,
    pub(crate) address: String,
}

pub(crate) fn command(data: &Path, flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sockless-chat"));
    command
        .arg("--data")
        .arg(data)
        .args(flags)
        .env_remove("SOCKLESS_CHAT_LISTEN")
        .env("SOCKLESS_CHAT_LOG", "warn");
    command
}

impl Program {
    /// Starts it at this address, with a secret that the test knows.
    pub(crate) fn start_at(address: &str, data: &Path, flags: &[&str]) -> Self {
        std::fs::write(data.join("secret"), SECRET).expect("a secret");
        let mut command = command(data, flags);
        command.args(["--listen", address]);
        Self::run(command)
    }

    /// Starts it with a log that can be [waited for](Self::wait_for_log).
    pub(crate) fn start_logged(data: &Path, flags: &[&str]) -> Self {
        std::fs::write(data.join("secret"), SECRET).expect("a secret");
        let mut command = command(data, flags);
        command.args(["--listen", "127.0.0.1:0"]).stderr(Stdio::piped());
        Self::run(command)
    }

    fn run(mut command: Command) -> Self {
        command.stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program");
        let mut line = String::new();
        let out = child.stdout.take().expect("its output");
        BufReader::new(out).read_line(&mut line).expect("a line");
        let (scheme, address) = line.trim().split_once("://").expect("an address");
        Self { scheme: scheme.to_owned(), address: address.to_owned(), child }
    }

    pub(crate) fn start(data: &Path, flags: &[&str]) -> Self {
        Self::start_at("127.0.0.1:0", data, flags)
    }

    /// Sends a request, which it closes after: the whole answer.
    pub(crate) fn ask(&self, head: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a server");
        let length = if body.is_empty() {
            String::new()
        } else {
            format!("Content-Length: {}\r\nContent-Type: application/json\r\n", body.len())
        };
        let (first, fields) = head.split_once('\n').unwrap_or((head, ""));
        let fields: String = fields.lines().map(|field| format!("{field}\r\n")).collect();
        let request = format!(
            "{first} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{fields}{length}\r\n{body}",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("taken");
        let mut answer = Vec::new();
        // Who speaks no HTTP may reset the stream.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }

    /// The status of the answer to a request for a WebSocket.
    pub(crate) fn knock(&self, path: &str, fields: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).expect("a server");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: sockless.reliable.v1\r\n{fields}\r\n",
            self.address
        );
        stream.write_all(request.as_bytes()).expect("taken");
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer[9..]).into_owned()
    }

    /// The number of its process.
    #[allow(dead_code, reason = "those who let it stand still need it")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("gone");
    }

    pub(crate) fn terminate(&self) {
        let status = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(status.expect("kill").success());
    }

    /// Waits for its end, for all that it has logged.
    pub(crate) fn wait_for_log(mut self) -> String {
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().expect("its log");
        stderr.read_to_string(&mut log).expect("text");
        log
    }

    pub(crate) fn wait(mut self) -> Output {
        let status = self.child.wait().expect("its end");
        Output { status, stdout: Vec::new(), stderr: Vec::new() }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970")
}

/// A token of somebody's that holds for this number of seconds.
pub(crate) fn token_for(who: &str, seconds: u64) -> String {
    let claims = Claims { sub: Name::parse(who).expect("a name"), exp: now().as_secs() + seconds };
    Tokens::new(SECRET).expect("a secret").make(&claims).expect("a token")
}
