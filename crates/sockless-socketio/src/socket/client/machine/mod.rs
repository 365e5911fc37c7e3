//! The client: sessions of the engine become namespaces that are connected, and packets become events. What is sent is in `sending`, what
//! is sent until it is acknowledged in `repeating`.

mod repeating;
mod sending;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::output::{Asked, DisconnectReason, Event, ReplyTo};
use super::place::{Place, Standing};
use crate::engine::Message;
use crate::engine::client as engine;
use crate::socket::config::Config;
use crate::socket::decoder::Decoder;
use crate::socket::json;
use crate::socket::namespace::Namespace;
use crate::socket::output::EmitError;
use crate::socket::packet::{Packet, Writer};
use crate::socket::payload::Payload;

/// A client of Socket.IO 5, on a session of Engine.IO whose driver it has.
///
/// The driver hands everything to the [`engine`](Self::engine_mut), and takes its outputs; events, the deadline and `timeout` are this
/// client's. When a session has ended, another one can take its [place](Self::reconnect).
///
/// ```
/// use core::time::Duration;
/// use sockless_socketio::engine::client::{self, Output, Request};
/// use sockless_socketio::socket::client::{Client, Event};
/// use sockless_socketio::socket::{Config, Namespace, Payload};
///
/// let now = Duration::ZERO;
/// let main = Namespace::main();
/// let engine = client::Client::new(client::Config::default().with_transports(false, true), "", now);
/// let mut client = Client::new(Config::default(), engine, [main.clone()]);
///
/// // The WebSocket is opened, and the main namespace asked for.
/// client.engine_mut().opened(now);
/// client.engine_mut().text(r#"0{"sid":"a1","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#, now);
/// assert_eq!(client.event(now), Some(Event::Ready { namespace: main.clone() }));
/// client.connect(&main, Some(r#"{"token":"b2"}"#.into()), now)?;
/// client.engine_mut().text(r#"40{"sid":"c3"}"#, now);
/// assert!(matches!(client.event(now), Some(Event::Connected { .. })));
///
/// // An event is sent, and one arrives.
/// client.emit(&main, "hey", Payload::new().with("Jude")?)?;
/// client.engine_mut().text(r#"42["hello"]"#, now);
/// let Some(Event::Message { name, .. }) = client.event(now) else { panic!() };
/// assert_eq!(name, "hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Client {
    config: Config,
    engine: engine::Client,
    decoder: Decoder,
    writer: Writer,
    places: BTreeMap<Namespace, Place>,
    deadlines: BTreeSet<(Duration, Due)>,
    events: VecDeque<Event>,
    /// Counts the sessions.
    session: u64,
    /// Why we end the session, if we do.
    ending: Option<DisconnectReason>,
}

/// What is due at a deadline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Connect(Namespace),
    Ack(Asked),
}

/// What a server says when it accepts a client.
#[derive(Deserialize)]
struct Accepted {
    sid: String,
    #[serde(default)]
    pid: Option<String>,
}

/// What a server says when it refuses a client.
#[derive(Deserialize)]
struct Refusal<'a> {
    message: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

impl Client {
    /// A client that wants to be in these namespaces.
    pub fn new(
        config: Config,
        engine: engine::Client,
        namespaces: impl IntoIterator<Item = Namespace>,
    ) -> Self {
        let places = namespaces.into_iter().map(|namespace| (namespace, Place::default()));
        Self {
            writer: Writer::new(config.parser),
            config,
            engine,
            decoder: Decoder::default(),
            places: places.collect(),
            deadlines: BTreeSet::new(),
            events: VecDeque::new(),
            session: 0,
            ending: None,
        }
    }

    /// The session below. Its events are taken by this client.
    pub fn engine(&self) -> &engine::Client {
        &self.engine
    }

    /// The session below, for its driver.
    pub fn engine_mut(&mut self) -> &mut engine::Client {
        &mut self.engine
    }

    /// Another session takes the place of the last one. The namespaces that were connected or wanted are asked for again.
    pub fn reconnect(&mut self, engine: engine::Client) {
        self.leave_all(DisconnectReason::Client);
        self.engine = engine;
        self.decoder = Decoder::default();
        self.session += 1;
        self.ending = None;
    }

    /// The client wants to be in this namespace, too: an [`Event::Ready`] says when it can be asked for.
    pub fn join(&mut self, namespace: &Namespace) {
        if !self.places.contains_key(namespace) {
            self.places.insert(namespace.clone(), Place::default());
            if self.engine.is_open() {
                self.events.push_back(Event::Ready { namespace: namespace.clone() });
            }
        }
    }

