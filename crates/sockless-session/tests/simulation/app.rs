//! The application of one side: what it sends, what it takes, and what it remembers of both when it dies.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use sockless_session::reliable::{
    Config, Failed, Fate, Incoming, Message, Misuse, Payload, Received, SendError, Session,
    SessionId, Status,
};

use crate::random::Random;

/// In the place of a message's content: a gap, with how many messages were left out.
pub(crate) const GAP: u32 = 1 << 31;

/// A message that a session has taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    pub(crate) id: SessionId,
    pub(crate) number: u64,
    pub(crate) content: u32,
    /// What the application has learnt, once it has.
    pub(crate) end: Option<Learnt>,
}

/// What the application has learnt of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Learnt {
    Delivered,
    Undelivered,
    Unknown,
    /// The side died before the message was stored: nobody was promised anything.
    Forgotten,
}

/// The application of one side.
#[derive(Debug)]
pub(crate) struct App {
    name: char,
    peer: char,
    /// Whether effects are stored together with what the session stores.
    pub(crate) exact: bool,
    by_application: bool,
    /// How many messages are still to be sent, and the content of the next.
    pub(crate) plan: usize,
    next: u32,
    waits_for_room: bool,
    pub(crate) ledger: Vec<Sent>,
    /// What has been taken from the peer, as far as it is remembered.
    pub(crate) effects: Vec<(SessionId, u32)>,
    /// The effects that the next batch has to carry.
    fresh: Vec<u8>,
    /// All that was ever taken.
    pub(crate) ever: Vec<(SessionId, u32)>,
    /// What has been handed over and isn't accepted.
    holding: Vec<(SessionId, u64, u32)>,
    /// What has been accepted and may not be stored, and what so can come again after a death.
    at_risk: VecDeque<(SessionId, u64, u32)>,
    pub(crate) replayable: HashSet<(SessionId, u32)>,
    /// Requests of ours that wait.
    pub(crate) requests: HashSet<(SessionId, u64)>,
    /// Whether it has died. What it had learnt of an ended session it may learn again, if that was not stored.
    died: bool,
    /// Whether it was restored from an old state: what it had taken since, it has forgotten.
    pub(crate) went_back: bool,
    pub(crate) refused: u64,
    pub(crate) asked_again: u64,
}

impl App {
    pub(crate) fn new(name: char, config: &Config, random: &mut Random) -> Self {
        use sockless_session::reliable::Acceptance;
        Self {
            name,
            peer: if name == 'c' { 's' } else { 'c' },
            exact: random.one_in(2),
            by_application: config.acceptance == Acceptance::ByApplication,
            plan: random.below(40),
            next: 0,
            waits_for_room: false,
            ledger: Vec::new(),
            effects: Vec::new(),
            fresh: Vec::new(),
            ever: Vec::new(),
            holding: Vec::new(),
            at_risk: VecDeque::new(),
            replayable: HashSet::new(),
            requests: HashSet::new(),
            died: false,
            went_back: false,
            refused: 0,
            asked_again: 0,
        }
    }

    /// Whether it would send something now, given the chance.
    pub(crate) fn is_eager(&self) -> bool {
        self.plan > 0 && !self.waits_for_room
    }

    /// Whether it holds messages that it hasn't accepted.
    pub(crate) fn is_holding(&self) -> bool {
        !self.holding.is_empty()
    }

    pub(crate) fn room(&mut self) {
        self.waits_for_room = false;
    }

    /// Sends one message, perhaps.
    pub(crate) fn send(
        &mut self,
        session: &mut Session<Message>,
        now: Duration,
        random: &mut Random,
    ) {
        if random.one_in(25) {
            let count = 1 + random.below(9) as u64;
            if let Ok(number) = session.skip(count) {
                self.skipped(session.id(), number, count as u32);
            }
            return;
        }
        let message = content(self.name, self.next);
        let asks = random.one_in(8);
        let sent = if asks {
            session.request(message, now + random.millis(4000))
        } else {
            session.send(message)
        };
        match sent {
            Ok(number) => {
                assert!(!asks || self.requests.insert((session.id(), number)));
                self.note(session.id(), number);
                self.plan -= 1;
            }
            Err(failure) => {
                assert_eq!(failure.message, content(self.name, self.next));
                match failure.error {
                    SendError::QueueFull => {
                        self.waits_for_room = true;
                        self.refused += 1;
                    }
                    SendError::Ended | SendError::TooManyRequests => {}
                    error => panic!("a message is refused for {error}"),
                }
            }
        }
    }

