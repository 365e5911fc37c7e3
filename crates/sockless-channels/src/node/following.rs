//! Following channels: subscribers come and go, channels are read when something says that there is more. What an answer means for
//! the copy is in `channel`, for one subscriber in `subscription`.

use alloc::sync::Arc;
use core::time::Duration;

use bytes::Bytes;

use super::channel::{Channel, Outcome};
use super::subscription::{Next, Subscription};
use super::timers::Timer;
use super::{Audit, Node, What, checked_name};
use crate::delivery::{Delivery, Start, Subscriber};
use crate::entropy::Entropy;
use crate::misuse::Misuse;
use crate::position::{Epoch, Position};
use crate::request::{Page, ReadFrom, Request};

/// Offsets from here on aren't believed: nobody gets there by publishing.
const IMPLAUSIBLE: u64 = 1 << 63;

impl<E: Entropy> Node<E> {
    /// Subscribes to a channel. The first thing that the subscriber gets is [`Delivery::Started`], with its position.
    pub fn subscribe(&mut self, channel: &str, from: Start) -> Result<Subscriber, Misuse> {
        if self.subscriptions.len() >= self.config.subscribers {
            return Err(Misuse::Subscribers);
        }
        let channel = self.channel_for(channel)?;
        let subscriber = Subscriber(self.next_subscriber);
        self.next_subscriber += 1;
        self.subscriptions.insert(subscriber, Subscription::new(channel.clone(), from));
        if let Some(entry) = self.channels.get_mut(&channel) {
            let first = entry.subscribers.is_empty();
            entry.subscribers.insert(subscriber);
            entry.starting.insert(subscriber);
            if first && entry.fed {
                // Until now it was only watched, and nobody cared for its history.
                self.read_now(&channel, Audit(false));
            }
        }
        self.start(subscriber);
        Ok(subscriber)
    }

    /// Ends a subscription.
    pub fn unsubscribe(&mut self, subscriber: Subscriber) {
        let Some(subscription) = self.subscriptions.remove(&subscriber) else { return };
        self.ready.remove(&subscriber);
        self.work.pages.remove(&subscriber);
        self.timers.clear(&Timer::Page(subscriber));
        if let Some(entry) = self.channels.get_mut(&subscription.channel) {
            entry.subscribers.remove(&subscriber);
            entry.starting.remove(&subscriber);
        }
        self.drop_unused(&subscription.channel);
    }

    /// A subscriber that may have something to get. It comes out once: whoever takes it calls [`delivery`](Self::delivery) until there
    /// is nothing more, at once, or as soon as the subscriber has room.
    pub fn ready(&mut self) -> Option<Subscriber> {
        self.ready.pop_first()
    }

    /// What a subscriber gets next.
    pub fn delivery(&mut self, subscriber: Subscriber) -> Option<Delivery> {
        let subscription = self.subscriptions.get_mut(&subscriber)?;
        let channel = self.channels.get(&subscription.channel)?;
        match subscription.next(channel) {
            Next::Delivery(delivery) => Some(delivery),
            Next::Nothing => None,
            Next::Read => {
                subscription.reading = true;
                self.work.pages.insert(subscriber);
                None
            }
        }
    }

    /// The entry for a channel by this name, made if there is none.
    pub(super) fn channel_for(&mut self, name: &str) -> Result<Arc<str>, Misuse> {
        let name = checked_name(name)?;
        if let Some(entry) = self.channels.get(name) {
            return Ok(entry.name.clone());
        }
        if self.channels.len() >= self.config.channels {
            return Err(Misuse::Channels);
        }
        let name: Arc<str> = Arc::from(name);
        self.channels.insert(name.clone(), Channel::new(name.clone(), self.next_channel));
        self.next_channel += 1;
        if self.link.is_up() {
            self.work.unsubscribe.remove(&name);
            self.work.subscribe.insert(name.clone());
        }
        Ok(name)
    }

    /// Forgets a channel that nobody follows or watches.
    pub(super) fn drop_unused(&mut self, name: &Arc<str>) {
        if !self.channels.get(name).is_some_and(Channel::is_unused) {
            return;
        }
        self.channels.remove(name);
        self.timers.clear(&Timer::Check(name.clone()));
        self.timers.clear(&Timer::Expire(name.clone()));
        self.work.read.remove(name);
        self.work.subscribe.remove(name);
        if self.link.is_up() {
            self.work.unsubscribe.insert(name.clone());
        }
    }

    /// Starts a subscriber, or has something read for it that says how.
    fn start(&mut self, subscriber: Subscriber) {
        let Some(subscription) = self.subscriptions.get_mut(&subscriber) else { return };
        let Some(entry) = self.channels.get_mut(&subscription.channel) else { return };
        let Some(copy) = &entry.copy else { return };
        if subscription.reading {
            return;
        }
        if subscription.start_from(copy) {
            entry.starting.remove(&subscriber);
            self.ready.insert(subscriber);
        } else {
            subscription.reading = true;
            self.work.pages.insert(subscriber);
        }
    }

