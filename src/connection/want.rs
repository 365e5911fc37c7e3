//! What a connection wants of its driver. `Connection::want` decides it, for a receiving half alone `Receiver::want`.

use core::time::Duration;

use super::outcome::Outcome;
use crate::words::time::timeout;

/// How long a call may wait for the one direction while the other is wanted, too.
const MOMENT: Duration = Duration::from_millis(5);

/// What a connection wants of its driver. A driver has to do all of it, so that this is meant to be matched without a wildcard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "what the connection wants is for the driver to do"]
pub enum Want {
    /// Bytes to go in or out, or time to pass.
    Io {
        /// Input is welcome. If not, messages are held while output waits, or input is kept that has to be used first. Input that is
        /// handed in all the same is copied.
        read: bool,
        /// Output is waiting; for a receiving half alone, a reply that is to be taken.
        write: bool,
        /// Poll again at this time, if nothing arrives before it: with [`Input::none`](crate::Input::none), and at once if it has passed.
        deadline: Option<Duration>,
    },
    /// All output has been written, and there will be no more: half-close the stream, then say so with `shut`.
    ShutdownWrite,
    /// Close the stream. The connection has ended, and this is how.
    Done(Outcome),
}

impl Want {
    /// When to poll again at the latest, if nothing arrives before; at once, if it has passed. Only [`Want::Io`] has such a time.
    #[inline]
    pub const fn deadline(&self) -> Option<Duration> {
        match self {
            Self::Io { deadline, .. } => *deadline,
            Self::ShutdownWrite | Self::Done(_) => None,
        }
    }

    /// How long a call that reads or writes may block: until the [deadline](Self::deadline), and never for no time at all, which the standard
    /// library takes for an error. `None`: as long as it likes. Where reading and writing are both wanted it is a few milliseconds at most, because a
    /// call can wait for the one or the other: two peers that both only write would wait for each other.
    #[inline]
    pub fn timeout(&self, now: Duration) -> Option<Duration> {
        let until = timeout(self.deadline(), now);
        match self {
            Self::Io { read: true, write: true, .. } => {
                Some(until.map_or(MOMENT, |until| until.min(MOMENT)))
            }
            _ => until,
        }
    }
}
