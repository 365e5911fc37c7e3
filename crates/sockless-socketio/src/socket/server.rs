//! The server: what it is made of, and what happens at which time. What arrives is in `receiving`, who is accepted in `admitting`, what is sent
//! in `sending`, and who goes in `leaving`.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::cluster::{self, Cluster};
use super::config::Config;
use super::decoder::Decoder;
use super::namespace::Namespace;
use super::output::{Asked, DisconnectReason, Event};
use super::packet::Writer;
use super::payload::ReadError;
use super::recovery::{History, Records};
use super::sockets::{Socket, Sockets};
use crate::engine::{self, Engine, Session};
use crate::entropy::Entropy;
use crate::slots::Slots;

/// A server of Socket.IO 5, on an [`Engine`] whose driver it has.
///
/// The driver hands everything to the [`engine`](Self::engine_mut), and takes its outputs; events, the deadline and `timeout` are this
/// server's.
///
/// ```
/// use core::time::Duration;
/// use sockless_socketio::engine::{self, Begun, Body, Engine, Head};
/// use sockless_socketio::socket::{Config, Event, Namespace, Payload, Server};
///
/// let mut count = 0_u128;
/// let entropy = move || { count += 1; count.to_le_bytes() };
/// let engine = Engine::new(engine::Config::default(), entropy);
/// let mut server = Server::new(Config::default(), engine, [Namespace::main()]);
/// let now = Duration::ZERO;
///
/// // A WebSocket is opened, and its client asks for the main namespace.
/// let head = Head::new("GET", "EIO=4&transport=websocket");
/// let channel = server.engine_mut().begin_websocket(head, now)?;
/// server.engine_mut().text(channel, "40", now);
/// let Some(Event::Connect { socket, .. }) = server.event(now) else { panic!() };
/// server.accept(socket, now)?;
///
/// // It sends an event.
/// server.engine_mut().text(channel, r#"42["hey","Jude"]"#, now);
/// let Some(Event::Message { name, payload, .. }) = server.event(now) else { panic!() };
/// assert_eq!((&*name, payload.read()?), ("hey", ("Jude".to_owned(),)));
/// server.emit(socket, "hello", Payload::new(), now)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server<E> {
    pub(super) config: Config,
    pub(super) engine: Engine<E>,
    pub(super) writer: Writer,
    pub(super) known: BTreeSet<Namespace>,
    pub(super) dynamic: bool,
    pub(super) connections: Slots<Connection>,
    pub(super) sockets: Sockets,
    pub(super) deadlines: BTreeSet<(Duration, Due)>,
    pub(super) events: VecDeque<Event>,
    /// The number of the next event that is to be acknowledged: one for all sockets, so that an event for many is written once.
    pub(super) next_ack: u64,
    /// What was sent, and who may come back for it: with recovery alone.
    pub(super) history: Option<History>,
    pub(super) records: Records,
    /// This server's part of a cluster, if it is in one: then there is no `history`.
    pub(super) cluster: Option<cluster::State>,
}

/// What is known of a session.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) decoder: Decoder,
    pub(super) sockets: Vec<(Namespace, Socket)>,
    /// Namespaces that the server has disconnected it from: what was on its way is no mistake of the client's.
    pub(super) left: BTreeSet<Namespace>,
    /// Until when it has to be connected to a namespace.
    pub(super) by: Option<Duration>,
}

/// What is due at a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    Connect(Session),
    Ack(Asked),
}

