//! An application: what it sends and when, when it closes, and what it has heard.

use std::collections::VecDeque;
use std::time::Duration;

use sockless::connection::{SendError, Side};
use sockless::frame::Misuse;
use sockless::message::Content;
use sockless::{CloseCode, Event, Kind};

use crate::random::Random;
use crate::tested::{Special, Tested};

/// What was said, or heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Saying {
    Message(Kind),
    Ping,
}

/// What an application does next.
#[derive(Clone, Copy, Debug)]
enum Op {
    /// Sends a message: from a slice, owned, or as only its role can.
    Copied(usize),
    Owned(usize),
    Special(usize),
    /// Sends one in this number of fragments, or in one frame whose payload comes in this number of pieces.
    Fragments(usize, usize),
    Streamed(usize, usize),
    Ping,
    Pong,
    #[cfg(feature = "deflate")]
    Compression(bool),
    #[cfg(feature = "deflate")]
    Release,
}

/// A message that is being sent in several calls.
#[derive(Debug)]
struct Begun {
    kind: Kind,
    payload: Vec<u8>,
    done: usize,
    pieces: usize,
    streamed: bool,
}

/// An application on one end of a connection.
#[derive(Debug)]
pub(crate) struct Application {
    script: VecDeque<Op>,
    begun: Option<Begun>,
    pause: usize,
    /// When it acts next.
    pub(crate) wake: Option<Duration>,
    /// What to close with when the script is done; `None` to leave that to others.
    pub(crate) closing: Option<Option<CloseCode>>,
    /// Whether it sends back what it hears, as long as the script lasts.
    echoes: bool,
    echo: VecDeque<(Kind, Vec<u8>)>,
    /// Whether the reply to a Close frame is its own business.
    closes_itself: bool,
    answers_pings: bool,
    gave_up: bool,
    /// How often in a row the queue was full.
    refusals: u32,
    /// How often that may be before it leaves a peer that has said goodbye.
    pub(crate) patience: u32,
    number: u32,
    pub(crate) said: Vec<(Saying, Vec<u8>)>,
    pub(crate) heard: Vec<(Saying, Vec<u8>)>,
    pub(crate) pongs: Vec<Vec<u8>>,
    part: Option<Vec<u8>>,
    pub(crate) failed: bool,
    pub(crate) peer_closed: bool,
}

impl Application {
    pub(crate) fn new(config: &sockless::Config, echoes: bool, random: &mut Random) -> Self {
        let script = (0..random.below(12)).map(|_| Op::drawn(random)).collect();
        let codes =
            [None, Some(CloseCode::NORMAL), CloseCode::new(4321), Some(CloseCode::GOING_AWAY)];
        Self {
            script,
            begun: None,
            pause: random.pick(&[1, 20, 500]),
            wake: Some(random.millis(100)),
            closing: (!random.one_in(3)).then(|| random.pick(&codes)),
            echoes,
            echo: VecDeque::new(),
            closes_itself: !config.auto_close,
            answers_pings: !config.auto_pong,
            gave_up: false,
            refusals: 0,
            patience: u32::MAX,
            number: 0,
            said: Vec::new(),
            heard: Vec::new(),
            pongs: Vec::new(),
            part: None,
            failed: false,
            peer_closed: false,
        }
    }

    /// Takes note of what the connection tells.
    pub(crate) fn hear<R: Side>(
        &mut self,
        event: Event<'_>,
        connection: &mut Tested<R>,
        now: Duration,
    ) {
        assert!(!self.failed && !self.peer_closed || matches!(event, Event::Quiet | Event::Idle));
        match event {
            Event::Text(text) => {
                self.message(Kind::Text, text.into_string().into_bytes(), now);
            }
            Event::Binary(payload) => self.message(Kind::Binary, payload.into_vec(), now),
            Event::Part(part) => {
                assert_eq!(part.first, self.part.is_none(), "a first part that is not the first");
                let kind = match part.content {
                    Content::Text(_) => Kind::Text,
                    Content::Binary(_) => Kind::Binary,
                };
                self.part.get_or_insert_default().extend_from_slice(part.content.as_bytes());
                if part.last {
                    let payload = self.part.take().unwrap_or_default();
                    self.message(kind, payload, now);
                }
            }
            Event::Ping(payload) => {
                if payload.starts_with(MARK) {
                    self.heard.push((Saying::Ping, payload.to_vec()));
                }
                if self.answers_pings {
                    // Behind our Close frame and the peer's there is none to be sent.
                    let _ = connection.pong(&payload);
                }
            }
            Event::Pong(pong) => self.pongs.push(pong.payload.to_vec()),
            Event::Closing(_) => {
                self.peer_closed = true;
                if self.closes_itself {
                    self.closing.get_or_insert(CloseCode::new(4000));
                    self.wake.get_or_insert(now);
                }
            }
            Event::Failed(_) => self.failed = true,
            Event::Quiet | Event::Idle => {}
            other => panic!("an unknown event: {other:?}"),
        }
    }

