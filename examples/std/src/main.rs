//! An echo server on threads of the standard library: `cargo run -p example-std [ADDRESS]`.
//!
//! It is `minimal` with what a server needs that runs for long. No direction of a stream keeps the other one waiting: while both are wanted, a
//! thread waits for each a few milliseconds at a time. There is a bound on the clients that are served at once, the others wait in the system's
//! queue. And Ctrl-C ends every connection with code 1001 before it ends the program.
//!
//! `crates/sockless-blocking` has such a loop ready-made. This one is for those who write a driver.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits, RequestError};
use sockless::{CloseCode, Config, Connection, Event, Input, Server, Want, endpoint};

/// How many clients are served at once.
const CLIENTS: usize = 1000;
/// How long a thread waits for its client before it looks whether the server stops.
const LOOK: Duration = Duration::from_secs(1);
/// How long it waits for one direction at first while the other one is wanted, too.
const TURN: Duration = Duration::from_millis(5);
/// How long the clients have for closing when the server stops.
const GRACE: Duration = Duration::from_secs(5);

/// Whether the server stops.
static STOPPING: AtomicBool = AtomicBool::new(false);

fn is_stopping() -> bool {
    STOPPING.load(Ordering::Relaxed)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    let address = listener.local_addr()?;
    ctrlc::set_handler(move || {
        STOPPING.store(true, Ordering::Relaxed);
        // The main thread waits for a client: so it gets one, which is us.
        let _ = TcpStream::connect(address);
    })?;
    println!("ws://{address}/ echoes what it gets. Ctrl-C stops the server.");

    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !is_stopping() {
        threads.retain(|thread| !thread.is_finished());
        if threads.len() >= CLIENTS {
            thread::sleep(TURN);
            continue;
        }
        match listener.accept() {
            Ok(_) if is_stopping() => {}
            Ok((stream, client)) => threads.push(thread::spawn(move || {
                if let Err(error) = serve(stream) {
                    eprintln!("{client} was lost: {error}");
                }
            })),
            Err(error) => {
                eprintln!("nobody can be accepted for a moment: {error}");
                thread::sleep(LOOK);
            }
        }
    }

    // Every thread closes its connection; the program doesn't wait longer than this for a client that takes no part.
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && threads.iter().any(|thread| !thread.is_finished()) {
        thread::sleep(TURN);
    }
    Ok(())
}

/// Serves one client, from its request to the end of the connection.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let started = Instant::now();
    let mut buffer = vec![0; 64 << 10];
    match open(&mut stream, &mut buffer, started)? {
        Some((connection, first)) => echo(&mut stream, &mut buffer, connection, first, started),
        None => Ok(()),
    }
}

/// The opening handshake: the connection, and where in the buffer the client's first frames are. `None` if it was answered otherwise.
fn open(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    started: Instant,
) -> io::Result<Option<(Connection<Server>, Range<usize>)>> {
    let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
    stream.set_read_timeout(Some(LOOK))?;
    while !is_stopping() {
        let (mut input, count) = match read(stream, buffer)? {
            Some(0) => (Input::eof(), 0),
            Some(count) => (Input::new(&mut buffer[..count]), count),
            None => (Input::none(), 0),
        };
        let answer = match acceptor.poll(&mut input, started.elapsed()) {
            None => continue,
            Some(Asked::WebSocket(request)) => {
                let config = Config::default()
                    .with_keepalive(Duration::from_secs(30), Duration::from_secs(10));
                let (connection, _) = endpoint::accept(&request, &Acceptance::new(), config)
                    .map_err(io::Error::other)?;
                return Ok(Some((connection, count - input.len()..count)));
            }
            Some(Asked::Plain(_)) => RequestError::PlainRequest.answer(),
            Some(Asked::Refused(error)) => error.answer(),
        };
        stream.set_write_timeout(Some(LOOK))?;
        stream.write_all(answer)?;
        let _ = stream.shutdown(Shutdown::Write); // the peer may be gone already
        // What it still sends is thrown away: unread, it would reset the stream before the client has read the answer.
        while read(stream, buffer)?.is_some_and(|count| count > 0) && !is_stopping() {}
        break;
    }
    Ok(None)
}

/// Sends back every message until the connection has ended.
fn echo(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    mut connection: Connection<Server>,
    first: Range<usize>,
    started: Instant,
) -> io::Result<()> {
    let mut turn = TURN;
    let mut input = Input::new(&mut buffer[first]);
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, started.elapsed()) {
            let sent = match event {
                _ if is_stopping() => Ok(()), // nothing follows our Close frame
                Event::Text(text) => connection.send_text(&text),
                Event::Binary(bytes) => connection.send_binary(&bytes),
                _ => Ok(()), // pongs and Close frames are queued already
            };
            sent.map_err(io::Error::other)?;
        }
        if is_stopping() {
            // It is said no more than once; a connection that closes already has nothing to add.
            let _ = connection.close(CloseCode::GOING_AWAY, "the server stops", started.elapsed());
        }
        // 2. Write what waits, as far as the stream takes it.
        stream.set_write_timeout(Some(turn))?;
        let mut all = true;
        while !connection.output().is_empty() {
            match stream.write(connection.output()) {
                Ok(count) => connection.wrote(count),
                Err(error) if is_timeout(&error) => {
                    all = false;
                    break;
                }
                Err(error) => return Err(error),
            }
        }
        // A client that doesn't read costs ever fewer looks.
        turn = if all { TURN } else { (turn * 2).min(LOOK) };
        // 3. Do what the connection wants.
        input = match connection.want() {
            Want::Done(_) => return Ok(()),
            Want::ShutdownWrite => {
                let _ = stream.shutdown(Shutdown::Write); // the peer may be gone already
                connection.shut();
                Input::none()
            }
            Want::Io { read: true, write, deadline } => {
                let longest = if write { turn } else { LOOK };
                let until = deadline.map(|at| at.saturating_sub(started.elapsed()));
                // A timeout of zero would mean "none" to the standard library.
                let wait = until.map_or(longest, |until| until.min(longest));
                stream.set_read_timeout(Some(wait.max(Duration::from_millis(1))))?;
                match read(stream, buffer)? {
                    Some(0) => Input::eof(),
                    Some(count) => Input::new(&mut buffer[..count]),
                    None => Input::none(),
                }
            }
            Want::Io { .. } => Input::none(), // the next write waits, or it is due
        };
    }
}

/// `None` if nothing arrived in time.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if is_timeout(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
