//! What this server has published and hasn't come back from the log yet.

use std::collections::BTreeMap;

use bytes::Bytes;
use sockless_channels::{Epoch, Position, PublicationId};

use super::ids::id_of;

/// A publication of this server.
#[derive(Clone, Debug)]
pub(super) struct Own {
    /// The number of its write.
    pub(super) number: u64,
    pub(super) key: Bytes,
    pub(super) entry: Bytes,
    /// Where the broker says that it is.
    at: Option<Position>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Owns(BTreeMap<PublicationId, Own>);

impl Owns {
    pub(super) fn add(&mut self, id: PublicationId, number: u64, key: Bytes, entry: Bytes) {
        self.0.insert(id, Own { number, key, entry, at: None });
    }

    /// The broker says where it is. If what is there has been passed already, it won't come any more: the number of its write comes back.
    pub(super) fn is_at(&mut self, id: PublicationId, at: Position, passed: u64) -> Option<u64> {
        let own = self.0.get_mut(&id)?;
        own.at = Some(at);
        if id_of(at) > passed {
            return None;
        }
        self.0.remove(&id).map(|own| own.number)
    }

    /// It is given up.
    pub(super) fn give_up(&mut self, id: PublicationId) -> Option<u64> {
        self.0.remove(&id).map(|own| own.number)
    }

    /// It has come back.
    pub(super) fn has_come(&mut self, number: u64, at: Position) {
        self.0.retain(|_, own| own.number != number && own.at != Some(at));
    }

    /// What lies up to this id will not come: the numbers of the writes that are there.
    pub(super) fn passed(&mut self, epoch: Epoch, id: u64) -> Vec<(u64, u64)> {
        let gone = |own: &Own| {
            own.at.filter(|at| at.epoch() == epoch).map(id_of).filter(|at| *at <= id)
        };
        let numbers =
            self.0.values().filter_map(|own| gone(own).map(|at| (own.number, at))).collect();
        self.0.retain(|_, own| gone(own).is_none());
        numbers
    }

    /// What was in another epoch than this one, and is lost: it is to be published again.
    pub(super) fn lost(&mut self, epoch: Epoch) -> Vec<Own> {
        let lost = |own: &Own| own.at.is_some_and(|at| at.epoch() != epoch);
        let again = self.0.values().filter(|own| lost(own)).cloned().collect();
        self.0.retain(|_, own| !lost(own));
        again
    }
}
