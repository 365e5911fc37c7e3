//! Records: one for each call, and for what came of it.

use std::fmt;
use std::time::Duration;

use sockless::connection::SendError;
use sockless::{Event, Kind};

use super::codec::{Chain, Digest, Reader, Writer};
use super::damage::Damage;
use super::settings::{Beginning, Settings};

/// How a trace begins, with its version.
pub(super) const MAGIC: &[u8; 9] = b"SOCKLESS\x02";

/// One record of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the call that it is named after, with its arguments")]
#[non_exhaustive]
pub enum Record<'t> {
    Begin(Beginning),
    SetConfig(Settings),
    Poll { now: Duration, eof: bool, input: &'t [u8] },
    PollOn { now: Duration },
    SendText(&'t str),
    SendBinary(&'t [u8]),
    SendOwnedText(&'t str),
    SendOwnedBinary(&'t [u8]),
    BeginText { last: bool, text: &'t str },
    BeginBinary { last: bool, bytes: &'t [u8] },
    ContinueText { last: bool, text: &'t str },
    ContinueBinary { last: bool, bytes: &'t [u8] },
    StreamFrame { first: Option<Kind>, fin: bool, len: u64 },
    StreamPayload(&'t [u8]),
    Ping { now: Duration, payload: &'t [u8] },
    Pong(&'t [u8]),
    Close { now: Duration, code: u16, reason: &'t str },
    Wrote { count: u64, digest: u64 },
    Shut,
    Lost,
    TakeBuffer,
    PutBuffer(&'t [u8]),
    SetCompression(bool),
    Release,
    Drawn(&'t [u8]),
    Event { kind: u8, len: u64, digest: u64 },
    Refused(&'t str),
    End(&'t str),
}

impl<'t> Record<'t> {
    /// Whether this is what came of a call, rather than a call.
    pub const fn is_result(&self) -> bool {
        matches!(self, Self::Drawn(_) | Self::Event { .. } | Self::Refused(_) | Self::End(_))
    }

    /// What an event tells.
    pub(super) fn event(event: &Event<'_>) -> Record<'static> {
        let flags = |flags: [bool; 3]| flags.map(u8::from);
        let (kind, payload, more): (u8, &[u8], Vec<u8>) = match event {
            Event::Text(text) => (1, text.as_bytes(), vec![]),
            Event::Binary(payload) => (2, payload, vec![]),
            Event::Part(part) => {
                let text = matches!(part.content, sockless::message::Content::Text(_));
                (3, part.content.as_bytes(), flags([text, part.first, part.last]).to_vec())
            }
            Event::Ping(payload) => (4, payload, vec![]),
            Event::Pong(pong) => {
                let nanos = pong.round_trip.map_or(u128::MAX, |time| time.as_nanos());
                (5, &pong.payload, nanos.to_be_bytes().to_vec())
            }
            Event::Closing(closing) => {
                let code = closing.code.map_or(0, |code| code.get());
                (6, closing.reason.as_bytes(), code.to_be_bytes().to_vec())
            }
            Event::Quiet => (7, &[], vec![]),
            Event::Idle => (8, &[], vec![]),
            Event::Failed(failure) => (9, &[], format!("{failure:?}").into_bytes()),
            _ => (0, &[], vec![]),
        };
        let digest = Digest::of(&[payload, &more]);
        Record::Event { kind, len: payload.len() as u64, digest }
    }

    fn write(&self, out: &mut Vec<u8>) -> u8 {
        let mut body = Writer(out);
        match self {
            Self::Begin(beginning) => {
                beginning.write(&mut body);
                1
            }
            Self::SetConfig(settings) => {
                settings.write(&mut body);
                2
            }
            Self::Poll { now, eof, input } => {
                body.time(*now).flag(*eof).rest(input);
                3
            }
            Self::PollOn { now } => {
                body.time(*now);
                4
            }
            Self::SendText(text) => tagged(5, body.rest(text.as_bytes())),
            Self::SendBinary(bytes) => tagged(6, body.rest(bytes)),
            Self::SendOwnedText(text) => tagged(7, body.rest(text.as_bytes())),
            Self::SendOwnedBinary(bytes) => tagged(8, body.rest(bytes)),
            Self::BeginText { last, text } => tagged(9, body.flag(*last).rest(text.as_bytes())),
            Self::BeginBinary { last, bytes } => tagged(10, body.flag(*last).rest(bytes)),
            Self::ContinueText { last, text } => tagged(11, body.flag(*last).rest(text.as_bytes())),
            Self::ContinueBinary { last, bytes } => tagged(12, body.flag(*last).rest(bytes)),
            Self::StreamFrame { first, fin, len } => {
                let first = match first {
                    None => 0,
                    Some(Kind::Text) => 1,
                    Some(Kind::Binary) => 2,
                };
                tagged(13, body.number(first).flag(*fin).number(*len))
            }
            Self::StreamPayload(bytes) => tagged(14, body.rest(bytes)),
            Self::Ping { now, payload } => tagged(15, body.time(*now).rest(payload)),
            Self::Pong(payload) => tagged(16, body.rest(payload)),
            Self::Close { now, code, reason } => {
                tagged(17, body.time(*now).number((*code).into()).rest(reason.as_bytes()))
            }
            Self::Wrote { count, digest } => tagged(18, body.number(*count).number(*digest)),
            Self::Shut => 19,
            Self::Lost => 20,
            Self::TakeBuffer => 21,
            Self::PutBuffer(bytes) => tagged(22, body.rest(bytes)),
            Self::SetCompression(on) => tagged(23, body.flag(*on)),
            Self::Release => 24,
            Self::Drawn(bytes) => tagged(32, body.rest(bytes)),
            Self::Event { kind, len, digest } => {
                tagged(33, body.number((*kind).into()).number(*len).number(*digest))
            }
            Self::Refused(reason) => tagged(34, body.rest(reason.as_bytes())),
            Self::End(outcome) => tagged(35, body.rest(outcome.as_bytes())),
        }
    }

    fn read(tag: u8, mut body: Reader<'t>) -> Option<Self> {
        let record = match tag {
            1 => Self::Begin(Beginning::read(&mut body)?),
            2 => Self::SetConfig(Settings::read(&mut body)?),
            3 => Self::Poll { now: body.time()?, eof: body.flag()?, input: body.rest() },
            4 => Self::PollOn { now: body.time()? },
            5 => Self::SendText(body.text()?),
            6 => Self::SendBinary(body.rest()),
            7 => Self::SendOwnedText(body.text()?),
            8 => Self::SendOwnedBinary(body.rest()),
            9 => Self::BeginText { last: body.flag()?, text: body.text()? },
            10 => Self::BeginBinary { last: body.flag()?, bytes: body.rest() },
            11 => Self::ContinueText { last: body.flag()?, text: body.text()? },
            12 => Self::ContinueBinary { last: body.flag()?, bytes: body.rest() },
            13 => {
                let first = match body.number()? {
                    0 => None,
                    1 => Some(Kind::Text),
                    2 => Some(Kind::Binary),
                    _ => return None,
                };
                Self::StreamFrame { first, fin: body.flag()?, len: body.number()? }
            }
            14 => Self::StreamPayload(body.rest()),
            15 => Self::Ping { now: body.time()?, payload: body.rest() },
            16 => Self::Pong(body.rest()),
            17 => Self::Close {
                now: body.time()?,
                code: u16::try_from(body.number()?).ok()?,
                reason: body.text()?,
            },
            18 => Self::Wrote { count: body.number()?, digest: body.number()? },
            19 => Self::Shut,
            20 => Self::Lost,
            21 => Self::TakeBuffer,
            22 => Self::PutBuffer(body.rest()),
            23 => Self::SetCompression(body.flag()?),
            24 => Self::Release,
            32 => Self::Drawn(body.rest()),
            33 => Self::Event {
                kind: u8::try_from(body.number()?).ok()?,
                len: body.number()?,
                digest: body.number()?,
            },
            34 => Self::Refused(body.text()?),
            35 => Self::End(body.text()?),
            _ => return None,
        };
        body.0.is_empty().then_some(record)
    }
}

fn tagged(tag: u8, _: &mut Writer<'_>) -> u8 {
    tag
}

/// The name of a reason not to send.
pub(super) fn reason(error: SendError) -> String {
    format!("{error:?}")
}

/// A trace that is being written.
#[derive(Debug)]
pub(super) struct Journal {
    bytes: Vec<u8>,
    body: Vec<u8>,
    chain: Chain,
}

impl Journal {
    pub(super) fn new() -> Self {
        Self { bytes: MAGIC.to_vec(), body: Vec::new(), chain: Chain::default() }
    }

    pub(super) fn note(&mut self, record: &Record<'_>) {
        self.body.clear();
        let tag = record.write(&mut self.body);
        let start = self.bytes.len();
        self.bytes.push(tag);
        Writer(&mut self.bytes).number(self.body.len() as u64).rest(&self.body);
        self.chain.add(&self.bytes[start..]);
        self.bytes.extend(self.chain.0.to_le_bytes());
    }

    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }
}

/// The records of a trace, up to its end or to what is wrong with it.
#[derive(Clone, Debug)]
pub struct Records<'t> {
    rest: Reader<'t>,
    len: usize,
    chain: Chain,
    over: bool,
}

impl<'t> Records<'t> {
    /// The records of `trace`.
    ///
    /// # Errors
    ///
    /// If it doesn't begin as a trace of this version does.
    pub fn new(trace: &'t [u8]) -> Result<Self, Damage> {
        let mut rest = Reader(trace);
        let (name, version) = MAGIC.split_at(MAGIC.len() - 1);
        if rest.take(name.len() as u64) != Some(name) {
            return Err(Damage::NoTrace);
        }
        match rest.byte() {
            Some(byte) if byte == version[0] => {}
            Some(byte) => return Err(Damage::Version(byte)),
            None => return Err(Damage::Truncated),
        }
        Ok(Self { rest, len: trace.len(), chain: Chain::default(), over: false })
    }

    fn read(&mut self) -> Result<Record<'t>, Damage> {
        let start = self.rest.0;
        let at = self.len - start.len();
        let record = |rest: &mut Reader<'t>| {
            let (tag, len) = (rest.byte()?, rest.number()?);
            let body = rest.take(len)?;
            let end = start.len() - rest.0.len();
            Some((tag, body, &start[..end], rest.take(4)?))
        };
        let (tag, body, bytes, check) = record(&mut self.rest).ok_or(Damage::Truncated)?;
        self.chain.add(bytes);
        if check != self.chain.0.to_le_bytes() {
            return Err(Damage::Changed(at));
        }
        Record::read(tag, Reader(body)).ok_or(Damage::Malformed(at))
    }
}

impl<'t> Iterator for Records<'t> {
    type Item = Result<Record<'t>, Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            let at = self.len - self.rest.0.len();
            return (!self.rest.rest().is_empty()).then_some(Err(Damage::Trailing(at)));
        }
        let record = self.read();
        if record.is_err() {
            self.rest.rest();
        }
        self.over = matches!(record, Ok(Record::End(_)) | Err(_));
        Some(record)
    }
}

/// The first bytes of some, readable.
struct Shown<'b>(&'b [u8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST: usize = 48;
        let more = if self.0.len() > MOST { "..." } else { "" };
        let first = self.0[..self.0.len().min(MOST)].escape_ascii();
        write!(f, "{} bytes \"{first}\"{more}", self.0.len())
    }
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin(beginning) => {
                let role = if beginning.client { "client" } else { "server" };
                write!(f, "{role}, {:?}, deflate {:?}", beginning.settings, beginning.deflate)
            }
            Self::SetConfig(settings) => write!(f, "set_config {settings:?}"),
            Self::Poll { now, eof: true, .. } => write!(f, "poll at {now:?}, end of stream"),
            Self::Poll { now, input, .. } => write!(f, "poll at {now:?}, {}", Shown(input)),
            Self::PollOn { now } => write!(f, "poll at {now:?}, the rest"),
            Self::SendText(text) => write!(f, "send_text {}", Shown(text.as_bytes())),
            Self::SendBinary(bytes) => write!(f, "send_binary {}", Shown(bytes)),
            Self::SendOwnedText(text) => write!(f, "send, text {}", Shown(text.as_bytes())),
            Self::SendOwnedBinary(bytes) => write!(f, "send, binary {}", Shown(bytes)),
            Self::BeginText { last, text } => {
                write!(f, "begin_text, last {last}, {}", Shown(text.as_bytes()))
            }
            Self::BeginBinary { last, bytes } => {
                write!(f, "begin_binary, last {last}, {}", Shown(bytes))
            }
            Self::ContinueText { last, text } => {
                write!(f, "continue_text, last {last}, {}", Shown(text.as_bytes()))
            }
            Self::ContinueBinary { last, bytes } => {
                write!(f, "continue_binary, last {last}, {}", Shown(bytes))
            }
            Self::StreamFrame { first, fin, len } => {
                write!(f, "stream_frame {first:?}, fin {fin}, length {len}")
            }
            Self::StreamPayload(bytes) => write!(f, "stream_payload {}", Shown(bytes)),
            Self::Ping { now, payload } => write!(f, "ping at {now:?}, {}", Shown(payload)),
            Self::Pong(payload) => write!(f, "pong {}", Shown(payload)),
            Self::Close { now, code, reason } => write!(f, "close at {now:?}, {code} {reason:?}"),
            Self::Wrote { count, digest } => write!(f, "wrote {count}, output {digest:016x}"),
            Self::Shut => f.write_str("shut"),
            Self::Lost => f.write_str("lost"),
            Self::TakeBuffer => f.write_str("take_buffer"),
            Self::PutBuffer(bytes) => write!(f, "put_buffer with {} more", Shown(bytes)),
            Self::SetCompression(on) => write!(f, "set_compression {on}"),
            Self::Release => f.write_str("release"),
            Self::Drawn(bytes) => write!(f, "  keys {}", Shown(bytes)),
            Self::Event { kind, len, digest } => {
                let names = [
                    "", "text", "binary", "part", "ping", "pong", "closing", "quiet", "idle",
                    "failed",
                ];
                let name = names.get(usize::from(*kind)).copied().unwrap_or_default();
                write!(f, "  event {name}, {len} bytes, {digest:016x}")
            }
            Self::Refused(reason) => write!(f, "  refused: {reason}"),
            Self::End(outcome) => write!(f, "end: {outcome}"),
        }
    }
}
