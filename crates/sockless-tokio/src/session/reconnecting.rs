//! A client that reconnects by itself, without a protocol of sessions: for feeds.

use std::fmt;
use std::time::Duration;

use sockless::Client;
use sockless_session::reconnect::{GaveUp, Outcome, Settings, asked_by_close_reason};

use super::dial::{Dialed, Dialer};
use crate::clock::Clock;
use crate::error::Error;
use crate::message::{Message, TrySendError};
use crate::net::NetStream;
use crate::opening::ClientOptions;
use crate::socket::WebSocket;

/// What a feed brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// A message.
    Message(Message),
    /// A try is made.
    Trying {
        /// How many have failed in a row.
        failed: u32,
    },
    /// A connection is open: what has to be said on each was sent.
    Connected,
    /// The connection is lost. What was sent last may have been lost with it.
    Lost,
    /// The next try follows.
    Waiting {
        /// How the last try, or the connection, has ended.
        outcome: Outcome,
        /// For how long it waits.
        delay: Duration,
    },
    /// There will be no further try, unless [`Reconnecting::retry_now`] is called.
    GaveUp(GaveUp),
}

/// A connection that is made again whenever it is lost, for as long as that is worth while. What has to be said on each connection, a
/// subscription say, is a function's.
///
/// ```no_run
/// use sockless_tokio::session::{FeedEvent, Reconnecting};
///
/// # async fn run() {
/// let mut feed = Reconnecting::new("wss://example.com/prices", (), || vec!["subscribe EUR".into()]);
/// while let Some(event) = feed.recv().await {
///     match event {
///         FeedEvent::Message(message) => println!("{:?}", message.as_text()),
///         FeedEvent::Waiting { delay, .. } => println!("lost; trying again in {delay:?}"),
///         _ => {}
///     }
/// }
/// # }
/// ```
pub struct Reconnecting {
    dialer: Dialer,
    greeting: Box<dyn FnMut() -> Vec<Message> + Send>,
    socket: Option<Box<WebSocket<NetStream, Client>>>,
    /// What is to be told before anything else is done.
    next: Option<FeedEvent>,
    gave_up: bool,
}

impl Reconnecting {
    /// A feed from this URL. `greeting` says what is sent first on each connection.
    pub fn new(
        url: &str,
        options: impl Into<ClientOptions>,
        greeting: impl FnMut() -> Vec<Message> + Send + 'static,
    ) -> Self {
        Self::with_settings(url, options, Settings::default(), greeting)
    }

    /// The same with other delays.
    pub fn with_settings(
        url: &str,
        options: impl Into<ClientOptions>,
        settings: Settings,
        greeting: impl FnMut() -> Vec<Message> + Send + 'static,
    ) -> Self {
        let dialer = Dialer::new(url, options.into(), settings, Clock::start());
        let greeting = Box::new(greeting);
        Self { dialer, greeting, socket: None, next: None, gave_up: false }
    }

    /// The next event; `None` after [`FeedEvent::GaveUp`]. Tries, reads and waits only while it is awaited. The future may be dropped at any
    /// time.
    pub async fn recv(&mut self) -> Option<FeedEvent> {
        if let Some(event) = self.next.take() {
            return Some(event);
        }
        if self.gave_up {
            return None;
        }
        if let Some(socket) = &mut self.socket {
            let ended = match socket.recv().await {
                Some(Ok(message)) => return Some(FeedEvent::Message(message)),
                other => other,
            };
            let outcome = outcome_of(socket, ended);
            self.socket = None;
            let next = self.dialer.ended(outcome);
            self.next = self.tell(next);
            return Some(FeedEvent::Lost);
        }
        let dialed = self.dialer.next().await;
        self.tell(dialed)
    }

    /// Sends a message on the connection that there is. It is lost if that is.
    ///
    /// # Errors
    ///
    /// There is none, or it takes nothing now: the message comes back.
    pub fn try_send(&mut self, message: impl Into<Message>) -> Result<(), TrySendError> {
        match &mut self.socket {
            Some(socket) => socket.try_send(message),
            None => Err(TrySendError::Closed(message.into())),
        }
    }

    /// The next try is made at once, also after it has given up.
    pub fn retry_now(&mut self) {
        self.gave_up = false;
        self.dialer.retry_now();
    }

    fn tell(&mut self, dialed: Dialed) -> Option<FeedEvent> {
        Some(match dialed {
            Dialed::Trying { failed } => FeedEvent::Trying { failed },
            Dialed::Waiting { outcome, delay } => FeedEvent::Waiting { outcome, delay },
            Dialed::GaveUp(why) => {
                self.gave_up = true;
                FeedEvent::GaveUp(why)
            }
            Dialed::Open(mut socket) => {
                self.dialer.connected();
                for message in (self.greeting)() {
                    // A connection that takes nothing any more has ended, which the next call finds.
                    let _ = socket.try_send(message);
                }
                self.socket = Some(socket);
                FeedEvent::Connected
            }
        })
    }
}

/// How the connection has ended.
fn outcome_of(
    socket: &WebSocket<NetStream, Client>,
    ended: Option<Result<Message, Error>>,
) -> Outcome {
    match (socket.close_frame(), ended) {
        (Some(frame), _) => {
            let retry_after = asked_by_close_reason(&frame.reason);
            Outcome::Closed { code: Some(frame.code.get()), retry_after }
        }
        (None, Some(Err(Error::Limit(_)))) => Outcome::Failed,
        (None, _) => Outcome::Lost,
    }
}

impl fmt::Debug for Reconnecting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reconnecting").field("dialer", &self.dialer).finish_non_exhaustive()
    }
}
