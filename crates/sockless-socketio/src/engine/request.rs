//! What a request says as far as this protocol cares, and its answer. What is decided about it is in `table`.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

use bytes::Bytes;

use super::packet::Packet;
use super::payload::encode_payload;
use super::query::query_values;
use super::refusal::Refusal;
use super::table::RequestId;

/// The head of a request. `Debug` doesn't show the query, which may have secrets in it.
#[derive(Clone)]
pub struct Head<'a> {
    pub(super) method: &'a str,
    pub(super) query: &'a str,
    pub(super) content_type: &'a str,
    /// What the query says.
    transport: Option<Cow<'a, str>>,
    version: Option<Cow<'a, str>>,
    sid: Option<Cow<'a, str>>,
    stamp: Option<Cow<'a, str>>,
}

impl fmt::Debug for Head<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Head").field("method", &self.method).finish_non_exhaustive()
    }
}

/// A way to carry packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Carrier {
    Polling,
    WebSocket,
}

impl<'a> Head<'a> {
    /// A head with this method and query. A request for a WebSocket is a GET, over HTTP/2 as well.
    pub fn new(method: &'a str, query: &'a str) -> Self {
        let values = query_values(query, ["transport", "EIO", "sid", "t"]);
        let [transport, version, sid, stamp] = values;
        Self { method, query, content_type: "", transport, version, sid, stamp }
    }

    /// The same with the field `Content-Type`.
    #[must_use]
    pub fn with_content_type(mut self, content_type: &'a str) -> Self {
        self.content_type = content_type;
        self
    }

    /// The transport that it is for.
    pub(super) fn carrier(&self) -> Result<Carrier, Refusal> {
        match self.transport.as_deref() {
            Some("polling") => Ok(Carrier::Polling),
            Some("websocket") => Ok(Carrier::WebSocket),
            _ => Err(Refusal::Transport),
        }
    }

    /// Whether it speaks this version of the protocol.
    pub(super) fn check_version(&self) -> Result<(), Refusal> {
        match self.version.as_deref() {
            Some("4") => Ok(()),
            _ => Err(Refusal::Version),
        }
    }

    /// The id of the session that it is for.
    pub(super) fn sid(&self) -> Option<&str> {
        self.sid.as_deref().filter(|sid| !sid.is_empty())
    }

    /// What the client has put there so that no two of its requests are the same.
    pub(super) fn stamp(&self) -> Option<&str> {
        self.stamp.as_deref().filter(|stamp| !stamp.is_empty())
    }

    /// Whether its body is said to be bytes, which this version of the protocol never has.
    pub(super) fn is_octets(&self) -> bool {
        let essence = self.content_type.split(';').next().unwrap_or_default();
        essence.trim().eq_ignore_ascii_case("application/octet-stream")
    }
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is answered.
    Answer(Answer),
    /// Its answer comes later, as an [`Output`](super::Output); or it has come already.
    Wait(RequestId),
    /// Its body is to be read, up to the limit in bytes, and handed to [`Engine::body`](super::Engine::body).
    Body(RequestId, usize),
}

/// What has become of a request's body.
#[derive(Clone, PartialEq, Eq)]
pub enum Body {
    /// It is whole.
    Whole(Bytes),
    /// It has more bytes than the limit allows; the rest was not read.
    TooLarge,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(body) => f.debug_tuple("Whole").field(&body.len()).finish(),
            Self::TooLarge => f.write_str("TooLarge"),
        }
    }
}

/// The answer to a request.
#[derive(Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    content_type: &'static str,
    body: Bytes,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Answer");
        shown.field("status", &self.status).field("len", &self.body.len()).finish_non_exhaustive()
    }
}

impl Answer {
    pub(super) fn new(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self { status, content_type, body: body.into() }
    }

    /// Packets for a poll.
    pub(super) fn packets(body: String) -> Self {
        Self::new(200, "text/plain; charset=UTF-8", body)
    }

    /// A poll ends with nothing.
    pub(super) fn noop() -> Self {
        Self::packets(encode_payload([&Packet::Noop.encode()]))
    }

    /// A poll ends with its session.
    pub(super) fn close() -> Self {
        Self::packets(encode_payload([&Packet::Close.encode()]))
    }

    /// A body was taken.
    pub(super) fn ok() -> Self {
        // The type that keeps old browsers from offering the answer as a download.
        Self::new(200, "text/html", "ok")
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The field `Content-Type`. Beside it, an answer has `Cache-Control: no-store`.
    pub fn content_type(&self) -> &'static str {
        self.content_type
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The body, by value.
    pub fn into_body(self) -> Bytes {
        self.body
    }
}
