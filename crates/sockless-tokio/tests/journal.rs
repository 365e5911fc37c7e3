//! Processes that are killed: a server, and clients in Rust or in Chromium, have their sessions in journals, and die by SIGKILL, reload or
//! crash again and again, on connections that are cut. Whatever was stored is delivered, and has its effect once.
//!
//! `SOCKLESS_SECONDS` says for how long messages are sent (3 by default), `SOCKLESS_RATE` how many in a second (1000 by default), and
//! `SOCKLESS_PAUSE` how many milliseconds a process lives at most (750 by default). `storm.sh` makes a minute of it.

#![cfg(unix)]
#![allow(clippy::print_stdout, reason = "a test tells what it has counted")]

#[path = "session/cutter.rs"]
mod cutter;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cutter::Cutter;
use sockless_session::reconnect::{Backoff, Settings};
use sockless_tokio::session::{
    Effects, Event, Journal, JournalError, Options, Reliable, SUBPROTOCOL, SessionConfig, Sessions,
    Window,
};
use sockless_tokio::{ServerOptions, accept};
use tokio::net::TcpListener;

const ROLE: &str = "SOCKLESS_TEST_ROLE";
const FOLDER: &str = "SOCKLESS_TEST_FOLDER";
const PORT: &str = "SOCKLESS_TEST_PORT";

/// For machines that are busy with something else.
const PATIENCE: Duration = Duration::from_secs(240);

fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |value| value.parse().expect("a number"))
}

fn options(journal: Journal) -> Options {
    let backoff = Backoff::new(Duration::from_millis(20), 200, Duration::from_millis(100));
    // What is sent in two seconds has room, so that a machine that is busy with something else doesn't set the rate.
    let room = (2 * rate()).max(1024);
    let config = SessionConfig::default()
        .with_ack_delay(Duration::from_millis(5))
        .with_window(Window::new(room, 8 << 20))
        .with_queue(room as usize, 8 << 20);
    Options::new()
        .with_reconnect(Settings::default().with_backoff(backoff))
        .with_config(config)
        .with_journal(journal)
}

/// How many messages are sent in a second, at most.
fn rate() -> u64 {
    setting("SOCKLESS_RATE", 1000)
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sockless-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A process of this test, in a role. It is killed when it is dropped.
struct Process(Child);

impl Process {
    fn start(role: &str, folder: &Path, port: u16) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this test"));
        command.args(["--exact", "a_process", "--nocapture"]).stdout(Stdio::null());
        command.env(ROLE, role).env(FOLDER, folder).env(PORT, port.to_string());
        Self(command.spawn().expect("a process"))
    }

    fn is_over(&mut self) -> bool {
        self.0.try_wait().expect("a child").is_some_and(|status| status.success())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What the processes do. As a test by itself it has no role, and nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let folder = PathBuf::from(std::env::var_os(FOLDER).expect("a folder"));
    let port = u16::try_from(setting(PORT, 0)).expect("a port");
    match role.as_str() {
        "server" => server(&folder, port).await,
        _ => client(&folder, port).await,
    }
}

/// Counts what arrives, as effects, and answers each message with how many there were.
async fn server(folder: &Path, port: u16) {
    let (journal, effects) = open(&folder.join("server"));
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    for Effects { session, bytes, .. } in effects {
        check(&bytes, counts.entry(session).or_default());
    }
    let mut sessions = Sessions::new(options(journal));
    let server = sessions.clone_server();
    let listener = TcpListener::bind(("127.0.0.1", port)).await.expect("the port");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let options = ServerOptions::new().with_subprotocols([SUBPROTOCOL]);
                if let Ok(socket) = accept(stream, options).await {
                    server.serve(socket).await;
                }
            });
        }
    });
    while let Some(mut session) = sessions.accept().await {
        let mut count = counts.get(&session.id()).copied().unwrap_or(0);
        tokio::spawn(async move {
            while let Some(event) = session.recv().await {
                match event {
                    Event::Message { message, .. } => {
                        check(message.as_bytes(), &mut count);
                        let answer = format!("{count}");
                        let sent = session.accept_and_send(message.as_bytes(), answer).await;
                        sent.expect("it goes on");
                    }
                    Event::Request { number, .. } => {
                        let answer = format!("{count}");
                        let sent = session.accept_and_reply(&[], number, answer).await;
                        sent.expect("it goes on");
                    }
                    Event::NotStored(error) => panic!("{error}"),
                    _ => {}
                }
            }
        });
    }
}

