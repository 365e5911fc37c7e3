//! An event that has arrived.

use serde::de::DeserializeOwned;

use super::driver::Driver;
use super::live::Live;
use crate::socket::{EmitError, Payload, ReadError, ReplyTo};

/// An event that a client has sent.
#[derive(Debug)]
pub struct Received {
    pub(super) name: String,
    pub(super) payload: Payload,
    pub(super) owed: Option<Owed>,
}

/// An acknowledgement that a client waits for.
#[derive(Debug)]
pub(super) struct Owed {
    pub(super) driver: Driver<Live>,
    pub(super) to: ReplyTo,
}

impl Owed {
    pub(super) fn pay(self, payload: Payload) -> Result<(), EmitError> {
        self.driver.without_time(|state| state.layer.server.reply(self.to, payload))
    }
}

impl Received {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its arguments.
    pub fn payload(&self) -> &Payload {
        &self.payload
    }

    /// Its arguments, by value.
    pub fn into_payload(self) -> Payload {
        self.payload
    }

    /// Reads its arguments: a tuple for a fixed number of them, a `Vec` for any.
    ///
    /// # Errors
    ///
    /// If they are others.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        self.payload.read()
    }

    /// Whether the client waits for an acknowledgement.
    pub fn wants_reply(&self) -> bool {
        self.owed.is_some()
    }

    /// Acknowledges it, if the client waits for that. What was acknowledged once isn't again.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn reply(&mut self, payload: Payload) -> Result<(), EmitError> {
        self.owed.take().map_or(Ok(()), |owed| owed.pay(payload))
    }
}
