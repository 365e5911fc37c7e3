//! What is sent in one namespace, by any task.

use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;

use super::driver::Driver;
use super::error::AckError;
use crate::socket::client::Repeat;
use crate::socket::{EmitError, Namespace, Payload};

/// Sends in one namespace, from any task. Cloning it is cheap.
#[derive(Clone)]
pub struct Sender {
    pub(super) driver: Driver,
    pub(super) namespace: Namespace,
}

impl Sender {
    /// The id that the server has given to the client in this namespace. Others may know it.
    pub fn id(&self) -> Option<String> {
        self.driver.look(|state| state.client.id(&self.namespace).map(str::to_owned))
    }

    /// The namespace.
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Whether the namespace is connected.
    pub fn is_connected(&self) -> bool {
        self.driver.look(|state| state.client.is_connected(&self.namespace))
    }

    /// Whether the session is on a WebSocket by now.
    pub fn is_websocket(&self) -> bool {
        self.driver.look(|state| state.client.engine().is_websocket())
    }

    /// Sends an event. While the namespace isn't connected it is refused: nothing is kept for later.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit(&self, name: &str, payload: Payload) -> Result<(), EmitError> {
        self.driver.with(|state, _| state.client.emit(&self.namespace, name, payload))
    }

    /// Sends an event, unless the transport is not ready at once: for what is worth nothing later.
    ///
    /// # Errors
    ///
    /// Why it was not sent.
    pub fn emit_volatile(&self, name: &str, payload: Payload) -> Result<(), EmitError> {
        self.driver.with(|state, _| state.client.emit_volatile(&self.namespace, name, payload))
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
        let waits = self.driver.with(|state, now| {
            let client = &mut state.client;
            let asked = client.emit_with_ack(&self.namespace, name, payload, timeout, now)?;
            let (sends, waits) = oneshot::channel();
            state.acks.insert(asked, sends);
            Ok(waits)
        });
        waits.map_err(AckError::Unsent)?.await.map_err(|_| AckError::Unanswered)
    }

    /// Sends an event until it is acknowledged, also over sessions that end: at least once, one after the other. The server may get it more
    /// than once. If the future is dropped after it was polled, it is sent all the same.
    ///
    /// # Errors
    ///
    /// Why it was not queued, or that no acknowledgement has come in all tries.
    pub async fn emit_repeatedly(
        &self,
        name: &str,
        payload: Payload,
        repeat: Repeat,
    ) -> Result<Payload, AckError> {
        let waits = self.driver.with(|state, now| {
            let client = &mut state.client;
            let asked = client.emit_repeatedly(&self.namespace, name, payload, repeat, now)?;
            let (sends, waits) = oneshot::channel();
            state.acks.insert(asked, sends);
            Ok(waits)
        });
        waits.map_err(AckError::Unsent)?.await.map_err(|_| AckError::Unanswered)
    }

    /// Leaves the namespace. Other namespaces of the same connection are left as they are.
    pub fn disconnect(&self) {
        self.driver.with(|state, now| state.leave(&self.namespace, now));
    }

    /// Closes the connection with all its namespaces, after what waits to be sent, and waits for that.
    pub async fn close(&self) {
        let ended = self.driver.with(|state, now| state.close(now));
        // It says nothing where the session has ended already.
        let _ = ended.await;
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("namespace", &self.namespace).finish_non_exhaustive()
    }
}
