//! An echo server for wss: rustls is a state machine without a socket, too, so here are two of them in one loop. What arrives goes
//! through rustls to sockless, what sockless has to say goes through rustls to the stream.
//!
//! There is a thread for each client, which waits for both directions of its stream at once (mio). The certificate is made on the
//! spot: a browser asks before it trusts it.
//!
//! Here lives what is WebSocket's; what is TLS's is `tls`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod tls;

use std::io;
use std::ops::Range;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sockless::handshake::Acceptor;
use sockless::{CloseCode, Connection, Input, Server, Want};
use sockless_autobahn::answer::answer;
use sockless_autobahn::listen;
use sockless_autobahn::opening::{Opening, Terms};
use sockless_autobahn::options::Options;
use sockless_autobahn::stop::Stop;

use tls::{Arrived, Tls};

/// How long a thread waits before it looks whether the server is to stop.
const LOOK: Duration = Duration::from_millis(250);
/// How long the main thread waits before it looks for clients.
const TURN: Duration = Duration::from_millis(5);
/// How long a client may take to read the last that it is sent.
const LINGER: Duration = Duration::from_secs(1);

/// What a thread needs to know to serve a client.
struct Context {
    terms: Terms,
    tls: Arc<rustls::ServerConfig>,
    stop: Stop,
    /// The origin of all times.
    started: Instant,
}

impl Context {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// How long to wait for a deadline, if nothing happens.
    fn until(&self, deadline: Option<Duration>) -> Duration {
        deadline.map_or(LOOK, |at| at.saturating_sub(self.now()).min(LOOK))
    }
}

fn main() -> ExitCode {
    let options = match Options::from_args("echo_tls") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_tls: {}", listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> io::Result<()> {
    let tls = tls::config().map_err(io::Error::other)?;
    let listener = std::net::TcpListener::bind(options.listen)?;
    let stop = Stop::on_signal()?;
    stop.wakes(listener.local_addr()?)?;
    println!("echo_tls listens on https://{}/ (Ctrl-C stops it)", listener.local_addr()?);

    let started = Instant::now();
    let context = Arc::new(Context { terms: Terms::new(options), tls, stop, started });
    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !context.stop.is_asked() {
        match listener.accept() {
            Ok(_) if context.stop.is_asked() => {}
            Ok((stream, _)) => {
                let context = Arc::clone(&context);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread::spawn(move || {
                    // A stream that breaks, or that speaks no TLS, is the end of the client: there is nobody left to tell.
                    let _ = Tls::accept(stream, Arc::clone(&context.tls))
                        .and_then(|mut tls| serve(&mut tls, &context));
                }));
            }
            Err(error) => {
                eprintln!("echo_tls: can't accept a client: {error}");
                thread::sleep(LOOK);
            }
        }
    }

    // Every thread closes its connection with 1001; those whose client doesn't answer are left behind.
    drop(listener);
    let deadline = Instant::now() + options.grace;
    while Instant::now() < deadline && threads.iter().any(|thread| !thread.is_finished()) {
        thread::sleep(TURN);
    }
    Ok(())
}

fn serve(tls: &mut Tls, context: &Context) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    match open(tls, &mut buffer, context)? {
        Some((connection, first)) => {
            match echo(tls, &mut buffer, connection, first, context)? {
                true => goodbye(tls, &mut buffer, context),
                // It has had its time.
                false => tls.flush().map(drop),
            }
        }
        None => Ok(()),
    }
}

/// The opening handshake: the connection, and where in the buffer lies what has arrived behind the request. `None` if the client
/// was answered otherwise.
fn open(
    tls: &mut Tls,
    buffer: &mut [u8],
    context: &Context,
) -> io::Result<Option<(Connection<Server>, Range<usize>)>> {
    // The time for the handshake of TLS counts, too.
    let mut acceptor = Acceptor::new(&context.terms.handshake, context.now());
    while !context.stop.is_asked() {
        let (mut input, end) = match tls.read(buffer)? {
            Arrived::Bytes(end) => (Input::new(&mut buffer[..end]), end),
            Arrived::End => (Input::eof(), 0),
            Arrived::Nothing => (Input::none(), 0),
        };
        match acceptor.poll(&mut input, context.now()).map(|asked| context.terms.open(asked)) {
            None => {
                tls.flush()?;
                tls.wait(context.until(acceptor.deadline()))?;
            }
            Some(Opening::Open(connection)) => {
                return Ok(Some((connection, end - input.len()..end)));
            }
            Some(Opening::Answered(answer)) => {
                let mut answer = &answer[..];
                let deadline = context.now() + LINGER;
                while context.now() < deadline && !answer.is_empty() {
                    answer = &answer[tls.write(answer)?..];
                    if !tls.flush()? {
                        tls.wait(LOOK)?;
                    }
                }
                goodbye(tls, buffer, context)?;
                break;
            }
        }
    }
    Ok(None)
}

/// Sends back every message until the connection has ended; whether the client is to be waited for.
fn echo(
    tls: &mut Tls,
    buffer: &mut [u8],
    mut connection: Connection<Server>,
    first: Range<usize>,
    context: &Context,
) -> io::Result<bool> {
    let mut input = Input::new(&mut buffer[first]);
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, context.now()) {
            answer(event, &mut connection).map_err(io::Error::other)?;
        }
        if context.stop.is_asked() {
            // It is said no more than once.
            let _ = connection.close(CloseCode::GOING_AWAY, "the server stops", context.now());
        }
        // 2. Write what waits, as far as the stream takes it: TLS has room for some, and gives it to the stream encrypted.
        while !connection.output().is_empty() {
            let taken = tls.write(connection.output())?;
            connection.wrote(taken);
            if !tls.flush()? && taken == 0 {
                break;
            }
        }
        // What TLS has to say by itself goes out as well.
        tls.flush()?;
        // 3. Do what the connection wants.
        input = match connection.want() {
            Want::Done(outcome) => return Ok(outcome.clean()),
            Want::ShutdownWrite => {
                tls.close();
                connection.shut();
                Input::none()
            }
            Want::Io { read, deadline, .. } => {
                match if read { tls.read(buffer)? } else { Arrived::Nothing } {
                    Arrived::Bytes(count) => Input::new(&mut buffer[..count]),
                    Arrived::End => Input::eof(),
                    Arrived::Nothing => {
                        tls.flush()?;
                        tls.wait(context.until(deadline))?;
                        Input::none()
                    }
                }
            }
        };
    }
}

/// Ends TLS, and waits for the client to close, so that nothing resets the stream while it reads the last.
fn goodbye(tls: &mut Tls, buffer: &mut [u8], context: &Context) -> io::Result<()> {
    tls.close();
    let deadline = context.now() + LINGER;
    while context.now() < deadline {
        if tls.flush()? {
            tls.half_close()?;
        }
        match tls.read(buffer)? {
            Arrived::Bytes(_) => {}
            Arrived::Nothing => tls.wait(deadline.saturating_sub(context.now()))?,
            Arrived::End => break,
        }
    }
    Ok(())
}
