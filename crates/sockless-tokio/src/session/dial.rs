//! Tries, one after the other, until a connection is open: when each is made, and which were the last.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sockless::Client;
use sockless_session::Reconnect;
use sockless_session::reconnect::{GaveUp, Next, Outcome, Settings, retry_after};

use super::options::SystemEntropy;
use crate::clock::Clock;
use crate::net::{NetStream, connect_with};
use crate::opening::{ClientOptions, ConnectError};
use crate::socket::WebSocket;

type Socket = WebSocket<NetStream, Client>;
type Trying = Pin<Box<dyn Future<Output = Result<Socket, ConnectError>> + Send>>;

/// What has happened.
pub(super) enum Dialed {
    /// A try is made.
    Trying {
        failed: u32,
    },
    Open(Box<Socket>),
    /// A try has failed; the next follows.
    Waiting {
        outcome: Outcome,
        delay: Duration,
    },
    GaveUp(GaveUp),
}

/// Tries to connect.
pub(super) struct Dialer {
    url: String,
    options: ClientOptions,
    reconnect: Reconnect,
    clock: Clock,
    trying: Option<Trying>,
    /// Whether it has been said that it has given up.
    gave_up: bool,
}

impl Dialer {
    pub(super) fn new(url: &str, options: ClientOptions, settings: Settings, clock: Clock) -> Self {
        let (url, reconnect) = (url.to_owned(), Reconnect::new(settings));
        Self { url, options, reconnect, clock, trying: None, gave_up: false }
    }

    /// The next thing that happens. The future may be dropped at any time. After [`Dialed::Open`] comes nothing until the connection
    /// [has ended](Self::ended).
    pub(super) async fn next(&mut self) -> Dialed {
        loop {
            if let Some(trying) = &mut self.trying {
                let tried = trying.await;
                self.trying = None;
                match tried {
                    Ok(socket) => return Dialed::Open(Box::new(socket)),
                    Err(error) => return self.ended(outcome_of(&error)),
                }
            }
            match self.reconnect.next(self.clock.now()) {
                Next::Connect => {
                    let (url, options) = (self.url.clone(), self.options.clone());
                    self.reconnect.connecting();
                    self.trying = Some(Box::pin(async move { connect_with(&url, options).await }));
                    return Dialed::Trying { failed: self.reconnect.failed() };
                }
                Next::Wait { until } => self.clock.sleep_until(Some(until)).await,
                Next::GiveUp(why) if !self.gave_up => {
                    self.gave_up = true;
                    return Dialed::GaveUp(why);
                }
                Next::GiveUp(_) | Next::Busy => std::future::pending().await,
            }
        }
    }

    /// The connection is of use.
    pub(super) fn connected(&mut self) {
        self.reconnect.connected(self.clock.now());
    }

    /// The try, or the connection, has ended.
    pub(super) fn ended(&mut self, outcome: Outcome) -> Dialed {
        let now = self.clock.now();
        self.reconnect.ended(outcome, now, &mut SystemEntropy);
        match self.reconnect.next(now) {
            Next::Wait { until } => Dialed::Waiting { outcome, delay: until.saturating_sub(now) },
            Next::GiveUp(why) => {
                self.gave_up = true;
                Dialed::GaveUp(why)
            }
            Next::Connect | Next::Busy => Dialed::Waiting { outcome, delay: Duration::ZERO },
        }
    }

    pub(super) fn retry_now(&mut self) {
        self.gave_up = false;
        self.reconnect.retry_now();
    }
}

/// What a failed try means for the next.
fn outcome_of(error: &ConnectError) -> Outcome {
    match error {
        ConnectError::Refused(refused) => {
            let unix_now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
            let unix_now = unix_now.ok().map(|since| since.as_secs());
            let field = refused.field("retry-after");
            let retry_after = field.and_then(|value| retry_after(value, unix_now));
            Outcome::Refused { status: refused.status, retry_after }
        }
        ConnectError::Url(_)
        | ConnectError::Misuse(_)
        | ConnectError::SpeaksTls
        | ConnectError::SpeaksHttp2 => Outcome::BadHandshake,
        ConnectError::Answer(error) if !is_passing(error) => Outcome::BadHandshake,
        _ => Outcome::Unreachable,
    }
}

/// Whether the answer did not come, rather than being wrong.
fn is_passing(error: &sockless::handshake::ResponseError) -> bool {
    use sockless::handshake::ResponseError;
    matches!(error, ResponseError::Timeout | ResponseError::Truncated)
}

impl fmt::Debug for Dialer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dialer").field("reconnect", &self.reconnect).finish_non_exhaustive()
    }
}
