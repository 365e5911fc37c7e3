//! The node: what one process knows of its channels, and what it asks a broker for.
//!
//! [`Node`] decides everything and moves nothing: [`Command`]s come out, answers and pushes go in, each with the time. What its driver
//! does is carry them, in order.
//!
//! What follows a channel is in `following`, `channel` and `subscription`; what publishes in `publishing` and `outbox`; who is present in
//! `membership`, `watch` and `looking`; the connection in `link`, and when things are due in `timers`.

mod channel;
mod following;
mod link;
mod looking;
mod membership;
mod outbox;
mod publishing;
mod subscription;
mod timers;
mod watch;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use core::fmt;
use core::time::Duration;

use crate::config::Config;
use crate::delivery::{Look, PublicationId, Subscriber};
use crate::entropy::Entropy;
use crate::misuse::Misuse;
use crate::position::{Epoch, Position};
use crate::request::{Answer, Command, Push, ReadFrom, Request, RequestId};
use crate::retention::Retention;

use channel::Channel;
use link::Link;
use looking::Looks;
pub use looking::Members;
use membership::Shown;
use outbox::Outbox;
use subscription::Subscription;
use timers::{Timer, Timers};

/// The longest name of a channel or a member, in bytes.
pub const LONGEST_NAME: usize = 255;

/// The longest idempotency key, in bytes.
pub const LONGEST_KEY: usize = 128;

/// A name that is neither empty nor too long.
fn checked_name(name: &str) -> Result<&str, Misuse> {
    if name.is_empty() || name.len() > LONGEST_NAME { Err(Misuse::Name) } else { Ok(name) }
}

/// One process among those that share a broker.
///
/// The rules that it keeps:
///
/// - **Offsets are the truth, pushes are for speed.** A push that fits is taken. One that doesn't makes the node read the channel.
/// - **A gap is filled or said.** A publication that is still kept somewhere reaches the subscriber; where one is gone, the subscriber
///   gets a [`Delivery::Gap`](crate::Delivery::Gap) that says between which positions. Only the broker's answer makes a gap: what merely
///   wasn't pushed is read first.
/// - **Silence is checked.** A channel in which nothing happens is read now and then, because a subscription that was lost looks the
///   same.
/// - **A slow subscriber costs a position.** Nothing is queued for it. It reads from the history when it comes for more, and if
///   the history has gone on without it, it gets a gap.
/// - **A publication has a key**, the caller's or one that is drawn, so that it can be sent again without being published twice.
///
/// Its driver, whatever the broker is, does the same four things: it carries out every [`command`](Self::command), hands in what
/// comes back ([`answer`](Self::answer), [`push`](Self::push), [`connected`](Self::connected),
/// [`disconnected`](Self::disconnected)), calls [`timeout`](Self::timeout) at the [`deadline`](Self::deadline), and then serves
/// the subscribers that are [`ready`](Self::ready). [`Memory`](crate::Memory) is such a driver.
///
/// Here two nodes share a broker; `carry` is the whole driver.
///
/// ```
/// use core::time::Duration;
/// use sockless_channels::{Broker, Command, Config, Delivery, Entropy, Node, Retention, Start};
///
/// /// Carries everything there is to carry, and returns what was pushed.
/// fn carry<E: Entropy>(node: &mut Node<E>, broker: &mut Broker, now: Duration) -> Vec<sockless_channels::Push> {
///     let mut pushes = Vec::new();
///     while let Some(command) = node.command(now) {
///         match command {
///             Command::Connect => node.connected(),
///             Command::Disconnect => {}
///             Command::Send(id, request) => {
///                 let (answer, pushed) = broker.execute(&request, now);
///                 node.answer(id, answer, now);
///                 pushes.extend(pushed);
///             }
///         }
///     }
///     pushes
/// }
///
/// let now = Duration::ZERO;
/// let mut broker = Broker::new(Retention::default(), 1_000);
/// let entropy = |mut number: u64| move || { number += 1; number };
/// let mut ann = Node::new(Config::default(), Retention::default(), entropy(0), now);
/// let mut bob = Node::new(Config::default(), Retention::default(), entropy(1 << 32), now);
///
/// let subscriber = ann.subscribe("room", Start::Now)?;
/// carry(&mut ann, &mut broker, now);
/// assert!(matches!(ann.delivery(subscriber), Some(Delivery::Started { .. })));
///
/// bob.publish("room", None, "hello".into(), now)?;
/// for push in carry(&mut bob, &mut broker, now) {
///     ann.push(push, now);
/// }
/// assert!(matches!(ann.delivery(subscriber), Some(Delivery::Publication { .. })));
/// # Ok::<(), sockless_channels::Misuse>(())
/// ```
pub struct Node<E> {
    config: Config,
    retention: Retention,
    entropy: E,
    link: Link,
    timers: Timers,
    channels: BTreeMap<Arc<str>, Channel>,
    subscriptions: BTreeMap<Subscriber, Subscription>,
    next_channel: u64,
    next_subscriber: u64,
    outbox: Outbox,
    members: BTreeMap<(Arc<str>, Arc<str>), Shown>,
    looks: Looks,
    ready: BTreeSet<Subscriber>,
    changed: BTreeSet<Arc<str>>,
    work: Work,
    pages_first: bool,
    presence_first: bool,
    flights: BTreeMap<RequestId, Flight>,
    next_request: u64,
}

