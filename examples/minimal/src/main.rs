//! A complete server in one file: an echo on threads of the standard library, and a page to try it with.
//!
//! `cargo run -p minimal [ADDRESS]`. It is the loop of the README with the opening handshake before it, and nothing else.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use sockless::handshake::{Acceptance, Acceptor, Asked, Field, HeadLimits, Refusal, RequestError};
use sockless::{Config, Event, Input, Want, endpoint};

const PAGE: &str = include_str!("page.html");

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:9001".to_owned());
    let listener = TcpListener::bind(address)?;
    println!("Open http://{}/ in a browser. Ctrl-C stops the server.", listener.local_addr()?);
    loop {
        match listener.accept() {
            Ok((stream, client)) => drop(thread::spawn(move || {
                if let Err(error) = serve(stream) {
                    eprintln!("{client} was lost: {error}");
                }
            })),
            Err(error) => {
                eprintln!("nobody can be accepted for a moment: {error}");
                thread::sleep(Duration::from_millis(250));
            }
        }
    }
}

/// Serves one client, from its request to the end of the connection.
fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let started = Instant::now();
    // A timeout of zero would mean "none" to the standard library.
    let wait = |at: Option<Duration>| {
        at.map(|at| at.saturating_sub(started.elapsed()).max(Duration::from_millis(1)))
    };
    let mut buffer = vec![0; 64 << 10];

    // The opening handshake: a WebSocket, or an answer to whatever else was asked for.
    let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
    let (mut connection, first) = loop {
        stream.set_read_timeout(wait(acceptor.deadline()))?;
        let (asked, count) = match stream.read(&mut buffer) {
            Ok(0) => (acceptor.end(), 0),
            Ok(count) => (acceptor.poll(&buffer[..count], started.elapsed()), count),
            Err(error) if is_timeout(&error) => (acceptor.poll(&[], started.elapsed()), 0),
            Err(error) => return Err(error),
        };
        match asked {
            None => {}
            Some(Asked::WebSocket(request)) => {
                let config = Config::default()
                    .with_keepalive(Duration::from_secs(30), Duration::from_secs(10));
                let accepted = endpoint::accept(&request, &Acceptance::new(), config);
                break (accepted.map_err(io::Error::other)?.0, request.consumed()..count);
            }
            Some(Asked::Plain(request)) if request.path() == "/" => {
                let html = [Field::new("Content-Type", "text/html; charset=utf-8")];
                let page = Refusal::new(200, &html, PAGE.as_bytes()).map_err(io::Error::other)?;
                return answer(stream, &page.to_vec());
            }
            Some(Asked::Plain(_)) => {
                return answer(stream, RequestError::PlainRequest.answer());
            }
            Some(Asked::Refused(error)) => return answer(stream, error.answer()),
        }
    };

    let mut input = Input::new(&mut buffer[first]);
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, started.elapsed()) {
            match event {
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
                Err(error) => return Err(error),
            }
        }
        // 3. Do what the connection wants.
        input = match connection.want() {
            Want::Done(_) => return Ok(()),
            Want::ShutdownWrite => {
                stream.shutdown(Shutdown::Write)?;
                connection.shut();
                Input::none()
            }
            Want::Io { read: true, deadline, .. } => {
                stream.set_read_timeout(wait(deadline))?;
                match stream.read(&mut buffer) {
                    Ok(0) => Input::eof(),
                    Ok(count) => Input::new(&mut buffer[..count]),
                    Err(error) if is_timeout(&error) => Input::none(),
                    Err(error) => return Err(error),
                }
            }
            Want::Io { .. } => Input::none(), // written, or due
        };
    }
}

/// Writes an answer that opens no WebSocket, and waits a moment for the client to have read it.
fn answer(mut stream: TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.set_write_timeout(Some(Duration::from_secs(10)))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)?;
    // What it still sends is thrown away: unread, it would reset the stream.
    stream
        .read(&mut [0; 4096])
        .map(drop)
        .or_else(|error| if is_timeout(&error) { Ok(()) } else { Err(error) })
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}
