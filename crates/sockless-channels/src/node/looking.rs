//! Looking once at who is present in a channel. Watching is in `membership` and `watch`.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::timers::Timer;
use super::{Node, What, checked_name};
use crate::delivery::Look;
use crate::entropy::Entropy;
use crate::misuse::Misuse;
use crate::request::Request;

/// The names of members, and what they show.
pub type Members = Vec<(Arc<str>, Bytes)>;

/// Questions who is present somewhere, and answers that weren't taken.
#[derive(Debug, Default)]
pub(super) struct Looks {
    asked: BTreeMap<Look, Arc<str>>,
    answered: VecDeque<(Look, Members)>,
    next: u64,
}

impl Looks {
    fn len(&self) -> usize {
        self.asked.len() + self.answered.len()
    }

    /// The broker has said who is there. What isn't waited for any more is dropped.
    pub(super) fn answered(&mut self, look: Look, members: Members) {
        if self.asked.remove(&look).is_some() {
            self.answered.push_back((look, members));
        }
    }
}

impl<E: Entropy> Node<E> {
    /// Asks once who is present in a channel. The answer comes out of [`looked`](Self::looked), as soon as the broker can be asked.
    ///
    /// There may be as many questions as there may be subscribers.
    pub fn look(&mut self, channel: &str) -> Result<Look, Misuse> {
        let channel = checked_name(channel)?;
        if self.looks.len() >= self.config.subscribers {
            return Err(Misuse::Subscribers);
        }
        let look = Look(self.looks.next);
        self.looks.next += 1;
        self.looks.asked.insert(look, channel.into());
        self.work.looks.insert(look);
        Ok(look)
    }

    /// The answer is waited for no longer.
    pub fn look_away(&mut self, look: Look) {
        self.looks.asked.remove(&look);
        self.looks.answered.retain(|answered| answered.0 != look);
        self.work.looks.remove(&look);
        self.timers.clear(&Timer::Look(look));
    }

    /// The next answer: who is present where it was asked, and what they show.
    pub fn looked(&mut self) -> Option<(Look, Members)> {
        self.looks.answered.pop_front()
    }

    pub(super) fn request_look(&mut self) -> Option<(What, Request)> {
        while let Some(look) = self.work.looks.pop_first() {
            let Some(channel) = self.looks.asked.get(&look).cloned() else { continue };
            return Some((What::Look(look), Request::Members { channel }));
        }
        None
    }

    /// The broker has refused to say it: it is asked again later.
    pub(super) fn look_later(&mut self, look: Look, now: Duration) {
        if self.looks.asked.contains_key(&look) {
            self.timers.set(Timer::Look(look), now.saturating_add(self.config.patience));
        }
    }
}
