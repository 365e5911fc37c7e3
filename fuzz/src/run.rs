//! A run of operations on one connection, with a model beside it of what the peer has to see.

use std::borrow::Cow;
use std::time::Duration;

use sockless::connection::{Cause, Loan, Reply, SendError};
use sockless::extension::Agreed;
use sockless::frame::Limits;
use sockless::{CloseCode, Connection, Input, Kind, Message, Want};

use crate::cuts::Cuts;
use crate::endpoint::Endpoint;
use crate::frames;
use crate::inflated::inflated;
use crate::items;
use crate::model::Model;
use crate::operations::Op;
use crate::reference::{self, Item};
use crate::seen::Seen;

/// No input is longer, nor asks for more turns than it has octets.
const LONGEST: u32 = 2048;

/// How the two halves are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Halves {
    /// As one connection.
    Joined,
    /// Apart, each reply carried over at once.
    Apart,
    /// Apart, replies carried over when output is written.
    Late,
}

/// One run of operations.
pub(crate) struct Run<R: Endpoint> {
    conn: Option<Connection<R>>,
    cuts: Cuts,
    halves: Halves,
    /// Whether events and output are kept.
    keeps: bool,
    timers: bool,
    /// Whether messages are held while output is congested.
    answers: bool,
    /// Whether bytes are handed in where they can't be written to.
    copies: bool,
    now: Duration,
    ended: bool,
    late: Vec<Reply>,
    pub(crate) seen: Vec<Seen>,
    pub(crate) steps: Vec<Step>,
    pub(crate) wire: Vec<u8>,
    model: Model,
    /// How many bytes have come in, and been given to be sent.
    pub(crate) received: usize,
    pub(crate) given: usize,
}

/// What an operation came to.
#[derive(Debug, PartialEq)]
pub(crate) struct Step {
    result: Result<(), SendError>,
    want: Want,
    queued: usize,
}

impl<R: Endpoint> Run<R> {
    pub(crate) fn new(conn: Connection<R>, cuts: &Cuts, halves: Halves) -> Self {
        let mut run = Self {
            conn: Some(conn),
            cuts: cuts.clone(),
            halves,
            keeps: true,
            timers: true,
            answers: !R::MASKS,
            copies: false,
            now: Duration::ZERO,
            ended: false,
            late: Vec::new(),
            seen: Vec::new(),
            steps: Vec::new(),
            wire: Vec::new(),
            model: Model::default(),
            received: 0,
            given: 0,
        };
        run.poll(&mut Input::none());
        run
    }

    /// The same, nothing being kept but what the connection keeps.
    pub(crate) fn forgetful(conn: Connection<R>, cuts: &Cuts) -> Self {
        Self { keeps: false, ..Self::new(conn, cuts, Halves::Joined) }
    }

    /// The same, no configuration having timers.
    pub(crate) fn without_timers(mut self) -> Self {
        self.timers = false;
        self
    }

    /// The same, messages being held while output is congested, or not.
    pub(crate) fn answering(mut self, answers: bool) -> Self {
        self.answers = answers;
        self
    }

    /// The same, bytes being handed in where they can't be written to.
    pub(crate) fn copying(mut self) -> Self {
        self.copies = true;
        self
    }

    pub(crate) fn conn(&mut self) -> &mut Connection<R> {
        self.conn.as_mut().expect("only taken apart while it is polled")
    }

    pub(crate) fn apply(&mut self, op: &Op) {
        let result = self.act(op);
        self.settle();
        if self.keeps {
            let conn = self.conn();
            let (want, queued) = (conn.want(), conn.queued());
            assert_eq!(queued, conn.output_slices().map(<[u8]>::len).sum::<usize>());
            assert_eq!(queued == 0, conn.output().is_empty());
            self.steps.push(Step { result, want, queued });
        }
    }

    /// Does what the connection wants at once, as every driver does.
    fn settle(&mut self) {
        let mut turns = 0;
        while self.conn().want().deadline().is_some_and(|at| at <= self.now) {
            assert!(turns < 8, "a turn comes to nothing again and again: {:?}", self.conn().want());
            turns += 1;
            self.poll(&mut Input::none());
        }
    }

