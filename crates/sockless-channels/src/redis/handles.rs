//! What a program holds: the channels, a subscription, a watch. What they wait for is decided in the node.

use alloc::string::String;
use alloc::sync::Arc;
use core::future::poll_fn;
use core::task::Poll;
use core::time::Duration;
use core::{error, fmt};

use bytes::Bytes;
use redis::RedisError;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::Settings;
use super::carrier::Carrier;
use super::entropy::Seeded;
use super::shared::Shared;
use super::task::carry;
use crate::delivery::{Change, Delivery, Event, Fate, Start, Subscriber};
use crate::misuse::Misuse;
use crate::node::{Node, NodeHeld};
use crate::position::Position;

/// Channels that are shared with other programs through Redis. A clone is the same node.
///
/// When the last clone, subscription and watch is dropped, the connection is closed. Members that this node holds present
/// are then seen by others until their lifetime is over, as if it had died; [`leave`](Self::leave) says it at once.
#[derive(Clone, Debug)]
pub struct Channels {
    owner: Arc<Owner>,
}

/// Ends the carrier when nobody holds anything any more.
#[derive(Debug)]
struct Owner {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Why there are no channels.
#[derive(Debug)]
pub enum OpenError {
    /// The address isn't one of a Redis.
    Address(RedisError),
    /// The operating system has no random numbers.
    Entropy(getrandom::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(error) => write!(f, "not an address of a Redis: {error}"),
            Self::Entropy(error) => write!(f, "no random numbers: {error}"),
        }
    }
}

impl error::Error for OpenError {}

/// Why something wasn't published, or may not have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PublishError {
    /// The call can't be carried out: nothing was published.
    Misuse(Misuse),
    /// It was given up.
    GivenUp(Fate),
}

impl fmt::Display for PublishError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::GivenUp(Fate::Unsent) => f.write_str("it couldn't be sent"),
            Self::GivenUp(Fate::Refused) => f.write_str("Redis has refused it"),
            Self::GivenUp(Fate::Unknown) => f.write_str("it was sent, and no answer came"),
        }
    }
}

impl error::Error for PublishError {}

/// Where a publication is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its position.
    pub position: Position,
    /// Whether it was there already, under the same key.
    pub repeated: bool,
}

/// How the node is.
#[derive(Clone, Debug)]
pub struct Health {
    /// Whether there is a connection to Redis.
    pub connected: bool,
    /// How long Redis has owed an answer: a connection that stalls shows here long before it is given up.
    pub waiting: Option<Duration>,
    /// How many connections have been lost or given up so far.
    pub losses: u64,
    /// Why the last attempt to connect failed, if it did: a wrong password, say, or a server that is too old.
    pub trouble: Option<Arc<str>>,
    /// What the node holds.
    pub held: NodeHeld,
}

impl Channels {
    /// Channels over the Redis of `settings`. It returns at once and connects in a task: whether the Redis can be reached shows in
    /// [`health`](Self::health), and everything waits for it. To be called inside a tokio runtime with time and input enabled.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let entropy = Seeded::new().map_err(OpenError::Entropy)?;
        let copied = settings.copied.unwrap_or(settings.retention);
        let node = Node::new(settings.config, copied, entropy, Duration::ZERO);
        let carrier = Carrier::new(settings).map_err(OpenError::Address)?;
        let shared = Arc::new(Shared::new(node, Instant::now()));
        let task = tokio::spawn(carry(shared.clone(), carrier));
        Ok(Self { owner: Arc::new(Owner { shared, task }) })
    }

    fn shared(&self) -> &Shared {
        &self.owner.shared
    }

    /// Publishes, and waits until Redis has it, or it is given up. See [`Node::publish`] for the key. It is published even if the future is
    /// dropped.
    pub async fn publish(
        &self,
        channel: &str,
        key: Option<&[u8]>,
        payload: Bytes,
    ) -> Result<Published, PublishError> {
        let event = {
            let now = self.shared().now();
            let mut state = self.shared().lock();
            let id =
                state.node.publish(channel, key, payload, now).map_err(PublishError::Misuse)?;
            let (publisher, event) = oneshot::channel();
            state.publishers.insert(id, publisher);
            event
        };
        self.shared().work.notify_one();
        match event.await {
            Ok(Event::Published { position, repeated, .. }) => Ok(Published { position, repeated }),
            Ok(Event::Unpublished { fate, .. }) => Err(PublishError::GivenUp(fate)),
            Err(_) => Err(PublishError::GivenUp(Fate::Unknown)),
        }
    }

    /// Subscribes to a channel.
    pub fn subscribe(&self, channel: &str, from: Start) -> Result<Subscription, Misuse> {
        let subscriber = self.shared().lock().node.subscribe(channel, from)?;
        self.shared().work.notify_one();
        Ok(Subscription { owner: self.owner.clone(), subscriber })
    }

    /// Makes a member present in a channel. See [`Node::enter`].
    pub fn enter(&self, channel: &str, member: &str, info: Bytes) -> Result<(), Misuse> {
        self.shared().lock().node.enter(channel, member, info)?;
        self.shared().work.notify_one();
        Ok(())
    }

    /// Says that a member has left a channel.
    pub fn leave(&self, channel: &str, member: &str) {
        self.shared().lock().node.leave(channel, member);
        self.shared().work.notify_one();
    }

    /// Watches who is present in a channel. See [`Node::watch`].
    pub fn watch(&self, channel: &str) -> Result<Presence, Misuse> {
        let now = self.shared().now();
        self.shared().lock().node.watch(channel, now)?;
        self.shared().work.notify_one();
        Ok(Presence { owner: self.owner.clone(), channel: channel.into() })
    }

    /// How the node is.
    pub fn health(&self) -> Health {
        let now = self.shared().now();
        let state = self.shared().lock();
        Health {
            connected: state.node.is_connected(),
            waiting: state.node.waiting_since().map(|since| now.saturating_sub(since)),
            losses: state.losses,
            trouble: state.trouble.clone(),
            held: state.node.held(),
        }
    }
}

/// A subscription. It ends when it is dropped.
#[derive(Debug)]
pub struct Subscription {
    owner: Arc<Owner>,
    subscriber: Subscriber,
}

impl Subscription {
    /// The next delivery. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Delivery {
        poll_fn(|context| {
            let mut state = self.owner.shared.lock();
            let delivery = state.node.delivery(self.subscriber);
            match delivery {
                Some(delivery) => Poll::Ready(delivery),
                None => {
                    state.followers.insert(self.subscriber, context.waker().clone());
                    drop(state);
                    // Something may have to be read for it.
                    self.owner.shared.work.notify_one();
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut state = self.owner.shared.lock();
        state.node.unsubscribe(self.subscriber);
        state.followers.remove(&self.subscriber);
        drop(state);
        self.owner.shared.work.notify_one();
    }
}

/// Who is present in a channel. It ends when it is dropped.
#[derive(Debug)]
pub struct Presence {
    owner: Arc<Owner>,
    channel: String,
}

impl Presence {
    /// The next change. Nothing is lost if the future is dropped.
    pub async fn next(&mut self) -> Change {
        poll_fn(|context| {
            let mut state = self.owner.shared.lock();
            match state.node.change(&self.channel) {
                Some(change) => Poll::Ready(change),
                None => {
                    state.watchers.insert(self.channel.as_str().into(), context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut state = self.owner.shared.lock();
        state.node.unwatch(&self.channel);
        state.watchers.remove(self.channel.as_str());
        drop(state);
        self.owner.shared.work.notify_one();
    }
}
