//! The server: which sessions there are, and which request, WebSocket and deadline belongs to which. What begins is in `beginning`, what
//! happens in a session in `session`.

mod beginning;

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use bytes::Bytes;

use crate::engine::config::Config;
use crate::engine::output::{Event, Output, SendError, Transmit};
use crate::engine::packet::Frame;
use crate::engine::session::{Conversation, Outputs};
use crate::entropy::{Entropy, draw_id};
use crate::slots::Slots;

/// A session with a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(pub(crate) u64);

/// A WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Channel(u64);

/// A request that isn't answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(u64);

/// A server of Engine.IO 4: all its sessions, on every transport.
///
/// Its driver, whatever it stands on, does the same few things:
///
/// - It hands in the head of each request with [`begin`](Self::begin), and does what [`Begun`](crate::engine::Begun) says. Where a body is to be read, it comes
///   with [`body`](Self::body). A client that goes away before its answer has come is [`request_lost`](Self::request_lost).
/// - A request for a WebSocket is handed in with [`begin_websocket`](Self::begin_websocket). What is received on it comes with
///   [`text`](Self::text) and [`binary`](Self::binary) while it [wants input](Self::wants_input), what is to be sent is asked for with
///   [`transmit`](Self::transmit), and its end is [`channel_lost`](Self::channel_lost).
/// - After each call it takes every [`event`](Self::event) and carries out every [`output`](Self::output).
/// - At the [`deadline`](Self::deadline), it calls [`timeout`](Self::timeout).
///
/// ```
/// use core::time::Duration;
/// use sockless_socketio::engine::{Begun, Body, Config, Engine, Event, Head, Output};
///
/// let mut count = 0_u128;
/// let entropy = move || { count += 1; count.to_le_bytes() };
/// let mut engine = Engine::new(Config::default(), entropy);
/// let now = Duration::ZERO;
///
/// // A client opens a session by long-polling.
/// let Begun::Wait(open) = engine.begin(Head::new("GET", "EIO=4&transport=polling"), now) else { panic!() };
/// let Some(Output::Answer(id, answer)) = engine.output() else { panic!() };
/// assert_eq!((id, answer.status()), (open, 200));
/// let Some(Event::Opened(session)) = engine.event() else { panic!() };
///
/// // It sends a message. Its request is answered once that was taken.
/// let query = format!("EIO=4&transport=polling&sid={}", engine.sid(session).unwrap());
/// let Begun::Body(post, _) = engine.begin(Head::new("POST", &query), now) else { panic!() };
/// engine.body(post, Body::Whole("4hello".into()), now);
/// assert!(matches!(engine.event(), Some(Event::Message(..))));
/// assert_eq!(engine.event(), None);
/// let Some(Output::Answer(_, answer)) = engine.output() else { panic!() };
/// assert_eq!(answer.body(), "ok");
///
/// // What is sent waits for its poll.
/// engine.send(session, &["welcome".into()])?;
/// engine.begin(Head::new("GET", &query), now);
/// let Some(Output::Answer(_, answer)) = engine.output() else { panic!() };
/// assert_eq!(answer.body(), "4welcome");
/// # Ok::<(), sockless_socketio::engine::SendError>(())
/// ```
pub struct Engine<E> {
    config: Config,
    entropy: E,
    conversations: Slots<Box<Conversation>>,
    sids: BTreeMap<Arc<str>, Session>,
    channels: Slots<Session>,
    requests: Slots<Session>,
    deadlines: BTreeSet<(Duration, Session)>,
    /// Sessions of which something may be taken, each once, the one that was served last at the end.
    ready: VecDeque<Session>,
    opened: VecDeque<Session>,
    /// The ids of the last sessions whose clients have closed them while a poll may have been on its way.
    left: VecDeque<Arc<str>>,
    outputs: Outputs,
    stopping: bool,
}

/// Of how many sessions that their clients have closed a late poll is known.
const LEFT: usize = 256;

impl<E: Entropy> Engine<E> {
    /// A server without sessions.
    pub fn new(config: Config, entropy: E) -> Self {
        Self {
            config,
            entropy,
            conversations: Slots::default(),
            sids: BTreeMap::new(),
            channels: Slots::default(),
            requests: Slots::default(),
            deadlines: BTreeSet::new(),
            ready: VecDeque::new(),
            opened: VecDeque::new(),
            left: VecDeque::new(),
            outputs: VecDeque::new(),
            stopping: false,
        }
    }

