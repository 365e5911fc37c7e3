//! What a handler can have as an argument.

use std::any::type_name;
use std::fmt;

use serde::de::DeserializeOwned;

use super::super::received::{Owed, Received};
use super::super::route::Connecting;
use super::super::sender::Sender;
use crate::socket::{EmitError, Payload, ReadError};

/// An event that is to be handled, with what is known of its socket.
#[derive(Debug)]
pub struct Call {
    received: Received,
    sender: Sender,
    connecting: Connecting,
}

impl Call {
    pub(super) fn new(received: Received, sender: Sender, connecting: Connecting) -> Self {
        Self { received, sender, connecting }
    }

    /// What other events of the socket want as well. The event is gone then.
    pub(super) fn into_socket(self) -> (Sender, Connecting) {
        (self.sender, self.connecting)
    }

    /// The event's name.
    pub fn name(&self) -> &str {
        self.received.name()
    }

    /// Its arguments.
    pub fn payload(&self) -> &Payload {
        self.received.payload()
    }

    /// What sends to its socket.
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// What is known of the socket from its connecting.
    pub fn connecting(&self) -> &Connecting {
        &self.connecting
    }
}

/// What can be an argument of a handler.
pub trait Extract: Sized {
    /// Takes it from an event.
    ///
    /// # Errors
    ///
    /// If the event doesn't have it: the handler isn't called.
    fn extract(call: &mut Call) -> Result<Self, Unfit>;
}

/// Why a handler wasn't called.
#[derive(Debug)]
#[non_exhaustive]
pub enum Unfit {
    /// The event has other arguments.
    Data(ReadError),
    /// The client has authenticated itself otherwise.
    Auth(ReadError),
    /// The request that has opened the session has no extension of this type.
    Extension(&'static str),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Data(error) => write!(f, "the event has other arguments: {error}"),
            Self::Auth(error) => write!(f, "the authentication is another: {error}"),
            Self::Extension(name) => write!(f, "the request has no extension of the type {name}"),
        }
    }
}

impl std::error::Error for Unfit {}

/// The event's arguments, read by serde: one as it is, several as a tuple, any number as a `Vec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Data<T>(pub T);

impl<T: DeserializeOwned> Extract for Data<T> {
    fn extract(call: &mut Call) -> Result<Self, Unfit> {
        let payload = call.payload();
        if let Ok((only,)) = payload.read() {
            return Ok(Self(only));
        }
        payload.read().map(Self).map_err(Unfit::Data)
    }
}

/// The event's arguments as they are, with their attachments.
impl Extract for Payload {
    fn extract(call: &mut Call) -> Result<Self, Unfit> {
        Ok(call.payload().clone())
    }
}

/// What acknowledges an event. If it is dropped, nothing is said.
#[derive(Debug)]
pub struct Reply(Option<Owed>);

impl Reply {
    /// Whether the client waits for an acknowledgement.
    pub fn is_wanted(&self) -> bool {
        self.0.is_some()
    }

    /// Acknowledges the event, if the client waits for that.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn send(self, payload: Payload) -> Result<(), EmitError> {
        self.0.map_or(Ok(()), |owed| owed.pay(payload))
    }
}

impl Extract for Reply {
    fn extract(call: &mut Call) -> Result<Self, Unfit> {
        Ok(Self(call.received.owed.take()))
    }
}

impl Extract for Sender {
    fn extract(call: &mut Call) -> Result<Self, Unfit> {
        Ok(call.sender.clone())
    }
}

impl Extract for Connecting {
    fn extract(call: &mut Call) -> Result<Self, Unfit> {
        Ok(call.connecting.clone())
    }
}

/// What the client has sent for its authentication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auth<T>(pub T);

impl<T: DeserializeOwned> Extract for Auth<T> {
    fn extract(call: &mut Call) -> Result<Self, Unfit> {
        call.connecting.auth().map(Self).map_err(Unfit::Auth)
    }
}

/// What a layer of the HTTP server has put to the request that has opened the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<T>(pub T);

impl<T: Clone + Send + Sync + 'static> Extract for Extension<T> {
    fn extract(call: &mut Call) -> Result<Self, Unfit> {
        let found = call.connecting.extension::<T>().cloned();
        found.map(Self).ok_or(Unfit::Extension(type_name::<T>()))
    }
}