    /// The broker pushes from now on: what it published before that has to be read.
    pub(super) fn subscribed(&mut self, channel: Arc<str>) {
        let Some(entry) = self.channels.get_mut(&channel) else { return };
        entry.fed = true;
        self.read_now(&channel, Audit(false));
        self.presence_pushed(&channel);
    }

    /// Has a channel read, or read once more if it is being read.
    fn read_now(&mut self, channel: &Arc<str>, audit: Audit) {
        let Some(entry) = self.channels.get_mut(channel) else { return };
        if entry.reading {
            entry.again = true;
        } else if entry.fed && !entry.subscribers.is_empty() {
            let due = self.work.read.entry(channel.clone()).or_insert(audit);
            due.0 &= audit.0;
        }
    }

    pub(super) fn request_read(&mut self) -> Option<(What, Request)> {
        while let Some((channel, audit)) = self.work.read.pop_first() {
            let Some(entry) = self.channels.get_mut(&channel) else { continue };
            (entry.reading, entry.again) = (true, false);
            let (serial, seen) = (entry.serial, entry.position());
            let from = seen.map_or(ReadFrom::Newest, ReadFrom::After);
            let request = self.read_request(channel.clone(), from, seen);
            return Some((What::Read { channel, serial, seen, audit }, request));
        }
        None
    }

    pub(super) fn request_page(&mut self) -> Option<(What, Request)> {
        while let Some(subscriber) = self.work.pages.pop_first() {
            let Some(subscription) = self.subscriptions.get(&subscriber) else { continue };
            if !subscription.reading {
                continue;
            }
            let (channel, serial) = (subscription.channel.clone(), subscription.serial);
            let from = subscription.wanted().map_or(ReadFrom::Oldest, ReadFrom::After);
            let seen = self.channels.get(&channel).and_then(Channel::position);
            let request = self.read_request(channel, from, seen);
            return Some((What::Page { subscriber, serial }, request));
        }
        None
    }

    /// A channel has been read.
    pub(super) fn channel_read(
        &mut self,
        channel: Arc<str>,
        serial: u64,
        seen: Option<Position>,
        audit: Audit,
        page: Page,
        now: Duration,
    ) {
        let Some(entry) = self.channels.get_mut(&channel) else { return };
        if entry.serial != serial {
            return;
        }
        entry.reading = false;
        let went_back =
            seen.is_some_and(|seen| seen.epoch() == page.epoch && seen.offset() > page.top);
        if went_back || !is_plausible(&page) {
            return self.give_up(now);
        }
        let (epoch, base, top) = (page.epoch, page.base, page.top);
        let outcome = entry.read(page, &self.retention, now);
        let missed = audit.0 && outcome != Outcome::Same && entry.fed;
        let more = entry.position().is_some_and(|position| position.offset() < top) || entry.again;
        if outcome == Outcome::Renewed {
            for subscriber in &entry.subscribers {
                if let Some(subscription) = self.subscriptions.get_mut(subscriber) {
                    subscription.renewed(epoch, base);
                }
            }
        }
        if outcome != Outcome::Same {
            self.ready.extend(&entry.subscribers);
        }
        let starting = entry.starting.clone();
        if missed {
            // It should have been pushed: the subscription may be lost.
            entry.fed = false;
            self.work.subscribe.insert(channel.clone());
        } else if more {
            self.read_now(&channel, Audit(false));
        }
        for subscriber in starting {
            self.start(subscriber);
        }
        self.heard(&channel, now);
    }

    /// Something has been read for a subscriber.
    pub(super) fn subscriber_read(
        &mut self,
        subscriber: Subscriber,
        serial: u64,
        page: Page,
        now: Duration,
    ) {
        let Some(subscription) = self.subscriptions.get_mut(&subscriber) else { return };
        if subscription.serial != serial {
            return;
        }
        let channel = subscription.channel.clone();
        let Some(entry) = self.channels.get_mut(&channel) else { return };
        let Some(copy) = &entry.copy else { return };
        if page.epoch != copy.epoch() && is_plausible(&page) {
            // The whole channel is to know it first; then the subscriber goes on from there.
            subscription.reading = false;
            if subscription.starting().is_none() {
                self.ready.insert(subscriber);
            }
            self.read_now(&channel, Audit(false));
            return;
        }
        if !is_plausible(&page) || !subscription.read(page, copy) {
            // It is asked again, over another connection.
            subscription.reading = true;
            self.work.pages.insert(subscriber);
            return self.give_up(now);
        }
        entry.starting.remove(&subscriber);
        self.ready.insert(subscriber);
    }

