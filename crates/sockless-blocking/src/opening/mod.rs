//! The opening handshake, in both roles, and the deadline for all of it.

mod accept;
mod client_options;
mod connect_error;
mod connect_over;
mod server_options;

use std::io::{self, ErrorKind};
use std::time::Duration;

pub use accept::{AcceptError, Decision, accept, accept_with};
pub use client_options::ClientOptions;
pub use connect_error::{ConnectError, Refused, Stage};
pub use connect_over::connect_over;
pub(crate) use connect_over::{check, open};
pub use server_options::ServerOptions;

use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::stream::Stream;
use crate::timed::{self, LastWait, SHORTEST, is_timeout};

/// A stream on which a handshake is going on.
struct Handshaking<'s, S> {
    stream: &'s S,
    clock: Clock,
    /// When it has to be over.
    ends: Option<Duration>,
    reads: LastWait,
}

impl<S: Stream> Handshaking<'_, S> {
    /// What is left of the time; `None` is without end.
    fn left(&self) -> Option<Duration> {
        self.ends.map(|at| at.saturating_sub(self.clock.now()))
    }

    fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    /// Reads once; `None` if nothing has come, and time has passed.
    fn read(&mut self, buffer: &mut Buffer) -> io::Result<Option<usize>> {
        let left = self.left();
        match timed::read(self.stream, buffer.room(), left, &mut self.reads) {
            Ok(count) => {
                buffer.filled(count);
                Ok(Some(count))
            }
            Err(error) if is_timeout(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes all of it: whether there was time for that.
    fn write_all(&self, mut bytes: &[u8]) -> io::Result<bool> {
        while !bytes.is_empty() {
            if self.is_over() {
                return Ok(false);
            }
            self.stream.set_write_timeout(self.left().map(|left| left.max(SHORTEST)))?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
