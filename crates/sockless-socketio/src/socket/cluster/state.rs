//! What a server of a cluster has besides its sockets: a node, and the streams that it follows. What is done with them is decided elsewhere.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use sockless_channels::{
    LONGEST_NAME, Look, Misuse, Node, Position, PublicationId, Start, Subscriber,
};

use super::asking::Asking;
use super::coming::{Claimed, Fetch};
use super::returning::Return;
use super::settings::Cluster;
use super::stream::Stream;
use crate::socket::namespace::Namespace;
use crate::socket::recovery::Recovery;
use crate::socket::sockets::Socket;

/// The node of a server in a cluster: its driver carries out its commands, and hands in answers and pushes.
pub type Channels = Node<Box<dyn FnMut() -> u64 + Send>>;

/// Who a subscriber of the node is.
#[derive(Clone, Debug)]
pub(super) enum Follower {
    Stream(Namespace),
    Side(Namespace),
    Answers,
}

/// A server's part of a cluster.
pub(in crate::socket) struct State {
    pub(super) settings: Cluster,
    pub(super) recovery: Recovery,
    pub(super) node: Channels,
    /// The id of this server in this life.
    pub(super) server: Arc<str>,
    /// The latest time that has been said.
    pub(super) now: Duration,
    pub(super) streams: BTreeMap<Namespace, Stream>,
    pub(super) followers: BTreeMap<Subscriber, Follower>,
    pub(super) publications: BTreeMap<PublicationId, (Namespace, u64)>,
    /// Clients whose records are waited for, before the application hears of them.
    pub(super) fetches: BTreeMap<Socket, Fetch>,
    pub(super) looks: BTreeMap<Look, Socket>,
    /// What those claim that the application hasn't accepted yet.
    pub(super) claims: BTreeMap<Socket, Claimed>,
    /// The last socket that has come back with each private id. It may not wait any more.
    pub(super) claimants: BTreeMap<Arc<str>, Socket>,
    /// Those for whom it is gathered what they have missed, and those who wait for their turn.
    pub(super) returns: BTreeMap<Socket, Return>,
    pub(super) queue: VecDeque<Socket>,
    pub(super) asking: Asking,
}

/// A sequence (SplitMix64) that begins where the server's entropy says. None of its numbers is a secret.
fn numbers(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }
}

impl State {
    pub(in crate::socket) fn new(
        settings: Cluster,
        recovery: Recovery,
        server: Arc<str>,
        seed: u64,
        now: Duration,
    ) -> Self {
        let retention = Cluster::retention(&recovery);
        let node = Node::new(settings.node, retention, Box::new(numbers(seed)) as Box<_>, now);
        let mut state = Self {
            settings,
            recovery,
            node,
            server,
            now,
            streams: BTreeMap::new(),
            followers: BTreeMap::new(),
            publications: BTreeMap::new(),
            fetches: BTreeMap::new(),
            looks: BTreeMap::new(),
            claims: BTreeMap::new(),
            claimants: BTreeMap::new(),
            returns: BTreeMap::new(),
            queue: VecDeque::new(),
            asking: Asking::default(),
        };
        state.join_servers();
        state
    }

    /// Follows the stream of a namespace.
    pub(in crate::socket) fn follow(&mut self, namespace: &Namespace) -> Result<(), Misuse> {
        if self.streams.contains_key(namespace) {
            return Ok(());
        }
        let subscriber = self.node.subscribe(&stream_name(namespace), Start::Now)?;
        let side = match self.node.subscribe(&side_name(namespace), Start::Now) {
            Ok(side) => side,
            Err(misuse) => {
                self.node.unsubscribe(subscriber);
                return Err(misuse);
            }
        };
        self.followers.insert(subscriber, Follower::Stream(namespace.clone()));
        self.followers.insert(side, Follower::Side(namespace.clone()));
        self.streams.insert(namespace.clone(), Stream::new(subscriber, side));
        Ok(())
    }

    /// Follows a namespace's stream no more, if nobody needs it.
    pub(in crate::socket) fn unfollow(&mut self, namespace: &Namespace) {
        if self.streams.get(namespace).is_some_and(Stream::is_unused)
            && let Some(stream) = self.streams.remove(namespace)
        {
            for subscriber in [stream.subscriber, stream.side] {
                self.followers.remove(&subscriber);
                self.node.unsubscribe(subscriber);
            }
        }
    }

    /// The position of a namespace's stream, as far as it has passed here.
    pub(in crate::socket) fn newest(&self, namespace: &Namespace) -> Option<Position> {
        self.streams.get(namespace)?.at
    }

    /// Up to where a client of this server's has what a namespace's stream has for it.
    pub(in crate::socket) fn known_to(&self, namespace: &Namespace, id: &str) -> Option<Position> {
        self.streams.get(namespace)?.known_to(id)
    }

    pub(super) fn stream(&mut self, namespace: &Namespace) -> Option<&mut Stream> {
        self.streams.get_mut(namespace)
    }

    /// When something is due.
    pub(in crate::socket) fn deadline(&self) -> Option<Duration> {
        let streams = self.streams.values().filter_map(|stream| stream.deadline(&self.recovery));
        let fetches = self.fetches.values().map(|fetch| fetch.until);
        let returns = self.returns.values().map(|its| its.until);
        let others = [self.node.deadline(), self.asking.deadline()].into_iter().flatten();
        streams.chain(fetches).chain(returns).chain(others).min()
    }
}

impl core::fmt::Debug for State {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("State").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Whether a namespace's name leaves room for what is written before it.
pub(in crate::socket) fn fits(namespace: &Namespace) -> bool {
    namespace.len() + 2 <= LONGEST_NAME
}

/// The channel of what is done to the sockets of a namespace.
pub(super) fn stream_name(namespace: &Namespace) -> String {
    format!("e:{namespace}")
}

/// The channel of what is worth nothing later: questions to all servers, volatile events.
pub(super) fn side_name(namespace: &Namespace) -> String {
    format!("q:{namespace}")
}

/// The channel in which the record of a client is a member, and which no stream is in.
pub(super) fn record_name(pid: &str) -> String {
    format!("c:{pid}")
}
