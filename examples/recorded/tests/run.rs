//! The programs as their users meet them: a server that echoes, the file that it leaves, and the same again out of the file; a client that is gone
//! before it hears why; a file that was changed, and one that ends early.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use example_recorded::Call;

const REQUEST: &[u8] =
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/// "hello", and a Close frame with 1000.
const FRAMES: &[u8] = b"\x81\x85\0\0\0\0hello\x88\x82\0\0\0\0\x03\xE8";

/// The server, which ends with the test, and where it writes.
struct Program(Child, String, PathBuf);

impl Program {
    fn start(name: &str) -> Self {
        let traces = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&traces);
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-recorded"));
        command.arg("127.0.0.1:0").arg(&traces).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        said.read_line(&mut line).unwrap();
        // It says more, and must not be ended by a closed pipe.
        std::thread::spawn(move || said.read_to_end(&mut Vec::new()));
        let address = line.split("://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self(child, address, traces)
    }

    /// What comes back for these bytes, until the end of the stream.
    fn answers(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.1).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        answer
    }

    /// What was written down of the first client, once it is through.
    fn trace(&self) -> String {
        let file = self.2.join("1.trace");
        let started = Instant::now();
        loop {
            assert!(started.elapsed() < Duration::from_secs(60), "it has no end");
            // It is begun after the answer to the request: for a moment there is none yet.
            let trace = fs::read_to_string(&file).unwrap_or_default();
            if trace.lines().last().is_some_and(|line| line.starts_with("done ")) {
                return trace;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the same comes of this file again, and what is said about it.
fn again(name: &str, trace: &str) -> (bool, String) {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&file, trace).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_example-trace")).arg(&file).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(said).unwrap())
}

#[test]
fn what_was_written_down_happens_again() {
    let program = Program::start("again");
    let answer = program.answers(&[REQUEST, FRAMES].concat());
    assert!(answer.ends_with(b"\r\n\r\n\x81\x05hello\x88\x02\x03\xE8"));
    let trace = program.trace();
    assert!(trace.starts_with(|first: char| first.is_ascii_digit()));
    assert!(trace.contains("wrote 810568656c6c6f"), "{trace}");
    let (same, said) = again("again.trace", &trace);
    assert!(same && said.contains("hello") && said.ends_with("the same again\n"), "{said}");
}

/// It breaks a rule and is gone: the Close frame is answered with a reset, and then the system has nothing left that could be shut down.
#[cfg(unix)]
#[test]
fn a_client_that_has_gone_without_hearing_why_is_written_down_to_its_end() {
    let program = Program::start("gone");
    let signal = |signal: &str| {
        let sent = Command::new("kill").args([signal, &program.0.id().to_string()]).status();
        assert!(sent.unwrap().success());
    };
    let mut stream = TcpStream::connect(&program.1).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    stream.write_all(REQUEST).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.extend(byte);
    }
    // While the server stands still, so that it finds both.
    signal("-STOP");
    stream.write_all(b"\x81\x02no").unwrap();
    drop(stream);
    signal("-CONT");
    assert!(program.trace().contains("UnmaskedFrame"));
}

#[test]
fn what_was_changed_is_seen_and_what_ends_early_is_made_up_to_there() {
    let program = Program::start("changed");
    program.answers(&[REQUEST, FRAMES].concat());
    let trace = program.trace();
    // An answer that was another one, an end that was another one, and no call at all.
    for (was, is) in [("wrote 8105", "wrote 8205"), ("done ", "done otherwise "), ("input", "put")]
    {
        let (same, said) = again(&format!("{is}.trace"), &trace.replace(was, is));
        assert!(!same && said.contains("Error: "), "{is}: {said}");
    }
    for end in (0..trace.len()).step_by(7) {
        let (same, said) = again("early.trace", &trace[..end]);
        assert!(same && said.ends_with("as far as it is written down\n"), "{end}: {said}");
    }
}

#[test]
fn who_asks_for_something_else_is_answered() {
    let program = Program::start("else");
    assert!(
        program.answers(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").starts_with(b"HTTP/1.1 426 ")
    );
    assert!(program.answers(b"nonsense\r\n\r\n").starts_with(b"HTTP/1.1 400 "));
    assert!(program.answers(b"").starts_with(b"HTTP/1.1 400 "));
}

#[test]
fn calls_are_read_as_they_were_written() {
    for call in [
        Call::Input(Duration::from_nanos(1), vec![]),
        Call::Input(Duration::from_secs(1 << 30), (0..=255).collect()),
        Call::End(Duration::ZERO),
        Call::Wrote(vec![0]),
        Call::Shut,
        Call::Lost,
    ] {
        assert_eq!(call.to_string().parse(), Ok(call));
    }
    for line in ["", "shut ", "1 input", "1 input 0", "1 input 0g", "1 input +1", "x end", "-1 end"]
    {
        assert!(line.parse::<Call>().is_err(), "{line:?}");
    }
}