    fn act(&mut self, op: &Op) -> Result<(), SendError> {
        let now = self.now;
        match op {
            Op::Frame(frame) => {
                let mut bytes = Vec::new();
                frame.encode(!R::MASKS, &mut bytes);
                self.receive(&bytes);
            }
            Op::Bytes(bytes) => self.receive(bytes),
            Op::Text(body) => {
                let text = body.text();
                self.given += text.len();
                self.conn().send_text(&text)?;
                self.keep(|model| model.whole(Kind::Text, text.into_bytes()));
            }
            Op::Binary(body) => {
                let bytes = body.bytes();
                self.given += bytes.len();
                self.conn().send_binary(&bytes)?;
                self.keep(|model| model.whole(Kind::Binary, bytes));
            }
            Op::Owned(text, body) => {
                let message = if *text { Message::from(body.text()) } else { body.bytes().into() };
                self.given += message.as_bytes().len();
                let (kind, bytes) = (message.kind(), message.as_bytes().to_vec());
                if let Err(refused) = self.conn().send(message) {
                    assert_eq!(refused.message.as_bytes(), bytes, "given back as it was");
                    return Err(refused.reason);
                }
                self.keep(|model| model.whole(kind, bytes));
            }
            Op::BeginText(body) => {
                let text = body.text();
                self.given += text.len();
                self.conn().begin_text(&text, false)?;
                self.keep(|model| model.fragment(Some(Kind::Text), text.as_bytes(), false));
            }
            Op::BeginBinary(body) => {
                let bytes = body.bytes();
                self.given += bytes.len();
                self.conn().begin_binary(&bytes, false)?;
                self.keep(|model| model.fragment(Some(Kind::Binary), &bytes, false));
            }
            Op::Continue { text, body, last } => {
                let part = body.text();
                self.given += part.len();
                match text {
                    true => self.conn().continue_text(&part, *last)?,
                    false => self.conn().continue_binary(part.as_bytes(), *last)?,
                }
                self.keep(|model| model.fragment(None, part.as_bytes(), *last));
            }
            Op::StreamFrame { first, fin, len } => {
                let kind = |text: bool| if text { Kind::Text } else { Kind::Binary };
                let first = first.map(kind);
                self.conn().stream_frame(first, *fin, (*len).into())?;
                self.given += 14;
                self.keep(|model| model.stream(first, *fin, (*len).into()));
            }
            Op::StreamPayload(payload) => {
                self.conn().stream_payload(&mut payload.clone())?;
                self.given += payload.len();
                self.keep(|model| model.payload(payload));
            }
            Op::Ping(payload) => {
                self.conn().ping(payload, now)?;
                self.given += 131;
            }
            Op::Pong(payload) => {
                self.conn().pong(payload)?;
                self.given += 131;
            }
            Op::Close(code, reason) => {
                let code = code.and_then(CloseCode::new);
                self.conn().close(code, reason, now)?;
            }
            Op::Pass(millis) => {
                self.poll(&mut Input::none());
                self.now += Duration::from_millis(u64::from(*millis));
                self.poll(&mut Input::none());
            }
            Op::Eof => self.poll(&mut Input::eof()),
            Op::Write(most) => self.write(usize::from(*most)),
            Op::WriteAll => self.write(usize::MAX),
            Op::WriteSlices(most) => {
                let slices: Vec<u8> = self.conn().output_slices().flatten().copied().collect();
                let count = slices.len().min(usize::from(*most));
                self.conn().wrote(count);
                if self.keeps {
                    self.wire.extend_from_slice(&slices[..count]);
                }
            }
            Op::Lend(capacity) => {
                _ = self.conn().lend(Loan::Output, Vec::with_capacity((*capacity).into()))
            }
            Op::Reclaim => {
                let empty = self.conn().queued() == 0;
                let back = self.conn().reclaim(Loan::Output);
                assert!(back.is_none() || empty, "bytes that waited are gone");
            }
            Op::Take(body) => self.read_into(&body.bytes()),
            Op::Configure(choice) => {
                let config = choice.config(self.timers);
                self.conn().set_config(config);
                self.answers = choice.answers(R::MASKS);
                // The events that are due by the new times come before the next bytes arrive, however they are cut.
                self.poll(&mut Input::none());
            }
            Op::Compress(on) => self.conn().set_compression(*on),
            Op::Release => self.conn().release(),
            Op::Shut => self.conn().shut(),
            Op::Lost => self.conn().lost(),
        }
        Ok(())
    }

    fn keep(&mut self, note: impl FnOnce(&mut Model)) {
        if self.keeps {
            note(&mut self.model);
        }
    }

    /// Hands in bytes, cut into reads.
    pub(crate) fn receive(&mut self, bytes: &[u8]) {
        self.received += bytes.len();
        for read in self.cuts.clone().reads(bytes.len()) {
            let arrived = &bytes[read];
            if self.copies {
                self.poll(&mut Input::copied(arrived, &mut vec![0xEE; arrived.len()]));
            } else {
                self.poll(&mut Input::new(&mut arrived.to_vec()));
            }
        }
    }

    /// As much as there is room for goes into the buffer of the message that is arriving, the rest the usual way.
    pub(crate) fn read_into(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if let Some(mut taken) = self.conn().take_buffer() {
            // No other buffer can be had. What is handed in meanwhile comes after what is read into this one.
            assert!(self.conn().take_buffer().is_none());
            let count = taken.capacity().min(bytes.len());
            let (into, after) = bytes.split_at(count);
            let (early, late) = after.split_at(after.len() / 2);
            self.receive(early);
            taken.extend_from_slice(into);
            self.received += count;
            bytes = late;
            let _ = self.conn().put_buffer(taken);
            self.poll(&mut Input::none());
        }
        self.receive(bytes);
    }

