//! A sockless client that runs the scenarios of the interoperability test against a peer's server:
//! `interop_client ws://HOST:PORT on|off`, with `permessage-deflate` or without.
//!
//! Prints a line for each scenario: its name, ok or FAILED, and what there is to say, parted by tabs.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod socket;

use std::error::Error;
use std::process::ExitCode;

use sockless::CloseCode;
use sockless::connection::{Cause, Failure, Initiator};

use socket::{Arrived, Socket};

const LENGTHS: [usize; 9] = [0, 1, 125, 126, 4096, 65_535, 65_536, 262_144, 1 << 20];
const LARGE: usize = 16 << 20;

type Said = Result<String, Box<dyn Error>>;
type Scenario = fn(&Peer) -> Said;

const SCENARIOS: [(&str, Scenario); 9] = [
    ("text", texts),
    ("binary", binaries),
    ("large", large),
    ("fragments", fragments),
    ("client pings", client_pings),
    ("server pings", server_pings),
    ("client closes", client_closes),
    ("killed", killed),
    ("server closes", server_closes),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, deflate] = &args[..] else {
        eprintln!("usage: interop_client ws://HOST:PORT on|off");
        return ExitCode::from(2);
    };
    let peer = Peer { url: url.clone(), compress: deflate == "on" };
    for (name, scenario) in SCENARIOS {
        match scenario(&peer) {
            Ok(said) => println!("{name}\tok\t{said}"),
            Err(error) => println!("{name}\tFAILED\t{error}"),
        }
    }
    ExitCode::SUCCESS
}

/// A server that someone else wrote.
struct Peer {
    url: String,
    compress: bool,
}

impl Peer {
    fn connect(&self, path: &str) -> Result<Socket, Box<dyn Error>> {
        Ok(Socket::connect(&format!("{}/{path}", self.url), self.compress)?)
    }

    /// The code that the server has received in the Close frame of the connection before.
    fn seen(&self) -> Said {
        let mut socket = self.connect("seen")?;
        match socket.next()? {
            Arrived::Text(text) => Ok(text),
            other => Err(format!("the code was expected, {other:?} came").into()),
        }
    }
}

/// Half of it is the same over and over, half is not.
fn bytes(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = |at: usize| {
        state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        if at & 64 == 0 { at as u8 } else { (state >> 24) as u8 }
    };
    (0..len).map(&mut next).collect()
}

fn text(len: usize) -> String {
    let piece = "a grüß 世界 😀 ";
    piece.repeat(len / piece.len()) + &"x".repeat(len % piece.len())
}

fn check(holds: bool, why: impl Into<String>) -> Result<(), Box<dyn Error>> {
    if holds { Ok(()) } else { Err(why.into().into()) }
}

/// The next message, whatever pings come before it.
fn message(socket: &mut Socket) -> Result<Arrived, Box<dyn Error>> {
    loop {
        match socket.next()? {
            Arrived::Ping(_) => {}
            other => return Ok(other),
        }
    }
}

fn expect_text(socket: &mut Socket, sent: &str) -> Result<(), Box<dyn Error>> {
    match message(socket)? {
        Arrived::Text(back) => {
            check(back == sent, format!("text of {} bytes comes back otherwise", sent.len()))
        }
        other => Err(short("text", &other).into()),
    }
}

fn expect_binary(socket: &mut Socket, sent: &[u8]) -> Result<(), Box<dyn Error>> {
    match message(socket)? {
        Arrived::Binary(back) => {
            check(back == sent, format!("{} bytes come back otherwise", sent.len()))
        }
        other => Err(short("a binary message", &other).into()),
    }
}

fn short(expected: &str, came: &Arrived) -> String {
    let came: String = format!("{came:?}").chars().take(80).collect();
    format!("{expected} was expected, {came} came")
}

/// Closes, and expects the answer with the same code, and an orderly end.
fn close(socket: &mut Socket, code: u16) -> Result<(), Box<dyn Error>> {
    let now = socket.now();
    let code = CloseCode::new(code).ok_or("a code")?;
    socket.connection.close(code, "enough", now)?;
    let outcome = socket.end()?;
    check(outcome.clean(), format!("not clean: {outcome:?}"))?;
    check(outcome.initiator == Some(Initiator::Local), "we have begun")?;
    check(outcome.received.code() == Some(code), format!("answered with {:?}", outcome.received))
}

fn texts(peer: &Peer) -> Said {
    let mut socket = peer.connect("echo")?;
    for len in LENGTHS {
        let sent = text(len);
        socket.connection.send_text(&sent)?;
        expect_text(&mut socket, &sent)?;
    }
    close(&mut socket, 1000)?;
    let extensions = if socket.compresses { "permessage-deflate" } else { "none" };
    Ok(format!("extensions: {extensions}"))
}

