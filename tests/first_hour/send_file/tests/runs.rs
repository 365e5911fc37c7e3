//! A file in parts: the length of the program, the memory that 100 MiB take, and the program itself from file to file.

#![allow(dead_code, reason = "a program's `main` is for its user")]
#![allow(unreachable_pub, reason = "a program is a crate elsewhere")]

#[path = "../../../allocations/mod.rs"]
mod allocations;
#[path = "../../lines.rs"]
mod lines;
#[path = "../src/main.rs"]
mod send_file;

use std::io::{BufRead as _, BufReader, Read as _};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::task::{Context, Poll};
use std::{env, fs, io, process};

use allocations::{Counting, Meter};
use tokio::io::{AsyncReadExt as _, AsyncWrite, repeat};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A file that is counted instead of stored.
#[derive(Default)]
struct Counted {
    bytes: u64,
    wrong: u64,
    shut: bool,
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.bytes += bytes.len() as u64;
        self.wrong +=
            u64::from(*bytes != *[7; 64 << 10].get(..bytes.len()).expect("a piece is short"));
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.shut = true;
        Poll::Ready(Ok(()))
    }
}

#[test]
fn it_has_as_many_lines_as_the_table_says() {
    lines::check("send_file", include_str!("../src/main.rs"));
}

#[test]
fn a_hundred_mebibytes_take_less_than_one_at_both_sides_together() {
    const ALL: u64 = 100 << 20;
    // Both sides in this one thread, whose memory is measured.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let mut stored = Counted::default();
    let meter = Meter::start();
    let counts = runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        let storing = async {
            let (stream, _) = listener.accept().await.expect("a client");
            send_file::store(stream, &mut stored).await.expect("stored")
        };
        let sending = async {
            send_file::send(&url, &mut repeat(7).take(ALL))
                .await
                .expect("sent")
        };
        tokio::join!(storing, sending)
    });
    let peak = meter.peak();
    assert_eq!(counts, (ALL, ALL));
    assert_eq!((stored.bytes, stored.wrong, stored.shut), (ALL, 0, true));
    assert!(peak < 1 << 20, "{peak} bytes at most");
}

/// A folder that is taken away in the end.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_program_sends_a_file_to_itself() {
    let folder = Folder(env::temp_dir().join(format!("first-hour-send-file-{}", process::id())));
    fs::create_dir_all(&folder.0).expect("a folder");
    let (from, to) = (folder.0.join("from"), folder.0.join("to"));
    let content: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    fs::write(&from, &content).expect("a file");

    let program = env!("CARGO_BIN_EXE_first-hour-send-file");
    let serve = ["serve", "127.0.0.1:0", to.to_str().expect("a path")];
    let mut server = Command::new(program)
        .args(serve)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut said = BufReader::new(server.stdout.take().expect("piped"));
    let mut url = String::new();
    said.read_line(&mut url).expect("an address");
    let sent = Command::new(program)
        .arg(url.trim())
        .arg(&from)
        .output()
        .expect("it runs");
    assert_eq!(
        String::from_utf8_lossy(&sent.stdout),
        "3000000 bytes\n",
        "{sent:?}"
    );
    assert!(server.wait().expect("it ends").success());
    let mut rest = String::new();
    said.read_to_string(&mut rest).expect("its count");
    assert_eq!(rest, "3000000 bytes\n");
    assert!(fs::read(&to).expect("a file") == content);
}
