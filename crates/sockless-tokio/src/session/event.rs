//! What a session tells its application.

use std::fmt;
use std::time::Duration;

use sockless_session::reconnect::{GaveUp, Outcome};
use sockless_session::reliable::{End, Failed};

use crate::message::Message;

/// What a session tells its application.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A message.
    Message {
        /// Its number.
        number: u64,
        /// The message.
        message: Message,
    },
    /// A request, to be answered with [`ReliableSender::reply`](super::ReliableSender::reply) or [`reject`](super::ReliableSender::reject).
    Request {
        /// Its number, which the reply names.
        number: u64,
        /// The message.
        message: Message,
    },
    /// The peer has left messages out here.
    Gap {
        /// Its number.
        number: u64,
        /// How many.
        count: u64,
    },
    /// A message that isn't numbered, and would not have been sent again.
    Unnumbered(Message),
    /// A client makes a try.
    Trying {
        /// How many have failed in a row.
        failed: u32,
    },
    /// A connection carries the session.
    Connected {
        /// Whether another one did before.
        resumed: bool,
    },
    /// It does no longer. The session goes on.
    Lost,
    /// A client's try, or its connection, has ended, and it waits until the next.
    Waiting {
        /// How the last one ended.
        outcome: Outcome,
        /// For how long.
        delay: Duration,
    },
    /// A client makes no further try, unless [`ReliableSender::retry_now`](super::ReliableSender::retry_now) is called.
    GaveUp(GaveUp),
    /// The journal can't be written. Nothing goes out any more, and what was promised to be stored is.
    NotStored(std::io::ErrorKind),
    /// The session has ended: the last event.
    Ended {
        /// Why.
        end: End,
        /// What was not delivered, or may not have been.
        failed: Vec<Failed<Message>>,
    },
}

/// Why a request got no reply.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The peer has rejected it, and says why.
    Rejected(Message),
    /// There was none in time. It may be answered later.
    TimedOut,
    /// The session has ended.
    Ended,
    /// It could not be sent.
    NotSent(sockless_session::reliable::SendError),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected(_) => f.write_str("the peer has rejected the request"),
            Self::TimedOut => f.write_str("there was no reply in time"),
            Self::Ended => f.write_str("the session has ended"),
            Self::NotSent(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RequestError {}
