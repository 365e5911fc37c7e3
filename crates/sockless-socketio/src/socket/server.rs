//! The server: sessions of the engine become sockets in namespaces, and packets become events. What is sent is in `sending`.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::config::Config;
use super::decoder::Decoder;
use super::namespace::Namespace;
use super::output::{Asked, DisconnectReason, EmitError, Event, ReplyTo};
use super::packet::Packet;
use super::payload::{Payload, ReadError};
use super::sockets::{Socket, Sockets};
use crate::engine::{self, Engine, Message, Session};
use crate::entropy::Entropy;

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
/// server.emit(socket, "hello", Payload::new())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Server<E> {
    pub(super) config: Config,
    pub(super) engine: Engine<E>,
    known: BTreeSet<Namespace>,
    dynamic: bool,
    connections: BTreeMap<Session, Connection>,
    pub(super) sockets: Sockets,
    pub(super) deadlines: BTreeSet<(Duration, Due)>,
    events: VecDeque<Event>,
}

/// What is known of a session.
#[derive(Debug)]
struct Connection {
    decoder: Decoder,
    sockets: Vec<(Namespace, Socket)>,
    /// Namespaces that the server has disconnected it from: what was on its way is no mistake of the client's.
    left: BTreeSet<Namespace>,
    /// Until when it has to be connected to a namespace.
    by: Option<Duration>,
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
        Self {
            config,
            engine,
            known: namespaces.into_iter().collect(),
            dynamic: false,
            connections: BTreeMap::new(),
            sockets: Sockets::default(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
        }
    }

