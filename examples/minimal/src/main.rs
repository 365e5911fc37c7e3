//! A complete server in one file: an echo on threads of the standard library, and a page to try it with.
//!
//! `cargo run -p minimal [ADDRESS]`. It is the loop of the README with the opening handshake before it, and nothing else.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use sockless::handshake::{Acceptance, Acceptor, Asked, Field, HeadLimits, Refusal, RequestError};
use sockless::{Config, Event, Input, Outcome, Want, endpoint};

/// How long a client may say nothing, and how long it has for an answer.
const SILENCE: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("Open http://{}/ in a browser. Ctrl-C stops the server.", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, _)) => drop(thread::spawn(|| serve(stream))),
            Err(_) => thread::sleep(Duration::from_millis(250)), // too many open files, say
        }
    }
}

/// Serves one client, from its request to the end of its connection, if it asks for one.
fn serve(mut stream: TcpStream) -> io::Result<Option<Outcome>> {
    let (started, mut buffer) = (Instant::now(), vec![0; 64 << 10]);
    // A timeout of zero would mean "none" to the standard library.
    let wait = |at: Option<Duration>| {
        at.map(|at| at.saturating_sub(started.elapsed()).max(Duration::from_millis(1)))
    };
    let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
    let (mut connection, first) = loop {
        let input = read(&mut stream, &mut buffer, wait(acceptor.deadline()))?;
        let (end, arrived) = (input.is_eof(), input.into_rest());
        let asked = if end { acceptor.end() } else { acceptor.poll(arrived, started.elapsed()) };
        let answer = match asked {
            None => continue, // more is needed
            Some(Asked::WebSocket(request)) => {
                let config = Config::default().with_keepalive(SILENCE, PATIENCE);
                let accepted = endpoint::accept(&request, &Acceptance::new(), config);
                break (accepted.map_err(io::Error::other)?.0, request.consumed()..arrived.len());
            }
            Some(Asked::Plain(request)) if request.path() == "/" => {
                let html = [Field::new("Content-Type", "text/html; charset=utf-8")];
                let page = Refusal::new(200, &html, include_bytes!("page.html"));
                page.map_err(io::Error::other)?.to_vec()
            }
            Some(Asked::Plain(_)) => RequestError::PlainRequest.answer().to_vec(),
            Some(Asked::Refused(error)) => error.answer().to_vec(),
        };
        stream.set_write_timeout(Some(PATIENCE))?;
        stream.write_all(&answer)?;
        stream.shutdown(Shutdown::Write)?;
        // What it still sends is thrown away: unread, it would reset the stream before the answer is read.
        return read(&mut stream, &mut buffer, Some(Duration::from_secs(1))).map(|_| None);
    };

    let mut input = Input::new(&mut buffer[first]); // what came after the request
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, started.elapsed()) {
            match event {
                // While much output waits, no message comes: only an answer too long for the hard limit is refused.
                Event::Text(text) => connection.send_text(&text).map_err(io::Error::other)?,
                Event::Binary(bytes) => connection.send_binary(&bytes).map_err(io::Error::other)?,
                _ => {} // pongs and Close frames are queued already
            }
        }
        // 2. Write what waits, as far as the stream takes it.
        while !connection.output().is_empty() {
            stream.set_write_timeout(wait(connection.want().deadline()))?;
            match stream.write(connection.output()) {
                Ok(count) => connection.wrote(count),
                Err(error) if is_timeout(&error) => break,
                Err(_) => connection.lost(), // what waits will never be written
            }
        }
        // 3. Do what the connection wants.
        input = match connection.want() {
            Want::Done(outcome) => return Ok(Some(outcome)),
            Want::ShutdownWrite => {
                stream.shutdown(Shutdown::Write)?;
                connection.shut();
                Input::none()
            }
            Want::Io { read: true, deadline, .. } => {
                read(&mut stream, &mut buffer, wait(deadline))?
            }
            Want::Io { .. } => Input::none(), // written, or due
        };
    }
}

/// What arrives within this time.
fn read<'b>(
    stream: &mut TcpStream,
    buffer: &'b mut [u8],
    within: Option<Duration>,
) -> io::Result<Input<'b>> {
    stream.set_read_timeout(within)?;
    Ok(match stream.read(buffer) {
        Ok(0) => Input::eof(),
        Ok(count) => Input::new(&mut buffer[..count]),
        Err(error) if is_timeout(&error) => Input::none(),
        Err(_) => Input::eof(), // a reset
    })
}

/// Whether only time has passed. Systems differ in what they call it.
fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