    fn note(&mut self, id: SessionId, number: u64) {
        self.ledger.push(Sent { id, number, content: self.next, end: None });
        self.next += 1;
    }

    fn skipped(&mut self, id: SessionId, number: u64, count: u32) {
        let last = self.ledger.iter_mut().rfind(|sent| sent.id == id && sent.end.is_none());
        match last.filter(|sent| sent.number == number && sent.content >= GAP) {
            Some(sent) => sent.content += count,
            None => self.ledger.push(Sent { id, number, content: GAP | count, end: None }),
        }
    }

    /// Takes what the session has received.
    pub(crate) fn take(
        &mut self,
        session: &mut Session<Message>,
        received: Received<'_>,
        random: &mut Random,
    ) {
        let (number, content) = match received {
            Received::Message { number, payload } => (number, read(self.peer, payload)),
            Received::Request { number, payload } => {
                let answer = content(self.name, self.next);
                let rejects = random.one_in(3);
                let sent = if rejects {
                    session.reject(number, answer)
                } else {
                    session.reply(number, answer)
                };
                if let Ok(answer) = sent {
                    self.note(session.id(), answer);
                }
                (number, read(self.peer, payload))
            }
            Received::Reply { number, to, payload, .. } => {
                assert!(
                    self.requests.remove(&(session.id(), to)),
                    "a reply to {to}, which isn't waited for"
                );
                (number, read(self.peer, payload))
            }
            Received::Late { number, to, payload, .. } => {
                assert!(
                    !self.requests.contains(&(session.id(), to)),
                    "the reply to {to} isn't late"
                );
                (number, read(self.peer, payload))
            }
            Received::Gap { number, count } => (number, GAP | count as u32),
            _ => return,
        };
        if self.by_application {
            let id = session.id();
            let last = self.holding.iter().rev().find(|(other, ..)| *other == id);
            if let Some((_, last, _)) = last {
                assert_eq!(*last + 1, number, "a message out of order");
            }
            self.holding.push((id, number, content));
        } else {
            self.effect(session.id(), number, content);
        }
    }

    fn effect(&mut self, id: SessionId, number: u64, content: u32) {
        self.effects.push((id, content));
        self.ever.push((id, content));
        self.fresh.extend(id.to_bytes());
        self.fresh.extend(content.to_le_bytes());
        self.at_risk.push_back((id, number, content));
    }

    /// Accepts some of what it holds, or asks for some of it again.
    pub(crate) fn work(
        &mut self,
        session: &mut Session<Message>,
        now: Duration,
        random: &mut Random,
    ) {
        let id = session.id();
        let mut held: Vec<_> = self.holding.extract_if(.., |(other, ..)| *other == id).collect();
        if held.is_empty() {
            return;
        }
        if random.one_in(12) {
            let at = random.below(held.len());
            if session.again(held[at].1).is_ok() {
                held.truncate(at);
                self.asked_again += 1;
            }
        } else {
            for (_, number, content) in held.drain(..1 + random.below(held.len())) {
                match session.accept(number, now) {
                    Ok(()) => self.effect(id, number, content),
                    Err(error) => assert_eq!(error, Misuse::Ended),
                }
            }
        }
        self.holding.append(&mut held);
    }

    /// What the next batch carries.
    pub(crate) fn take_fresh(&mut self) -> Vec<u8> {
        let fresh = std::mem::take(&mut self.fresh);
        if self.exact { fresh } else { Vec::new() }
    }

    /// All effects, as a snapshot carries them.
    pub(crate) fn all_effects(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (id, content) in self.effects.iter().filter(|_| self.exact) {
            bytes.extend(id.to_bytes());
            bytes.extend(content.to_le_bytes());
        }
        bytes
    }

    /// What the session has stored can't come again.
    pub(crate) fn stored(&mut self, id: SessionId, up_to: u64) {
        self.at_risk.retain(|(other, number, _)| *other != id || *number > up_to);
    }

