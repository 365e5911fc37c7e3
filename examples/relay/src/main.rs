//! A WebSocket proxy that passes frames through without assembling them: `cargo run -p example-relay [SERVER [ADDRESS]]`, two hosts with their ports.
//!
//! Each piece of a frame goes on as soon as it is here, under a header of our own, masked or unmasked in the buffer that it was read into. So a message may be as
//! long as it likes. It is level 1: a decoder and an encoder for each direction, in a thread for each. Pings pass, too, and nobody else asks: who wants to
//! know whether the other side is there, pings it.
//!
//! Here are who comes and goes, and how a connection opens: with the same path, origin and subprotocols. How frames pass is `passing.rs`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod passing;
mod stream;

use std::io;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use sockless::handshake::{
    Acceptance, Acceptor, Answered, Asked, Connector, HeadLimits, Offer, Refusal, Request,
    RequestError, Url,
};
use sockless::{Input, Limits};

use passing::{Relay, Terms};
use stream::{BUFFER, LOOK, finish, prepare, read, write_all};

/// How long either side may take for what it is asked for.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long they have for closing when the relay stops.
const GRACE: Duration = Duration::from_secs(5);

/// Whether the relay stops.
static STOPPING: AtomicBool = AtomicBool::new(false);

fn is_stopping() -> bool {
    STOPPING.load(Ordering::Relaxed)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let to: Arc<str> = args.next().as_deref().unwrap_or("127.0.0.1:9001").into();
    let listener = TcpListener::bind(args.next().as_deref().unwrap_or("127.0.0.1:9002"))?;
    let address = listener.local_addr()?;
    ctrlc::set_handler(move || {
        STOPPING.store(true, Ordering::Relaxed);
        // The main thread waits for a client: so it gets one, which is us.
        let _ = TcpStream::connect(address);
    })?;
    println!("ws://{address}/ passes on to ws://{to}/. Ctrl-C stops it.");

    let mut threads: Vec<JoinHandle<()>> = Vec::new();
    while !is_stopping() {
        match listener.accept() {
            Ok(_) if is_stopping() => {}
            Ok((client, from)) => {
                let to = Arc::clone(&to);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread::spawn(move || {
                    if let Err(error) = serve(client, &to) {
                        eprintln!("{from} was lost: {error}");
                    }
                }));
            }
            Err(error) => {
                eprintln!("nobody can be accepted for a moment: {error}");
                thread::sleep(LOOK);
            }
        }
    }
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && threads.iter().any(|thread| !thread.is_finished()) {
        thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// Serves one client, from its request to the end of both connections.
fn serve(client: TcpStream, to: &str) -> io::Result<()> {
    prepare(&client)?;
    let mut buffer = vec![0; BUFFER];
    let Some((request, from_client)) = asked(&client, &mut buffer)? else { return Ok(()) };
    match forward(&request, to) {
        Ok(Forwarded::Open { server, answer, first }) => {
            write_all(&client, &answer, PATIENCE)?;
            let limits = Limits::default().with_frame(1 << 30).with_message(u64::MAX);
            let stopping = &is_stopping;
            let terms = Terms { limits, write: PATIENCE, close: PATIENCE, stopping };
            Relay::new(client, server, terms).run(&from_client, &first)
        }
        Ok(Forwarded::Refused(status)) => finish(&client, &refusal(status)),
        Err(error) => {
            eprintln!("{to} can't be reached: {error}");
            finish(&client, &refusal(502))
        }
    }
}

/// The client's request for a WebSocket, and its first frames; `None` if it was answered otherwise.
fn asked(client: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<(Request<'static>, Vec<u8>)>> {
    let started = Instant::now();
    let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
    loop {
        let mut input = match read(client, buffer)? {
            Some(0) => Input::eof(),
            Some(count) => Input::new(&mut buffer[..count]),
            None => Input::none(),
        };
        let error = match acceptor.poll(&mut input, started.elapsed()) {
            None => continue,
            Some(Asked::WebSocket(request)) => {
                return Ok(Some((request.into_owned(), input.into_rest().to_vec())));
            }
            Some(Asked::Plain(_)) => RequestError::PlainRequest,
            Some(Asked::Refused(error)) => error,
        };
        finish(client, error.answer())?;
        return Ok(None);
    }
}

/// What the server has made of the client's request.
enum Forwarded {
    /// A WebSocket, the answer for the client, and what came after the server's own.
    Open { server: TcpStream, answer: Vec<u8>, first: Vec<u8> },
    /// A refusal with this status.
    Refused(u16),
}

/// Asks the server for what the client has asked for. Compression is not offered: the frames would be another connection's.
fn forward(request: &Request<'_>, to: &str) -> io::Result<Forwarded> {
    let server = TcpStream::connect(to)?;
    prepare(&server)?;
    let url = format!("ws://{to}{}", request.target());
    let subprotocols: Vec<_> = request.subprotocols().collect();
    let url = Url::parse(&url).map_err(io::Error::other)?;
    let mut offer = Offer::new(url).with_subprotocols(&subprotocols);
    if let Some(origin) = request.origin() {
        offer = offer.with_origin(origin);
    }
    let started = Instant::now();
    let mut connector = Connector::new(offer, &HeadLimits::default(), started.elapsed())
        .map_err(io::Error::other)?;
    write_all(&server, &connector.request().to_vec(), PATIENCE)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let mut input = match read(&server, &mut buffer)? {
            Some(0) => Input::eof(),
            Some(count) => Input::new(&mut buffer[..count]),
            None => Input::none(),
        };
        match connector.poll(&mut input, started.elapsed()) {
            None => {} // more is needed
            Some(Answered::Open { established, .. }) => {
                let acceptance = Acceptance::new().with_subprotocol(established.subprotocol);
                let answer = request.accept(&acceptance).map_err(io::Error::other)?.to_vec();
                let first = input.into_rest().to_vec();
                return Ok(Forwarded::Open { server, answer, first });
            }
            Some(Answered::Refused(response)) => {
                return Ok(Forwarded::Refused(response.status()));
            }
            Some(Answered::Failed(error)) => return Err(io::Error::other(error)),
        }
    }
}

/// An answer that opens nothing. What the server has said besides its status was meant for us.
fn refusal(status: u16) -> Vec<u8> {
    let refusal = Refusal::new(status, &[], b"").or_else(|_| Refusal::new(502, &[], b""));
    refusal.map(|refusal| refusal.to_vec()).unwrap_or_default()
}