/// What has to be asked of the broker as soon as it can be.
#[derive(Debug, Default)]
struct Work {
    unsubscribe: BTreeSet<Arc<str>>,
    subscribe: BTreeSet<Arc<str>>,
    /// Channels to read, and whether only because nothing was heard of them.
    read: BTreeMap<Arc<str>, Audit>,
    /// Subscribers for whom something is to be read.
    pages: BTreeSet<Subscriber>,
    members: BTreeSet<Arc<str>>,
    looks: BTreeSet<Look>,
    enter: BTreeSet<(Arc<str>, Arc<str>)>,
    leave: BTreeSet<(Arc<str>, Arc<str>)>,
}

/// Whether a reading is there to find out if pushes arrive at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Audit(bool);

/// A request that is on its way.
#[derive(Debug)]
struct Flight {
    what: What,
    until: Duration,
}

#[derive(Debug)]
enum What {
    Publish(PublicationId, Arc<str>),
    Subscribe(Arc<str>),
    Read {
        channel: Arc<str>,
        serial: u64,
        seen: Option<Position>,
        audit: Audit,
    },
    Page {
        subscriber: Subscriber,
        serial: u64,
    },
    Members(Arc<str>),
    Look(Look),
    Enter(Arc<str>, Arc<str>),
    /// Nothing depends on the answer.
    Other,
}

impl<E: Entropy> Node<E> {
    /// A node that isn't connected. `retention` says how much of each channel it keeps a copy of: usually as much as the broker keeps,
    /// or less where memory is scarce and subscribers may wait for a reading.
    pub fn new(config: Config, retention: Retention, entropy: E, now: Duration) -> Self {
        Self {
            link: Link::new(config.backoff, config.patience, now),
            config,
            retention,
            entropy,
            timers: Timers::default(),
            channels: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            next_channel: 0,
            next_subscriber: 0,
            outbox: Outbox::default(),
            members: BTreeMap::new(),
            looks: Looks::default(),
            ready: BTreeSet::new(),
            changed: BTreeSet::new(),
            work: Work::default(),
            pages_first: false,
            presence_first: false,
            flights: BTreeMap::new(),
            next_request: 0,
        }
    }

    /// What the driver has to do next: call it until there is nothing more.
    pub fn command(&mut self, now: Duration) -> Option<Command> {
        if let Some(command) = self.link.command(now) {
            return Some(command);
        }
        if !self.link.is_up() || self.flights.len() >= self.config.window {
            return None;
        }
        let (what, request) = self.request()?;
        let id = RequestId(self.next_request);
        self.next_request += 1;
        self.flights.insert(id, Flight { what, until: now.saturating_add(self.config.patience) });
        Some(Command::Send(id, request))
    }

