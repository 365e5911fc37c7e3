//! A file in parts by the engine alone: the length of the program, the memory that 100 MiB take, a receiver that refuses, and the program from file to file.

#![allow(dead_code, reason = "a program's `main` is for its user")]
#![allow(unreachable_pub, reason = "a program is a crate elsewhere")]

#[path = "../../../allocations/mod.rs"]
mod allocations;
#[path = "../../lines.rs"]
mod lines;
#[path = "../src/main.rs"]
mod parts;

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

use allocations::{Counting, Meter};
use sockless::connection::{Cause, Failure};
use sockless::{CloseCode, Config, Connection, Delivery, Event, Input, Outcome, Server, Want};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file that is counted instead of stored.
#[derive(Default)]
struct Counted {
    bytes: u64,
    wrong: u64,
}

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        self.wrong += u64::from(bytes.iter().any(|byte| *byte != 7));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn it_has_as_many_lines_as_the_table_says() {
    lines::check("parts", include_str!("../src/main.rs"));
}

#[test]
fn a_hundred_mebibytes_take_constant_memory() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let tcp = TcpStream::connect(listener.local_addr().expect("an address")).expect("a stream");
    let sending = thread::spawn(move || {
        let meter = Meter::start();
        let outcome = parts::send(tcp, io::repeat(7).take(100 << 20)).expect("sent");
        (outcome, meter.peak())
    });
    let (served, meter) = (listener.accept().expect("a client").0, Meter::start());
    let mut file = Counted::default();
    parts::store(served, &mut file).expect("stored");
    let received = meter.peak();
    let (sent, sending) = sending.join().expect("no panic");
    assert_eq!((file.bytes, file.wrong), (100 << 20, 0));
    assert!(sent.clean());
    assert_eq!(sent.received.number(), 1000);
    assert!(
        received < 1 << 20 && sending < 2 << 20,
        "{received} and {sending} bytes"
    );
}

/// A file of zeros, and how much of it has been read.
struct Watched(u64, u64);

impl Read for &mut Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min((self.0 - self.1) as usize);
        self.1 += count as u64;
        Ok(count)
    }
}

/// What the program says when it sends a gibibyte to somebody who does this, and how much of it was read.
fn send_to(receiver: impl FnOnce(TcpStream) + Send + 'static) -> (Outcome, u64) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let tcp = TcpStream::connect(listener.local_addr().expect("an address")).expect("a stream");
    let served = listener.accept().expect("a client").0;
    let receiving = thread::spawn(move || receiver(served));
    let mut file = Watched(1 << 30, 0);
    let outcome = parts::send(tcp, &mut file).expect("an outcome");
    receiving.join().expect("no panic");
    (outcome, file.1)
}

