//! A client in a namespace, as its handler has it.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::live::FEW;
use super::mailbox::Mailbox;
use super::received::Received;
use super::refuse::Refuse;
use super::route::Connecting;
use super::sender::Sender;
use crate::socket::DisconnectReason;

/// A client in a namespace: its handler receives from it, and sends to it by what [`Sender`] has.
///
/// When it is dropped, the client is disconnected from the namespace: a handler that only sends goes on until [`recv`](Self::recv)
/// returns `None`.
pub struct Socket {
    sender: Sender,
    connecting: Connecting,
    mailbox: Arc<Mailbox>,
}

impl Socket {
    pub(super) fn new(sender: Sender, connecting: Connecting, mailbox: Arc<Mailbox>) -> Self {
        Self { sender, connecting, mailbox }
    }

    /// The next event. `None` once the client is disconnected.
    ///
    /// A client whose events aren't received waits: after a few, no more is read from it. The future may be dropped at any time.
    pub async fn recv(&mut self) -> Option<Received> {
        let (received, waiting) = self.mailbox.take().await?;
        if waiting == FEW {
            let socket = self.sender.socket();
            self.sender.driver().with(|state, now| state.layer.release(socket, now));
        }
        Some(received)
    }

    /// Why the client is disconnected, once it is.
    pub fn reason(&self) -> Option<DisconnectReason> {
        self.mailbox.reason()
    }

    /// What is known of the client from its connecting: its authentication, and the request that has opened its session.
    pub fn connecting(&self) -> &Connecting {
        &self.connecting
    }

    /// What sends to it from other tasks.
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// Whether it could be accepted.
    pub(super) async fn accept(&self) -> bool {
        let socket = self.sender.socket();
        match self.sender.driver().with(|state, now| state.layer.accept(socket, now)) {
            Ok(None) => true,
            Ok(Some(accepted)) => accepted.await.is_ok(),
            Err(_) => false,
        }
    }

    pub(super) fn refuse(&self, refuse: Refuse) {
        let Refuse { message, data } = refuse;
        self.sender.driver().with(|state, now| {
            let server = &mut state.layer.server;
            // A value is always JSON.
            let _ = server.refuse(self.sender.socket(), &message, data.as_ref(), now);
        });
    }
}

impl Deref for Socket {
    type Target = Sender;

    fn deref(&self) -> &Sender {
        &self.sender
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let socket = self.sender.socket();
        self.sender.driver().with(|state, now| state.layer.leave(socket, now));
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sender.fmt(f)
    }
}