    /// The next thing to ask for, the most urgent first.
    fn request(&mut self) -> Option<(What, Request)> {
        if let Some(channel) = self.work.unsubscribe.pop_first() {
            return Some((What::Other, Request::Unsubscribe { channel }));
        }
        if let Some(channel) = self.work.subscribe.pop_first() {
            return Some((What::Subscribe(channel.clone()), Request::Subscribe { channel }));
        }
        if let Some(request) = self.request_read() {
            return Some(request);
        }
        // Many who come back at once don't keep others from publishing, nor the other way round.
        self.pages_first = !self.pages_first;
        if self.pages_first {
            self.request_page().or_else(|| self.request_other())
        } else {
            self.request_other().or_else(|| self.request_page())
        }
    }

    /// Neither do many whose presence is refreshed.
    fn request_other(&mut self) -> Option<(What, Request)> {
        self.presence_first = !self.presence_first;
        if self.presence_first {
            self.request_presence().or_else(|| self.request_publish())
        } else {
            self.request_publish().or_else(|| self.request_presence())
        }
    }

    /// A request to read a channel.
    fn read_request(
        &mut self,
        channel: Arc<str>,
        from: ReadFrom,
        seen: Option<Position>,
    ) -> Request {
        let (count, bytes) = (self.config.page_count, self.config.page_bytes);
        Request::Read { channel, from, count, bytes, seen, fresh: self.fresh() }
    }

    fn fresh(&mut self) -> Epoch {
        Epoch::new(self.entropy.number())
    }

    /// The connection is there. Subscriptions of an earlier one don't count any more.
    pub fn connected(&mut self) {
        if !self.link.connected() {
            return;
        }
        self.work.subscribe = self.channels.keys().cloned().collect();
        self.work.enter = self.members.keys().cloned().collect();
    }

    /// The connection is gone, or couldn't be made.
    pub fn disconnected(&mut self, now: Duration) {
        if self.link.is_wanted() {
            self.link.lost(now, &mut self.entropy);
            self.forget_flights();
        }
    }

    /// The broker doesn't answer, or what it says can't be true: the connection is given up.
    fn give_up(&mut self, now: Duration) {
        self.link.give_up(now, &mut self.entropy);
        self.forget_flights();
    }

    /// What was on its way has to be asked for again, over another connection.
    fn forget_flights(&mut self) {
        for flight in core::mem::take(&mut self.flights).into_values() {
            match flight.what {
                What::Publish(publication, _) => self.outbox.again(publication),
                What::Page { subscriber, serial } => self.page_again(subscriber, serial),
                What::Look(look) => drop(self.work.looks.insert(look)),
                _ => {}
            }
        }
        self.forget_feeds();
        self.work.unsubscribe.clear();
        self.work.subscribe.clear();
        self.work.members.clear();
        self.work.enter.clear();
        // Who leaves now stays until its time is up: that is what the time is for.
        self.work.leave.clear();
    }

    /// The answer to a request. Answers to requests of a connection that is gone are ignored.
    pub fn answer(&mut self, id: RequestId, answer: Answer, now: Duration) {
        let Some(flight) = self.flights.remove(&id) else { return };
        self.link.answered();
        match (flight.what, answer) {
            (What::Publish(publication, channel), Answer::Published { position, repeated }) => {
                self.outbox.published(publication, position, repeated);
                self.heard_of(&channel, position, now);
            }
            (What::Publish(publication, _), Answer::Refused) => self.outbox.refused(publication),
            (What::Subscribe(channel), Answer::Done) => self.subscribed(channel),
            (What::Subscribe(channel), Answer::Refused) => self.check_later(channel, now),
            (What::Read { channel, serial, seen, audit }, Answer::Page(page)) => {
                self.channel_read(channel, serial, seen, audit, page, now);
            }
            (What::Read { channel, serial, .. }, Answer::Refused) => {
                self.channel_unread(channel, serial, now);
            }
            (What::Page { subscriber, serial }, Answer::Page(page)) => {
                self.subscriber_read(subscriber, serial, page, now);
            }
            (What::Page { subscriber, serial }, Answer::Refused) => {
                self.page_later(subscriber, serial, now);
            }
            (What::Members(channel), Answer::Members(members)) => {
                self.members_read(channel, members, now);
            }
            (What::Members(channel), Answer::Refused) => self.watch_later(channel, now),
            (What::Look(look), Answer::Members(members)) => self.looks.answered(look, members),
            (What::Look(look), Answer::Refused) => self.look_later(look, now),
            (What::Enter(channel, member), Answer::Done | Answer::Refused) => {
                self.entered(channel, member, now);
            }
            (What::Other, _) => {}
            (what, _) => {
                // An answer to something else than was asked. What was asked for is asked again after the connection.
                self.flights.insert(id, Flight { what, until: now });
                self.give_up(now);
            }
        }
    }