    /// The session's news about our messages.
    pub(crate) fn learn(&mut self, session: &Session<Message>) {
        let id = session.id();
        for sent in self.ledger.iter_mut().filter(|sent| sent.id == id && sent.end.is_none()) {
            if session.status(sent.number) == Some(Status::Delivered) {
                sent.end = Some(Learnt::Delivered);
            }
        }
    }

    /// The session has ended: what is left of it comes back.
    pub(crate) fn ended(&mut self, session: &mut Session<Message>) {
        self.learn(session);
        self.holding.retain(|(id, ..)| *id != session.id());
        self.waits_for_room = false;
        self.requests.retain(|(id, _)| *id != session.id());
        let (id, counts) = (session.id(), session.count_failed());
        let mut counted = (0, 0);
        while let Some(Failed { number, fate, message }) = session.take_failed() {
            let mut same = self.ledger.iter_mut().filter(|sent| sent.id == id);
            if message.is_some() {
                counted.0 += u64::from(fate == Fate::Undelivered);
                counted.1 += u64::from(fate == Fate::Unknown);
            }
            let Some(sent) = same.find(|sent| sent.number == number && sent.end.is_none()) else {
                assert!(self.died, "{number} has failed, and has never been sent");
                continue;
            };
            if let Some(message) = message {
                assert_eq!(message, content(self.name, sent.content));
            }
            let unknown = fate == Fate::Unknown;
            sent.end = Some(if unknown { Learnt::Unknown } else { Learnt::Undelivered });
        }
        assert_eq!(counts, counted);
        for sent in self.ledger.iter().filter(|sent| sent.id == id) {
            assert!(sent.end.is_some(), "{sent:?} has no end");
        }
    }

    /// The side dies: what it remembers is what the store has. `assigned` is the last number of a session that survives.
    pub(crate) fn die(
        &mut self,
        effects: &[(SessionId, Vec<u8>)],
        assigned: impl Fn(SessionId) -> Option<u64>,
        promised: impl Fn(SessionId) -> u64,
    ) {
        self.died = true;
        self.holding.clear();
        self.fresh.clear();
        self.waits_for_room = false;
        self.requests.clear();
        for sent in self.ledger.iter_mut().filter(|sent| sent.end.is_none()) {
            if assigned(sent.id).is_none_or(|assigned| sent.number > assigned) {
                assert!(sent.number > promised(sent.id), "{sent:?} was stored, and is gone");
                sent.end = Some(Learnt::Forgotten);
            }
        }
        if self.exact {
            let octets = effects.iter().flat_map(|(_, bytes)| bytes.chunks(20));
            self.effects = octets
                .map(|effect| {
                    let (id, content) = effect.split_at(16);
                    let id = SessionId::from_bytes(id.try_into().expect("16 octets"));
                    (id, u32::from_le_bytes(content.try_into().expect("4 octets")))
                })
                .collect();
        }
        if !self.exact || self.effects.len() < self.ever.len() {
            let again = self.at_risk.iter().map(|(id, _, content)| (*id, *content));
            self.replayable.extend(again);
        }
        self.at_risk.clear();
    }
}

/// The message of a side with this content: of many lengths and kinds.
pub(crate) fn content(name: char, content: u32) -> Message {
    let mixed = Random(u64::from(content) ^ u64::from(u32::from(name)) << 32).next();
    let padding = match mixed % 8 {
        0 => 0,
        1..=5 => (mixed >> 8) as usize % 30,
        _ => (mixed >> 8) as usize % 500,
    };
    let head = if mixed & 0x1_0000 == 0 { "\u{10}" } else { "" };
    let text = format!("{head}{name}{content}:{}", "=".repeat(padding));
    if mixed & 0x2_0000 == 0 { text.as_str().into() } else { text.into_bytes().into() }
}

fn read(name: char, payload: Incoming<'_>) -> u32 {
    let text = std::str::from_utf8(payload.as_bytes()).expect("it is ASCII");
    let digits = text.trim_start_matches('\u{10}').strip_prefix(name).expect("the peer's");
    let digits = digits.split(':').next().expect("digits");
    let number = digits.parse().expect("a number");
    let expected = content(name, number);
    assert_eq!(Message::from(payload), expected);
    assert_eq!(payload.kind(), expected.kind());
    number
}