    fn message(&mut self, kind: Kind, payload: Vec<u8>, now: Duration) {
        if self.echoes && !self.gave_up {
            self.echo.push_back((kind, payload.clone()));
            self.wake.get_or_insert(now);
        }
        self.heard.push((Saying::Message(kind), payload));
    }

    /// Whether a frame has been begun whose payload is incomplete.
    pub(crate) fn is_streaming(&self) -> bool {
        self.begun.as_ref().is_some_and(|begun| begun.streamed)
    }

    /// The payload bytes of the message that is not complete: as far as its fragments go, or as its frame has announced.
    pub(crate) fn begun_bytes(&self) -> usize {
        self.begun.as_ref().map_or(0, |begun| match begun.streamed {
            true => begun.payload.len(),
            false => begun.done,
        })
    }

    /// The bytes that were heard of a message in parts that is not complete.
    pub(crate) fn part_bytes(&self) -> usize {
        self.part.as_ref().map_or(0, Vec::len)
    }

    /// Does what is due at `now`; whether anything was.
    pub(crate) fn wake<R: Side>(
        &mut self,
        connection: &mut Tested<R>,
        now: Duration,
        write: &mut dyn FnMut(&[u8], &mut Random) -> usize,
        random: &mut Random,
    ) -> bool
    where
        Tested<R>: Special,
    {
        if self.wake.is_none_or(|at| at > now) {
            return false;
        }
        let goes_on = self.act(connection, now, write, random);
        self.wake = goes_on.then(|| now + Duration::from_millis(1) + random.millis(self.pause));
        true
    }

    /// The next call; whether there is another one to come.
    fn act<R: Side>(
        &mut self,
        connection: &mut Tested<R>,
        now: Duration,
        write: &mut dyn FnMut(&[u8], &mut Random) -> usize,
        random: &mut Random,
    ) -> bool
    where
        Tested<R>: Special,
    {
        if self.gave_up {
            return false;
        }
        let tried = if self.begun.is_some() {
            self.go_on(connection)
        } else if let Some((kind, payload)) = self.echo.front() {
            let (kind, payload) = (*kind, payload.clone());
            let sent = match kind {
                Kind::Text => {
                    connection.send_text(std::str::from_utf8(&payload).expect("checked text"))
                }
                Kind::Binary => connection.send_binary(&payload),
            };
            if sent.is_ok() {
                self.echo.pop_front();
                self.said.push((Saying::Message(kind), payload));
            }
            sent
        } else if let Some(op) = self.script.front().copied() {
            let begun = self.begin(op, connection, now, write, random);
            if begun.is_ok() {
                self.script.pop_front();
            }
            begun
        } else if let Some(code) = self.closing {
            let closed = connection.close(code, if code.is_some() { "done" } else { "" }, now);
            match closed {
                Err(SendError::QueueFull) => closed,
                _ => {
                    self.gave_up = true;
                    return false;
                }
            }
        } else {
            return false;
        };
        match tried {
            Ok(()) => {
                self.refusals = 0;
                true
            }
            Err(SendError::QueueFull) => {
                self.pause = 500;
                self.refusals += 1;
                // Nobody reads what it has to say, and the closing handshake is its own business.
                self.gave_up = self.refusals > self.patience && self.peer_closed;
                if self.gave_up {
                    connection.lost();
                }
                !self.gave_up
            }
            Err(SendError::Failed | SendError::Misuse(Misuse::Closed)) => {
                self.gave_up = true;
                false
            }
            Err(other) => panic!("a call that should be legal was refused: {other:?}"),
        }
    }

