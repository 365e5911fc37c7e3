//! An open connection with a testee: frames out, events in.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use sockless::frame::{Decoder, Input, Limits, Piece, Violation};
use sockless::words::opcode::Opcode;
use sockless::{Client, Server};

use super::agreement::{Agreement, MAX_MESSAGE};
use super::context::Context;
use super::event::Event;
use crate::verdict::Testee;
use crate::wire::deflate::Broken;
use crate::wire::frame::{
    BINARY, FIN, Frame, RSV1, TEXT, close_body, describe, excerpt, fragments,
};
use crate::wire::link::{Link, Turn};
use crate::wire::log::Way;

/// How much a testee may send in a case that doesn't ask for more.
const MAX_RECEIVED: u64 = 8 << 20;

/// The receiving side, in the role that the testee is not.
enum Receiving {
    Client(Decoder<Client>),
    Server(Decoder<Server>),
}

impl Receiving {
    fn decode<'b>(&mut self, input: &mut Input<'b>) -> Result<Option<Piece<'b>>, Violation> {
        let limit = MAX_MESSAGE as u64;
        let limits = Limits::default().with_frame(limit).with_message(limit);
        match self {
            Self::Client(decoder) => decoder.decode(input, &limits),
            Self::Server(decoder) => decoder.decode(input, &limits),
        }
    }
}

/// A message that is not complete.
struct Message {
    text: bool,
    compressed: bool,
    payload: Vec<u8>,
}

/// An open connection.
pub(crate) struct Session {
    pub(crate) link: Link,
    context: Context,
    receiving: Receiving,
    pub(crate) agreement: Option<Agreement>,
    message: Option<Message>,
    control: Vec<u8>,
    events: VecDeque<Event>,
    broken: bool,
    over: bool,
    /// How much the testee may send.
    pub(crate) max_received: u64,
    /// Whether pings are answered here.
    pub(crate) answers_pings: bool,
    pub(crate) close_sent: bool,
    /// The code of the testee's Close frame; `Some(None)` if it had none.
    pub(crate) close_received: Option<Option<u16>>,
    /// How many of its messages came compressed.
    pub(crate) compressed: usize,
    /// The bytes that have arrived, as they were, where a case asks for them.
    pub(crate) tap: Option<Vec<u8>>,
}

impl Session {
    pub(crate) fn new(context: Context, link: Link, agreement: Option<Agreement>) -> Self {
        let receiving = match (context.testee, agreement.is_some()) {
            (Testee::Server, false) => Receiving::Client(Decoder::new()),
            (Testee::Server, true) => Receiving::Client(Decoder::new().claiming_rsv1()),
            (Testee::Client, false) => Receiving::Server(Decoder::new()),
            (Testee::Client, true) => Receiving::Server(Decoder::new().claiming_rsv1()),
        };
        Self {
            link,
            context,
            receiving,
            agreement,
            message: None,
            control: Vec::new(),
            events: VecDeque::new(),
            broken: false,
            over: false,
            max_received: MAX_RECEIVED,
            answers_pings: true,
            close_sent: false,
            close_received: None,
            compressed: 0,
            tap: None,
        }
    }

    pub(crate) const fn testee(&self) -> Testee {
        self.context.testee
    }

    pub(crate) fn masks(&self) -> bool {
        self.testee() == Testee::Server
    }

    pub(crate) fn soon(&self) -> Instant {
        self.context.soon()
    }

    pub(crate) fn within(&self, wait: Duration) -> Instant {
        self.context.within(wait)
    }

