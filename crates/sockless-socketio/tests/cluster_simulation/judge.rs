//! What each client has to get: the streams as the broker has written them are the truth.
//!
//! A life is what begins when a client is accepted as somebody new, and goes on as long as it is recovered. What it gets has to be the beginning
//! of what the stream has for it, by the rooms that the stream has put it in: in order, nothing twice, nothing left out.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::Duration;

use sockless_channels::{Epoch, Position};

use crate::entry::{Deed, Entry, record_at};

#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) id: String,
    pub(crate) since: Position,
    got: Vec<(Position, u64)>,
    /// Nobody has to recover it.
    pub(crate) excused: bool,
}

/// What a life's entries have made of it up to some offset.
#[derive(Debug)]
struct Fold {
    rooms: BTreeSet<String>,
    data: Option<String>,
    events: Vec<(u64, u64)>,
    gone: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Judge {
    /// What was published in each namespace, by epoch and offset.
    log: HashMap<(usize, Epoch), Vec<(u64, Entry)>>,
    pub(crate) lives: Vec<Life>,
    /// The life that each client takes for its own in a namespace, and those that answers on their way mean.
    pub(crate) believed: HashMap<(usize, usize), usize>,
    pub(crate) pids: HashMap<String, usize>,
    /// When a record was written, and as of when.
    records: HashMap<String, Vec<(Duration, Position)>>,
    once: HashSet<(usize, u64)>,
}

impl Judge {
    /// The broker has written an entry.
    pub(crate) fn published(&mut self, space: usize, position: Position, entry: Entry) {
        let log = self.log.entry((space, position.epoch())).or_default();
        assert!(log.last().is_none_or(|last| last.0 < position.offset()), "offsets go up");
        log.push((position.offset(), entry));
    }

    /// The broker has a record.
    pub(crate) fn recorded(&mut self, pid: &str, info: &[u8], now: Duration) {
        self.records.entry(pid.into()).or_default().push((now, record_at(info)));
    }

    /// The broker isn't the one any more that had them.
    pub(crate) fn forget_records(&mut self) {
        self.records.clear();
    }

    /// When records of a client were written, and as of when.
    pub(crate) fn records(&self, pid: &str) -> &[(Duration, Position)] {
        self.records.get(pid).map_or(&[], |records| records)
    }

    fn fold(&self, life: &Life, space: usize, upto: u64) -> Fold {
        let mut fold = Fold {
            rooms: BTreeSet::from([life.id.clone()]),
            data: None,
            events: Vec::new(),
            gone: false,
        };
        let log = self.log.get(&(space, life.since.epoch()));
        for (offset, Entry { audience, deed }) in log.into_iter().flatten() {
            let counts = *offset > life.since.offset() && *offset <= upto;
            if !counts || fold.gone || !audience.has(&life.id, &fold.rooms) {
                continue;
            }
            match deed {
                Deed::Event(number) => fold.events.push((*offset, *number)),
                Deed::Join(rooms) => fold.rooms.extend(rooms.iter().cloned()),
                Deed::Leave(rooms) => rooms.iter().for_each(|room| {
                    fold.rooms.remove(room);
                }),
                Deed::Data(json) => fold.data = Some(json.clone()),
                Deed::Disconnect => fold.gone = true,
                Deed::Ask | Deed::Moved => {}
            }
        }
        fold
    }

    /// A client is accepted as somebody new.
    pub(crate) fn begins(&mut self, id: String, pid: String, since: Position) {
        self.lives.push(Life { id, since, got: Vec::new(), excused: false });
        assert!(self.pids.insert(pid, self.lives.len() - 1).is_none(), "a private id comes twice");
    }

    /// A client is recovered, with these rooms and this, at a position.
    pub(crate) fn recovered(
        &self,
        life: usize,
        space: usize,
        position: Position,
        rooms: BTreeSet<String>,
        data: Option<String>,
    ) {
        let life = &self.lives[life];
        assert_eq!(life.since.epoch(), position.epoch(), "recovered into another epoch: {life:?}");
        let fold = self.fold(life, space, position.offset());
        assert!(!fold.gone, "it was disconnected: {life:?}");
        assert_eq!((rooms, data), (fold.rooms, fold.data), "rooms and data of {life:?}");
    }

    /// Whether a client that isn't recovered should have been. `from` is the last position that it has, `kept` what the broker has: its
    /// newest position, and the oldest offset; `there` as of when the records are that it has.
    #[allow(
        clippy::too_many_arguments,
        reason = "it is all that is known of a client that comes back"
    )]
    pub(crate) fn could(
        &self,
        life: usize,
        space: usize,
        pid: &str,
        there: &[Position],
        from: Option<Position>,
        asked: Duration,
        kept: Option<(Position, u64)>,
    ) -> bool {
        let life = &self.lives[life];
        let Some((top, oldest)) = kept else { return false };
        if life.excused || top.epoch() != life.since.epoch() {
            return false;
        }
        // Those that were there when the client asked, and still are; one that was written again may have been away.
        let all = self.records(pid);
        let again = |at: Position| all.iter().any(|its| its.0 >= asked && its.1 == at);
        let records =
            all.iter().filter(|its| its.0 < asked && there.contains(&its.1) && !again(its.1));
        let Some((_, at)) = records.max_by_key(|its| its.1.offset()) else { return false };
        let from = from.map_or(life.since.offset(), Position::offset).min(at.offset());
        oldest <= from + 1 && !self.fold(life, space, u64::MAX).gone
    }

    /// A client has learned that it is connected.
    pub(crate) fn connected(&mut self, client: usize, space: usize, pid: &str) {
        let life = self.pids[pid];
        if let Some(before) = self.believed.insert((client, space), life)
            && before != life
        {
            self.lives[before].excused = true;
            self.check(before, space, false);
        }
    }

    /// A client has got an event that is kept.
    pub(crate) fn got(&mut self, client: usize, space: usize, number: u64, position: Position) {
        let life = &mut self.lives[self.believed[&(client, space)]];
        let last = life.got.last().map_or(life.since, |last| last.0);
        assert_eq!(position.epoch(), life.since.epoch(), "another epoch: {number}, {life:?}");
        assert!(position.offset() > last.offset(), "twice, or out of order: {number}, {life:?}");
        life.got.push((position, number));
    }

    /// A client has got an event that isn't kept.
    pub(crate) fn got_once(&mut self, client: usize, space: usize, number: u64) {
        let life = self.believed[&(client, space)];
        assert!(self.once.insert((life, number)), "twice: {number}");
    }

    /// Whether a life has got all that was for it, and is what the whole stream makes of it.
    pub(crate) fn has_all(
        &self,
        life: usize,
        space: usize,
        (rooms, data): (BTreeSet<String>, Option<String>),
    ) -> bool {
        let life = &self.lives[life];
        let fold = self.fold(life, space, u64::MAX);
        let got = life.got.iter().map(|(position, number)| (position.offset(), *number));
        (rooms, data) == (fold.rooms, fold.data) && got.eq(fold.events)
    }

    /// What a life has got is the beginning of what was for it, or all of it.
    pub(crate) fn check(&self, life: usize, space: usize, all: bool) {
        let life = &self.lives[life];
        let got: Vec<_> =
            life.got.iter().map(|(position, number)| (position.offset(), *number)).collect();
        let mut expected = self.fold(life, space, u64::MAX).events;
        if !all {
            let last = got.last().map_or(0, |last| last.0);
            expected.retain(|event| event.0 <= last);
        }
        assert_eq!(got, expected, "{} of {space}, since {}", life.id, life.since);
    }
}
