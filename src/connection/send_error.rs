//! Why something could not be sent.

use core::{error, fmt};

use crate::frame::Misuse;
use crate::message::Message;

/// Why something could not be sent. The connection is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SendError {
    /// It would have broken a rule of sending, a mistake of the program: mend the call. [`Misuse::Closed`] alone is ordinary, where the
    /// closing handshake may have begun meanwhile: there is nothing more to send.
    Misuse(Misuse),
    /// The output queue is at its hard limit. Write what waits, then send it again; or drop it; or close a connection that reads too slowly. To
    /// come to know it earlier, look at [`is_congested`](crate::Connection::is_congested).
    QueueFull,
    /// The connection has failed, or its closing handshake has taken too long. Go on with the loop until
    /// [`Want::Done`](crate::Want::Done), whose outcome says why; what has to arrive goes over another connection.
    Failed,
}

/// A message that was not sent, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// The message, given back.
    pub message: Message,
    /// Why it was not sent.
    pub reason: SendError,
}

impl From<Misuse> for SendError {
    fn from(misuse: Misuse) -> Self {
        Self::Misuse(misuse)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Misuse(misuse) => misuse.fmt(f),
            Self::QueueFull => {
                f.write_str("the output queue is at `Config::hard_limit`: write what waits first")
            }
            Self::Failed => {
                f.write_str("the connection has failed, or has taken too long to close")
            }
        }
    }
}

impl error::Error for SendError {}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl error::Error for Refused {}