    /// Whether the stream's end was seen.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    pub(crate) fn note(&self, text: impl Into<String>) {
        self.context.note(text);
    }

    // -- sending ---------------------------------------------------------------------------------------------------------------

    /// Queues a frame.
    pub(crate) fn send(&mut self, frame: &Frame) {
        self.send_chopped(std::slice::from_ref(frame), usize::MAX);
    }

    /// Queues frames, in writes of at most `chop` octets.
    pub(crate) fn send_chopped(&mut self, frames: &[Frame], chop: usize) {
        let mut bytes = Vec::new();
        for frame in frames {
            let (masks, key) = (self.masks(), self.context.masking_key());
            frame.encode(masks, key, &mut bytes);
            if self.context.log_has_room() {
                self.context.log(Way::Sent, frame.describe(masks, key));
            }
        }
        self.link.queue(bytes, chop);
    }

    /// Queues bytes that are no frame, or a part of one.
    pub(crate) fn send_raw(&mut self, bytes: &[u8]) {
        let line = format!("{} raw bytes: {}", bytes.len(), excerpt(bytes));
        self.context.log(Way::Sent, line);
        self.link.queue(bytes, usize::MAX);
    }

    /// The bytes of a frame, to be sent in parts.
    pub(crate) fn encoded(&mut self, frame: &Frame) -> Vec<u8> {
        let mut bytes = Vec::new();
        let key = self.context.masking_key();
        let line = format!("in parts: {}", frame.describe(self.masks(), key));
        frame.encode(self.masks(), key, &mut bytes);
        self.note(line);
        bytes
    }

    /// A message in the frames that it has to have: compressed if that was agreed on, in fragments of at most `fragment`
    /// octets; 0 for one frame.
    pub(crate) fn message_frames(
        &mut self,
        text: bool,
        message: &[u8],
        fragment: usize,
    ) -> Vec<Frame> {
        let kind = if text { TEXT } else { BINARY };
        let (rsv, payload) = match &mut self.agreement {
            Some(agreement) => (RSV1, agreement.compressor.compress(message)),
            None => (0, message.to_vec()),
        };
        fragments(rsv | kind, payload, fragment)
    }

    /// Queues a Close frame, if none was sent.
    pub(crate) fn send_close(&mut self, code: u16) {
        if !self.close_sent {
            self.close_sent = true;
            self.send(&Frame::new(FIN | 0x8, close_body(code, b"")));
        }
    }

    /// Writes all that is queued, or as much as the testee takes in time: whether that was all.
    pub(crate) fn flush(&mut self, until: Instant) -> bool {
        while !self.link.is_flushed() {
            match self.link.turn(until, true) {
                Turn::TimedOut => return false,
                _ => self.take(),
            }
        }
        true
    }

    // -- receiving -------------------------------------------------------------------------------------------------------------

    /// Bytes that arrived with the head.
    pub(crate) fn feed(&mut self, mut bytes: Vec<u8>) {
        self.decode(&mut bytes);
    }

    /// What the testee does next; `None` if it does nothing in time.
    pub(crate) fn next(&mut self, until: Instant) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.over {
                return None;
            }
            if let Some(end) = self.link.ended() {
                self.over = true;
                let event = Event::End(end);
                self.note(format!("the testee {}", event.describe()));
                return Some(event);
            }
            if self.link.turn(until.min(self.context.deadline()), true) == Turn::TimedOut {
                return None;
            }
            self.take();
        }
    }

    /// Decodes what has arrived.
    pub(crate) fn take(&mut self) {
        let mut bytes = self.link.take_arrived();
        if let Some(tap) = &mut self.tap {
            tap.extend_from_slice(&bytes);
        }
        if self.link.received() > self.max_received && !self.broken {
            self.broken = true;
            let text =
                format!("it sent more than {} B, which nothing asked for", self.max_received);
            self.events.push_back(Event::Broke(text));
        }
        self.decode(&mut bytes);
    }

    fn decode(&mut self, bytes: &mut [u8]) {
        let mut input = Input::new(bytes);
        while !self.broken {
            match self.receiving.decode(&mut input) {
                Ok(None) => return,
                Ok(Some(piece)) => self.piece(&piece),
                Err(violation) => self.break_rule(violation.to_string()),
            }
        }
    }

    fn break_rule(&mut self, rule: String) {
        self.broken = true;
        let rule = rule.replace("the peer", "the testee");
        self.note(rule.clone());
        self.events.push_back(Event::Broke(rule));
    }

    fn piece(&mut self, piece: &Piece<'_>) {
        if piece.begins && (self.context.log_has_room() || piece.opcode.is_control()) {
            let first = u8::from(piece.fin) << 7 | piece.rsv << 4 | piece.opcode.bits();
            let len = piece.payload.len() as u64 + piece.remaining;
            self.context.log(Way::Received, describe(first, len, piece.payload));
        }
        if piece.opcode.is_control() {
            self.control.extend_from_slice(piece.payload);
            if piece.remaining == 0 {
                let payload = std::mem::take(&mut self.control);
                self.control_frame(piece.opcode, payload);
            }
            return;
        }
        if piece.begins && piece.opcode != Opcode::Continuation {
            let (text, compressed) = (piece.opcode == Opcode::Text, piece.rsv & 4 != 0);
            self.message = Some(Message { text, compressed, payload: Vec::new() });
        }
        let Some(message) = &mut self.message else { return };
        message.payload.extend_from_slice(piece.payload);
        if message.payload.len() > MAX_MESSAGE {
            return self.break_rule("it sent a message longer than the probe takes".to_owned());
        }
        if piece.fin && piece.remaining == 0 {
            self.end_message();
        }
    }

    fn control_frame(&mut self, opcode: Opcode, payload: Vec<u8>) {
        match opcode {
            Opcode::Ping => {
                if self.answers_pings && !self.close_sent {
                    self.send(&Frame::new(FIN | 0xA, payload.clone()));
                }
                self.events.push_back(Event::Ping(payload));
            }
            Opcode::Pong => self.events.push_back(Event::Pong(payload)),
            _ => {
                let code = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
                if self.close_received.is_some() {
                    return self.break_rule("it sent a second Close frame".to_owned());
                }
                self.close_received = Some(code);
                let reason = payload.get(2..).unwrap_or_default().to_vec();
                self.events.push_back(Event::Close(code, reason));
            }
        }
    }

    fn end_message(&mut self) {
        let Some(Message { text, compressed, payload }) = self.message.take() else { return };
        if self.close_received.is_some() {
            return self.break_rule("it sent data after its Close frame".to_owned());
        }
        let payload = match &mut self.agreement {
            Some(agreement) if compressed => {
                self.compressed += 1;
                match agreement.inflater.inflate(&payload) {
                    Ok(message) => message,
                    Err(Broken::TooLong) => {
                        return self.break_rule("its message inflates to too much".to_owned());
                    }
                    Err(Broken::Data) => {
                        let theirs = agreement.theirs;
                        return self.break_rule(format!(
                            "its compressed message can't be inflated in a window of 2^{} B{}",
                            theirs.bits,
                            if theirs.takeover { "" } else { " that is empty at its beginning" }
                        ));
                    }
                }
            }
            _ => payload,
        };
        if text && compressed && std::str::from_utf8(&payload).is_err() {
            return self.break_rule("it sent compressed text that is not UTF-8".to_owned());
        }
        self.events.push_back(if text { Event::Text(payload) } else { Event::Binary(payload) });
    }
}
