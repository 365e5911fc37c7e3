//! What a client receives.

use std::fmt;

use serde::de::DeserializeOwned;

use super::driver::Driver;
use crate::socket::client::{DisconnectReason, ReplyTo};
use crate::socket::{EmitError, Payload, ReadError};

/// What a client receives.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// The server has sent an event.
    Message(Received),
    /// The namespace is connected again. If this was recovered, what was missed comes next; if not, events may have been missed.
    Connected {
        /// Whether it goes on where it was interrupted.
        recovered: bool,
    },
    /// The namespace isn't connected any more. Unless the server or this client has ended it, the client reconnects.
    Disconnected(DisconnectReason),
    /// The server has refused the namespace when it was asked for anew: this is the last event.
    Refused(Refused),
    /// The namespace couldn't be asked for anew, for this reason: this is the last event.
    Unsent(EmitError),
    /// A try to reconnect has failed. There will be another, unless this is the last event.
    Failed(DisconnectReason),
}

/// Why the server has refused a namespace.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    message: String,
    data: Option<String>,
}

impl Refused {
    pub(super) fn new(message: String, data: Option<String>) -> Self {
        Self { message, data }
    }

    /// The message.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the server says besides.
    ///
    /// # Errors
    ///
    /// If it is something else. Where there is nothing, that reads as JSON's `null`.
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        Ok(serde_json::from_str(self.data.as_deref().unwrap_or("null"))?)
    }
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused").field("message", &self.message).finish_non_exhaustive()
    }
}

/// An event that the server has sent.
#[derive(Debug)]
pub struct Received {
    pub(super) driver: Driver,
    pub(super) name: String,
    pub(super) payload: Payload,
    pub(super) reply: Option<ReplyTo>,
    pub(super) may_end_with_offset: bool,
}

impl Event {
    /// How many bytes it has.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Message(Received { name, payload, .. }) => name.len() + payload.len(),
            _ => 0,
        }
    }
}

impl Received {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments. A server with recovery adds an offset, a string, to those of most events.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Its arguments, by value.
    pub fn into_payload(self) -> Payload {
        self.payload
    }

    /// Reads its arguments: a tuple for a fixed number of them, a `Vec` for any. The offset that a server with recovery adds is left out if
    /// they can't be read with it.
    ///
    /// # Errors
    ///
    /// If they are others.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        let read = self.payload.read();
        if read.is_err()
            && self.may_end_with_offset
            && let Ok(without) = self.payload.without_last().read()
        {
            return Ok(without);
        }
        read
    }

    /// Whether the server waits for an acknowledgement.
    pub fn wants_reply(&self) -> bool {
        self.reply.is_some()
    }

    /// Acknowledges it, if the server waits for that. What was acknowledged once isn't again.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn reply(&mut self, payload: Payload) -> Result<(), EmitError> {
        match self.reply.take() {
            Some(to) => self.driver.with(|state, _| state.client.reply(to, payload)),
            None => Ok(()),
        }
    }
}
