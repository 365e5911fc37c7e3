//! What is sent to one socket, by any task.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::oneshot;

use super::driver::Driver;
use super::live::{Live, Waits};
use super::socket_io::SocketIo;
use crate::socket::{self, EmitError, Namespace, Payload, ReadError, Target};

/// Sends to one socket, from any task. Cloning it is cheap.
#[derive(Clone)]
pub struct Sender(Arc<Place>);

/// Where a socket is.
pub(super) struct Place {
    pub(super) driver: Driver<Live>,
    pub(super) socket: socket::Socket,
    pub(super) id: Box<str>,
    pub(super) namespace: Namespace,
    /// Whether what is sent there is kept.
    pub(super) kept: bool,
}

impl Sender {
    pub(super) fn new(place: Place) -> Self {
        Self(Arc::new(place))
    }

    pub(super) fn driver(&self) -> &Driver<Live> {
        &self.0.driver
    }

    pub(super) fn socket(&self) -> socket::Socket {
        self.0.socket
    }

    /// The socket's id, which others may know. A room of this name has this socket alone in it.
    pub fn id(&self) -> &str {
        &self.0.id
    }

    /// Its namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.0.namespace
    }

    /// The whole server.
    pub fn io(&self) -> SocketIo {
        SocketIo::on(self.driver().clone())
    }

    /// Sends an event.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit(&self, name: &str, payload: Payload) -> Result<(), EmitError> {
        let Place { driver, socket, kept, .. } = &*self.0;
        if *kept {
            return driver.with(|state, now| state.layer.server.emit(*socket, name, payload, now));
        }
        driver.without_time(|state| state.layer.server.send_event(*socket, name, payload, None))
    }

    /// Sends an event, unless the transport is not ready at once: for what is worth nothing later.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit_volatile(&self, name: &str, payload: Payload) -> Result<(), EmitError> {
        self.driver()
            .without_time(|state| state.layer.server.emit_volatile(self.socket(), name, payload))
    }

    /// Sends an event, and waits for its acknowledgement, for this long at most. If the future is dropped after it was polled, the event
    /// has been sent all the same.
    ///
    /// # Errors
    ///
    /// Why it was not sent, or that no acknowledgement has come.
    pub async fn emit_with_ack(
        &self,
        name: &str,
        payload: Payload,
        timeout: Duration,
    ) -> Result<Payload, AckError> {
        let receives = self.driver().with(|state, now| {
            let live = &mut state.layer;
            let asked = live.server.emit_with_ack(self.socket(), name, payload, timeout, now)?;
            let (sends, receives) = oneshot::channel();
            live.acks.insert(asked, Waits::One(sends));
            Ok(receives)
        });
        let answer = receives.map_err(AckError::Unsent)?.await;
        answer.map_err(|_| AckError::Unanswered)
    }

    /// Lets the socket join a room: whether it wasn't there.
    pub fn join(&self, room: &str) -> bool {
        self.driver().with(|state, _| state.layer.server.join(self.socket(), room))
    }

    /// Lets the socket leave a room: whether it was there.
    pub fn leave(&self, room: &str) -> bool {
        self.driver().with(|state, _| state.layer.server.leave(self.socket(), room))
    }

    /// The rooms that it is in. One has its id's name.
    pub fn rooms(&self) -> Vec<String> {
        self.driver().look(|live| live.server.rooms(self.socket()).map(str::to_owned).collect())
    }

    /// All others in its namespace: for [`SocketIo::broadcast`].
    pub fn others(&self) -> Target {
        Target::all(self.0.namespace.clone()).except_socket(self.socket())
    }

    /// Puts something to the socket, which every [`Sender`] for it can read. A client that is recovered gets it back.
    ///
    /// # Errors
    ///
    /// If serde can't write it as JSON.
    pub fn set_data<T: Serialize + ?Sized>(&self, data: &T) -> Result<(), ReadError> {
        self.driver().with(|state, _| state.layer.server.set_data(self.socket(), data))
    }

    /// What was put to the socket; `None` if that is nothing, or the socket has gone.
    ///
    /// # Errors
    ///
    /// If it is something else.
    pub fn data<T: DeserializeOwned>(&self) -> Result<Option<T>, ReadError> {
        let json = self.driver().look(|live| live.server.data(self.socket()).map(str::to_owned));
        json.map(|json| serde_json::from_str(&json)).transpose().map_err(ReadError::from)
    }

    /// Whether the client has come back with all that it had missed: its id, rooms and data are those that it had. See
    /// [`Config::with_recovery`](crate::socket::Config::with_recovery).
    pub fn is_recovered(&self) -> bool {
        self.driver().look(|live| live.server.is_recovered(self.socket()))
    }

    /// Whether it is connected.
    pub fn is_connected(&self) -> bool {
        self.driver().look(|live| live.server.id(self.socket()).is_some())
    }

    /// Disconnects it from its namespace. The client's other namespaces are left as they are.
    pub fn disconnect(&self) {
        self.driver().with(|state, now| state.layer.server.disconnect(self.socket(), now));
    }

    /// Closes the client's session, and so disconnects it from all namespaces.
    pub fn close(&self) {
        self.driver().with(|state, now| state.layer.server.close(self.socket(), now));
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Sender");
        shown.field("id", &self.id()).field("namespace", self.namespace()).finish_non_exhaustive()
    }
}

/// Why there is no acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AckError {
    /// The event was not sent, for this reason.
    Unsent(EmitError),
    /// It was sent. The time is up, or the client has gone: it may have got it.
    Unanswered,
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent(reason) => reason.fmt(f),
            Self::Unanswered => f.write_str("the client has not acknowledged the event"),
        }
    }
}

impl std::error::Error for AckError {}
