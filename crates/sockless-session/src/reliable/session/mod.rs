//! One side's end of a session: its state, and what can be asked about it. What changes it lives in the files below: `opening`,
//! `receiving`, `sending`, `storing`, `ending`, `timing`.

mod ending;
mod fields;
mod link;
mod opening;
mod receiving;
mod saved;
mod sending;
mod storing;
mod timing;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use core::fmt;

use super::config::{Acceptance, Config};
use super::id::SessionId;
use super::message::Payload;
use super::outbox::Outbox;
use crate::Entropy;
use crate::time::Instant;
pub use ending::{End, Failed, Fate};
pub use fields::SavedError;
pub use link::Link;
use link::LinkState;
pub use opening::MOST_OPENINGS;
pub use receiving::Received;
pub use saved::Saved;
use storing::Storage;
pub use storing::{Batch, Mark};
pub use timing::Event;

/// Which side of the session this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// The side that connects.
    Client,
    /// The side that is connected to.
    Server,
}

/// How far a session has come.
///
/// ```text
/// New -- welcome --> Established -- end --> Ending -- bye, or lost --> Ended
///  |                      |                                              ^
///  +----------------------+---- bye, refusal, expiry, end while asleep --+
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// A client's session that has never had a welcome.
    New,
    /// Both sides know it.
    Established,
    /// The application has ended it, and the peer hasn't confirmed that yet.
    Ending,
    /// It is over.
    Ended(End),
}

/// What has become of a message (section 11 of the specification).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It waits, and has never been on a connection.
    Pending,
    /// It has been put on a connection, or may have been.
    Sent,
    /// The peer has accepted it.
    Delivered,
    /// The session has ended without it, [for good](Session::is_final).
    Failed(Fate),
}

/// One side's end of a session of reliable delivery.
///
/// It does nothing by itself. Whoever drives it tells it what the connections bring and what time it is, and does what it says:
///
/// 1. [`receive`](Self::receive) for every message that arrives, and act upon what it says;
/// 2. [`poll`](Self::poll) until `None`;
/// 3. where the state is stored: [`take_batch`](Self::take_batch), store it, then [`synced`](Self::synced);
/// 4. [`poll_output`](Self::poll_output) as long as the connection takes messages, until `None`;
/// 5. wait for the next message, or until [`deadline`](Self::deadline).
///
/// ```
/// use std::{sync::Arc, time::Duration};
/// use sockless_session::reliable::{Config, Incoming, Kind, Message, Opening, Output, Received, Session, Status};
/// # struct Seed(u8);
/// # impl sockless_session::Entropy for Seed {
/// #     fn fill(&mut self, bytes: &mut [u8]) {
/// #         for byte in bytes { self.0 = self.0.wrapping_mul(5).wrapping_add(3); *byte = self.0; }
/// #     }
/// # }
/// # let mut entropy = Seed(1);
/// # let now = Duration::ZERO;
/// let config = Arc::new(Config::default());
///
/// // A client connects: its first message opens the session.
/// let mut client = Session::<Message>::client(config.clone(), &mut entropy);
/// let number = client.send("hello".into()).expect("the queue has room");
/// let link = client.connect(now).expect("it hasn't ended");
/// let Some(Output::Text(first)) = client.poll_output(link, now) else { panic!() };
///
/// // A server reads it. (A `Table` would look for the session first.)
/// let opening = Opening::parse(Incoming::Text(&first)).expect("an opening");
/// let (mut server, server_link) = Session::<Message>::server(config, &opening, now);
/// let Some(Output::Text(welcome)) = server.poll_output(server_link, now) else { panic!() };
///
/// // Both are open.
/// client.receive(link, Incoming::Text(&welcome), now).expect("a welcome");
/// let Some(Output::Data { payload: Message::Text(text), .. }) = client.poll_output(link, now) else { panic!() };
/// let received = server.receive(server_link, Incoming::Text(&text), now);
/// assert_eq!(received, Ok(Received::Message { number, payload: Incoming::Text("hello") }));
///
/// // The ack follows within its delay.
/// let later = server.deadline().expect("an ack is due");
/// let Some(Output::Short(ack)) = server.poll_output(server_link, later) else { panic!() };
/// client.receive(link, Incoming::Text(ack.as_str()), later).expect("an ack");
/// assert_eq!(client.status(number), Some(Status::Delivered));
/// ```
pub struct Session<M> {
    config: Arc<Config>,
    role: Role,
    stage: Stage,
    /// Whether it was restored from a state that may be old, and has not been connected since.
    doubtful: bool,
    id: SessionId,
    attempt: u64,
    received: u64,
    accepted: u64,
    acked: u64,
    assigned: u64,
    sent: u64,
    /// What only a session has that is connected, or has something to send or to store.
    awake: Option<Box<Awake<M>>>,
}

/// What only a session has that isn't asleep.
struct Awake<M> {
    outbox: Outbox<M>,
    link: Option<LinkState>,
    storage: Storage,
    /// The requests that wait for their replies, and until when.
    requests: BTreeMap<u64, Instant>,
    /// Whether a message has been refused because the queue was full.
    room_wanted: bool,
    /// The connection that has been given up, until `poll` says so.
    dead: Option<Link>,
    /// While the state is doubtful: the last number that can't have been given to another message in the meantime, if that isn't
    /// the last of all.
    floor: Option<u64>,
}