/// A message is its number. The next one, and no other, may come.
fn check(bytes: &[u8], count: &mut u64) {
    let number: u64 = std::str::from_utf8(bytes).expect("text").parse().expect("a number");
    assert_eq!(number, *count + 1, "messages are lost or doubled");
    *count = number;
}

/// Sends numbers until the file `stop` is there, then asks how many there were, and writes that down.
async fn client(folder: &Path, port: u16) {
    let (journal, effects) = open(&folder.join("client"));
    let mut answers = 0;
    for Effects { bytes, .. } in effects {
        check(&bytes, &mut answers);
    }
    let mut client = Reliable::connect(&format!("ws://127.0.0.1:{port}/"), (), options(journal));
    let sender = client.sender().clone();
    let folder = folder.to_owned();
    // How many this session has been given, in all its lives. Each is sent as its number in the session.
    let mut sent = sender.assigned();
    let pause = Duration::from_millis(10);
    let started = std::fs::metadata(folder.join("started")).and_then(|file| file.modified());
    let started = started.expect("it was written");
    // What couldn't be sent while there was no room, or no process, is made up for.
    let due = move || {
        let elapsed = started.elapsed().unwrap_or_default().as_millis() as u64;
        elapsed * rate() / 1000
    };
    let sending = tokio::spawn(async move {
        while !folder.join("stop").exists() {
            let until = due().min(sent + rate() / 10);
            while sent < until {
                sent += 1;
                let delivery = sender.send(format!("{sent}")).await.expect("taken");
                assert_eq!(delivery.number(), sent);
            }
            // How many are delivered.
            let delivered = sent - sender.queued() as u64;
            std::fs::write(folder.join("delivered"), delivered.to_string()).expect("written");
            tokio::time::sleep(pause).await;
        }
        // The question needs a place in the queue.
        while sender.queued() > 0 {
            tokio::time::sleep(pause).await;
        }
        let count = sender.request("how many?", PATIENCE).await.expect("a reply");
        std::fs::write(
            folder.join("counted"),
            format!("{sent} {}", count.as_text().expect("text")),
        )
        .expect("written");
    });
    let listening = async {
        while let Some(event) = client.recv().await {
            match event {
                Event::Message { message, .. } => {
                    check(message.as_bytes(), &mut answers);
                    client.accept_with(message.as_bytes());
                }
                Event::Ended { end, .. } => panic!("{end:?}"),
                Event::GaveUp(why) => panic!("{why:?}"),
                Event::NotStored(error) => panic!("{error}"),
                _ => {}
            }
        }
    };
    tokio::select! {
        done = sending => done.expect("sent"),
        () = listening => panic!("the session has ended"),
    }
}

/// The process before may be dying still.
fn open(path: &Path) -> (Journal, Vec<Effects>) {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match Journal::open(path) {
            Err(JournalError::InUse) if Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened.expect("a journal"),
        }
    }
}