    /// The connection was lost before something was read for a subscriber.
    pub(super) fn page_again(&mut self, subscriber: Subscriber, serial: u64) {
        if self.subscriptions.get(&subscriber).is_some_and(|s| s.serial == serial && s.reading) {
            self.work.pages.insert(subscriber);
        }
    }

    /// The broker has refused to read something for a subscriber: it is asked again later.
    pub(super) fn page_later(&mut self, subscriber: Subscriber, serial: u64, now: Duration) {
        if self.subscriptions.get(&subscriber).is_some_and(|s| s.serial == serial) {
            let at = now.saturating_add(self.config.patience);
            self.timers.set(Timer::Page(subscriber), at);
        }
    }

    /// A publication was pushed.
    pub(super) fn publication_pushed(
        &mut self,
        channel: &str,
        position: Position,
        payload: Bytes,
        now: Duration,
    ) {
        let Some(entry) = self.channels.get_mut(channel) else { return };
        let name = entry.name.clone();
        match entry.pushed(position, payload, &self.retention, now) {
            Outcome::Newer => {
                self.ready.extend(&entry.subscribers);
                self.heard(&name, now);
            }
            Outcome::Apart => self.read_now(&name, Audit(false)),
            Outcome::Same | Outcome::Renewed => {}
        }
    }

    pub(super) fn epoch_pushed(&mut self, channel: &str, epoch: Epoch) {
        let Some(entry) = self.channels.get(channel) else { return };
        if entry.position().is_some_and(|position| position.epoch() != epoch) {
            let name = entry.name.clone();
            self.read_now(&name, Audit(false));
        }
    }

    /// A channel is known to have this position, which will be pushed: if it isn't, the channel is read.
    pub(super) fn heard_of(&mut self, channel: &Arc<str>, position: Position, now: Duration) {
        let Some(entry) = self.channels.get_mut(channel) else { return };
        if entry.promise(position) {
            let at = now.saturating_add(self.config.grace);
            self.timers.advance(Timer::Check(channel.clone()), at);
        }
    }

    /// The channel was heard of just now: the next check is an audit's time away.
    fn heard(&mut self, channel: &Arc<str>, now: Duration) {
        let Some(entry) = self.channels.get(channel) else { return };
        let wait = if entry.is_owed() { self.config.grace } else { self.config.audit };
        self.timers.set(Timer::Check(channel.clone()), now.saturating_add(wait));
        if let Some(at) = entry.copy.as_ref().and_then(|copy| copy.expires_at(&self.retention)) {
            self.timers.set(Timer::Expire(channel.clone()), at);
        }
    }

    /// The broker has refused to read a channel.
    pub(super) fn channel_unread(&mut self, channel: Arc<str>, serial: u64, now: Duration) {
        if let Some(entry) = self.channels.get_mut(&channel).filter(|e| e.serial == serial) {
            entry.reading = false;
            self.check_later(channel, now);
        }
    }

    /// The broker has refused something about a channel: it is asked again later.
    pub(super) fn check_later(&mut self, channel: Arc<str>, now: Duration) {
        if self.channels.contains_key(&channel) {
            let at = now.saturating_add(self.config.patience);
            self.timers.advance(Timer::Check(channel), at);
        }
    }

    /// A channel is to be checked.
    pub(super) fn check(&mut self, channel: Arc<str>) {
        let Some(entry) = self.channels.get(&channel) else { return };
        if !self.link.is_up() {
            return;
        }
        if entry.fed {
            self.read_now(&channel, Audit(true));
        } else {
            self.work.subscribe.insert(channel);
        }
    }

    /// A channel's copy has something that is too old.
    pub(super) fn expire(&mut self, channel: Arc<str>, now: Duration) {
        let Some(entry) = self.channels.get_mut(&channel) else { return };
        let Some(copy) = &mut entry.copy else { return };
        copy.expire(&self.retention, now);
        if let Some(at) = copy.expires_at(&self.retention) {
            self.timers.set(Timer::Expire(channel), at);
        }
    }

    /// The connection is gone, and with it everything that the broker pushed over it.
    pub(super) fn forget_feeds(&mut self) {
        self.work.read.clear();
        for (name, entry) in &mut self.channels {
            entry.fed = false;
            (entry.reading, entry.again) = (false, false);
            if let Some(watch) = &mut entry.watch {
                (watch.reading, watch.again) = (false, false);
            }
            self.timers.clear(&Timer::Check(name.clone()));
        }
    }
}

/// Whether a broker that keeps its own rules can have answered this.
fn is_plausible(page: &Page) -> bool {
    let mut before = 0;
    let ascending = page.entries.iter().all(|entry| {
        let after = entry.0 > before;
        before = entry.0;
        after
    });
    ascending && before <= page.top && page.base <= page.top && page.top < IMPLAUSIBLE
}
