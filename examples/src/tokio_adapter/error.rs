//! What can go wrong.

use std::{fmt, io};

use sockless::connection::{Failure, Refused, SendError};
use sockless::handshake::{Misuse, RequestError, ResponseError, UrlError};

/// What can go wrong with a WebSocket on a stream of bytes.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The stream below.
    Io(io::Error),
    /// The URL is not that of a WebSocket.
    Url(UrlError),
    /// A `wss:` URL: bring a stream with TLS, and use [`connect_over`](super::connect_over).
    Secure,
    /// Our own part of the opening handshake can't be written.
    Misuse(Misuse),
    /// The server's answer breaks the rules, or did not come.
    Answer(ResponseError),
    /// The server answered with this status instead.
    Status(u16),
    /// The client's request breaks the rules. It has been answered.
    Request(RequestError),
    /// The client has been answered, as was decided, and no connection was opened.
    Answered,
    /// A message could not be sent.
    Send(SendError),
    /// The connection has failed. Everything that the peer had to be told has been sent.
    Failed(Failure),
    /// The connection has ended.
    Closed,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the stream failed: {error}"),
            Self::Url(error) => error.fmt(f),
            Self::Secure => f.write_str("a wss: URL needs a stream with TLS"),
            Self::Misuse(error) => error.fmt(f),
            Self::Answer(error) => error.fmt(f),
            Self::Status(status) => {
                write!(f, "the server opened no WebSocket, and answered with status {status}")
            }
            Self::Request(error) => error.fmt(f),
            Self::Answered => f.write_str("the client was answered, and no WebSocket was opened"),
            Self::Send(error) => error.fmt(f),
            Self::Failed(failure) => failure.fmt(f),
            Self::Closed => f.write_str("the connection has ended"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match self {
            Self::Io(error) => error,
            Self::Url(error) => error,
            Self::Misuse(error) => error,
            Self::Answer(error) => error,
            Self::Request(error) => error,
            Self::Send(error) => error,
            Self::Failed(failure) => failure,
            Self::Secure | Self::Status(_) | Self::Answered | Self::Closed => return None,
        })
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<UrlError> for Error {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<Misuse> for Error {
    fn from(error: Misuse) -> Self {
        Self::Misuse(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Self {
        Self::Send(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Send(refused.reason)
    }
}
