//! How the program ends: a status for scripts, and words that say why and what can be done.

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sockless::Outcome;
use sockless::connection::{Cause, CloseStatus, Failure, Initiator};
use sockless::frame::Violation;
use sockless::handshake::{Response, ResponseError};
use sockless_session::reconnect;

use crate::screen::{escaped, note};

/// The status after a signal while nothing was open.
pub(crate) const INTERRUPTED: u8 = 130;
/// How much of a refusal's body is shown.
const BODY: usize = 300;

/// How the program, or a try to connect, ends.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) status: u8,
    /// Why, for people. It has been escaped, and may have several lines.
    pub(crate) text: String,
    /// The same for the decision whether to connect again: `None` if it was our own wish, or won't get better.
    pub(crate) again: Option<reconnect::Outcome>,
}

impl Ending {
    fn new(status: u8, text: impl Into<String>) -> Self {
        Self { status, text: text.into(), again: None }
    }

    fn or_again(mut self, outcome: reconnect::Outcome) -> Self {
        self.again = Some(outcome);
        self
    }

    /// Says it, if there is something to say.
    pub(crate) fn say(&self, quiet: bool) {
        if !self.text.is_empty() && (self.status != 0 || !quiet) {
            note(&self.text);
        }
    }

    /// There is nothing to say.
    pub(crate) fn silent() -> Self {
        Self::new(0, "")
    }

    /// The command line, or the input, can't be used.
    pub(crate) fn unusable(text: impl Into<String>) -> Self {
        Self::new(2, text)
    }

    /// The server could not be reached.
    pub(crate) fn unreached(text: impl Into<String>) -> Self {
        Self::new(3, text).or_again(reconnect::Outcome::Unreachable)
    }

    /// The server, or the way to it, can't be trusted or doesn't trust us.
    pub(crate) fn distrusted(text: impl Into<String>) -> Self {
        Self::new(3, text)
    }

    /// The connection was lost.
    pub(crate) fn lost(error: &io::Error) -> Self {
        Self::new(6, format!("the connection was lost: {error}")).or_again(reconnect::Outcome::Lost)
    }

    /// An answer was awaited, and none came.
    pub(crate) fn unanswered(text: &str) -> Self {
        Self::new(6, text)
    }

    /// The time of `--max-time` is over.
    pub(crate) fn time_is_over() -> Self {
        Self::new(6, "the time of --max-time is over")
    }

    /// The command of `--exec` failed.
    pub(crate) fn command(text: impl Into<String>) -> Self {
        Self::new(7, text)
    }

    /// The stream failed before the connection was open; `elsewhere` is the URL with the other scheme.
    pub(crate) fn of_stream(error: &io::Error, in_tls: bool, elsewhere: &str) -> Self {
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match tls {
            Some(rustls::Error::InvalidCertificate(why)) => Self::distrusted(format!(
                "the server's certificate can't be trusted: {why}. If you know the server, name its authority with \
                 --roots FILE, or give --insecure"
            )),
            Some(rustls::Error::InvalidMessage(_)) => {
                Self::distrusted(format!("the server does not answer with TLS: try {elsewhere}"))
            }
            Some(_) => Self::distrusted(format!("no TLS connection: {error}")),
            None if in_tls => Self::unreached(format!(
                "the server ended the connection when TLS began ({error}); if it doesn't speak TLS there, try {elsewhere}"
            )),
            None => Self::lost(error),
        }
    }

    /// The server has answered with something else than a WebSocket.
    pub(crate) fn refused(response: &Response<'_>, body: &[u8], elsewhere: &str) -> Self {
        let status = response.status();
        let after = response
            .field("retry-after")
            .and_then(|value| reconnect::retry_after(std::str::from_utf8(value).ok()?, unix_now()));
        let advice = advice(response, body, elsewhere);
        let mut text = format!("the server refused with status {status}: {advice}");
        for field in response.fields() {
            let value = String::from_utf8_lossy(field.value);
            text += &format!("\n  {}: {}", escaped(field.name), escaped(&value));
        }
        let shown = String::from_utf8_lossy(&body[..body.len().min(BODY)]);
        for line in shown.trim().lines() {
            text += &format!("\n  | {}", escaped(line));
        }
        Self::new(4, text).or_again(reconnect::Outcome::Refused { status, retry_after: after })
    }

