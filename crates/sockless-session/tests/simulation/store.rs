//! What a side stores, and what is left of it when it dies: a journal that is cut anywhere after its last sync, or an export that is
//! replaced in one step.

use std::collections::VecDeque;
use std::time::Duration;

use sockless_session::journal::{self, Replay, Writer};
use sockless_session::reliable::{Mark, Message, Session, SessionId};

use crate::random::Random;

/// How a side stores its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Not at all, but for an export when it is stopped in an orderly way.
    Memory,
    /// Record by record.
    Journal,
    /// As a whole, each time.
    Export,
}

/// A file, and what is known to be in it for good.
#[derive(Debug)]
pub(crate) struct Store {
    way: Way,
    bytes: Vec<u8>,
    synced: usize,
    writer: Writer,
    /// Syncs that have begun: when they are complete, what they cover, and up to where.
    syncs: VecDeque<Sync>,
    slowness: usize,
}

#[derive(Debug)]
struct Sync {
    at: Duration,
    id: SessionId,
    mark: Mark,
    serial: u64,
    len: usize,
    /// An export that takes the file's place with this sync.
    file: Option<(Vec<u8>, Writer)>,
}

impl Store {
    pub(crate) fn new(way: Way, random: &mut Random) -> Self {
        let mut bytes = Vec::new();
        let writer = Writer::new(&mut bytes, random);
        let synced = bytes.len();
        let slowness = random.pick(&[1, 10, 100]);
        Self { way, bytes, synced, writer, syncs: VecDeque::new(), slowness }
    }

    /// Writes what the session has to store, if it has, with these effects. Whether it did.
    pub(crate) fn store(
        &mut self,
        session: &mut Session<Message>,
        effects: &[u8],
        now: Duration,
        random: &mut Random,
    ) -> bool {
        if !session.wants_sync() {
            return false;
        }
        let at = now + random.millis(self.slowness);
        let at = self.syncs.back().map_or(at, |sync| sync.at.max(at));
        let id = session.id();
        let (mark, serial, file) = match self.way {
            Way::Export => {
                let snapshot = session.snapshot();
                let mut bytes = Vec::new();
                let mut writer = Writer::new(&mut bytes, random);
                let serial = writer.frame(&mut bytes, id, &snapshot.records, effects);
                (snapshot.mark, serial, Some((bytes, writer)))
            }
            _ => {
                let batch = session.take_batch().expect("it wants to be stored");
                let serial = self.writer.frame(&mut self.bytes, id, &batch.records, effects);
                (batch.mark, serial, None)
            }
        };
        self.syncs.push_back(Sync { at, id, mark, serial, len: self.bytes.len(), file });
        true
    }

    /// The next sync that is complete: whose, and what it covers.
    pub(crate) fn complete(&mut self, now: Duration) -> Option<(SessionId, Mark)> {
        self.syncs.front().filter(|sync| sync.at <= now)?;
        let sync = self.syncs.pop_front()?;
        match sync.file {
            Some((bytes, writer)) => {
                self.synced = bytes.len();
                (self.bytes, self.writer) = (bytes, writer);
            }
            None => self.synced = sync.len,
        }
        self.writer.synced(sync.serial);
        Some((sync.id, sync.mark))
    }

    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.syncs.front().map(|sync| sync.at)
    }

    /// Puts a new file into the old one's place: snapshots with effects. It is synced at once.
    pub(crate) fn replace(
        &mut self,
        snapshots: Vec<(SessionId, Vec<u8>, Vec<u8>)>,
        random: &mut Random,
    ) {
        self.bytes = Vec::new();
        self.writer = Writer::new(&mut self.bytes, random);
        for (id, records, effects) in snapshots {
            let serial = self.writer.frame(&mut self.bytes, id, &records, &effects);
            self.writer.synced(serial);
        }
        self.synced = self.bytes.len();
        self.syncs.clear();
    }

    /// The side dies. What was being written is there in part, or damaged.
    pub(crate) fn die(&mut self, random: &mut Random) -> Replay<Message> {
        self.syncs.clear();
        if self.way == Way::Journal {
            let rest = self.bytes.len() - self.synced;
            self.bytes.truncate(self.synced + random.below(rest + 1));
            let rest = self.bytes.len() - self.synced;
            if rest > 0 && random.one_in(4) {
                for _ in 0..1 + random.below(4) {
                    let at = self.synced + random.below(rest);
                    self.bytes[at] = random.pick(&[0, 0xFF, 0x55]);
                }
            }
        }
        let replay = match journal::replay::<Message>(&self.bytes) {
            Ok(replay) => replay,
            Err(error) => panic!("a journal that was cut can't be replayed: {error}"),
        };
        assert!(self.bytes.len() - replay.torn >= self.synced, "what was synced is torn");
        self.bytes.truncate(self.bytes.len() - replay.torn);
        self.synced = self.bytes.len();
        if let Some(writer) = &replay.writer {
            self.writer = writer.clone();
        }
        replay
    }
}
