//! The program under test, started as a user starts it, and servers for it that others wrote.

#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]
#![allow(clippy::result_large_err, reason = "tungstenite asks for it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tungstenite::WebSocket;

/// No test waits longer for anything.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server that takes one connection and does something with it.
pub(crate) fn serve(act: impl FnOnce(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || act(listener.accept().unwrap().0));
    address
}

/// A server that takes one connection after the other. Each comes with its number.
pub(crate) fn serve_each(act: impl Fn(usize, TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            act(number, stream.unwrap());
        }
    });
    address
}

/// A server that answers a request in its own words.
pub(crate) fn answer(bytes: &'static [u8]) -> SocketAddr {
    serve(move |stream| answer_once(stream, bytes))
}

pub(crate) fn answer_once(mut stream: TcpStream, bytes: &[u8]) {
    let mut head = [0; 4096];
    let _ = stream.read(&mut head).unwrap();
    stream.write_all(bytes).unwrap();
}

pub(crate) fn echo<S: Read + Write>(mut socket: WebSocket<S>) {
    while let Ok(message) = socket.read() {
        if (message.is_text() || message.is_binary()) && socket.send(message).is_err() {
            return;
        }
    }
}

pub(crate) fn echo_server() -> SocketAddr {
    serve(|stream| echo(tungstenite::accept(stream).unwrap()))
}

/// What the program said, and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) out: Vec<u8>,
    pub(crate) err: String,
}

impl Ran {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.out).unwrap()
    }

    /// Checks the status, and that the user was told something.
    #[track_caller]
    pub(crate) fn failed(&self, status: i32, words: &str) {
        assert_eq!(self.status, status, "{}", self.err);
        assert!(self.err.contains(words), "{}", self.err);
        assert!(self.err.starts_with("ws: "), "{}", self.err);
    }

    /// Checks that it ended well, and said nothing but this.
    #[track_caller]
    pub(crate) fn printed(&self, text: &str) {
        assert_eq!((self.status, self.text(), self.err.as_str()), (0, text, ""));
    }
}

/// The program, in an environment without proxies.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ws"));
    for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file"] {
        command.env_remove(name).env_remove(name.to_uppercase());
    }
    command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

pub(crate) fn finish(mut command: Command, input: &[u8]) -> Ran {
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    writer.join().unwrap();
    let err = String::from_utf8(stderr).unwrap();
    Ran { status: status.code().unwrap_or_else(|| panic!("{status}: {err}")), out: stdout, err }
}

/// Runs the program with this input.
pub(crate) fn ws(args: &[&str], input: &[u8]) -> Ran {
    finish(command(args), input)
}

/// Runs the program with this input, which ends only when so much has been printed.
pub(crate) fn until_printed(mut command: Command, input: &[u8], len: usize) -> Ran {
    let mut child = command.spawn().unwrap();
    let (mut stdin, mut stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut stderr = child.stderr.take().unwrap();
    let input = input.to_vec();
    let writing = thread::spawn(move || {
        stdin.write_all(&input).unwrap();
        stdin
    });
    let mut out = vec![0; len];
    stdout.read_exact(&mut out).unwrap();
    drop(writing.join().unwrap());
    stdout.read_to_end(&mut out).unwrap();
    let mut err = String::new();
    stderr.read_to_string(&mut err).unwrap();
    Ran { status: wait(&mut child).code().unwrap(), out, err }
}

/// Waits until a program has ended, which it has to within the tests' patience.
pub(crate) fn wait(child: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        thread::sleep(Duration::from_millis(5));
    }
    let _ = child.kill();
    panic!("the program did not end");
}

/// Sends a signal to a program, by its id.
pub(crate) fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
}

/// A program that runs while a test talks with it. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) out: BufReader<ChildStdout>,
    err: thread::JoinHandle<String>,
}

impl Running {
    pub(crate) fn start(args: &[&str]) -> Self {
        let mut child = command(args).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut stderr = child.stderr.take().unwrap();
        let err = thread::spawn(move || {
            let mut text = String::new();
            let _ = stderr.read_to_string(&mut text);
            text
        });
        Self { child, stdin, out: BufReader::new(stdout), err }
    }

    /// Starts a server, and waits until it says where it listens.
    pub(crate) fn listen(args: &[&str]) -> (Self, SocketAddr) {
        let mut child = command(&["--listen", "127.0.0.1:0"]).args(args).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take().unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        stderr.read_line(&mut first).unwrap();
        let (_, address) =
            first.split_once("listening on ws://").unwrap_or_else(|| panic!("{first:?}"));
        let address = address.trim_end().trim_end_matches('/').parse().unwrap();
        let err = thread::spawn(move || {
            let mut text = first;
            let _ = stderr.read_to_string(&mut text);
            text
        });
        (Self { child, stdin, out: BufReader::new(stdout), err }, address)
    }

    /// Types a line.
    pub(crate) fn type_line(&mut self, line: &str) {
        self.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Waits until it has ended: its status, what else it printed, and what it said.
    pub(crate) fn end(mut self) -> (Option<i32>, String, String) {
        let status = wait(&mut self.child).code();
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        let err = std::mem::replace(&mut self.err, thread::spawn(String::new));
        (status, rest, err.join().unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
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
