//! An echo server on blocking threads, one for each client, with the standard library alone.
//!
//! A blocking stream can only wait for one thing at a time, so reads and writes have short timeouts: what waits to be written
//! does not keep the thread from reading, and the other way round.
//!
//! It doesn't use `sockless-blocking`, which has this loop ready-made: it is here to show the loop, for those who write a driver.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use sockless::extension::Supported;
use sockless::handshake::{Acceptance, Acceptor, Asked, Field, HeadLimits, Refusal, RequestError};
use sockless::{CloseCode, Config, Connection, Input, Server, Want, endpoint};
use sockless_autobahn::answer::answer;
use sockless_autobahn::listen;
use sockless_autobahn::options::Options;
use sockless_autobahn::page::PAGE;
use sockless_autobahn::stop::Stop;

/// How long a thread waits for bytes before it looks whether the server is to stop.
const LOOK: Duration = Duration::from_millis(250);
/// How long it waits for bytes, or for room, while the other is wanted too.
const TURN: Duration = Duration::from_millis(5);

/// What a thread needs to know to serve a client.
struct Context {
    handshake: HeadLimits,
    config: Arc<Config>,
    extensions: Supported,
    stop: Stop,
    /// The origin of all times.
    started: Instant,
}

impl Context {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }
}

fn main() -> ExitCode {
    let options = match Options::from_args("echo_std") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_std: {}", listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen)?;
    let stop = Stop::on_signal()?;
    stop.wakes(listener.local_addr()?)?;
    println!("echo_std listens on http://{}/ (Ctrl-C stops it)", listener.local_addr()?);

    let config = Arc::new(options.config());
    let extensions = options.extensions();
    let context = Arc::new(Context {
        handshake: options.deadlines.handshake(),
        config,
        extensions,
        stop,
        started: Instant::now(),
    });
    let mut threads = Vec::new();
    while !context.stop.is_asked() {
        match listener.accept() {
            Ok(_) if context.stop.is_asked() => {}
            Ok((stream, _)) => {
                let context = Arc::clone(&context);
                threads.retain(|thread: &thread::JoinHandle<()>| !thread.is_finished());
                threads.push(thread::spawn(move || serve(stream, &context)));
            }
            Err(error) => {
                eprintln!("echo_std: can't accept a client: {error}");
                thread::sleep(LOOK);
            }
        }
    }

    // Every thread closes its connection with 1001; those whose client doesn't answer are left behind.
    let deadline = Instant::now() + options.grace;
    while Instant::now() < deadline && threads.iter().any(|thread| !thread.is_finished()) {
        thread::sleep(TURN);
    }
    Ok(())
}

fn serve(mut stream: TcpStream, context: &Context) {
    // A transport that fails is the end of the stream, for which there is nobody left to tell.
    let _ = stream.set_nonblocking(false).and_then(|()| stream.set_nodelay(true));
    let mut buffer = vec![0; 64 << 10];
    let served = open(&mut stream, &mut buffer, context).and_then(|opened| match opened {
        Some((connection, first)) => echo(&mut stream, &mut buffer, connection, first, context),
        None => Ok(()),
    });
    if let Err(error) = served {
        eprintln!("echo_std: a client was lost: {error}");
    }
}

/// The opening handshake: the connection, and where in the buffer lies what has arrived behind the request. `None` if the client
/// was answered otherwise.
fn open(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    context: &Context,
) -> io::Result<Option<(Connection<Server>, std::ops::Range<usize>)>> {
    let mut acceptor = Acceptor::new(&context.handshake, context.now());
    stream.set_read_timeout(Some(LOOK))?;
    while !context.stop.is_asked() {
        let (mut input, count) = match read(stream, buffer)? {
            Some(0) => (Input::eof(), 0),
            Some(count) => (Input::new(&mut buffer[..count]), count),
            None => (Input::none(), 0),
        };
        let answer = match acceptor.poll(&mut input, context.now()) {
            None => continue,
            Some(Asked::WebSocket(request)) => {
                let accepted = {
                    let acceptance = Acceptance::new().with_extensions(context.extensions);
                    endpoint::accept(&request, &acceptance, Arc::clone(&context.config))
                };
                match accepted {
                    Ok((connection, _)) => {
                        return Ok(Some((connection, count - input.len()..count)));
                    }
                    Err(error) => return Err(io::Error::other(error)),
                }
            }
            Some(Asked::Plain(request)) if request.path() == "/" => {
                let html = [Field::new("Content-Type", "text/html; charset=utf-8")];
                Refusal::new(200, &html, PAGE.as_bytes()).map_err(io::Error::other)?.to_vec()
            }
            Some(Asked::Plain(_)) => RequestError::PlainRequest.answer().to_vec(),
            Some(Asked::Refused(error)) => error.answer().to_vec(),
        };
        stream.set_write_timeout(Some(LOOK))?;
        stream.write_all(&answer)?;
        // The client reads the answer before it closes; what it still sends is read until then, so that nothing resets the stream.
        let _ = stream.shutdown(Shutdown::Write); // the peer may be gone already
        let deadline = Instant::now() + LOOK;
        while Instant::now() < deadline && read(stream, buffer)?.is_some_and(|count| count > 0) {}
        break;
    }
    Ok(None)
}

/// Sends back every message until the connection has ended.
fn echo(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    mut connection: Connection<Server>,
    first: std::ops::Range<usize>,
    context: &Context,
) -> io::Result<()> {
    let mut input = Input::new(&mut buffer[first]);
    let mut turn = TURN;
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, context.now()) {
            answer(event, &mut connection).map_err(io::Error::other)?;
        }
        if context.stop.is_asked() {
            // Says no more than once that it is going away.
            let _ = connection.close(CloseCode::GOING_AWAY, "the server stops", context.now());
        }
        // 2. Write what waits, as far as the stream takes it.
        turn = if write(stream, &mut connection)? { TURN } else { (turn * 2).min(LOOK) };
        // 3. Do what the connection wants.
        input = match connection.want() {
            Want::Done(_) => return Ok(()),
            Want::ShutdownWrite => {
                let _ = stream.shutdown(Shutdown::Write); // the peer may be gone already
                connection.shut();
                Input::none()
            }
            Want::Io { read: wants_read, write: wants_write, deadline } => {
                let until = deadline.map_or(LOOK, |at| at.saturating_sub(context.now()).min(LOOK));
                // Where both are wanted, neither keeps the other waiting for long.
                let wait = if wants_read && wants_write { until.min(turn) } else { until };
                if wait.is_zero() {
                    Input::none()
                } else if wants_read {
                    stream.set_write_timeout(Some(wait.min(TURN)))?;
                    stream.set_read_timeout(Some(wait))?;
                    match read(stream, buffer) {
                        Ok(Some(0)) | Err(_) => Input::eof(),
                        Ok(Some(count)) => Input::new(&mut buffer[..count]),
                        Ok(None) => Input::none(),
                    }
                } else {
                    match wants_write {
                        // The next write waits.
                        true => stream.set_write_timeout(Some(wait))?,
                        false => thread::sleep(wait),
                    }
                    Input::none()
                }
            }
        };
    }
}

/// Writes as much of the output as the stream takes in time; whether that was all.
fn write(stream: &mut TcpStream, connection: &mut Connection<Server>) -> io::Result<bool> {
    while !connection.output().is_empty() {
        match stream.write(connection.output()) {
            Ok(count) => connection.wrote(count),
            Err(error) if is_timeout(&error) => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
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
