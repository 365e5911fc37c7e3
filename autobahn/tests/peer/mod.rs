//! The programs under test, started as a user starts them, and peers for them that others wrote.

#![allow(dead_code, reason = "each test file uses a part of it")]

pub(crate) mod echo;
pub(crate) mod script;
#[path = "../skipped/mod.rs"]
pub(crate) mod skipped;

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Message, WebSocket};

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A program that listens. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The line in which the program says where it listens.
    pub(crate) greeting: String,
}

impl Program {
    /// Starts a program that listens on a port of the system's choice, and waits until it says which.
    pub(crate) fn start(path: &str, args: &[&str]) -> Self {
        let mut command = Command::new(path);
        command.args(["--listen", "127.0.0.1:0"]).args(args);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut greeting = String::new();
        output.read_line(&mut greeting).unwrap();
        // What else it says is read, so that it never waits for somebody to read it.
        thread::spawn(move || output.read_to_end(&mut Vec::new()));
        let (_, behind) = greeting.split_once("http://").unwrap_or_else(|| panic!("{greeting:?}"));
        let address = behind.split('/').next().unwrap().parse().unwrap();
        Self { child, address, greeting }
    }

    /// The address as the URL of a WebSocket.
    pub(crate) fn url(&self) -> String {
        format!("ws://{}/", self.address)
    }

    /// A TCP connection to it, on which nothing takes longer than the tests' patience.
    pub(crate) fn dial(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream
    }

    /// A WebSocket to it.
    pub(crate) fn connect(&self) -> WebSocket<TcpStream> {
        let request = self.url();
        tungstenite::client::client_with_config(request, self.dial(), Some(config())).unwrap().0
    }

    /// Asks it to stop, as Ctrl-C does.
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    }

    /// Waits until it has ended.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        wait(&mut self.child)
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A client that takes messages of any length.
pub(crate) fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(None)
        .max_frame_size(None)
        .max_write_buffer_size(usize::MAX)
}

/// Waits until a program has ended, which it has to within the tests' patience.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    panic!("the program did not end");
}

/// Bytes that look like anything, the same every time.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Text of `len` bytes with code points of every width.
pub(crate) fn prose(len: usize) -> String {
    let mut text = "a grüß 世界 😀 ".repeat(len / 26 + 1);
    while text.len() > len {
        text.pop();
    }
    let missing = len - text.len();
    text + &"x".repeat(missing)
}

/// The next message that is neither a ping nor a pong.
pub(crate) fn next(socket: &mut WebSocket<TcpStream>) -> Message {
    loop {
        match socket.read().unwrap() {
            Message::Ping(_) | Message::Pong(_) => {}
            message => return message,
        }
    }
}

/// The status line and the rest of an HTTP answer on a stream that the server closes.
pub(crate) fn get(mut stream: TcpStream, path: &str) -> String {
    use std::io::Write;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
