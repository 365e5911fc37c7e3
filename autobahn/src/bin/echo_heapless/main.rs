//! An echo server that allocates nothing once it has started: level 1 and the handshake alone, as a microcontroller would run
//! them. `echo.rs`, which is the example's, is that program, without anything of the standard library; here it is given TCP streams, a clock, and a fixed
//! number of threads with buffers of a fixed size. More clients than threads wait their turn.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

#[path = "../../../../examples/heapless/src/echo.rs"]
mod echo;
#[path = "../../../../examples/heapless/src/tcp.rs"]
mod tcp;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sockless::Limits;
use sockless_autobahn::listen;
use sockless_autobahn::options::Options;
use sockless_autobahn::page::PAGE;
use sockless_autobahn::stop::Stop;

use echo::{Memory, Terms};
use tcp::Tcp;

/// How many clients are served at a time.
const CLIENTS: usize = 32;
/// The stack of a thread.
const STACK: usize = 256 << 10;
/// How long to wait before looking again whether the server is to stop, or the system can give another stream.
const LOOK: Duration = Duration::from_millis(250);
/// How often it is looked whether all clients have gone, once the server stops.
const TURN: Duration = Duration::from_millis(5);

fn main() -> ExitCode {
    let options = match Options::from_args("echo_heapless") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_heapless: {}", listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

/// Where a client waits for a thread. One at a time: the others wait in the listener's queue.
struct Door {
    client: Mutex<Option<TcpStream>>,
    /// Somebody has come to the door, or has been let in.
    knock: Condvar,
}

fn run(options: &Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen)?;
    let stop = Stop::on_signal()?;
    stop.wakes(listener.local_addr()?)?;
    let door = Arc::new(Door { client: Mutex::new(None), knock: Condvar::new() });
    let positive = |time: Duration| (!time.is_zero()).then_some(time);
    let terms = Terms {
        limits: Limits::default().with_frame(options.max_message).with_message(options.max_message),
        handshake: options.deadlines.handshake(),
        keepalive: positive(options.deadlines.keepalive),
        idle: positive(options.deadlines.idle),
        close: options.deadlines.close,
        page: Some(PAGE.as_bytes()),
    };
    let write = options.deadlines.write;
    let mut threads = Vec::with_capacity(CLIENTS);
    for _ in 0..CLIENTS {
        let (door, stop) = (Arc::clone(&door), stop.clone());
        let mut memory = Box::new(Memory::new());
        let work = move || work(&door, &stop, &terms, write, &mut memory);
        threads.push(thread::Builder::new().stack_size(STACK).spawn(work)?);
    }
    println!("echo_heapless listens on http://{}/ (Ctrl-C stops it)", listener.local_addr()?);

    // From here on nothing is allocated.
    while !stop.is_asked() {
        let stream = match listener.accept() {
            Ok((stream, _)) => stream,
            Err(error) => {
                eprintln!("echo_heapless: {error}");
                thread::sleep(LOOK);
                continue;
            }
        };
        let mut client = lock(&door);
        while client.is_some() && !stop.is_asked() {
            let waited = door.knock.wait_timeout(client, LOOK);
            client = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        *client = Some(stream);
        door.knock.notify_all();
    }

    // Every thread closes its connection with 1001; those whose client doesn't answer are left behind.
    drop(lock(&door));
    door.knock.notify_all();
    let deadline = Instant::now() + options.grace;
    while Instant::now() < deadline && threads.iter().any(|thread| !thread.is_finished()) {
        thread::sleep(TURN);
    }
    Ok(())
}

/// Serves one client after the other.
fn work(door: &Door, stop: &Stop, terms: &Terms, write: Duration, memory: &mut Memory) {
    let started = Instant::now();
    let stopping = || stop.is_asked();
    while let Some(client) = next(door, stop) {
        let served = Tcp::new(client, started, &stopping, write)
            .and_then(|mut stream| echo::serve(&mut stream, memory, terms));
        if let Err(error) = served {
            eprintln!("echo_heapless: a client was lost: {error}");
        }
    }
}

/// The next client; `None` when the server stops.
fn next(door: &Door, stop: &Stop) -> Option<TcpStream> {
    let mut client = lock(door);
    while !stop.is_asked() {
        if let Some(stream) = client.take() {
            door.knock.notify_all();
            return Some(stream);
        }
        client = door.knock.wait(client).unwrap_or_else(PoisonError::into_inner);
    }
    None
}

/// The client at the door, if there is one.
fn lock(door: &Door) -> MutexGuard<'_, Option<TcpStream>> {
    door.client.lock().unwrap_or_else(PoisonError::into_inner)
}