    /// The server's answer breaks the rules, or there was none in time; `began_tls` says whether it begins as TLS does.
    pub(crate) fn of_answer(error: ResponseError, began_tls: bool, elsewhere: &str) -> Self {
        match error {
            _ if began_tls => {
                Self::new(5, format!("the server speaks TLS at this port: try {elsewhere}"))
            }
            ResponseError::Timeout => {
                Self::new(6, "the server did not answer in time; --timeout SECONDS waits longer")
                    .or_again(reconnect::Outcome::Unreachable)
            }
            ResponseError::Truncated => Self::new(
                6,
                format!(
                    "the server closed the connection without an answer; is the scheme right? If not, try {elsewhere}"
                ),
            )
            .or_again(reconnect::Outcome::Lost),
            ResponseError::StatusLine => {
                Self::new(5, "the server does not speak HTTP here; is the port right?")
            }
            error => Self::new(5, format!("the server's answer breaks the rules: {error}")),
        }
    }

    /// The end of an open connection; `reason` came with the peer's Close frame, and `peer` is what it is called.
    pub(crate) fn of(outcome: &Outcome, reason: &str, peer: &str) -> Self {
        let received = code(outcome.received, reason);
        match outcome.cause {
            Cause::Failed(Failure::Violation(
                Violation::FrameTooLong | Violation::MessageTooLong,
            )) => {
                let text = format!(
                    "{peer} sent a message that is too long; --max-message BYTES receives longer ones"
                );
                Self::new(5, text).or_again(reconnect::Outcome::Failed)
            }
            Cause::Failed(failure @ Failure::Violation(_)) => {
                let text =
                    format!("{peer} broke the protocol, and the connection was closed: {failure}");
                Self::new(5, text).or_again(reconnect::Outcome::Failed)
            }
            Cause::Failed(failure) => Self::new(6, format!("the connection was lost: {failure}"))
                .or_again(reconnect::Outcome::Lost),
            _ if !outcome.received.is_present() => {
                Self::new(6, format!("{peer} did not answer the closing of the connection"))
            }
            _ if outcome.initiator != Some(Initiator::Remote) => {
                let sent = code(outcome.sent, "");
                Self::new(0, format!("closed with {sent}, and {peer} answered with {received}"))
            }
            _ => {
                let number = outcome.received.number();
                let again = reconnect::Outcome::Closed {
                    code: outcome.received.code().map(|code| code.get()),
                    retry_after: reconnect::asked_by_close_reason(reason),
                };
                let status = u8::from(!matches!(number, 1000 | 1001 | 1005));
                Self::new(status, format!("{peer} closed the connection with {received}"))
                    .or_again(again)
            }
        }
    }
}

/// What a Close frame said.
fn code(status: CloseStatus, reason: &str) -> String {
    let mut text = match status.code() {
        None => "no code".to_owned(),
        Some(code) => match code.name() {
            Some(name) => format!("code {code} ({name})"),
            None => format!("code {code}"),
        },
    };
    if !reason.is_empty() {
        text += &format!(", \"{}\"", escaped(reason));
    }
    text
}

/// What can be done about a refusal.
fn advice(response: &Response<'_>, body: &[u8], elsewhere: &str) -> String {
    let field = |name| {
        response.field(name).map(|value| escaped(&String::from_utf8_lossy(value)).into_owned())
    };
    let body = String::from_utf8_lossy(&body[..body.len().min(4 * BODY)]).to_ascii_lowercase();
    match response.status() {
        // What servers say in plain words to who speaks no TLS.
        400 if elsewhere.starts_with("wss") && (body.contains("https") || body.contains("ssl")) => {
            format!("the server speaks TLS at this port: try {elsewhere}")
        }
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
        426 => match field("sec-websocket-version") {
            Some(versions) => format!("it speaks these versions of the protocol: {versions}"),
            None => "it demands another protocol".into(),
        },
        429 | 503 => match field("retry-after") {
            Some(time) => format!("try again after {time}"),
            None => "try again later".into(),
        },
        200..=299 => "there is no WebSocket at this path of the URL".into(),
        _ => "see the server's log".into(),
    }
}

fn unix_now() -> Option<u64> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().as_ref().map(Duration::as_secs)
}
