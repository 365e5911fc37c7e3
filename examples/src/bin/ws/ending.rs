//! How the program ends: a status for scripts, and words that say what can be done.

use std::io;

use sockless::Outcome;
use sockless::connection::{Cause, Failure, Initiator};
use sockless::handshake::{Response, ResponseError};

/// How the program ends.
pub(crate) struct Ending {
    pub(crate) status: u8,
    pub(crate) text: Option<String>,
}

impl Ending {
    fn new(status: u8, text: impl Into<String>) -> Self {
        Self { status, text: Some(text.into()) }
    }

    /// Nothing to say.
    pub(crate) fn silent() -> Self {
        Self { status: 0, text: None }
    }

    /// The command line, or the input, can't be used.
    pub(crate) fn unusable(text: String) -> Self {
        Self::new(2, text)
    }

    /// The server could not be reached.
    pub(crate) fn unreached(text: String) -> Self {
        Self::new(3, text)
    }

    /// The connection was lost.
    pub(crate) fn lost(error: io::Error) -> Self {
        Self::new(6, format!("the connection was lost: {error}"))
    }

    /// The stream failed before the connection was open.
    pub(crate) fn of_transport(error: io::Error) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(why)) => Self::unreached(format!(
                "the server's certificate can't be trusted: {why}. If you know the server, name its authority with \
                 SSL_CERT_FILE=FILE, or give --insecure"
            )),
            Some(rustls::Error::InvalidMessage(_)) => Self::unreached(format!(
                "the server does not answer with TLS: {error}. Without TLS, the URL begins with ws://"
            )),
            Some(_) => Self::unreached(format!("no TLS connection: {error}")),
            None => Self::lost(error),
        }
    }

    /// The server has answered with something else than a WebSocket.
    pub(crate) fn refused(response: &Response<'_>) -> Self {
        let field = |name| {
            response
                .field(name)
                .map(|value| String::from_utf8_lossy(value).escape_debug().to_string())
        };
        let next = match response.status() {
            300..=399 => match field("location") {
                Some(place) => format!("it points to {place}; connect there"),
                None => "it points elsewhere".into(),
            },
            401 => match field("www-authenticate") {
                Some(how) => format!("it demands {how}; give --header \"Authorization: ...\""),
                None => "it demands --header \"Authorization: ...\"".into(),
            },
            403 => "it may want another --origin, or a --header that says who you are".into(),
            404 => "there may be a WebSocket at another path of the URL".into(),
            426 => format!(
                "it speaks other versions of the protocol: {}",
                field("sec-websocket-version").unwrap_or_default()
            ),
            429 | 503 => match field("retry-after") {
                Some(time) => format!("try again after {time}"),
                None => "try again later".into(),
            },
            200..=299 => "there is no WebSocket at this path of the URL".into(),
            _ => "see the server's log".into(),
        };
        let body = response.body();
        let body = String::from_utf8_lossy(&body[..body.len().min(300)]);
        let body = match body.trim() {
            "" => String::new(),
            body => format!("\n  {}", body.escape_debug()),
        };
        Self::new(4, format!("the server refused with status {}: {next}{body}", response.status()))
    }

    /// The server's answer is none.
    pub(crate) fn of_answer(error: ResponseError) -> Self {
        match error {
            ResponseError::Timeout => {
                Self::new(6, "the server did not answer in time; --timeout SECONDS waits longer")
            }
            ResponseError::Truncated => Self::new(
                6,
                "the server closed the connection without an answer; is the scheme right, ws:// or wss://?",
            ),
            ResponseError::StatusLine => {
                Self::new(5, "the server does not speak HTTP here; is the port right?")
            }
            error => Self::new(5, format!("the server's answer breaks the rules: {error}")),
        }
    }

    /// The end of an open connection.
    pub(crate) fn of(outcome: &Outcome) -> Self {
        let received = outcome.received.number();
        match outcome.cause {
            Cause::Failed(Failure::Violation(violation)) => {
                Self::new(5, format!("the connection was closed: {violation}"))
            }
            Cause::Failed(failure) => Self::new(6, format!("the connection was lost: {failure}")),
            _ if !outcome.received.is_present() => {
                Self::new(6, "the server did not answer the closing of the connection")
            }
            _ if outcome.initiator != Some(Initiator::Remote)
                || matches!(received, 1000 | 1001 | 1005) =>
            {
                Self::silent()
            }
            _ => Self::new(1, format!("the server closed the connection with code {received}")),
        }
    }
}