    /// Something arrived unasked. Late, doubled and foreign pushes do no harm.
    pub fn push(&mut self, push: Push, now: Duration) {
        match push {
            Push::Publication { channel, position, payload } => {
                self.publication_pushed(&channel, position, payload, now);
            }
            Push::Epoch { channel, epoch } => self.epoch_pushed(&channel, epoch),
            Push::Presence { channel } => self.presence_pushed(&channel),
        }
    }

    /// When [`timeout`](Self::timeout) is to be called, if nothing else happens before.
    pub fn deadline(&self) -> Option<Duration> {
        let flight = self.flights.first_key_value().map(|(_, flight)| flight.until);
        let sooner = [self.link.deadline(), flight, self.timers.next(), self.outbox.expires_at()];
        sooner.into_iter().flatten().min()
    }

    /// Does what is due. [`command`](Self::command) may have something to do afterwards.
    pub fn timeout(&mut self, now: Duration) {
        self.outbox.expire(now);
        let overdue = self.flights.values().next().is_some_and(|flight| now >= flight.until);
        if overdue || self.link.is_overdue(now) {
            self.give_up(now);
        }
        while let Some(timer) = self.timers.due(now) {
            match timer {
                Timer::Check(channel) => self.check(channel),
                Timer::Expire(channel) => self.expire(channel, now),
                Timer::Page(subscriber) => {
                    self.work.pages.insert(subscriber);
                }
                Timer::Watch(channel) => self.watch_due(channel),
                Timer::Look(look) => drop(self.work.looks.insert(look)),
                Timer::Refresh(channel, member) => self.refresh_due(channel, member),
            }
        }
    }

    /// Whether there is a connection to the broker.
    pub fn is_connected(&self) -> bool {
        self.link.is_up()
    }

    /// Since when the broker owes an answer, if it owes one: a sign of trouble long before the connection is given up.
    pub fn waiting_since(&self) -> Option<Duration> {
        let until = self.flights.first_key_value()?.1.until;
        Some(until.saturating_sub(self.config.patience))
    }

    /// How much the node holds.
    pub fn held(&self) -> NodeHeld {
        let mut held = NodeHeld {
            channels: self.channels.len(),
            subscribers: self.subscriptions.len(),
            waiting: self.outbox.len(),
            waiting_bytes: self.outbox.bytes(),
            requests: self.flights.len(),
            members: self.members.len() + self.work.leave.len(),
            ..NodeHeld::default()
        };
        for channel in self.channels.values() {
            if let Some(copy) = &channel.copy {
                held.copied += copy.len();
                held.copied_bytes += copy.bytes();
            }
        }
        for subscription in self.subscriptions.values() {
            let (count, bytes) = subscription.held();
            held.read += count;
            held.read_bytes += bytes;
        }
        held
    }
}

/// How much a [`Node`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeHeld {
    /// Channels that are followed or watched.
    pub channels: usize,
    /// Subscribers.
    pub subscribers: usize,
    /// Publications in the copies of histories.
    pub copied: usize,
    /// Bytes of payload in them.
    pub copied_bytes: usize,
    /// Publications that were read for one subscriber.
    pub read: usize,
    /// Bytes of payload in them.
    pub read_bytes: usize,
    /// Publications that wait for what becomes of them, or whose event hasn't been taken.
    pub waiting: usize,
    /// Bytes of payload in them.
    pub waiting_bytes: usize,
    /// Requests that are on their way.
    pub requests: usize,
    /// Members that the node holds present, and those whose leaving hasn't been sent.
    pub members: usize,
}

impl<E> fmt::Debug for Node<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("link", &self.link)
            .field("channels", &self.channels.len())
            .field("subscribers", &self.subscriptions.len())
            .field("requests", &self.flights.len())
            .finish_non_exhaustive()
    }
}