impl<E: Entropy> Server<E> {
    /// A server with these namespaces.
    pub fn new(
        config: Config,
        engine: Engine<E>,
        namespaces: impl IntoIterator<Item = Namespace>,
    ) -> Self {
        let history = config.recovery.as_ref().map(History::new);
        Self {
            writer: Writer::new(config.parser),
            config,
            engine,
            known: namespaces.into_iter().collect(),
            dynamic: false,
            connections: Slots::default(),
            sockets: Sockets::default(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
            next_ack: 0,
            history,
            records: Records::default(),
            cluster: None,
        }
    }

    /// The same server, where clients may ask for any namespace: which ones there are is decided when they do.
    #[must_use]
    pub fn with_dynamic_namespaces(mut self) -> Self {
        self.dynamic = true;
        self
    }

    /// The same server as one of a [cluster](super::cluster). To be said before anything else happens.
    #[must_use]
    pub fn with_cluster(mut self, settings: Cluster, now: Duration) -> Self {
        let recovery = *self.config.recovery.get_or_insert_default();
        self.history = None;
        let (id, seed) = (self.engine.draw_id(), self.engine.draw_number());
        let mut cluster = cluster::State::new(settings, recovery, id, seed, now);
        for namespace in &self.known {
            // What can't be followed now is tried again when somebody asks for it.
            let _ = cluster.follow(namespace);
        }
        self.cluster = Some(cluster);
        self
    }

    /// The engine below. Its events are taken by this server.
    pub fn engine(&self) -> &Engine<E> {
        &self.engine
    }

    /// The engine below, for its driver.
    pub fn engine_mut(&mut self) -> &mut Engine<E> {
        &mut self.engine
    }

    /// How many sockets there are.
    pub fn sockets(&self) -> usize {
        self.sockets.len()
    }

    /// The id of a socket, which others may know.
    pub fn id(&self, socket: Socket) -> Option<&str> {
        Some(&self.sockets.get(socket)?.id)
    }

    /// The session that a socket is on.
    pub fn session(&self, socket: Socket) -> Option<Session> {
        Some(self.sockets.get(socket)?.session)
    }

    /// The namespace of a socket.
    pub fn namespace(&self, socket: Socket) -> Option<&Namespace> {
        Some(&self.sockets.get(socket)?.namespace)
    }

    /// Whether a client has come back with all that it had missed: its id, rooms and data are those that it had.
    pub fn is_recovered(&self, socket: Socket) -> bool {
        self.sockets.get(socket).is_some_and(|seat| seat.recovered)
    }

    /// What the application has put to a socket, as JSON.
    pub fn data(&self, socket: Socket) -> Option<&str> {
        self.sockets.get(socket)?.data.as_deref()
    }

    /// Puts something to a socket, as JSON. A client that is recovered gets it back.
    ///
    /// # Errors
    ///
    /// If serde can't write it. A socket that has gone is no error.
    pub fn set_data<T: serde::Serialize + ?Sized>(
        &mut self,
        socket: Socket,
        data: &T,
    ) -> Result<(), ReadError> {
        let json: Arc<str> = serde_json::to_string(data)?.into();
        if let Some(seat) = self.sockets.get_mut(socket) {
            seat.data = Some(json.clone());
            self.write_data(socket, json);
        }
        Ok(())
    }

    /// What is kept for clients that may come back: how many events, and how many clients.
    pub fn kept(&self) -> (usize, usize) {
        let events = self.history.as_ref().map_or(0, |history| history.held().0);
        (events, self.records.held().0)
    }

    /// Lets a socket join a room of its namespace: whether it wasn't there.
    pub fn join(&mut self, socket: Socket, room: &str) -> bool {
        if self.cluster.is_some() {
            return self.write_room(socket, room, true);
        }
        let joined = self.sockets.join(socket, room);
        joined.map(|room| self.note(socket, room, true)).is_some()
    }

    /// Lets a socket leave a room: whether it was there.
    pub fn leave(&mut self, socket: Socket, room: &str) -> bool {
        if self.cluster.is_some() {
            return self.write_room(socket, room, false);
        }
        let left = self.sockets.leave(socket, room);
        left.map(|room| self.note(socket, room, false)).is_some()
    }

    /// Remembers since when a client that may come back is in its rooms.
    fn note(&mut self, socket: Socket, room: Arc<str>, joined: bool) {
        let (Some(recovery), Some(history)) = (&self.config.recovery, &self.history) else {
            return;
        };
        if let Some(seat) = self.sockets.get_mut(socket)
            && let Some(kept) = &mut seat.kept
            && let Some(newest) = history.newest(&seat.namespace)
        {
            kept.membership.note(newest.offset(), room, joined, recovery.changes);
        }
    }

    /// The rooms that a socket is in. The first that it joins has its id's name.
    pub fn rooms(&self, socket: Socket) -> impl Iterator<Item = &str> {
        let mut rooms: BTreeSet<&str> = self.sockets.rooms(socket).collect();
        for (room, joined) in self.coming_rooms(socket) {
            match joined {
                true => rooms.insert(room),
                false => rooms.remove(&**room),
            };
        }
        rooms.into_iter()
    }

    /// What has happened next.
    pub fn event(&mut self, now: Duration) -> Option<Event> {
        self.pump(now);
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            match self.engine.event()? {
                engine::Event::Opened(session) => self.opened(session, now),
                engine::Event::Message(session, message) => self.received(session, message, now),
                engine::Event::Closed(session, reason) => {
                    self.forget(session, DisconnectReason::Engine(reason), now);
                }
            }
        }
    }

    /// Whether there is no event. One of many servers may always have something to do.
    pub fn is_settled(&self) -> bool {
        self.events.is_empty() && self.engine.is_settled() && self.cluster.is_none()
    }

    /// Whether what is sent is kept for those who come back.
    pub fn keeps_events(&self) -> bool {
        self.history.is_some() || self.cluster.is_some()
    }

    /// When [`timeout`](Self::timeout) is to be called, if nothing else happens before.
    pub fn deadline(&self) -> Option<Duration> {
        let own = self.deadlines.first().map(|(deadline, _)| *deadline);
        let history = self.history.as_ref().and_then(History::deadline);
        let cluster = self.cluster.as_ref().and_then(cluster::State::deadline);
        let others = [self.records.deadline(), history, cluster, self.engine.deadline()];
        // Without `flatten`, which costs several times as much: this is asked for after each call.
        others.into_iter().fold(own, |first, other| match (first, other) {
            (Some(first), Some(other)) => Some(first.min(other)),
            (first, other) => first.or(other),
        })
    }

    /// Does what is due.
    pub fn timeout(&mut self, now: Duration) {
        self.engine.timeout(now);
        while let Some(&(deadline, due)) = self.deadlines.first()
            && now >= deadline
        {
            self.deadlines.pop_first();
            match due {
                Due::Connect(session) => {
                    self.drop_session(session, DisconnectReason::ForcedServerClose, now);
                }
                Due::Ack(asked) => self.acked(asked, None),
            }
        }
        self.cluster_timeout(now);
        while let Some(record) = self.records.expire(now) {
            self.forget_record(&record);
        }
        if let Some(history) = &mut self.history {
            history.timeout(now);
        }
    }
}

impl<E> fmt::Debug for Server<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}