    fn begin<R: Side>(
        &mut self,
        op: Op,
        connection: &mut Tested<R>,
        now: Duration,
        write: &mut dyn FnMut(&[u8], &mut Random) -> usize,
        random: &mut Random,
    ) -> Result<(), SendError>
    where
        Tested<R>: Special,
    {
        let kind = random.pick(&[Kind::Text, Kind::Binary]);
        let (len, fill) = (op.len(), random.next());
        let payload = payload(self.number, len, fill);
        match op {
            Op::Ping => {
                let payload = [MARK, &self.number.to_be_bytes()].concat();
                match connection.ping(&payload, now) {
                    Ok(()) => self.said.push((Saying::Ping, payload)),
                    // Behind the peer's Close frame a ping is refused, though messages are not.
                    Err(SendError::Misuse(Misuse::Closed)) => {}
                    Err(error) => return Err(error),
                }
            }
            Op::Pong => match connection.pong(b"unasked") {
                Ok(()) | Err(SendError::Misuse(Misuse::Closed)) => {}
                Err(error) => return Err(error),
            },
            Op::Copied(_) | Op::Owned(_) | Op::Special(_) => {
                match (op, kind) {
                    (Op::Special(_), _) => {
                        connection.send_specially(kind, &payload, &mut |b| write(b, random))?;
                    }
                    (Op::Copied(_), Kind::Text) => connection.send_text(&payload)?,
                    (Op::Copied(_), Kind::Binary) => connection.send_binary(payload.as_bytes())?,
                    (_, Kind::Text) => {
                        connection.send(payload.clone()).map_err(|refused| refused.reason)?;
                    }
                    (_, Kind::Binary) => {
                        let payload = payload.clone().into_bytes();
                        connection.send(payload).map_err(|refused| refused.reason)?;
                    }
                }
                self.said.push((Saying::Message(kind), payload.into_bytes()));
            }
            Op::Fragments(_, pieces) => {
                match kind {
                    Kind::Text => connection.begin_text("", false)?,
                    Kind::Binary => connection.begin_binary(b"", false)?,
                }
                self.begun = Some(Begun {
                    kind,
                    payload: payload.into_bytes(),
                    done: 0,
                    pieces,
                    streamed: false,
                });
            }
            Op::Streamed(_, pieces) => {
                connection.stream_frame(Some(kind), true, payload.len() as u64)?;
                self.begun = Some(Begun {
                    kind,
                    payload: payload.into_bytes(),
                    done: 0,
                    pieces,
                    streamed: true,
                });
            }
            #[cfg(feature = "deflate")]
            Op::Compression(on) => connection.set_compression(on),
            #[cfg(feature = "deflate")]
            Op::Release => connection.release(),
        }
        self.number += 1;
        Ok(())
    }

    fn go_on<R: Side>(&mut self, connection: &mut Tested<R>) -> Result<(), SendError> {
        let Some(mut begun) = self.begun.take() else { return Ok(()) };
        let size = begun.payload.len().div_ceil(begun.pieces);
        let mut end = (begun.done + size).min(begun.payload.len());
        // A streamed frame may be cut inside a code point, a fragment of text that is a `str` can't.
        while !begun.streamed && begun.payload.get(end).is_some_and(|byte| byte & 0xC0 == 0x80) {
            end += 1;
        }
        let (last, piece) = (end == begun.payload.len(), &begun.payload[begun.done..end]);
        let tried = match (begun.streamed, begun.kind) {
            (true, _) => connection.stream_payload(&mut piece.to_vec()),
            (false, Kind::Binary) => connection.continue_binary(piece, last),
            (false, Kind::Text) => connection
                .continue_text(std::str::from_utf8(piece).expect("whole characters"), last),
        };
        if tried.is_ok() {
            begun.done = end;
        }
        if last && tried.is_ok() {
            self.said.push((Saying::Message(begun.kind), begun.payload));
        } else {
            self.begun = Some(begun);
        }
        tried
    }
}

/// What the pings of applications begin with; those of the library itself do not.
pub(crate) const MARK: &[u8] = b"ping of an application";

impl Op {
    fn drawn(random: &mut Random) -> Self {
        let len = match random.below(100) {
            0 => 20_000 + random.below(60_000),
            _ => random.pick(&[0, 5, 130, 600, 4200]) + random.below(100),
        };
        let pieces = 1 + random.below(4);
        match random.below(if cfg!(feature = "deflate") { 12 } else { 10 }) {
            0 => Self::Ping,
            1 => Self::Pong,
            2 | 3 => Self::Fragments(len, pieces),
            4 => Self::Streamed(len, pieces),
            5 | 6 => Self::Special(len),
            7 => Self::Owned(len),
            #[cfg(feature = "deflate")]
            10 => Self::Compression(random.one_in(2)),
            #[cfg(feature = "deflate")]
            11 => Self::Release,
            _ => Self::Copied(len),
        }
    }

    fn len(self) -> usize {
        match self {
            Self::Copied(len) | Self::Owned(len) | Self::Special(len) => len,
            Self::Fragments(len, _) | Self::Streamed(len, _) => len,
            _ => 0,
        }
    }
}

/// The payload of the message with this number: no two are equal. Some compress well, some don't, in some every character has
/// three bytes.
fn payload(number: u32, len: usize, fill: u64) -> String {
    let mut payload = format!("{number}:");
    match fill % 3 {
        0 => payload.push_str(&"€".repeat(len / "€".len())),
        1 => payload.push_str(&"words and words ".repeat(len / 16 + 1)[..len]),
        _ => {
            let mut random = Random(fill);
            payload.extend((0..len).map(|_| char::from(b' ' + (random.next() % 95) as u8)));
        }
    }
    payload
}
