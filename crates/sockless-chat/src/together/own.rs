//! What this server has published and hasn't come back from the log yet.

use std::collections::BTreeMap;

use sockless_channels::{Epoch, Position, PublicationId};

use super::ids::id_of;

/// A publication of this server.
#[derive(Clone, Copy, Debug)]
struct Own {
    /// The number of its write.
    number: u64,
    /// The epoch in which it was written. In another one it is void.
    epoch: u64,
    /// Where the broker says that it is.
    at: Option<Position>,
}

/// What became of a write whose entry doesn't come as this server's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is in the log with this id: somebody else was faster with the same, or its place was passed.
    Known { number: u64, id: u64 },
    /// It isn't.
    Failed { number: u64 },
}

impl Own {
    fn fate(self, at: Position) -> Fate {
        let number = self.number;
        match at.epoch().number() == self.epoch {
            true => Fate::Known { number, id: id_of(at) },
            false => Fate::Failed { number },
        }
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Owns(BTreeMap<PublicationId, Own>);

impl Owns {
    pub(super) fn add(&mut self, id: PublicationId, number: u64, epoch: u64) {
        self.0.insert(id, Own { number, epoch, at: None });
    }

    /// The broker says where it is. If what is there has been passed already, it won't come any more.
    pub(super) fn is_at(&mut self, id: PublicationId, at: Position, passed: u64) -> Option<Fate> {
        let own = self.0.get_mut(&id)?;
        own.at = Some(at);
        if id_of(at) > passed {
            return None;
        }
        self.0.remove(&id).map(|own| own.fate(at))
    }

    /// It is given up.
    pub(super) fn give_up(&mut self, id: PublicationId) -> Option<Fate> {
        self.0.remove(&id).map(|own| Fate::Failed { number: own.number })
    }

    /// What is at a position has come, by this number if it is this server's. What became of other writes that are there, too.
    pub(super) fn has_come(&mut self, number: Option<u64>, at: Position) -> Vec<Fate> {
        self.0.retain(|_, own| Some(own.number) != number);
        self.take(|own| (own.at == Some(at)).then(|| own.fate(at)))
    }

    /// The log goes on after this position: what became of what was before.
    pub(super) fn passed(&mut self, position: Position) -> Vec<Fate> {
        let (epoch, id): (Epoch, u64) = (position.epoch(), id_of(position));
        self.take(|own| match own.at? {
            at if at.epoch() != epoch => Some(Fate::Failed { number: own.number }),
            at if id_of(at) <= id => Some(own.fate(at)),
            _ => None,
        })
    }

    fn take(&mut self, fate: impl Fn(&Own) -> Option<Fate>) -> Vec<Fate> {
        let fates = self.0.values().filter_map(&fate).collect();
        self.0.retain(|_, own| fate(own).is_none());
        fates
    }
}