impl<M: Payload> Awake<M> {
    /// All that the mark says was stored while the session slept.
    #[cold]
    fn new(asleep: Option<Mark>) -> Box<Self> {
        Box::new(Self {
            outbox: Outbox::new(),
            link: None,
            storage: asleep.map_or(Storage::empty(0), Storage::settled),
            requests: BTreeMap::new(),
            room_wanted: false,
            dead: None,
            floor: None,
        })
    }
}

impl<M: Payload> Session<M> {
    /// A client's new session. It can take messages at once.
    pub fn client(config: Arc<Config>, entropy: &mut impl Entropy) -> Self {
        Self::client_with_id(config, SessionId::new(entropy))
    }

    /// A client's new session with an id that the caller has made. Nobody else may be able to guess it.
    pub fn client_with_id(config: Arc<Config>, id: SessionId) -> Self {
        Self::fresh(config, Role::Client, Stage::New, id, 0)
    }

    fn fresh(config: Arc<Config>, role: Role, stage: Stage, id: SessionId, attempt: u64) -> Self {
        let mut session = Self {
            config,
            role,
            stage,
            doubtful: false,
            id,
            attempt,
            received: 0,
            accepted: 0,
            acked: 0,
            assigned: 0,
            sent: 0,
            awake: None,
        };
        if session.config.stored {
            session.wake().storage = Storage::empty(attempt);
        }
        session
    }

    /// Which side this is.
    pub fn role(&self) -> Role {
        self.role
    }

    /// How far the session has come.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The session's name: a secret.
    pub fn id(&self) -> SessionId {
        self.id
    }

    /// The configuration.
    pub fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Whether a connection carries the session and both sides may send.
    pub fn is_open(&self) -> bool {
        self.link().is_some_and(LinkState::is_open)
    }

    /// The connection that carries the session, or is about to.
    pub fn current_link(&self) -> Option<Link> {
        self.link().map(|_| Link(self.attempt))
    }

    /// The last number that has been received.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The last number that the application has accepted.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// The last number that the peer has acknowledged: everything up to it is delivered. It grows with acks, with byes, and when a
    /// connection opens: then the peer says what it has.
    pub fn acked(&self) -> u64 {
        self.acked
    }

    /// The last number that a message has been given.
    pub fn assigned(&self) -> u64 {
        self.assigned
    }

    /// How many messages wait, for being sent or acknowledged.
    pub fn queued(&self) -> usize {
        self.awake.as_ref().map_or(0, |awake| awake.outbox.len())
    }

    /// How many octets wait likewise.
    pub fn queued_bytes(&self) -> u64 {
        self.awake.as_ref().map_or(0, |awake| awake.outbox.bytes())
    }

    /// Whether all that was sent is delivered.
    pub fn is_settled(&self) -> bool {
        self.acked == self.assigned
    }

    /// What has become of the message with this number: `None` if there is none.
    pub fn status(&self, number: u64) -> Option<Status> {
        Some(match number {
            0 => return None,
            number if number > self.assigned => return None,
            number if number <= self.acked => Status::Delivered,
            number if self.is_final() => Status::Failed(self.fate(number)),
            number if number <= self.sent => Status::Sent,
            _ => Status::Pending,
        })
    }

    fn link(&self) -> Option<&LinkState> {
        self.awake.as_ref()?.link.as_ref()
    }

    fn link_mut(&mut self) -> Option<&mut LinkState> {
        self.awake.as_mut()?.link.as_mut()
    }

    /// Whether this connection carries the session.
    fn is_current(&self, link: Link) -> bool {
        link.0 == self.attempt && self.link().is_some()
    }

    #[inline]
    fn wake(&mut self) -> &mut Awake<M> {
        let asleep = self.awake.is_none().then(|| self.mark());
        self.awake.get_or_insert_with(|| Awake::new(asleep))
    }

    /// Falls asleep if there is nothing left to remember.
    fn doze(&mut self) {
        let clean = !self.config.stored || self.is_stored();
        let idle = self.awake.as_ref().is_some_and(|awake| {
            awake.link.is_none()
                && awake.outbox.len() == 0
                && awake.requests.is_empty()
                && !awake.room_wanted
                && awake.dead.is_none()
        });
        if clean && idle {
            self.awake = None;
        }
    }

    /// The last number of which the peer can speak without speaking of another message: `otherwise`, unless that isn't certain.
    fn unambiguous(&self, otherwise: u64) -> u64 {
        self.awake.as_ref().and_then(|awake| awake.floor).unwrap_or(otherwise)
    }

    fn accepts_on_delivery(&self) -> bool {
        self.config.acceptance == Acceptance::OnDelivery
    }
}

impl<M> fmt::Debug for Session<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("role", &self.role)
            .field("stage", &self.stage)
            .field("id", &self.id)
            .field("received", &self.received)
            .field("accepted", &self.accepted)
            .field("acked", &self.acked)
            .field("assigned", &self.assigned)
            .field("sent", &self.sent)
            .finish_non_exhaustive()
    }
}
