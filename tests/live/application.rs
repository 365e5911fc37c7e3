//! What a naive end's application does: it echoes, produces or only listens, and closes in the end.

use std::collections::VecDeque;
use std::time::Duration;

use sockless::connection::{SendError, Side};
use sockless::message::Content;
use sockless::{CloseCode, Connection, Event, Kind, Sender};

use crate::random::Random;

/// Where messages are sent: a connection, or its sending half.
pub(crate) trait Outlet {
    fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), SendError>;
    fn pong(&mut self, payload: &[u8]) -> Result<(), SendError>;
    fn stream_frame(&mut self, kind: Kind, len: u64) -> Result<(), SendError>;
    fn stream_payload(&mut self, payload: &mut [u8]) -> Result<(), SendError>;
    fn close(&mut self, now: Duration) -> Result<(), SendError>;
    fn is_congested(&self) -> bool;
}

macro_rules! outlet {
    ($kind:ident) => {
        impl<R: Side> Outlet for $kind<R> {
            fn send(&mut self, kind: Kind, payload: &[u8]) -> Result<(), SendError> {
                match kind {
                    Kind::Text => self.send_text(std::str::from_utf8(payload).unwrap()),
                    Kind::Binary => self.send_binary(payload),
                }
            }

            fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
                $kind::pong(self, payload)
            }

            fn stream_frame(&mut self, kind: Kind, len: u64) -> Result<(), SendError> {
                $kind::stream_frame(self, Some(kind), true, len)
            }

            fn stream_payload(&mut self, payload: &mut [u8]) -> Result<(), SendError> {
                $kind::stream_payload(self, payload)
            }

            fn close(&mut self, now: Duration) -> Result<(), SendError> {
                $kind::close(self, CloseCode::NORMAL, "done", now)
            }

            fn is_congested(&self) -> bool {
                $kind::is_congested(self)
            }
        }
    };
}
outlet!(Connection);
outlet!(Sender);

/// A message, or the answer to a ping where none is given by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Saying {
    Message(Kind, Vec<u8>),
    Pong(Vec<u8>),
}

#[derive(Debug)]
pub(crate) struct Application {
    /// It sends back what it hears.
    pub(crate) echoes: bool,
    /// What it sends unasked.
    pub(crate) script: VecDeque<(Kind, Vec<u8>)>,
    /// It sends its own messages as streamed frames, piece by piece, of which one may be open: how much of it is queued.
    pub(crate) streams: bool,
    streamed: Option<usize>,
    /// It goes on when it should stop, until it is refused.
    pub(crate) stubborn: bool,
    /// When it closes, if it does.
    pub(crate) closes_at: Option<Duration>,
    /// It answers pings, and the peer's Close frame, itself.
    pub(crate) pongs_itself: bool,
    pub(crate) closes_itself: bool,
    pub(crate) said: Vec<(Kind, Vec<u8>)>,
    pub(crate) heard: Vec<(Kind, Vec<u8>)>,
    part: Vec<u8>,
    pub(crate) ended: bool,
    closed: bool,
}

impl Application {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self {
            echoes: random.one_in(2),
            script: VecDeque::new(),
            streams: random.one_in(4),
            streamed: None,
            stubborn: random.one_in(3),
            closes_at: None,
            pongs_itself: random.one_in(4),
            closes_itself: random.one_in(4),
            said: Vec::new(),
            heard: Vec::new(),
            part: Vec::new(),
            ended: false,
            closed: false,
        }
    }

    /// Hears of an event; what it wants to say about it.
    pub(crate) fn hear(&mut self, event: Event<'_>, now: Duration) -> Option<Saying> {
        assert!(!self.ended, "an event after the end: {event:?}");
        let message = match event {
            Event::Text(text) => (Kind::Text, text.into_string().into_bytes()),
            Event::Binary(payload) => (Kind::Binary, payload.into_vec()),
            Event::Part(part) => {
                assert_eq!(part.first, self.part.is_empty());
                self.part.extend_from_slice(part.content.as_bytes());
                if !part.last {
                    return None;
                }
                let kind = match part.content {
                    Content::Text(_) => Kind::Text,
                    Content::Binary(_) => Kind::Binary,
                };
                (kind, std::mem::take(&mut self.part))
            }
            Event::Ping(payload) => {
                return self.pongs_itself.then(|| Saying::Pong(payload.to_vec()));
            }
            Event::Closing(_) => {
                self.ended = true;
                if self.closes_itself {
                    self.closes_at = Some(now);
                }
                return None;
            }
            Event::Failed(_) => {
                self.ended = true;
                return None;
            }
            _ => return None,
        };
        self.heard.push(message.clone());
        self.echoes.then_some(Saying::Message(message.0, message.1))
    }

    /// Says it. An answering endpoint is never refused, because none of its messages is given out while it is congested.
    pub(crate) fn say(&mut self, saying: Saying, outlet: &mut impl Outlet) {
        match saying {
            Saying::Message(kind, payload) => match outlet.send(kind, &payload) {
                Ok(()) => self.said.push((kind, payload)),
                Err(SendError::QueueFull) => panic!("an answer was refused"),
                Err(_) => {}
            },
            // After a Close frame there may be none any more, nor is there room for ever more.
            Saying::Pong(payload) => drop(outlet.pong(&payload)),
        }
    }

    /// Says what it has to say, as far as it may, and closes.
    pub(crate) fn produce(&mut self, outlet: &mut impl Outlet, now: Duration) {
        while !self.closed
            && let Some((kind, payload)) = self.script.front()
            && (self.stubborn || !outlet.is_congested())
        {
            let sent = match self.streams {
                true => stream(*kind, payload, &mut self.streamed, outlet),
                false => outlet.send(*kind, payload).map(|()| true),
            };
            match sent {
                Ok(true) => self.said.extend(self.script.pop_front()),
                Ok(false) => {}
                Err(SendError::QueueFull) => break,
                Err(_) => self.script.clear(),
            }
        }
        if !self.closed && self.script.is_empty() && self.closes_at.is_some_and(|at| now >= at) {
            // Where the peer has been answered already, there is nothing left to do.
            let _ = outlet.close(now);
            self.closed = true;
        }
    }

    /// When it acts by itself: at once, if it has something to say and the outlet is not congested.
    pub(crate) fn next(&self, outlet: &impl Outlet) -> Option<Duration> {
        if self.closed {
            return None;
        }
        match self.script.is_empty() {
            true => self.closes_at,
            false => (!outlet.is_congested()).then_some(Duration::ZERO),
        }
    }
}

/// How much of a streamed payload is queued at once.
const PIECE: usize = 700;

/// Begins a streamed frame, or queues its next piece; whether that was the last.
fn stream(
    kind: Kind,
    payload: &[u8],
    streamed: &mut Option<usize>,
    outlet: &mut impl Outlet,
) -> Result<bool, SendError> {
    let Some(start) = *streamed else {
        outlet.stream_frame(kind, payload.len() as u64)?;
        *streamed = Some(0);
        return Ok(false);
    };
    let end = payload.len().min(start + PIECE);
    outlet.stream_payload(&mut payload[start..end].to_vec())?;
    *streamed = (end < payload.len()).then_some(end);
    Ok(end == payload.len())
}
