//! Somebody who follows a channel, on one node and then on another, and holds every delivery against what the broker did.

use std::collections::BTreeSet;

use sockless_channels::{Broker, Delivery, Loss, Position, Recovery, Start, Subscriber};

use crate::record::Record;

/// A client and what it has got.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) channel: String,
    /// The node and the subscriber there, while it is present.
    pub(crate) at: Option<(usize, Subscriber)>,
    /// Where it wanted to begin the last time.
    from: Start,
    started: bool,
    /// Whether the position it began with is one that it made up.
    pub(crate) forged: bool,
    /// Where it is.
    pub(crate) position: Option<Position>,
    had: BTreeSet<(u64, u64)>,
    pub(crate) tally: Tally,
}

/// What clients were told.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) publications: u64,
    pub(crate) recovered: u64,
    pub(crate) trimmed: u64,
    pub(crate) renewed: u64,
    /// Those that made their position up and were told that it isn't one.
    pub(crate) unmasked: u64,
}

impl Tally {
    pub(crate) fn join(&mut self, other: Self) {
        self.publications += other.publications;
        self.recovered += other.recovered;
        self.trimmed += other.trimmed;
        self.renewed += other.renewed;
        self.unmasked += other.unmasked;
    }

    pub(crate) fn losses(&self) -> u64 {
        self.trimmed + self.renewed
    }
}

impl Client {
    pub(crate) fn new(channel: String) -> Self {
        Self {
            channel,
            at: None,
            from: Start::Now,
            started: false,
            forged: false,
            position: None,
            had: BTreeSet::new(),
            tally: Tally::default(),
        }
    }

    /// It arrives at a node.
    pub(crate) fn arrive(&mut self, node: usize, subscriber: Subscriber, from: Start) {
        (self.at, self.from, self.started) = (Some((node, subscriber)), from, false);
        if !matches!(from, Start::After(_)) || self.forged {
            self.position = None;
            self.had.clear();
        }
    }

    /// It gets something.
    pub(crate) fn got(&mut self, delivery: &Delivery, record: &Record, broker: &Broker) {
        let channel = &self.channel;
        let context =
            || format!("{channel}, at {:?}, from {:?}: {delivery:?}", self.position, self.from);
        match delivery {
            Delivery::Started { position, recovery } => {
                assert!(!self.started, "{}: started twice", context());
                self.started = true;
                match (self.from, recovery) {
                    (Start::Now, Recovery::Fresh) => {}
                    (Start::Oldest, Recovery::Fresh) => {
                        assert!(is_gone(broker, channel, *position), "{}: skipped", context());
                    }
                    (Start::After(from), Recovery::Recovered) => {
                        assert_eq!(*position, from, "{}: recovered elsewhere", context());
                        self.tally.recovered += 1;
                    }
                    (Start::After(_), Recovery::NotRecovered(Loss::Ahead | Loss::Epoch))
                        if self.forged =>
                    {
                        self.tally.unmasked += 1;
                    }
                    (Start::After(from), Recovery::NotRecovered(loss)) => {
                        self.lost(from, *position, *loss, broker);
                    }
                    // The channel was renewed before the client heard that it had started.
                    (Start::Now | Start::Oldest, Recovery::NotRecovered(Loss::Epoch)) => {
                        self.tally.renewed += 1;
                    }
                    (Start::Now | Start::Oldest, Recovery::NotRecovered(Loss::Trimmed)) => {
                        assert!(is_gone(broker, channel, *position), "{}: not gone", context());
                        self.tally.trimmed += 1;
                    }
                    _ => panic!("{}: not an answer to what was asked", context()),
                }
            }
            Delivery::Publication { position, payload } => {
                let before = self.position.expect("something comes before the start");
                assert!(self.started, "{}: not started", context());
                let next = Position::new(before.epoch(), before.offset() + 1);
                assert_eq!(*position, next, "{}: not the next one", context());
                assert_eq!(record.at(channel, *position), Some(payload), "{}: other", context());
                let place = (position.epoch().number(), position.offset());
                assert!(self.had.insert(place), "{}: twice", context());
                self.tally.publications += 1;
            }
            Delivery::Gap { after, position, loss } => {
                assert!(self.started, "{}: not started", context());
                assert_eq!(Some(*after), self.position, "{}: a gap elsewhere", context());
                self.lost(*after, *position, *loss, broker);
            }
        }
        self.position = Some(delivery.position());
    }

    /// It was told that something may be missing: that has to be so.
    fn lost(&mut self, after: Position, position: Position, loss: Loss, broker: &Broker) {
        let channel = &self.channel;
        match loss {
            Loss::Trimmed => {
                if after.epoch() == position.epoch() {
                    assert!(position.offset() > after.offset(), "{channel}: an empty gap");
                }
                assert!(
                    is_gone(broker, channel, position),
                    "{channel}: {after} to {position} is said to be gone, and the broker has it: {:?}",
                    broker.kept(channel)
                );
                self.tally.trimmed += 1;
            }
            Loss::Epoch => {
                assert_ne!(after.epoch(), position.epoch(), "{channel}: no other epoch");
                self.tally.renewed += 1;
            }
            Loss::Ahead => panic!("{channel}: {after} was reached, and is said to lie ahead"),
        }
    }
}

/// Whether the broker has nothing any more at a position and before it, in that epoch.
fn is_gone(broker: &Broker, channel: &str, position: Position) -> bool {
    broker
        .kept(channel)
        .is_none_or(|(kept, first)| kept.epoch() != position.epoch() || first > position.offset())
}
