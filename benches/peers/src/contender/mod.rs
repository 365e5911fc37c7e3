//! Who takes part, and what each can be asked to do. One file for each.

mod fastwebsockets;
mod limit;
mod memcpy;
mod nexus_web;
mod shiguredo_websocket;
mod sockless;
mod sockudo_ws;
mod soketto;
mod tokio_websockets;
mod tungstenite;
mod validated;
mod websocket_sans_io;
mod wtx;
pub mod yawc;

use std::any::Any;
use std::hint::black_box;
use std::sync::Arc;

use bytes::Bytes;

pub use crate::race::Cell;
use crate::wire::{Input, Written};

/// Decodes so many messages, and shows each.
pub type Decoding = Box<dyn FnMut(u64, &mut Seen)>;
/// Does it so many times.
pub type Repeated = Box<dyn FnMut(u64)>;

/// A library, used as its documentation recommends for speed.
pub trait Contender {
    /// What it is called in tables.
    fn name(&self) -> &'static str;

    /// The package whose version is given; none for what is our own.
    fn package(&self) -> Option<&'static str> {
        Some(self.name())
    }

    /// What was chosen, for its author to judge.
    fn settings(&self) -> &'static str;

    /// Decoding of endless messages.
    fn decode(&self, _: Decode) -> Cell<Decoding> {
        Err("not its work")
    }

    /// Encoding of binary messages; one repetition is one batch.
    fn encode(&self, _: Encode) -> Cell<Repeated> {
        Err("not its work")
    }

    /// A server's opening handshake, from the head to the answer.
    fn handshake(&self, _: Input, _: Arc<Written>) -> Cell<Repeated> {
        Err("no handshake of its own")
    }

    /// A server's echo of endless compressed messages, once for each repetition.
    fn deflate(&self, _: Deflate) -> Cell<Repeated> {
        Err("no permessage-deflate")
    }

    /// A server's connection that has echoed the one message in its input, and waits for the next.
    fn idle(&self, _: Input) -> Cell<Idle> {
        Err("not its work")
    }
}

/// All of them, ours first.
pub fn all() -> Vec<Box<dyn Contender>> {
    vec![
        Box::new(sockless::Sockless::Usual),
        Box::new(sockless::Sockless::Copied),
        Box::new(sockless::Sockless::OneBuffer),
        Box::new(sockless::Sockless::GivenKeys),
        Box::new(limit::Limit::InPlace),
        Box::new(limit::Limit::Copied),
        Box::new(memcpy::Memcpy),
        Box::new(validated::Validated),
        Box::new(tungstenite::Tungstenite),
        Box::new(tokio_websockets::TokioWebsockets),
        Box::new(fastwebsockets::Fastwebsockets),
        Box::new(yawc::Yawc),
        Box::new(sockudo_ws::SockudoWs),
        Box::new(wtx::Wtx),
        Box::new(soketto::Soketto),
        Box::new(nexus_web::NexusWeb),
        Box::new(shiguredo_websocket::ShiguredoWebsocket),
        Box::new(websocket_sans_io::WebsocketSansIo),
    ]
}

/// Whom ratios are taken to.
pub const OURS: &str = "sockless";
/// The practical limit.
pub const LIMIT: &str = "practical limit";
/// The same where input is unmasked while it is copied in.
pub const COPIED: &str = "practical limit, copied";

/// The limit of text that isn't masked.
pub const VALIDATED: &str = "memcpy and simdutf8";

/// What a contender has to decode.
#[derive(Clone)]
pub struct Decode {
    /// A server's is masked.
    pub side: Side,
    pub shape: Shape,
    pub input: Input,
}

/// How messages lie in frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One frame each.
    Whole,
    /// Four frames each.
    Fragmented,
    /// Four frames each, with a ping between any two.
    Interleaved,
}

/// What a contender has to encode.
#[derive(Clone)]
pub struct Encode {
    pub side: Side,
    pub payload: Bytes,
    /// Messages between two flushes.
    pub batch: u64,
    /// Whether the payload may be masked where it is, and is lost.
    pub in_place: bool,
    pub output: Arc<Written>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Server,
}

/// What a contender has to echo.
#[derive(Clone)]
pub struct Deflate {
    pub input: Input,
    /// Messages of one repetition.
    pub messages: u64,
    pub level: u32,
    /// Whether the history of one message serves the next, in both directions.
    pub takeover: bool,
    pub output: Arc<Written>,
}

/// A connection that waits.
pub struct Idle {
    /// What holds the memory.
    pub connection: Box<dyn Any>,
    /// Its own size.
    pub size: usize,
}

impl Idle {
    pub fn new<T: 'static>(connection: T) -> Self {
        Self { connection: Box::new(connection), size: size_of::<T>() }
    }
}

/// What was decoded.
#[derive(Default)]
pub struct Seen {
    pub messages: u64,
    pub octets: u64,
    /// What each message has to be, to check it once before it is timed.
    pub expected: Option<Arc<[u8]>>,
}

impl Seen {
    #[inline(always)]
    pub fn take(&mut self, payload: &[u8]) {
        let payload = black_box(payload);
        self.messages += 1;
        self.octets += payload.len() as u64;
        if let Some(expected) = &self.expected {
            assert!(payload == &expected[..], "another payload");
        }
    }
}

/// The version of a package, as it is locked.
pub fn version(package: &str) -> &'static str {
    let name = format!("name = \"{package}\"");
    let mut lines = include_str!("../../Cargo.lock").lines();
    // Of two versions the newer stands last.
    let mut found = "?";
    while let Some(line) = lines.next() {
        if line == name
            && let Some(version) = lines.next().and_then(|line| line.split('"').nth(1))
        {
            found = version;
        }
    }
    found
}
