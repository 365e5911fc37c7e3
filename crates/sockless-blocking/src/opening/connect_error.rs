//! Why a client could not open a connection, and what to do about it.

use std::{fmt, io};

use sockless::handshake::{HandshakeMisuse, Response, ResponseError, UrlError};

/// Why a client could not open a connection.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL is not that of a WebSocket.
    Url(UrlError),
    /// A field, a subprotocol or the origin can't be sent.
    Misuse(HandshakeMisuse),
    /// The stream failed.
    Io(io::Error),
    /// The server's answer breaks the rules, or did not come.
    Answer(ResponseError),
    /// The server answered, but opened no WebSocket.
    Refused(Box<Refused>),
    /// The host has no address.
    Resolve(io::Error),
    /// No address of the host could be connected to.
    Connect(io::Error),
    /// TLS: a certificate that doesn't fit, for example.
    Tls(io::Error),
    /// The time was over before the connection was open.
    TimedOut(Stage),
    /// The server speaks TLS at this port: use a `wss:` URL.
    SpeaksTls,
    /// The server speaks HTTP/2 only at this port.
    SpeaksHttp2,
}

/// What was done when the time was over. Where the answer did not come, it is
/// [`ConnectError::Answer`] with [`ResponseError::Timeout`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// The host's addresses were asked for.
    Resolve,
    /// A TCP connection was made.
    Connect,
    /// TLS was begun.
    Tls,
}

/// A server's answer that opens no connection: a redirect, a demand for credentials, an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Refused {
    /// The status.
    pub status: u16,
    /// The fields, in their order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// The body, as far as it arrived: 64 KiB and one second at most, as it was sent.
    pub body: Vec<u8>,
}

impl Refused {
    pub(super) fn new(response: &Response<'_>) -> Self {
        let fields = response.fields().map(|field| (field.name.into(), field.value.into()));
        Self { status: response.status(), fields: fields.collect(), body: Vec::new() }
    }

    /// The value of the first field called `name`, if it is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        let (_, value) = self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()
    }

    /// How long the body is, if that is said.
    pub(super) fn announced(&self) -> Option<usize> {
        if matches!(self.status, 204 | 304) {
            return Some(0);
        }
        self.field("content-length")?.parse().ok()
    }

    /// Adds to the body, as far as it goes.
    pub(super) fn add(&mut self, bytes: &[u8], most: usize) {
        let room = most.saturating_sub(self.body.len());
        self.body.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }
}

impl fmt::Debug for Refused {
    /// Shows no values of fields, and no body.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.fields.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Refused")
            .field("status", &self.status)
            .field("fields", &names)
            .field("body", &self.body.len())
            .finish()
    }
}

/// The first bytes of an answer, which tell another protocol.
#[derive(Debug, Default)]
pub(super) struct Spoken {
    begun: [u8; 9],
    len: usize,
}

impl Spoken {
    pub(super) fn hear(&mut self, bytes: &[u8]) {
        let count = bytes.len().min(self.begun.len() - self.len);
        self.begun[self.len..self.len + count].copy_from_slice(&bytes[..count]);
        self.len += count;
    }

    /// The error, or what it comes from.
    pub(super) fn explain(&self, error: ResponseError) -> ConnectError {
        match &self.begun[..self.len] {
            // An alert (RFC 8446, section 5.1).
            [0x15, 0x03, ..] => ConnectError::SpeaksTls,
            // A SETTINGS frame on stream 0 (RFC 9113, section 3.4).
            [0, _, _, 4, _, 0, 0, 0, 0] => ConnectError::SpeaksHttp2,
            _ => ConnectError::Answer(error),
        }
    }
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(error) => error.fmt(f),
            Self::Misuse(error) => error.fmt(f),
            Self::Io(error) => write!(f, "the stream failed: {error}"),
            Self::Answer(error) => error.fmt(f),
            Self::Refused(refused) => {
                let status = refused.status;
                write!(f, "the server opened no WebSocket, and answered with status {status}")?;
                match (status, refused.field("location")) {
                    (300..=399, Some(to)) => write!(f, ": it redirects to {to}"),
                    (401, _) => f.write_str(": it wants credentials"),
                    (403, _) => f.write_str(": it does not allow it, perhaps because of the origin"),
                    (404, _) => f.write_str(": there is nothing at this path"),
                    (426, _) => f.write_str(": it wants another version or protocol"),
                    _ => Ok(()),
                }
            }
            Self::Resolve(error) => write!(f, "the host's address could not be found: {error}"),
            Self::Connect(error) => write!(f, "the host could not be connected to: {error}"),
            #[cfg(feature = "rustls")]
            Self::Tls(error) => match crate::net::explain(error) {
                Some(what) => write!(f, "{what} ({error})"),
                None => write!(f, "TLS failed: {error}"),
            },
            #[cfg(not(feature = "rustls"))]
            Self::Tls(error) => error.fmt(f),
            Self::TimedOut(stage) => f.write_str(match stage {
                Stage::Resolve => "the host's address was not found in time",
                Stage::Connect => "the host did not take the connection in time",
                Stage::Tls => "the server did not answer in time to TLS: does it speak it at this port?",
            }),
            Self::SpeaksTls => f.write_str("the server speaks TLS at this port: use a wss:// URL"),
            Self::SpeaksHttp2 => f.write_str(
                "the server speaks HTTP/2 only at this port, and WebSocket there begins with HTTP/1.1",
            ),
        }
    }
}

impl std::error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Url(error) => Some(error),
            Self::Misuse(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Answer(error) => Some(error),
            Self::Resolve(error) | Self::Connect(error) | Self::Tls(error) => Some(error),
            Self::Refused(_) | Self::TimedOut(_) | Self::SpeaksTls | Self::SpeaksHttp2 => None,
        }
    }
}

impl From<UrlError> for ConnectError {
    fn from(error: UrlError) -> Self {
        Self::Url(error)
    }
}

impl From<HandshakeMisuse> for ConnectError {
    fn from(error: HandshakeMisuse) -> Self {
        Self::Misuse(error)
    }
}

impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}