fn binaries(peer: &Peer) -> Said {
    let mut socket = peer.connect("echo")?;
    for len in LENGTHS {
        let sent = bytes(len);
        socket.connection.send_binary(&sent)?;
        expect_binary(&mut socket, &sent)?;
    }
    close(&mut socket, 1000)?;
    Ok(String::new())
}

fn large(peer: &Peer) -> Said {
    let mut socket = peer.connect("echo")?;
    let sent = bytes(LARGE);
    socket.connection.send_binary(&sent)?;
    expect_binary(&mut socket, &sent)?;
    let sent = text(LARGE);
    socket.connection.send_text(&sent)?;
    expect_text(&mut socket, &sent)?;
    close(&mut socket, 1000)?;
    Ok(String::new())
}

/// Sends fragments with a ping in between; and the server sends fragments, with pings in between.
fn fragments(peer: &Peer) -> Said {
    let mut socket = peer.connect("fragments")?;
    for len in [26, 1000, 300_000] {
        let sent = text(len);
        let third = (len / 3..).find(|at| sent.is_char_boundary(*at)).unwrap_or(len);
        let now = socket.now();
        socket.connection.begin_text(&sent[..third], false)?;
        socket.connection.ping(b"between", now)?;
        socket.connection.continue_text("", false)?;
        socket.connection.continue_text(&sent[third..], true)?;
        check(message(&mut socket)? == Arrived::Pong(b"between".to_vec()), "no pong in between")?;
        expect_text(&mut socket, &sent)?;

        let sent = bytes(len);
        socket.connection.begin_binary(&sent[..third], false)?;
        socket.connection.continue_binary(b"", false)?;
        socket.connection.continue_binary(&sent[third..], true)?;
        expect_binary(&mut socket, &sent)?;
    }
    close(&mut socket, 1000)?;
    Ok(String::new())
}

fn client_pings(peer: &Peer) -> Said {
    let mut socket = peer.connect("echo")?;
    for payload in [&b""[..], b"x", &[b'y'; 125]] {
        let now = socket.now();
        socket.connection.ping(payload, now)?;
        let pong = socket.next()?;
        check(pong == Arrived::Pong(payload.to_vec()), short("the pong", &pong))?;
    }
    close(&mut socket, 1000)?;
    Ok(String::new())
}

fn server_pings(peer: &Peer) -> Said {
    let mut socket = peer.connect("ping")?;
    let ping = socket.next()?;
    check(ping == Arrived::Ping(b"are you there?".to_vec()), short("a ping", &ping))?;
    expect_text(&mut socket, "pong: are you there?")?;
    close(&mut socket, 1000)?;
    Ok(String::new())
}

fn client_closes(peer: &Peer) -> Said {
    for code in [1000, 3000, 4001] {
        let mut socket = peer.connect("echo")?;
        close(&mut socket, code)?;
        let seen = peer.seen()?;
        check(seen == format!("{code} enough"), format!("the server saw {seen:?}, not {code}"))?;
    }
    Ok("1000 3000 4001".into())
}

fn server_closes(peer: &Peer) -> Said {
    let mut socket = peer.connect("close")?;
    socket.connection.send_text("close, please")?;
    let closing = socket.next()?;
    check(closing == Arrived::Closing(Some(4002)), short("the Close frame", &closing))?;
    let outcome = socket.end()?;
    check(outcome.clean(), format!("not clean: {outcome:?}"))?;
    check(outcome.initiator == Some(Initiator::Remote), "the server has begun")?;
    let seen = peer.seen()?;
    check(seen.starts_with("4002"), format!("the server saw {seen:?}, not 4002"))?;
    Ok("4002".into())
}

/// The server is gone in the middle of a message.
fn killed(peer: &Peer) -> Said {
    for len in [1000, 1 << 20] {
        let mut socket = peer.connect("kill")?;
        socket.connection.send_binary(&bytes(len))?;
        let failed = socket.next()?;
        check(matches!(failed, Arrived::Failed(_)), short("the failure", &failed))?;
        let outcome = socket.end()?;
        check(outcome.cause == Cause::Failed(Failure::EndOfStream), format!("{outcome:?}"))?;
        check(!outcome.clean() && outcome.received.number() == 1006, format!("{outcome:?}"))?;
    }
    let mut socket = peer.connect("echo")?;
    socket.connection.send_text("still there")?;
    expect_text(&mut socket, "still there")?;
    close(&mut socket, 1000)?;
    Ok("1006".into())
}