/// A receiver that does one thing at a time, as it may.
fn receive(
    mut tcp: TcpStream,
    config: Config,
    mut hear: impl FnMut(&mut Connection<Server>, Event<'_>, Duration),
) -> Outcome {
    let (mut connection, started) = (Connection::server(config), Instant::now());
    let (mut buffer, mut input) = (vec![0; 64 << 10], Input::none());
    loop {
        let now = started.elapsed();
        while let Some(event) = connection.poll(&mut input, now) {
            hear(&mut connection, event, now);
        }
        match connection.want() {
            Want::Done(outcome) => return outcome,
            Want::ShutdownWrite => {
                tcp.shutdown(std::net::Shutdown::Write).expect("open");
                connection.shut();
            }
            Want::Io { write: true, .. } => connection.wrote(tcp.write(connection.output())),
            Want::Io { .. } => {
                tcp.set_read_timeout(connection.want().timeout(now))
                    .expect("a timeout");
                input = Input::read(tcp.read(&mut buffer), &mut buffer);
            }
        }
    }
}

/// With a loop that wrote before it read, all of the file would be sent before the refusal is heard.
#[test]
fn a_receiver_that_refuses_is_heard_in_the_middle() {
    let started = Instant::now();
    let (outcome, sent) = send_to(|tcp| {
        // 16 MiB by default.
        let outcome = receive(tcp, Config::default(), |_, _, _| {});
        assert_eq!(outcome.sent.number(), 1009);
        assert!(outcome.announced.is_some_and(|len| len > 16 << 20));
    });
    assert_eq!(outcome.received.number(), 1009);
    assert!(sent < 200 << 20, "{} MiB", sent >> 20);
    assert!(started.elapsed() < Duration::from_secs(9));
}

/// It stops in the middle, with words of its own, and goes on taking what is on its way.
#[test]
fn a_receiver_that_closes_is_heard_in_the_middle() {
    let (outcome, sent) = send_to(|tcp| {
        let (mut bytes, config) = (0, Config::default().with_delivery(Delivery::Parts));
        receive(tcp, config, |connection, event, now| {
            if let Event::Part(part) = event {
                bytes += part.content.as_bytes().len();
            }
            if bytes > 1 << 20 {
                // Said once; later it is refused.
                let _ = connection.close(CloseCode::INTERNAL_ERROR, "the disk is full", now);
            }
        });
    });
    assert_eq!(outcome.received.number(), 1011);
    assert!(sent < 200 << 20, "{} MiB", sent >> 20);
}

/// A disk that is full after so many bytes, and how much was tried to be written to it after that.
struct Full(usize, usize);

impl Write for &mut Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            self.1 += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = bytes.len().min(self.0);
        self.0 -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_an_error_here_and_a_code_at_the_sender() {
    let (outcome, sent) = send_to(|tcp| {
        let mut disk = Full(10 << 20, 0);
        let error = parts::store(tcp, &mut disk).expect_err("nothing to write to");
        let error = error.downcast::<io::Error>().expect("the disk's own error");
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
        // What was on its way is thrown away, and the file isn't touched again.
        assert_eq!((disk.0, disk.1), (0, 1));
    });
    assert_eq!(outcome.received.number(), 1011);
    assert!(outcome.clean(), "{outcome:?}");
    assert!(sent < 200 << 20, "{} MiB", sent >> 20);
}

/// What `store` says to a client that sends these bytes, and how much is in the file.
fn store_bytes(bytes: &[u8]) -> (Option<String>, Vec<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut tcp = TcpStream::connect(listener.local_addr().expect("an address")).expect("a stream");
    tcp.write_all(bytes).expect("it is kept");
    tcp.shutdown(std::net::Shutdown::Write).expect("open");
    let mut file = Vec::new();
    let stored = parts::store(listener.accept().expect("a client").0, &mut file);
    (stored.err().map(|error| error.to_string()), file)
}

#[test]
fn a_message_that_is_cut_anywhere_is_an_error() {
    // Two fragments and a Close frame.
    let stream = b"\x02\x83\0\0\0\0abc\x80\x82\0\0\0\0de\x88\x82\0\0\0\0\x03\xE8";
    let message = 9 + 8;
    for end in 0..=stream.len() {
        let (error, file) = store_bytes(&stream[..end]);
        assert_eq!(error.is_none(), end >= message, "{end} bytes: {error:?}");
        assert!(b"abcde".starts_with(&file));
        assert_eq!(file.len() == 5, end >= message);
    }
    // A Close frame between the two fragments is no end of a message, either.
    let closed = [&stream[..9], &stream[message..]].concat();
    let (error, file) = store_bytes(&closed);
    assert_eq!(file, b"abc");
    let error = error.expect("half of it is an error");
    assert!(error.starts_with("cut: "), "{error}");
}

#[test]
fn a_receiver_that_is_gone_is_noticed() {
    let (outcome, sent) = send_to(|mut tcp| {
        tcp.read_exact(&mut vec![0; 1 << 20]).expect("a mebibyte");
    });
    assert_eq!(outcome.cause, Cause::Failed(Failure::EndOfStream));
    assert!(sent < 200 << 20, "{} MiB", sent >> 20);
}

#[test]
fn the_guide_shows_this_program_word_for_word() {
    let chapter = include_str!("../../../../src/guide/large.md");
    let program = include_str!("../src/main.rs");
    let (_, code) = program.split_once("\n\n").expect("a head and code");
    assert!(
        chapter.contains(&format!("```rust,no_run\n{code}```\n")),
        "not in the chapter `large`:\n{code}"
    );
    let lines = lines::count(program);
    assert!(
        chapter.contains(&format!("below, {lines} lines")),
        "{lines}"
    );
}

#[test]
fn from_file_to_file() {
    let folder = env::temp_dir().join(format!("first-hour-parts-{}", process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let (from, to) = (folder.join("from"), folder.join("to"));
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    fs::write(&from, &content).expect("a file");
    let program = Command::new(env!("CARGO_BIN_EXE_first-hour-parts"))
        .stdin(fs::File::open(&from).expect("a file"))
        .stdout(fs::File::create(&to).expect("a file"))
        .stderr(Stdio::piped())
        .spawn()
        .and_then(|program| program.wait_with_output());
    let said = String::from_utf8(program.expect("it runs").stderr).expect("text");
    assert_eq!(said, "the receiver closed with 1000\n");
    assert!(
        fs::read(&to).expect("the copy") == content,
        "the copy differs"
    );
    fs::remove_dir_all(&folder).expect("a folder to remove");
}

/// Its copy goes to a disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_copy_that_fails_is_a_failure_of_the_program() {
    let mut program = Command::new(env!("CARGO_BIN_EXE_first-hour-parts"))
        .stdin(Stdio::piped())
        .stdout(fs::File::create("/dev/full").expect("a full disk"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut from = program.stdin.take().expect("piped");
    from.write_all(&[7; 100_000]).expect("it reads");
    drop(from);
    let ended = program.wait_with_output().expect("it ends");
    let said = String::from_utf8(ended.stderr).expect("text");
    assert!(
        said.starts_with("the receiver closed with 1011\n"),
        "{said}"
    );
    assert!(!ended.status.success());
}
