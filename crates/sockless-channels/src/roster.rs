//! Who is present in one channel, each until a time. Who refreshes them is in `node`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::time::Duration;

use bytes::Bytes;

/// The members of one channel.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roster {
    members: BTreeMap<Arc<str>, Member>,
    expiries: BTreeSet<(Duration, Arc<str>)>,
}

#[derive(Clone, Debug)]
struct Member {
    info: Bytes,
    until: Duration,
}

impl Roster {
    /// Says that a member is present until a time. Returns whether that is news to others; `None` if the roster is full.
    pub(crate) fn enter(
        &mut self,
        name: &Arc<str>,
        info: &Bytes,
        until: Duration,
        most: usize,
    ) -> Option<bool> {
        let before = self.members.get(name);
        if before.is_none() && self.members.len() >= most {
            return None;
        }
        let news = before.is_none_or(|member| member.info != *info);
        if let Some(member) = before {
            self.expiries.remove(&(member.until, name.clone()));
        }
        self.members.insert(name.clone(), Member { info: info.clone(), until });
        self.expiries.insert((until, name.clone()));
        Some(news)
    }

    /// Says that a member has left. Returns whether it was there.
    pub(crate) fn leave(&mut self, name: &str) -> bool {
        let Some((name, member)) = self.members.remove_entry(name) else {
            return false;
        };
        self.expiries.remove(&(member.until, name));
        true
    }

    /// Drops those whose time is up. Returns whether there were any.
    pub(crate) fn expire(&mut self, now: Duration) -> bool {
        let mut any = false;
        while self.expires_at().is_some_and(|at| now >= at) {
            if let Some((_, name)) = self.expiries.pop_first() {
                self.members.remove(&name);
                any = true;
            }
        }
        any
    }

    /// When the next member's time is up.
    pub(crate) fn expires_at(&self) -> Option<Duration> {
        Some(self.expiries.first()?.0)
    }

    /// Everybody, by name.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&Arc<str>, &Bytes)> {
        self.members.iter().map(|(name, member)| (name, &member.info))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
}
