//! Who is present in a channel, as one node has read it and as it has said so far. When it is read is decided in `membership`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::delivery::Change;

/// The members of a watched channel.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// What was read last.
    read: BTreeMap<Arc<str>, Bytes>,
    /// What has been said of it.
    said: BTreeMap<Arc<str>, Bytes>,
    /// Where the two differ.
    differing: BTreeSet<Arc<str>>,
    /// Whether a reading is on its way.
    pub(super) reading: bool,
    /// Whether somebody has come or gone since, which the reading may not show.
    pub(super) again: bool,
}

impl Watch {
    /// The members have been read. Returns whether there is something to say.
    pub(super) fn read(&mut self, members: Vec<(Arc<str>, Bytes)>) -> bool {
        self.read = members.into_iter().collect();
        let names = self.read.keys().chain(self.said.keys());
        let differs = |name: &&Arc<str>| self.read.get(*name) != self.said.get(*name);
        self.differing = names.filter(differs).cloned().collect();
        !self.differing.is_empty()
    }

    /// The next change that hasn't been said.
    pub(super) fn change(&mut self) -> Option<Change> {
        let member = self.differing.pop_first()?;
        match self.read.get(&member) {
            Some(info) => {
                self.said.insert(member.clone(), info.clone());
                Some(Change::Present { member, info: info.clone() })
            }
            None => {
                self.said.remove(&member);
                Some(Change::Absent { member })
            }
        }
    }
}
