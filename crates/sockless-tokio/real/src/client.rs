//! The scenarios of a client against a peer's server, which serves the paths that the names say: echo, fragments, ping, close, kill, seen.
//!
//! Prints a line for each scenario: its name, ok or FAILED, and what there is to say, parted by tabs.

use std::error::Error;

use sockless_tokio::sockless::connection::{Cause, Failure, Initiator};
use sockless_tokio::{CloseCode, Message};

use crate::peer::{Peer, Socket};

const LENGTHS: [usize; 9] = [0, 1, 125, 126, 4096, 65_535, 65_536, 262_144, 1 << 20];
const LARGE: usize = 16 << 20;

type Said = Result<String, Box<dyn Error>>;

pub(crate) async fn run(args: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = args.collect();
    let [url, deflate, form] = &args[..] else {
        return Err("client URL on|off whole|halves".into());
    };
    let peer = Peer { url: url.clone(), compress: deflate == "on", halves: form == "halves" };
    tell("text", texts(&peer).await);
    tell("binary", binaries(&peer).await);
    tell("large", large(&peer).await);
    tell("fragments", fragments(&peer).await);
    tell("client pings", client_pings(&peer).await);
    tell("server pings", server_pings(&peer).await);
    tell("client closes", client_closes(&peer).await);
    tell("killed", killed(&peer).await);
    tell("server closes", server_closes(&peer).await);
    Ok(())
}

fn tell(name: &str, said: Said) {
    match said {
        Ok(said) => println!("{name}\tok\t{said}"),
        Err(error) => println!("{name}\tFAILED\t{error}"),
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

/// Waits for this message, whatever pings come before it.
async fn expect(socket: &mut Socket, sent: Message) -> Result<(), Box<dyn Error>> {
    loop {
        match socket.next().await? {
            Message::Ping(_) => {}
            back => return check(back == sent, format!("{back:?} comes back for {sent:?}")),
        }
    }
}

async fn echoed(socket: &mut Socket, message: impl Into<Message>) -> Result<(), Box<dyn Error>> {
    let message = message.into();
    socket.send(message.clone()).await?;
    expect(socket, message).await
}

/// Closes, and expects the answer with the same code, and an orderly end.
async fn close(socket: &mut Socket, code: u16) -> Result<(), Box<dyn Error>> {
    let outcome = socket.close(code).await?;
    check(outcome.clean(), format!("not clean: {outcome:?}"))?;
    check(outcome.initiator == Some(Initiator::Local), "we have begun")?;
    let answered = outcome.received.code() == CloseCode::new(code);
    check(answered, format!("answered with {:?}", outcome.received))
}

async fn texts(peer: &Peer) -> Said {
    let mut socket = peer.connect("echo").await?;
    for len in LENGTHS {
        echoed(&mut socket, text(len)).await?;
    }
    close(&mut socket, 1000).await?;
    let extensions = if socket.compresses { "permessage-deflate" } else { "none" };
    Ok(format!("extensions: {extensions}"))
}

async fn binaries(peer: &Peer) -> Said {
    let mut socket = peer.connect("echo").await?;
    for len in LENGTHS {
        echoed(&mut socket, bytes(len)).await?;
    }
    close(&mut socket, 1000).await?;
    Ok(String::new())
}

async fn large(peer: &Peer) -> Said {
    let mut socket = peer.connect("echo").await?;
    echoed(&mut socket, bytes(LARGE)).await?;
    echoed(&mut socket, text(LARGE)).await?;
    close(&mut socket, 1000).await?;
    Ok(String::new())
}

/// Sends fragments with a ping in between; and the server sends fragments, with pings in between.
async fn fragments(peer: &Peer) -> Said {
    let mut socket = peer.connect("fragments").await?;
    for len in [26, 1000, 300_000] {
        let sent = text(len);
        let third = (len / 3..).find(|at| sent.is_char_boundary(*at)).unwrap_or(len);
        socket.send_fragments(&sent, third).await?;
        let pong = socket.next().await?;
        check(pong == Message::Pong(b"between"[..].into()), "no pong in between")?;
        expect(&mut socket, sent.into()).await?;
        echoed(&mut socket, bytes(len)).await?;
    }
    close(&mut socket, 1000).await?;
    Ok(String::new())
}

async fn client_pings(peer: &Peer) -> Said {
    let mut socket = peer.connect("echo").await?;
    for payload in [&b""[..], b"x", &[b'y'; 125]] {
        socket.send(Message::Ping(payload.into())).await?;
        let pong = socket.next().await?;
        check(pong == Message::Pong(payload.into()), format!("{pong:?} came for a pong"))?;
    }
    close(&mut socket, 1000).await?;
    Ok(String::new())
}

async fn server_pings(peer: &Peer) -> Said {
    let mut socket = peer.connect("ping").await?;
    let ping = socket.next().await?;
    check(ping == Message::Ping(b"are you there?"[..].into()), format!("{ping:?} came"))?;
    expect(&mut socket, Message::text("pong: are you there?")).await?;
    close(&mut socket, 1000).await?;
    Ok(String::new())
}

async fn client_closes(peer: &Peer) -> Said {
    for code in [1000, 3000, 4001] {
        let mut socket = peer.connect("echo").await?;
        close(&mut socket, code).await?;
        let seen = peer.seen().await?;
        check(seen == format!("{code} enough"), format!("the server saw {seen:?}, not {code}"))?;
    }
    Ok("1000 3000 4001".into())
}

async fn server_closes(peer: &Peer) -> Said {
    let mut socket = peer.connect("close").await?;
    socket.send("close, please").await?;
    let closing = socket.next().await?;
    let Message::Close(Some(frame)) = &closing else {
        return Err(format!("a Close frame was expected, {closing:?} came").into());
    };
    check(frame.code.get() == 4002, format!("it closes with {:?}", frame.code))?;
    let outcome = socket.end().await?;
    check(outcome.clean(), format!("not clean: {outcome:?}"))?;
    check(outcome.initiator == Some(Initiator::Remote), "the server has begun")?;
    let seen = peer.seen().await?;
    check(seen.starts_with("4002"), format!("the server saw {seen:?}, not 4002"))?;
    Ok("4002".into())
}

/// The server is gone in the middle of a message.
async fn killed(peer: &Peer) -> Said {
    for len in [1000, 1 << 20] {
        let mut socket = peer.connect("kill").await?;
        socket.send(bytes(len)).await?;
        let error = socket.failure().await?;
        let expected = matches!(error, sockless_tokio::Error::Failed(Failure::EndOfStream));
        check(expected, format!("it fails with {error:?}"))?;
        let outcome = socket.outcome();
        check(outcome.cause == Cause::Failed(Failure::EndOfStream), format!("{outcome:?}"))?;
        check(!outcome.clean() && outcome.received.number() == 1006, format!("{outcome:?}"))?;
    }
    let mut socket = peer.connect("echo").await?;
    echoed(&mut socket, "still there").await?;
    close(&mut socket, 1000).await?;
    Ok("1006".into())
}