    /// The times and limits.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many sessions there are that haven't ended.
    pub fn sessions(&self) -> usize {
        self.sids.len()
    }

    /// The id of a session, which its client knows. Nobody else must.
    pub fn sid(&self, session: Session) -> Option<&str> {
        Some(&self.conversations.get(session.0)?.sid)
    }

    /// The query of the request that has opened a session.
    pub fn query(&self, session: Session) -> Option<&str> {
        Some(&self.conversations.get(session.0)?.query)
    }

    /// The session that a request belongs to, as long as it waits for its body or its answer.
    pub fn session_of_request(&self, request: RequestId) -> Option<Session> {
        self.requests.get(request.0).copied()
    }

    /// The session that a WebSocket belongs to.
    pub fn session_of_channel(&self, channel: Channel) -> Option<Session> {
        self.channels.get(channel.0).copied()
    }

    /// Whether a WebSocket has nothing more to do than to be closed.
    pub fn is_over(&self, channel: Channel) -> bool {
        let session = self.channels.get(channel.0);
        let conversation = session.and_then(|session| self.conversations.get(session.0));
        conversation.is_none_or(|conversation| {
            conversation.is_closed() || !conversation.channels().any(|its| its == channel)
        })
    }

    /// Whether a session is on a WebSocket by now.
    pub fn is_websocket(&self, session: Session) -> bool {
        self.conversations.get(session.0).is_some_and(|its| its.is_websocket())
    }

    /// Whether what is sent in a session would be on its way at once: nothing waits, and its transport is open.
    pub fn is_idle(&self, session: Session) -> bool {
        self.conversations.get(session.0).is_some_and(|its| its.is_idle())
    }

    /// An id for the layer above.
    pub(crate) fn draw_id(&mut self) -> Arc<str> {
        draw_id(&mut self.entropy)
    }

    /// A random number for the layer above.
    pub(crate) fn draw_number(&mut self) -> u64 {
        // Sources of tests count in one half.
        let bits = u128::from_le_bytes(self.entropy.bytes());
        (bits as u64) ^ ((bits >> 64) as u64)
    }

    /// A WebSocket has received a text message.
    pub fn text(&mut self, channel: Channel, text: &str, now: Duration) {
        self.timeout(now);
        self.with_channel(channel, |conversation, config, outputs| {
            conversation.text(channel, text, config, now, outputs);
        });
    }

    /// A WebSocket has received a binary message.
    pub fn binary(&mut self, channel: Channel, bytes: Bytes, now: Duration) {
        self.timeout(now);
        self.with_channel(channel, |conversation, config, outputs| {
            conversation.binary(channel, bytes, config, outputs);
        });
    }

    /// A WebSocket is gone: it was closed, it has failed, or it couldn't be opened.
    pub fn channel_lost(&mut self, channel: Channel) {
        self.with_channel(channel, |conversation, _, outputs| {
            conversation.channel_lost(channel, outputs);
        });
        self.channels.remove(channel.0);
    }

    /// Whether a WebSocket is to be read on. If not, an [`Output::Read`] says when.
    pub fn wants_input(&mut self, channel: Channel) -> bool {
        let session = self.channels.get(channel.0);
        let conversation = session.and_then(|session| self.conversations.get_mut(session.0));
        let its = conversation.filter(|its| its.channels().any(|its| its == channel));
        its.is_none_or(|conversation| conversation.wants_input(channel))
    }

    /// What a WebSocket has to do next: to be called once it is open, and after each [`Output::Transmit`], until there is nothing more.
    pub fn transmit(&mut self, channel: Channel) -> Transmit {
        let mut next = Transmit::Close;
        self.with_channel(channel, |conversation, _, outputs| {
            next = conversation.transmit(channel, outputs);
        });
        next
    }

    /// The same for many frames at once: as many as wait, up to this number of frames and about this many bytes. `None` if there may be more.
    pub fn transmit_many(
        &mut self,
        channel: Channel,
        frames: usize,
        bytes: usize,
        mut each: impl FnMut(Frame),
    ) -> Option<Transmit> {
        let mut next = Some(Transmit::Close);
        self.with_channel(channel, |conversation, _, outputs| {
            let (mut taken, mut len) = (0, 0);
            next = loop {
                if taken >= frames || len >= bytes {
                    break None;
                }
                match conversation.transmit(channel, outputs) {
                    Transmit::Frame(frame) => {
                        (taken, len) = (taken + 1, len + frame.len());
                        each(frame);
                    }
                    other => break Some(other),
                }
            };
        });
        next
    }