/// Waits until more than this is delivered: nobody dies without having done something.
async fn more_than(delivered: u64, folder: &Path) -> u64 {
    let until = Instant::now() + PATIENCE;
    loop {
        let written = std::fs::read_to_string(folder.join("delivered")).unwrap_or_default();
        match written.parse() {
            Ok(now) if now > delivered => return now,
            _ => assert!(Instant::now() < until, "nothing is delivered beyond {delivered}"),
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_are_killed_again_and_again() {
    if std::env::var_os(ROLE).is_some() {
        return;
    }
    let folder = Folder::new("journal");
    let port = free_port().await;
    let cutter = Cutter::start(([127, 0, 0, 1], port).into(), 200_000).await;
    std::fs::write(folder.0.join("started"), "").expect("written");
    let mut server = Process::start("server", &folder.0, port);
    let mut client = Process::start("client", &folder.0, cutter.port());
    let started = Instant::now();
    let until = started + Duration::from_secs(setting("SOCKLESS_SECONDS", 3));
    let (mut deaths, mut delivered) = (0, 0);
    while Instant::now() < until || deaths < 6 {
        tokio::time::sleep(lifetime(deaths)).await;
        delivered = more_than(delivered, &folder.0).await;
        deaths += 1;
        if deaths % 2 == 0 {
            drop(client);
            client = Process::start("client", &folder.0, cutter.port());
        } else {
            drop(server);
            server = Process::start("server", &folder.0, port);
        }
    }
    std::fs::write(folder.0.join("stop"), "").expect("written");
    let seconds = started.elapsed().as_secs_f64();
    let until = Instant::now() + PATIENCE;
    while !client.is_over() {
        assert!(Instant::now() < until, "the client doesn't come to its end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop(server);
    let counted = std::fs::read_to_string(folder.0.join("counted")).expect("it was written");
    let (sent, taken) = counted.split_once(' ').expect("two numbers");
    let rate = sent.parse::<f64>().expect("a number") / seconds;
    println!("{sent} messages sent and taken once, {rate:.0} a second, {deaths} deaths");
    assert_eq!(sent, taken);
    assert_eq!(stored(&folder.0.join("server")).to_string(), sent);
    // The last answers may have come too late for being stored.
    let answers = stored(&folder.0.join("client"));
    assert!(0 < answers && answers <= sent.parse().expect("a number"), "{answers} answers");
}

/// How many messages a side has stored, each once and in order.
fn stored(path: &Path) -> u64 {
    let (_, effects) = open(path);
    let mut count = 0;
    for effects in effects {
        check(&effects.bytes, &mut count);
    }
    count
}

/// How long a process lives that has died this often before.
fn lifetime(deaths: u64) -> Duration {
    let most = setting("SOCKLESS_PAUSE", 750).max(100);
    Duration::from_millis(50 + deaths * 97 % (most - 50))
}

/// The client in Chromium, whose pages are reloaded and crash, and a server that is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_and_their_server_die_again_and_again() {
    if std::env::var_os(ROLE).is_some() {
        return;
    }
    let folder = Folder::new("pages");
    let port = free_port().await;
    let cutter = Cutter::start(([127, 0, 0, 1], port).into(), 200_000).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../sockless-session/tests/clients/javascript/browser.py");
    let mut server = Process::start("server", &folder.0, port);
    let mut pages = Command::new("python3");
    pages.arg(script).arg(cutter.port().to_string()).arg("--storm");
    pages.env("PYTHONDONTWRITEBYTECODE", "1");
    let mut output = tokio::task::spawn_blocking(move || pages.output());
    let mut deaths = 0;
    let output = loop {
        tokio::select! {
            output = &mut output => break output.expect("it ran").expect("python3"),
            () = tokio::time::sleep(lifetime(deaths)) => {}
        }
        deaths += 1;
        drop(server);
        server = Process::start("server", &folder.0, port);
    };
    drop(server);
    let said = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(2) {
        missing(&said);
        return;
    }
    println!("{said}{deaths} deaths of the server");
    assert!(output.status.success(), "{said}");
    let sent = said.split("counted ").nth(1).and_then(|rest| rest.split(' ').next());
    assert_eq!(Some(&*stored(&folder.0.join("server")).to_string()), sent);
}

/// Without Chromium the test fails, unless `SOCKLESS_SKIPPED=FILE` allows it, where it is written down.
fn missing(said: &str) {
    let file = std::env::var_os("SOCKLESS_SKIPPED").unwrap_or_else(|| panic!("{said}"));
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(file).expect("it");
    writeln!(file, "pages and a server that is killed: {said}").expect("written down");
}

async fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("an address").port()
}

/// A journal belongs to one process, and what can't be read isn't touched.
#[test]
fn journals_that_cannot_be_opened() {
    let folder = Folder::new("refused");
    let path = folder.0.join("journal");
    let (journal, effects) = Journal::open(&path).expect("a new journal");
    assert!(effects.is_empty());
    assert!(matches!(Journal::open(&path), Err(JournalError::InUse)));
    drop(journal);
    std::fs::write(folder.0.join("other"), "this is something else").expect("written");
    assert!(matches!(Journal::open(folder.0.join("other")), Err(JournalError::Damaged(_))));
    let untouched = std::fs::read(folder.0.join("other")).expect("there");
    assert_eq!(untouched, b"this is something else");
    assert!(matches!(Journal::open(folder.0.join("no/such/folder")), Err(JournalError::Io(_))));
}
