//! A connection, whatever it speaks: it is opened, sends if there is room, receives, and is closed.

mod plain;
mod session;
mod socketio;

use std::time::Duration;

use sockless_socketio::socket::Payload;
use sockless_tokio::{ClientOptions, Message};

use crate::scenario::Protocol;

/// How much of a message is shown where it is the reason of something.
const BEGINNING: usize = 200;

/// How one connection is opened.
pub(crate) struct Dial {
    pub(crate) protocol: Protocol,
    pub(crate) url: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) subprotocols: Vec<String>,
    pub(crate) timeout: Duration,
}

impl Dial {
    fn options(&self) -> ClientOptions {
        let options = ClientOptions::new().with_timeout(self.timeout);
        let with = |options: ClientOptions, (name, value): &(String, String)| {
            options.with_field(name.clone(), value.as_bytes())
        };
        self.fields.iter().fold(options, with)
    }
}

/// What is to be sent.
pub(crate) enum Outgoing {
    Text(String),
    Binary(Vec<u8>),
    Event { name: String, payload: Payload },
}

/// What has become of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    Yes,
    /// As much waits as may wait: it can be tried again.
    Full,
    /// It can't be sent.
    No,
}

/// What has arrived.
pub(crate) enum Body {
    Message(Message),
    Event { name: String, payload: Payload },
}

impl Body {
    /// All of its bytes.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &[u8]> {
        let (whole, attachments) = match self {
            Self::Message(message) => (message.as_bytes(), None),
            Self::Event { payload, .. } => (payload.json().as_bytes(), Some(payload.attachments())),
        };
        let attachments = attachments.unwrap_or_default().iter().map(|bytes| &bytes[..]);
        std::iter::once(whole).chain(attachments)
    }

    /// What it says, as far as it can be read in a line.
    pub(crate) fn beginning(&self) -> String {
        let whole = self.parts().next().unwrap_or_default();
        String::from_utf8_lossy(whole).chars().take(BEGINNING).collect()
    }

    /// Whether it has this text in it; the name of an event counts as well.
    pub(crate) fn contains(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let has = |bytes: &[u8]| bytes.windows(text.len()).any(|part| part == text);
        let named = matches!(self, Self::Event { name, .. } if has(name.as_bytes()));
        named || self.parts().any(has)
    }
}

/// What has happened.
pub(crate) enum Received {
    Body(Body),
    /// The connection is gone, and why.
    Ended(String),
}

/// A connection.
pub(crate) enum Wire {
    Plain(Box<plain::Plain>),
    Session(Box<session::Carried>),
    SocketIo(Box<socketio::Events>),
}

impl Wire {
    /// Opens a connection. The error says why there is none.
    pub(crate) async fn open(dial: &Dial) -> Result<Self, String> {
        Ok(match dial.protocol {
            Protocol::WebSocket => Self::Plain(Box::new(plain::Plain::open(dial).await?)),
            Protocol::Session => Self::Session(Box::new(session::Carried::open(dial).await?)),
            Protocol::SocketIo { polling, websocket } => {
                let opened = socketio::Events::open(dial, polling, websocket).await?;
                Self::SocketIo(Box::new(opened))
            }
        })
    }

    /// Sends something if there is room for it. It goes out while something is waited for.
    pub(crate) fn try_send(&mut self, outgoing: Outgoing) -> Sent {
        match self {
            Self::Plain(wire) => wire.try_send(outgoing),
            Self::Session(wire) => wire.try_send(outgoing),
            Self::SocketIo(wire) => wire.try_send(outgoing),
        }
    }

    /// What happens next. The future may be dropped at any time.
    pub(crate) async fn recv(&mut self) -> Received {
        match self {
            Self::Plain(wire) => wire.recv().await,
            Self::Session(wire) => wire.recv().await,
            Self::SocketIo(wire) => wire.recv().await,
        }
    }

    /// Closes it in order.
    pub(crate) async fn close(self) {
        match self {
            Self::Plain(wire) => wire.close().await,
            Self::Session(wire) => wire.close().await,
            Self::SocketIo(wire) => wire.close().await,
        }
    }
}
