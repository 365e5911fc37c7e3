//! A client in a namespace, as a program has it.

use std::fmt;
use std::ops::Deref;

use super::builder::Builder;
use super::error::ConnectError;
use super::event::Event;
use super::sender::Sender;
use super::state::Inbox;
use crate::socket::Namespace;

/// A client in a namespace: it receives from the server, and sends to it by what [`Sender`] has.
///
/// It reconnects by itself, as long as it isn't dropped, closed, disconnected by the server or refused. When it is dropped, the namespace is
/// left, and with the last namespace the connection closed.
pub struct Client {
    sender: Sender,
    inbox: Inbox,
}

impl Client {
    /// Connects to the namespace that the URL's path names: `/` or nothing is the main one. Its query goes with every request.
    ///
    /// # Errors
    ///
    /// If the URL is none, the first try to open a session fails, or the server refuses the client.
    pub async fn connect(url: &str) -> Result<Self, ConnectError> {
        Self::builder(url).connect().await
    }

    /// What a client is made with.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }

    /// Waits until the server has accepted it for the first time.
    pub(super) async fn accepted(sender: Sender, inbox: Inbox) -> Result<Self, ConnectError> {
        let mut client = Self { sender, inbox };
        let mut last = None;
        while let Some(event) = client.recv().await {
            match event {
                Event::Connected { .. } => return Ok(client),
                Event::Refused(refused) => return Err(ConnectError::Refused(refused)),
                Event::Unsent(reason) => return Err(ConnectError::Unsent(reason)),
                Event::Failed(reason) => {
                    last = Some(reason);
                    break;
                }
                // It was cut before it was accepted: that was the first try.
                Event::Disconnected(reason) => last = Some(reason),
                Event::Message(_) => {}
            }
        }
        let reason = last.ok_or(ConnectError::Taken)?;
        let detail = client.sender.driver.look(super::state::State::detail);
        Err(ConnectError::Session { reason, detail })
    }

    /// Connects to another namespace over the same connection.
    ///
    /// # Errors
    ///
    /// If the name can't be one, the server refuses the client, or it was connected to it before.
    pub async fn join(&self, name: &str) -> Result<Self, ConnectError> {
        let namespace = Namespace::new(name).ok_or(ConnectError::Url)?;
        let driver = self.sender.driver.clone();
        let inbox = driver.with(|state, now| state.join(&namespace, now));
        let inbox = inbox.ok_or(ConnectError::Taken)?;
        Self::accepted(Sender { driver, namespace }, inbox).await
    }

    /// What happens next. `None` once it doesn't reconnect any more.
    ///
    /// A server whose events aren't received waits in the end: after 1,024 of them or 4 MiB, no more is taken, and at last nothing more is read.
    /// The future may be dropped at any time.
    pub async fn recv(&mut self) -> Option<Event> {
        let event = self.inbox.events.recv().await?;
        if self.inbox.waiting.taken(event.len()) {
            // What was held is taken.
            self.sender.driver.with(|_, _| ());
        }
        Some(event)
    }

    /// What sends from other tasks.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }
}

impl Deref for Client {
    type Target = Sender;

    fn deref(&self) -> &Sender {
        &self.sender
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.sender.disconnect();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sender.fmt(f)
    }
}