    /// The same server, where clients may ask for any namespace: which ones there are is decided when they do.
    #[must_use]
    pub fn with_dynamic_namespaces(mut self) -> Self {
        self.dynamic = true;
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

    /// Accepts a client in the namespace that it has asked for.
    ///
    /// # Errors
    ///
    /// If it has gone, or reads too slowly even for this: then its session is closed.
    pub fn accept(&mut self, socket: Socket, now: Duration) -> Result<(), EmitError> {
        let seat = self.sockets.get(socket).filter(|seat| !seat.accepted);
        let seat = seat.ok_or(EmitError::Disconnected)?;
        let session = seat.session;
        let data = Some(format!("{{\"sid\":{}}}", engine::json_string(&seat.id)));
        let packet = Packet::Connect { namespace: seat.namespace.clone(), data };
        self.answer(session, &packet, now)?;
        self.sockets.accept(socket);
        if let Some(connection) = self.connections.get_mut(&session)
            && let Some(by) = connection.by.take()
        {
            self.deadlines.remove(&(by, Due::Connect(session)));
        }
        Ok(())
    }

    /// Refuses a client the namespace that it has asked for: it gets an error with this message, and data.
    ///
    /// # Errors
    ///
    /// If serde can't write the data. A client that has gone is no error.
    pub fn refuse<T: serde::Serialize>(
        &mut self,
        socket: Socket,
        message: &str,
        data: Option<&T>,
        now: Duration,
    ) -> Result<(), ReadError> {
        let data = match data {
            Some(data) => {
                let data = Payload::new().with(data)?;
                format!(",\"data\":{}", &data.json()[1..data.json().len() - 1])
            }
            None => String::new(),
        };
        let data = Some(format!("{{\"message\":{}{data}}}", engine::json_string(message)));
        if self.sockets.get(socket).is_some_and(|seat| !seat.accepted)
            && let Some((session, namespace)) = self.unseat(socket)
        {
            // If it can't be told, its session is closed.
            let _ = self.answer(session, &Packet::ConnectError { namespace, data }, now);
        }
        Ok(())
    }

    /// Lets a socket join a room of its namespace: whether it wasn't there.
    pub fn join(&mut self, socket: Socket, room: &str) -> bool {
        self.sockets.join(socket, room)
    }

    /// Lets a socket leave a room: whether it was there.
    pub fn leave(&mut self, socket: Socket, room: &str) -> bool {
        self.sockets.leave(socket, room)
    }

    /// The rooms that a socket is in. The first that it joins has its id's name.
    pub fn rooms(&self, socket: Socket) -> impl Iterator<Item = &str> {
        self.sockets.rooms(socket)
    }

    /// Disconnects a socket from its namespace. Its session goes on.
    pub fn disconnect(&mut self, socket: Socket, now: Duration) {
        let reason = DisconnectReason::ServerNamespaceDisconnect;
        if let Some((session, namespace)) = self.remove(socket, reason) {
            let most = self.config.namespaces;
            if let Some(connection) = self.connections.get_mut(&session) {
                if connection.left.len() >= most {
                    connection.left.pop_first();
                }
                connection.left.insert(namespace.clone());
            }
            let _ = self.answer(session, &Packet::Disconnect { namespace }, now);
        }
    }

    /// Closes the session of a socket, after what waits to be sent, and disconnects all its sockets.
    pub fn close(&mut self, socket: Socket, now: Duration) {
        if let Some(session) = self.session(socket) {
            self.drop_session(session, DisconnectReason::ServerNamespaceDisconnect, now);
        }
    }

    /// Closes all sessions, and refuses new ones.
    pub fn stop(&mut self, now: Duration) {
        let sessions: Vec<_> = self.connections.keys().copied().collect();
        for session in sessions {
            self.drop_session(session, DisconnectReason::ServerShuttingDown, now);
        }
        self.engine.stop(now);
    }

    /// What has happened next.
    pub fn event(&mut self, now: Duration) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            match self.engine.event()? {
                engine::Event::Opened(session) => self.opened(session, now),
                engine::Event::Message(session, message) => self.received(session, message, now),
                engine::Event::Closed(session, reason) => {
                    self.forget(session, DisconnectReason::Engine(reason));
                }
            }
        }
    }

    /// When [`timeout`](Self::timeout) is to be called, if nothing else happens before.
    pub fn deadline(&self) -> Option<Duration> {
        let own = self.deadlines.first().map(|(deadline, _)| *deadline);
        [own, self.engine.deadline()].into_iter().flatten().min()
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
    }

    fn opened(&mut self, session: Session, now: Duration) {
        let by = now.saturating_add(self.config.connect_timeout);
        self.deadlines.insert((by, Due::Connect(session)));
        let connection = Connection {
            decoder: Decoder::default(),
            sockets: Vec::new(),
            left: BTreeSet::new(),
            by: Some(by),
        };
        self.connections.insert(session, connection);
    }

    fn received(&mut self, session: Session, message: Message, now: Duration) {
        let Some(connection) = self.connections.get_mut(&session) else { return };
        let decoded = match message {
            Message::Text(text) => connection.decoder.text(&text, &self.config),
            Message::Binary(bytes) => connection.decoder.binary(bytes, &self.config),
        };
        match decoded {
            Ok(Some(packet)) => self.packet(session, packet, now),
            Ok(None) => {}
            Err(_) => self.drop_session(session, DisconnectReason::ParseError, now),
        }
    }

    fn packet(&mut self, session: Session, packet: Packet, now: Duration) {
        let Some(connection) = self.connections.get(&session) else { return };
        let namespace = packet.namespace();
        let place = connection.sockets.iter().find(|(its, _)| its == namespace);
        let Some(&(_, socket)) = place else {
            let left = connection.left.contains(namespace);
            return match packet {
                Packet::Connect { namespace, data } => self.asks(session, namespace, data, now),
                // It was on its way when the server disconnected the client.
                Packet::Event { .. } | Packet::Ack { .. } | Packet::Disconnect { .. } if left => {}
                _ => self.drop_session(session, DisconnectReason::ForcedServerClose, now),
            };
        };
        let accepted = self.sockets.get(socket).is_some_and(|seat| seat.accepted);
        match packet {
            Packet::Event { id, name, payload, .. } if accepted => {
                let reply = id.map(|id| ReplyTo { socket, id });
                self.events.push_back(Event::Message { socket, name, payload, reply });
            }
            Packet::Ack { id, payload, .. } if accepted => {
                self.acked(Asked { socket, id }, Some(payload));
            }
            Packet::Disconnect { .. } => {
                self.remove(socket, DisconnectReason::ClientNamespaceDisconnect);
            }
            _ => self.drop_session(session, DisconnectReason::ForcedServerClose, now),
        }
    }

    /// A client asks for a namespace.
    fn asks(
        &mut self,
        session: Session,
        namespace: Namespace,
        auth: Option<String>,
        now: Duration,
    ) {
        if !self.dynamic && !self.known.contains(&namespace) {
            let data = Some("{\"message\":\"Invalid namespace\"}".into());
            let _ = self.answer(session, &Packet::ConnectError { namespace, data }, now);
            return;
        }
        let Some(connection) = self.connections.get_mut(&session) else { return };
        if connection.sockets.len() >= self.config.namespaces {
            return self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
        let socket = self.sockets.add(session, namespace.clone(), self.engine.draw_id());
        connection.left.remove(&namespace);
        connection.sockets.push((namespace.clone(), socket));
        self.events.push_back(Event::Connect { socket, namespace, auth });
    }

    /// What has become of an event that was to be acknowledged. Those that aren't waited for say nothing.
    fn acked(&mut self, asked: Asked, payload: Option<Payload>) {
        let until =
            self.sockets.accepted(asked.socket).and_then(|seat| seat.acks.remove(&asked.id));
        if let Some(until) = until {
            self.deadlines.remove(&(until, Due::Ack(asked)));
            self.events.push_back(Event::Acked { asked, payload });
        }
    }

    /// Sends a packet of the protocol. A client that reads too slowly even for these is given up.
    fn answer(
        &mut self,
        session: Session,
        packet: &Packet,
        now: Duration,
    ) -> Result<(), EmitError> {
        let sent = self.engine.send(session, &packet.encode());
        if sent.is_err() {
            self.drop_session(session, DisconnectReason::ForcedServerClose, now);
        }
        Ok(sent?)
    }

    /// The server ends a session.
    fn drop_session(&mut self, session: Session, reason: DisconnectReason, now: Duration) {
        self.engine.close(session, now);
        self.forget(session, reason);
    }

    /// A session has ended.
    fn forget(&mut self, session: Session, reason: DisconnectReason) {
        let Some(connection) = self.connections.remove(&session) else { return };
        if let Some(by) = connection.by {
            self.deadlines.remove(&(by, Due::Connect(session)));
        }
        for (_, socket) in connection.sockets {
            self.remove(socket, reason);
        }
    }

    /// A socket goes: what it waits for doesn't come any more.
    fn remove(&mut self, socket: Socket, reason: DisconnectReason) -> Option<(Session, Namespace)> {
        if let Some(seat) = self.sockets.accepted(socket) {
            let acks: Vec<_> = seat.acks.keys().copied().collect();
            acks.into_iter().for_each(|id| self.acked(Asked { socket, id }, None));
        }
        let place = self.unseat(socket)?;
        self.events.push_back(Event::Disconnect { socket, reason });
        Some(place)
    }

    fn unseat(&mut self, socket: Socket) -> Option<(Session, Namespace)> {
        let seat = self.sockets.remove(socket)?;
        if let Some(connection) = self.connections.get_mut(&seat.session) {
            connection.sockets.retain(|(_, its)| *its != socket);
        }
        Some((seat.session, seat.namespace))
    }
}

impl<E> fmt::Debug for Server<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("sockets", &self.sockets.len()).finish_non_exhaustive()
    }
}