    fn poll(&mut self, input: &mut Input<'_>) {
        // Memory that is lent for messages changes no event: so one run lends it, and the other does not.
        let lends = self.copies && self.halves == Halves::Joined;
        if lends {
            let _ = self.conn().lend(Loan::Message, Vec::with_capacity(100));
        }
        // A byte makes at most two events, those that are kept included, and time a few.
        let most = 2 * (self.received + input.len()) + 8;
        let mut polls = 0;
        match self.halves {
            Halves::Joined => {
                while let Some(event) = self.conn.as_mut().expect("here").poll(input, self.now) {
                    polls += 1;
                    assert!(polls <= most, "events without end: {event:?}");
                    let seen = self.keeps.then(|| Seen::new(&event));
                    drop(event);
                    seen.into_iter().for_each(|seen| self.see(seen));
                }
            }
            halves => {
                let (mut receiver, mut sender) = self.conn.take().expect("joined").split();
                sender.timeout(self.now);
                while let Some(notice) = sender.notice() {
                    receiver.note(notice, self.now);
                }
                loop {
                    receiver.hold(self.answers && sender.is_congested());
                    let event = receiver.poll(input, self.now).map(|event| Seen::new(&event));
                    // The end of the stream has a reply, too, and no event.
                    while let Some(reply) = receiver.reply() {
                        match halves {
                            Halves::Late => self.late.push(reply),
                            _ => sender.apply(reply, self.now),
                        }
                    }
                    let Some(event) = event else { break };
                    polls += 1;
                    assert!(polls <= most, "events without end: {event:?}");
                    self.see(event);
                }
                self.conn = Some(Connection::join(receiver, sender));
            }
        }
        assert!(input.is_empty(), "no event, but input is left");
        if lends && let Some(spare) = self.conn().reclaim(Loan::Message) {
            assert!(spare.is_empty() && spare.capacity() >= 100, "not what was lent");
        }
    }

    fn see(&mut self, seen: Seen) {
        assert!(!self.ended, "{seen:?} after the end");
        self.ended = seen.ends();
        if self.keeps {
            seen.join(&mut self.seen);
        }
    }

    fn write(&mut self, most: usize) {
        if !self.late.is_empty() {
            let (receiver, mut sender) = self.conn.take().expect("joined").split();
            for reply in self.late.drain(..) {
                sender.apply(reply, self.now);
            }
            self.conn = Some(Connection::join(receiver, sender));
        }
        let mut left = most;
        while left > 0 && !self.conn().output().is_empty() {
            let conn = self.conn.as_mut().expect("here");
            let count = conn.output().len().min(left);
            if self.keeps {
                self.wire.extend_from_slice(&conn.output()[..count]);
            }
            conn.wrote(count);
            left -= count;
        }
    }

    /// The stream ends, everything is written, and time passes: it has to be over then.
    pub(crate) fn finish(&mut self) {
        self.poll(&mut Input::eof());
        self.write(usize::MAX);
        self.now += Duration::from_secs(1_000_000);
        self.poll(&mut Input::none());
        self.write(usize::MAX);
        // What was held comes a message at a time, as long as each answer fills the output: a deadline that has passed means "poll at once".
        let mut turns = 0;
        while self.conn().want().deadline().is_some_and(|at| at <= self.now) {
            assert!(turns < LONGEST, "it asks for turns without end: {:?}", self.conn().want());
            turns += 1;
            self.poll(&mut Input::none());
            self.write(usize::MAX);
        }
        if self.conn().want() == Want::ShutdownWrite {
            self.conn().shut();
        }
        let want = self.conn().want();
        let Want::Done(outcome) = want else { panic!("does not end: {want:?}") };
        assert_eq!(outcome, self.conn().outcome());
        assert_ne!(outcome.cause, Cause::Open, "over, but open");
    }

    /// The data messages that were sent, and those that were received.
    pub(crate) fn messages(&self) -> (&[Item], Vec<Item>) {
        (&self.model.sent, items::data(&self.seen))
    }

    /// Whether a frame is open whose payload is incomplete.
    pub(crate) fn inside_frame(&self) -> bool {
        self.model.frame.is_some()
    }

    /// What was written is legal, and is what was sent: all of it, or (`cut`) its beginning.
    pub(crate) fn understood(&self, agreed: Option<Agreed>, cut: bool) {
        let unlimited = Limits::DEFAULT.with_frame(u64::MAX).with_message(u64::MAX);
        let wire = match agreed {
            None => Cow::from(&self.wire),
            Some(agreed) => Cow::from(inflated::<R>(&self.wire, &agreed)),
        };
        let (items, wrong) = reference::decode(&wire, R::MASKS, &unlimited);
        assert_eq!(wrong, None, "the sender broke a rule");
        let data = items::data_of(items);
        let sent = &self.model.sent;
        let alike = if cut { sent.starts_with(&data) } else { *sent == data };
        assert!(alike, "sent {sent:?}, but the peer sees {data:?}");
        let firsts = frames::first_bytes(&self.wire);
        let close = firsts.iter().position(|first| *first == 0x88).unwrap_or(firsts.len());
        let behind = firsts.iter().skip(close + 1);
        assert!(behind.clone().all(|first| *first == 0x8A), "{behind:?} behind a Close frame");
    }
}