    /// Whether a namespace is connected.
    pub fn is_connected(&self, namespace: &Namespace) -> bool {
        self.places.get(namespace).is_some_and(Place::is_connected)
    }

    /// Whether a namespace is wanted: it is connected, or will be asked for.
    pub fn wants(&self, namespace: &Namespace) -> bool {
        self.places.contains_key(namespace)
    }

    /// The id that the server has given to the client in a namespace. It changes when it is connected anew, unless that was recovered.
    pub fn id(&self, namespace: &Namespace) -> Option<&str> {
        self.places.get(namespace)?.id.as_deref()
    }

    /// Asks for a namespace, with an authentication, a JSON object. This is called once for each [`Event::Ready`].
    ///
    /// # Errors
    ///
    /// If the namespace isn't wanted any more, the session has ended, or the authentication is no object.
    pub fn connect(
        &mut self,
        namespace: &Namespace,
        auth: Option<String>,
        now: Duration,
    ) -> Result<(), EmitError> {
        if auth.as_deref().is_some_and(|auth| !json::is_object(auth)) {
            return Err(EmitError::Auth);
        }
        let by = now.saturating_add(self.config.connect_timeout);
        let place = self.places.get_mut(namespace).ok_or(EmitError::Disconnected)?;
        if place.standing != Standing::Idle {
            return Ok(());
        }
        let data = place.recovery.ask(auth);
        let packet = Packet::Connect { namespace: namespace.clone(), data };
        self.engine.send(&self.writer.packet(&packet))?;
        place.standing = Standing::Asked { by };
        self.deadlines.insert((by, Due::Connect(namespace.clone())));
        Ok(())
    }

    /// Leaves a namespace. Without any, the session is closed.
    pub fn disconnect(&mut self, namespace: &Namespace, now: Duration) {
        let Some(place) = self.places.get(namespace) else { return };
        if place.standing != Standing::Idle {
            let packet = Packet::Disconnect { namespace: namespace.clone() };
            // If it can't be said, the session ends soon.
            let _ = self.engine.send(&self.writer.packet(&packet));
        }
        self.forget(namespace, DisconnectReason::Client);
        if self.places.is_empty() {
            self.close(now);
        }
    }

    /// Closes the session, after what waits to be sent. The namespaces aren't wanted any more.
    pub fn close(&mut self, now: Duration) {
        let all: Vec<_> = self.places.keys().cloned().collect();
        all.iter().for_each(|namespace| self.forget(namespace, DisconnectReason::Client));
        self.ending.get_or_insert(DisconnectReason::Client);
        self.engine.close(now);
    }

