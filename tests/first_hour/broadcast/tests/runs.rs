//! The broadcast: its length, and that the program sends each line to three clients, compressed where the client can decompress.

#[path = "../../lines.rs"]
mod lines;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use sockless_blocking::{ClientOptions, connect_with};

const PATIENCE: Duration = Duration::from_secs(60);

/// The program, which is ended with the test.
struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_has_as_many_lines_as_the_table_says() {
    lines::check("broadcast", include_str!("../src/main.rs"));
}

#[test]
fn each_line_reaches_everybody_compressed_or_not() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_first-hour-broadcast"));
    program.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut program = Program(program.spawn().expect("it starts"));
    let mut url = String::new();
    let mut said = BufReader::new(program.0.stdout.take().expect("piped"));
    said.read_line(&mut url).expect("an address");

    // Somebody who wants a page doesn't count.
    let mut other = TcpStream::connect(&url.trim()[5..url.trim().len() - 1]).expect("a server");
    other
        .write_all(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        .expect("it is read");
    // Three who get the news.
    let options = [
        ClientOptions::new(),
        ClientOptions::new().with_compression(),
        ClientOptions::new().with_compression(),
    ];
    let mut clients = options.map(|options| connect_with(url.trim(), options).expect("open"));

    let long = "the same to everybody; ".repeat(10_000);
    let mut lines = program.0.stdin.take().expect("piped");
    writeln!(lines, "short\n{long}").expect("it reads");
    for (at, client) in clients.iter_mut().enumerate() {
        client.set_timeout(PATIENCE);
        for line in ["short", &long] {
            let message = client.recv().expect("a message").expect("a message");
            assert_eq!(message.as_text(), Some(line));
        }
        let traffic = client.counters().received;
        assert_eq!(traffic.wire_bytes < 10_000, at > 0, "{traffic:?}");
    }
    drop(lines);
    assert!(program.0.wait().expect("it ends").success());
}
