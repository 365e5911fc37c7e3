//! Presence: members that this node holds present, and channels whose members it watches. The members' list is in `watch`.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;

use super::timers::Timer;
use super::watch::Watch;
use super::{Node, What, checked_name};
use crate::delivery::Change;
use crate::entropy::Entropy;
use crate::misuse::Misuse;
use crate::request::Request;

/// A member that this node holds present.
#[derive(Clone, Debug)]
pub(super) struct Shown {
    /// What others see of it.
    info: Bytes,
    /// How long it stays after its node has died.
    lifetime: Duration,
}

impl<E: Entropy> Node<E> {
    /// Makes a member present in a channel, until it [leaves](Self::leave) or this node dies; if it is present already, changes what it
    /// shows.
    ///
    /// A member belongs to the node that entered it. Two nodes that enter the same name share one member, and the first that says it
    /// has left removes it until the other one refreshes it: name members by what is unique, such as a connection, and let them
    /// show the user.
    pub fn enter(&mut self, channel: &str, member: &str, info: Bytes) -> Result<(), Misuse> {
        self.enter_for(channel, member, info, self.config.lifetime)
    }

    /// The same with another time than [`Config::with_lifetime`](crate::Config::with_lifetime) for which it stays after this node has died.
    pub fn enter_for(
        &mut self,
        channel: &str,
        member: &str,
        info: Bytes,
        lifetime: Duration,
    ) -> Result<(), Misuse> {
        let (channel, member) = (checked_name(channel)?, checked_name(member)?);
        if info.len() > self.config.payload {
            return Err(Misuse::Payload);
        }
        let key = (Arc::from(channel), Arc::from(member));
        let full = self.members.len() + self.work.leave.len() >= self.config.members;
        if full && !self.members.contains_key(&key) {
            return Err(Misuse::Members);
        }
        self.work.leave.remove(&key);
        self.members.insert(key.clone(), Shown { info, lifetime });
        if self.link.is_up() {
            self.work.enter.insert(key);
        }
        Ok(())
    }

    /// Says that a member has left. Without a connection others see it until its time is up.
    pub fn leave(&mut self, channel: &str, member: &str) {
        let key = (Arc::from(channel), Arc::from(member));
        if self.members.remove(&key).is_none() {
            return;
        }
        self.timers.clear(&Timer::Refresh(key.0.clone(), key.1.clone()));
        self.work.enter.remove(&key);
        if self.link.is_up() {
            self.work.leave.insert(key);
        }
    }

    /// Watches who is present in a channel. Everybody who is comes out of [`change`](Self::change), then those who come and go, also
    /// because their node has died.
    pub fn watch(&mut self, channel: &str, now: Duration) -> Result<(), Misuse> {
        let channel = self.channel_for(channel)?;
        let Some(entry) = self.channels.get_mut(&channel) else { return Ok(()) };
        if entry.watch.is_some() {
            return Err(Misuse::Watched);
        }
        entry.watch = Some(Watch::default());
        self.watch_later(channel.clone(), now);
        self.watch_due(channel);
        Ok(())
    }

    /// Watches it no more.
    pub fn unwatch(&mut self, channel: &str) {
        let Some(entry) = self.channels.get_mut(channel) else { return };
        entry.watch = None;
        let name = entry.name.clone();
        self.changed.remove(&name);
        self.work.members.remove(&name);
        self.timers.clear(&Timer::Watch(name.clone()));
        self.drop_unused(&name);
    }

    /// A channel in which somebody has come or gone. Each comes out once: then [`change`](Self::change) is to be called until
    /// there is none.
    pub fn changed(&mut self) -> Option<Arc<str>> {
        self.changed.pop_first()
    }

    /// The next change of who is present in a channel that is watched.
    ///
    /// They come from comparing: who comes and goes between two readings isn't seen, and who is said to be present is said to be
    /// absent before it can be said to be present with the same looks again. What has been said adds up to what is.
    pub fn change(&mut self, channel: &str) -> Option<Change> {
        self.channels.get_mut(channel)?.watch.as_mut()?.change()
    }

    pub(super) fn request_presence(&mut self) -> Option<(What, Request)> {
        if let Some(request) = self.request_look() {
            return Some(request);
        }
        if let Some((channel, member)) = self.work.leave.pop_first() {
            return Some((What::Other, Request::Leave { channel, member }));
        }
        while let Some(key) = self.work.enter.pop_first() {
            let Some(Shown { info, lifetime }) = self.members.get(&key).cloned() else { continue };
            let (channel, member) = key;
            let request = Request::Enter {
                channel: channel.clone(),
                member: member.clone(),
                info,
                lifetime,
                fresh: self.fresh(),
            };
            return Some((What::Enter(channel, member), request));
        }
        while let Some(channel) = self.work.members.pop_first() {
            let watch = self.channels.get_mut(&channel).and_then(|entry| entry.watch.as_mut());
            let Some(watch) = watch else { continue };
            (watch.reading, watch.again) = (true, false);
            return Some((What::Members(channel.clone()), Request::Members { channel }));
        }
        None
    }

    /// The broker has taken it, or not: it is said again in a third of its lifetime.
    pub(super) fn entered(&mut self, channel: Arc<str>, member: Arc<str>, now: Duration) {
        if let Some(shown) = self.members.get(&(channel.clone(), member.clone())) {
            let at = now.saturating_add(shown.lifetime / 3);
            self.timers.set(Timer::Refresh(channel, member), at);
        }
    }

    pub(super) fn refresh_due(&mut self, channel: Arc<str>, member: Arc<str>) {
        if self.link.is_up() {
            self.work.enter.insert((channel, member));
        }
    }

    pub(super) fn presence_pushed(&mut self, channel: &str) {
        let Some(entry) = self.channels.get_mut(channel) else { return };
        let name = entry.name.clone();
        let Some(watch) = &mut entry.watch else { return };
        if watch.reading {
            watch.again = true;
        } else if self.link.is_up() {
            self.work.members.insert(name);
        }
    }

    /// The members are read now and then, too: pushes may be lost.
    pub(super) fn watch_due(&mut self, channel: Arc<str>) {
        self.presence_pushed(&channel);
    }

    pub(super) fn watch_later(&mut self, channel: Arc<str>, now: Duration) {
        if let Some(watch) = self.channels.get_mut(&channel).and_then(|c| c.watch.as_mut()) {
            watch.reading = false;
            let at = now.saturating_add(self.config.lifetime / 3);
            self.timers.set(Timer::Watch(channel), at);
        }
    }

    pub(super) fn members_read(
        &mut self,
        channel: Arc<str>,
        members: Vec<(Arc<str>, Bytes)>,
        now: Duration,
    ) {
        let Some(watch) = self.channels.get_mut(&channel).and_then(|c| c.watch.as_mut()) else {
            return;
        };
        if watch.read(members) {
            self.changed.insert(channel.clone());
        }
        let again = watch.again;
        self.watch_later(channel.clone(), now);
        if again {
            self.watch_due(channel);
        }
    }
}
