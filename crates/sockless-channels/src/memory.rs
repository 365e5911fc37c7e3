//! The memory form: one node and its broker in one value, nothing between them. What either decides is in `node` and `broker`.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use core::time::Duration;

use bytes::Bytes;

use crate::broker::Broker;
use crate::config::Config;
use crate::delivery::{Change, Delivery, Event, PublicationId, Start, Subscriber};
use crate::entropy::Entropy;
use crate::misuse::Misuse;
use crate::node::Node;
use crate::request::{Answer, Command, Push, Request};
use crate::retention::Retention;

/// Channels in the memory of one process.
///
/// What is published can be got at once, and what happens is a function of the calls, the times and the entropy.
///
/// ```
/// use core::time::Duration;
/// use sockless_channels::{Config, Delivery, Start, Memory, Recovery, Retention};
///
/// let mut number = 0;
/// let entropy = move || { number += 1; number };
/// let mut channels = Memory::new(Config::default(), Retention::default(), 1_000, entropy);
/// let now = Duration::ZERO;
///
/// let ann = channels.subscribe("room", Start::Now, now)?;
/// let Some(Delivery::Started { position, .. }) = channels.delivery(ann, now) else { panic!() };
/// channels.unsubscribe(ann, now);
///
/// // While she is away, somebody speaks, and a retry changes nothing.
/// channels.publish("room", Some(b"bob-1"), "hello".into(), now)?;
/// channels.publish("room", Some(b"bob-1"), "hello".into(), now)?;
///
/// // She comes back with the position that she was given, and has missed nothing.
/// let ann = channels.subscribe("room", Start::After(position), now)?;
/// assert!(matches!(
///     channels.delivery(ann, now),
///     Some(Delivery::Started { recovery: Recovery::Recovered, .. })
/// ));
/// assert!(matches!(
///     channels.delivery(ann, now),
///     Some(Delivery::Publication { payload, .. }) if payload == "hello"
/// ));
/// assert_eq!(channels.delivery(ann, now), None);
/// # Ok::<(), sockless_channels::Misuse>(())
/// ```
#[derive(Debug)]
pub struct Memory<E> {
    node: Node<E>,
    broker: Broker,
    fed: BTreeSet<Arc<str>>,
}

impl<E: Entropy> Memory<E> {
    /// No channels yet; at most `channels` of them at once.
    pub fn new(config: Config, retention: Retention, channels: usize, entropy: E) -> Self {
        // Nothing gets lost on the way, so there is nothing to look after.
        let config = config.with_audit(Duration::MAX);
        let node = Node::new(config, retention, entropy, Duration::ZERO);
        let mut memory =
            Self { node, broker: Broker::new(retention, channels), fed: BTreeSet::new() };
        memory.carry(Duration::ZERO);
        memory
    }

    /// See [`Node::publish`]. What became of it is an [`event`](Self::event) at once.
    pub fn publish(
        &mut self,
        channel: &str,
        key: Option<&[u8]>,
        payload: Bytes,
        now: Duration,
    ) -> Result<PublicationId, Misuse> {
        let publication = self.node.publish(channel, key, payload, now)?;
        self.carry(now);
        Ok(publication)
    }

    /// The next event: to be taken, or no further publications are.
    pub fn event(&mut self) -> Option<Event> {
        self.node.event()
    }

    /// See [`Node::subscribe`]. With as many channels as there may be, the subscriber of another one waits until there is room.
    pub fn subscribe(
        &mut self,
        channel: &str,
        from: Start,
        now: Duration,
    ) -> Result<Subscriber, Misuse> {
        let subscriber = self.node.subscribe(channel, from)?;
        self.carry(now);
        Ok(subscriber)
    }

    /// See [`Node::unsubscribe`].
    pub fn unsubscribe(&mut self, subscriber: Subscriber, now: Duration) {
        self.node.unsubscribe(subscriber);
        self.carry(now);
    }

    /// See [`Node::ready`].
    pub fn ready(&mut self) -> Option<Subscriber> {
        self.node.ready()
    }

    /// See [`Node::delivery`].
    pub fn delivery(&mut self, subscriber: Subscriber, now: Duration) -> Option<Delivery> {
        if let Some(delivery) = self.node.delivery(subscriber) {
            return Some(delivery);
        }
        self.carry(now);
        self.node.delivery(subscriber)
    }

    /// See [`Node::enter`].
    pub fn enter(
        &mut self,
        channel: &str,
        member: &str,
        info: Bytes,
        now: Duration,
    ) -> Result<(), Misuse> {
        self.node.enter(channel, member, info)?;
        self.carry(now);
        Ok(())
    }

    /// See [`Node::leave`].
    pub fn leave(&mut self, channel: &str, member: &str, now: Duration) {
        self.node.leave(channel, member);
        self.carry(now);
    }

    /// See [`Node::watch`].
    pub fn watch(&mut self, channel: &str, now: Duration) -> Result<(), Misuse> {
        self.node.watch(channel, now)?;
        self.carry(now);
        Ok(())
    }

    /// See [`Node::unwatch`].
    pub fn unwatch(&mut self, channel: &str, now: Duration) {
        self.node.unwatch(channel);
        self.carry(now);
    }

    /// See [`Node::changed`].
    pub fn changed(&mut self) -> Option<Arc<str>> {
        self.node.changed()
    }

    /// See [`Node::change`].
    pub fn change(&mut self, channel: &str) -> Option<Change> {
        self.node.change(channel)
    }

    /// When [`timeout`](Self::timeout) is to be called.
    pub fn deadline(&self) -> Option<Duration> {
        self.node.deadline().into_iter().chain(self.broker.deadline()).min()
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        self.node.timeout(now);
        let pushes = self.broker.timeout(now);
        self.push(pushes, now);
        self.carry(now);
    }

    /// The broker: what it keeps can be looked at.
    pub fn broker(&self) -> &Broker {
        &self.broker
    }

    /// Carries requests to the broker and answers back until there are no more.
    fn carry(&mut self, now: Duration) {
        while let Some(command) = self.node.command(now) {
            match command {
                Command::Send(id, request) => {
                    let (answer, pushes) = self.broker.execute(&request, now);
                    match (&request, &answer) {
                        (Request::Subscribe { channel }, Answer::Done) => {
                            self.fed.insert(channel.clone());
                        }
                        (Request::Unsubscribe { channel }, _) => {
                            self.fed.remove(channel);
                        }
                        _ => {}
                    }
                    self.push(pushes, now);
                    self.node.answer(id, answer, now);
                }
                Command::Connect => self.node.connected(),
                Command::Disconnect => self.fed.clear(),
            }
        }
    }

    fn push(&mut self, pushes: alloc::vec::Vec<Push>, now: Duration) {
        for push in pushes {
            if self.fed.contains(push.channel()) {
                self.node.push(push, now);
            }
        }
    }
}
