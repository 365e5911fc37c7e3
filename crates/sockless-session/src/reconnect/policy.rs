//! Which outcomes deserve another try. When it is due is the machine's business.

use core::time::Duration;

/// How a try, or a connection, has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome {
    /// There was no connection: the name wasn't found, nobody listened, TLS failed for the moment, the time was up.
    Unreachable,
    /// The server answered the opening handshake with another status than 101.
    Refused {
        /// The status.
        status: u16,
        /// The delay that the server asks for: see [`retry_after`](super::retry_after).
        retry_after: Option<Duration>,
    },
    /// The answer to the opening handshake was wrong: this is no WebSocket server, or it speaks another subprotocol.
    BadHandshake,
    /// The connection ended with a Close frame of the peer.
    Closed {
        /// Its code, if it had one.
        code: Option<u16>,
        /// The delay that it asks for: see [`asked_by_close_reason`](super::asked_by_close_reason).
        retry_after: Option<Duration>,
    },
    /// The connection was lost without a Close frame, or the peer was silent for too long.
    Lost,
    /// This side has closed it because the peer broke a protocol.
    Failed,
}

/// Whether another try is worth while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// Try again.
    Retry,
    /// It would end in the same way.
    Stop,
}

/// Which outcomes deserve another try.
///
/// | outcome | by default |
/// |---|---|
/// | unreachable, lost | retry |
/// | status 408, 421, 425, 429, 500, 502, 503, 504 and others from 500 on, but 501 and 505 | retry |
/// | other statuses: redirects, 400, 401, 403, 404, 426 and so on | stop |
/// | a wrong answer to the handshake | stop |
/// | close codes 1001, 1005 (none), 1006, 1011, 1012, 1013, 1014, 4408 | retry |
/// | close code 1000 | stop: it is done |
/// | other close codes: 1002, 1003, 1007 to 1010, 3000 to 4999 | stop |
/// | failed | stop |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Policy {
    /// Whether a normal closure (1000) is followed by another try: no by default. A feed that has to go on says yes.
    pub after_normal: bool,
    /// Whether close codes of the application's own (3000 to 4999, but not those of this crate) are: no by default.
    pub after_private: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Policy {
    /// The default.
    pub const DEFAULT: Self = Self { after_normal: false, after_private: false };

    /// The same policy, trying again after a normal closure or not.
    #[must_use]
    pub const fn with_after_normal(mut self, retry: bool) -> Self {
        self.after_normal = retry;
        self
    }

    /// The same policy, trying again after private close codes or not.
    #[must_use]
    pub const fn with_after_private(mut self, retry: bool) -> Self {
        self.after_private = retry;
        self
    }

    /// Whether another try is worth while after this outcome.
    pub const fn judge(&self, outcome: Outcome) -> Worth {
        let retry = match outcome {
            Outcome::Unreachable | Outcome::Lost => true,
            Outcome::Refused { status, .. } => is_status_temporary(status),
            Outcome::Closed { code, .. } => self.is_code_temporary(code),
            Outcome::BadHandshake | Outcome::Failed => false,
        };
        if retry { Worth::Retry } else { Worth::Stop }
    }

    const fn is_code_temporary(&self, code: Option<u16>) -> bool {
        match code {
            None => true,
            Some(1000) => self.after_normal,
            Some(1001 | 1005 | 1006 | 1011..=1014 | 4408) => true,
            // The session's: a violation would be one again, and who has superseded us would be superseded.
            Some(4400 | 4409) => false,
            Some(3000..=4999) => self.after_private,
            Some(_) => false,
        }
    }
}

const fn is_status_temporary(status: u16) -> bool {
    match status {
        408 | 421 | 425 | 429 => true,
        501 | 505 => false,
        500..=599 => true,
        _ => false,
    }
}
