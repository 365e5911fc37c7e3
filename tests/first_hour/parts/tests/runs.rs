//! A file in parts by the engine alone: the length of the program, the memory that 100 MiB take, a receiver that refuses, and the program from file to file.

#![allow(dead_code, reason = "a program's `main` is for its user")]
#![allow(unreachable_pub, reason = "a program is a crate elsewhere")]

#[path = "../../../allocations/mod.rs"]
mod allocations;
#[path = "../../lines.rs"]
mod lines;
#[path = "../src/main.rs"]
mod parts;

use std::io::{self, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::{env, fs, process, thread};

use allocations::{Counting, Meter};

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
    let stored = parts::store(served, &mut file).expect("stored");
    let received = meter.peak();
    let (sent, sending) = sending.join().expect("no panic");
    assert_eq!((file.bytes, file.wrong), (100 << 20, 0));
    assert!(stored.clean() && sent.clean());
    assert_eq!(sent.received.number(), 1000);
    assert!(
        received < 1 << 20 && sending < 2 << 20,
        "{received} and {sending} bytes"
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
        .args([&from, &to])
        .output();
    let said = String::from_utf8(program.expect("it runs").stdout).expect("text");
    assert_eq!(said, "the receiver closed with 1000\n");
    assert!(
        fs::read(&to).expect("the copy") == content,
        "the copy differs"
    );
    fs::remove_dir_all(&folder).expect("a folder to remove");
}