    /// What has happened next.
    pub fn event(&mut self, now: Duration) -> Option<Event> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            match self.engine.event(now)? {
                engine::Event::Opened => {
                    let all = self.places.keys().cloned();
                    self.events.extend(all.map(|namespace| Event::Ready { namespace }));
                }
                engine::Event::Upgraded => self.events.push_back(Event::Upgraded),
                engine::Event::Message(message) => self.received(message, now),
                engine::Event::Closed(reason) => {
                    let reason = self.ending.unwrap_or(DisconnectReason::Engine(reason));
                    self.leave_all(reason);
                    self.events.push_back(Event::Closed { reason });
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
        while self.deadlines.first().is_some_and(|(deadline, _)| now >= *deadline) {
            let Some((_, due)) = self.deadlines.pop_first() else { return };
            match due {
                Due::Connect(_) => self.give_up(DisconnectReason::ConnectTimeout, now),
                Due::Ack(asked) => self.unanswered(asked, now),
            }
        }
    }

    fn received(&mut self, message: Message, now: Duration) {
        if self.ending.is_some() {
            return;
        }
        let decoded = match message {
            Message::Text(text) => self.decoder.text(text, &self.config),
            Message::Binary(bytes) => self.decoder.binary(bytes, &self.config),
        };
        match decoded {
            Ok(Some(packet)) => self.packet(packet, now),
            Ok(None) => {}
            Err(_) => self.give_up(DisconnectReason::ParseError, now),
        }
    }

    /// What comes for a namespace that isn't connected was on its way when the client left it.
    fn packet(&mut self, packet: Packet, now: Duration) {
        let Some(place) = self.places.get_mut(packet.namespace()) else { return };
        match (place.standing, packet) {
            (Standing::Asked { by }, Packet::Connect { namespace, data }) => {
                let said = data.and_then(|data| serde_json::from_str::<Accepted>(&data).ok());
                let named = said.filter(|said| !said.sid.is_empty());
                let Some(Accepted { sid, pid }) = named else {
                    return self.give_up(DisconnectReason::ParseError, now);
                };
                self.deadlines.remove(&(by, Due::Connect(namespace.clone())));
                place.standing = Standing::Connected;
                place.id = Some(sid);
                let recovered = place.recovery.accepted(pid);
                self.events.push_back(Event::Connected { namespace: namespace.clone(), recovered });
                place.early_len = 0;
                // Otherwise they were on their way when the client left the namespace.
                for (name, payload) in core::mem::take(&mut place.early) {
                    if recovered {
                        let may_end_with_offset = place.recovery.event(payload.json());
                        self.events.push_back(Event::Message {
                            namespace: namespace.clone(),
                            name,
                            payload,
                            reply: None,
                            may_end_with_offset,
                        });
                    }
                }
                self.repeat(&namespace, now);
            }
            (Standing::Asked { .. }, Packet::ConnectError { namespace, data }) => {
                let (message, data) = refusal(data);
                // It wasn't connected: nothing else is said.
                self.forget(&namespace, DisconnectReason::Server);
                self.events.push_back(Event::Refused { namespace, message, data });
            }
            (Standing::Asked { .. }, Packet::Event { id: None, name, payload, .. })
                if place.recovery.is_possible() =>
            {
                // Short ones take more than their bytes.
                let len = name.len() + payload.len() + size_of::<(String, Payload)>();
                place.early_len = place.early_len.saturating_add(len);
                place.early.push((name, payload));
                if place.early_len > self.engine.config().max_input() {
                    self.give_up(DisconnectReason::ParseError, now);
                }
            }
            (Standing::Connected, Packet::Event { namespace, id, name, payload }) => {
                let may_end_with_offset = id.is_none() && place.recovery.event(payload.json());
                let session = self.session;
                let reply = id.map(|id| ReplyTo { namespace: namespace.clone(), id, session });
                self.events.push_back(Event::Message {
                    namespace,
                    name,
                    payload,
                    reply,
                    may_end_with_offset,
                });
            }
            (Standing::Connected, Packet::Ack { namespace, id, payload }) => {
                self.acked(Asked { namespace, id }, payload, now);
            }
            (Standing::Connected, Packet::Disconnect { namespace }) => {
                self.forget(&namespace, DisconnectReason::Server);
            }
            _ => {}
        }
    }

    /// We end the session.
    fn give_up(&mut self, reason: DisconnectReason, now: Duration) {
        if self.ending.is_none() {
            self.ending = Some(reason);
            self.leave_all(reason);
            self.engine.close(now);
        }
    }

    /// No namespace is connected any more. They are still wanted.
    fn leave_all(&mut self, reason: DisconnectReason) {
        let all: Vec<_> = self.places.keys().cloned().collect();
        all.iter().for_each(|namespace| self.leave(namespace, reason));
    }

    /// A namespace isn't connected any more: what it waits for doesn't come.
    fn leave(&mut self, namespace: &Namespace, reason: DisconnectReason) {
        let Some(place) = self.places.get_mut(namespace) else { return };
        let standing = core::mem::take(&mut place.standing);
        (place.early, place.early_len) = (Vec::new(), 0);
        if let Standing::Asked { by } = standing {
            self.deadlines.remove(&(by, Due::Connect(namespace.clone())));
        }
        self.stop_waiting(namespace);
        if standing == Standing::Connected {
            self.events.push_back(Event::Disconnected { namespace: namespace.clone(), reason });
        }
    }

    /// A namespace isn't wanted any more.
    fn forget(&mut self, namespace: &Namespace, reason: DisconnectReason) {
        self.give_up_repeats(namespace);
        self.leave(namespace, reason);
        self.places.remove(namespace);
    }
}

/// The message and the data of a refusal: it is an object, or a string.
fn refusal(data: Option<String>) -> (String, Option<String>) {
    let data = data.unwrap_or_default();
    if let Ok(message) = serde_json::from_str::<String>(&data) {
        return (message, None);
    }
    match serde_json::from_str::<Refusal<'_>>(&data) {
        Ok(Refusal { message, data }) => (message, data.map(|data| data.get().to_string())),
        Err(_) => (format!("refused: {data}"), None),
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Client");
        shown.field("namespaces", &self.places.keys()).field("engine", &self.engine).finish()
    }
}