    /// Sends messages, one after the other: all of them or none.
    ///
    /// # Errors
    ///
    /// If the session has ended, or too much waits.
    pub fn send(&mut self, session: Session, frames: &[Frame]) -> Result<(), SendError> {
        let mut sent = Err(SendError::Closed);
        self.with(session, |conversation, config, outputs| {
            sent = conversation.send(frames, config, outputs);
        });
        sent
    }

    /// Closes a session, after what waits to be sent. Messages that have arrived and were not taken are thrown away.
    pub fn close(&mut self, session: Session, now: Duration) {
        self.with(session, |conversation, config, outputs| {
            conversation.close(config, now, outputs);
        });
    }

    /// Closes all sessions, and refuses new ones.
    pub fn stop(&mut self, now: Duration) {
        self.stopping = true;
        let sessions: Vec<_> = self.conversations.keys().map(Session).collect();
        sessions.into_iter().for_each(|session| self.close(session, now));
    }

    /// Gives out no messages of a session until it is released, and so lets its client wait: with the answer to a request, or with what
    /// it sends on the WebSocket.
    pub fn hold(&mut self, session: Session, held: bool, now: Duration) {
        self.with(session, |conversation, config, _| conversation.hold(held, config, now));
    }

    /// What has happened next. Each session has its turn.
    pub fn event(&mut self) -> Option<Event> {
        if let Some(session) = self.opened.pop_front() {
            return Some(Event::Opened(session));
        }
        while let Some(session) = self.ready.pop_front() {
            let Some(conversation) = self.conversations.get_mut(session.0) else { continue };
            conversation.listed = false;
            if !conversation.is_ready() {
                continue;
            }
            let taken = conversation.take(&mut self.outputs);
            self.settle(session);
            match taken {
                Some(Ok(message)) => return Some(Event::Message(session, message)),
                Some(Err(reason)) => {
                    self.conversations.remove(session.0);
                    return Some(Event::Closed(session, reason));
                }
                None => {}
            }
        }
        None
    }

    /// Whether there is no event.
    pub fn is_settled(&self) -> bool {
        self.ready.is_empty() && self.opened.is_empty()
    }

    /// What the driver has to do next.
    pub fn output(&mut self) -> Option<Output> {
        let output = self.outputs.pop_front()?;
        if let Output::Answer(request, _) = &output {
            self.requests.remove(request.0);
        }
        Some(output)
    }

    /// When [`timeout`](Self::timeout) is to be called, if nothing else happens before.
    pub fn deadline(&self) -> Option<Duration> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        while let Some(&(deadline, session)) = self.deadlines.first()
            && now >= deadline
        {
            self.with(session, |conversation, config, outputs| {
                conversation.expire(config, now, outputs);
            });
        }
    }

    fn with_channel(
        &mut self,
        channel: Channel,
        call: impl FnOnce(&mut Conversation, &Config, &mut Outputs),
    ) {
        let Some(&session) = self.channels.get(channel.0) else { return };
        if let Some(conversation) = self.conversations.get_mut(session.0)
            && conversation.channels().any(|its| its == channel)
        {
            call(conversation, &self.config, &mut self.outputs);
            self.settle(session);
        }
    }

    /// Changes a session, and then what is known of it.
    fn with(
        &mut self,
        session: Session,
        call: impl FnOnce(&mut Conversation, &Config, &mut Outputs),
    ) {
        if let Some(conversation) = self.conversations.get_mut(session.0) {
            call(conversation, &self.config, &mut self.outputs);
            self.settle(session);
        }
    }

    /// Brings what is known of a session up to its state.
    fn settle(&mut self, session: Session) {
        let Some(conversation) = self.conversations.get_mut(session.0) else { return };
        let (before, deadline) = conversation.file_deadline();
        if before != deadline {
            before.map(|before| self.deadlines.remove(&(before, session)));
            deadline.map(|deadline| self.deadlines.insert((deadline, session)));
        }
        if conversation.is_closed()
            && self.sids.remove(&conversation.sid).is_some()
            && conversation.polls_late()
        {
            if self.left.len() >= LEFT {
                self.left.pop_front();
            }
            self.left.push_back(conversation.sid.clone());
        }
        if !conversation.listed && conversation.is_ready() {
            conversation.listed = true;
            self.ready.push_back(session);
        }
    }
}

impl<E> fmt::Debug for Engine<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("sessions", &self.sids.len()).finish_non_exhaustive()
    }
}
