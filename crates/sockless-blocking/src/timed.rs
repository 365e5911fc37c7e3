//! A stream with the timeouts that it has, so that they are set only when they change; and how its answers are read.

use std::io::{self, ErrorKind};
use std::time::Duration;

use crate::stream::Stream;

/// The shortest wait: zero would be none to the standard library.
pub(crate) const SHORTEST: Duration = Duration::from_millis(1);

/// What a read or a write has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moved {
    /// This number of bytes.
    Some(usize),
    /// Nothing, and time has passed.
    Nothing,
    /// The stream has failed.
    Failed(ErrorKind),
}

impl Moved {
    fn new(result: io::Result<usize>) -> Self {
        match result {
            Ok(count) => Self::Some(count),
            Err(error) if is_timeout(&error) => Self::Nothing,
            Err(error) => Self::Failed(error.kind()),
        }
    }
}

/// A timeout that is set, or that nothing is known of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastWait(Option<Option<Duration>>);

impl LastWait {
    fn is_new(&mut self, wait: Option<Duration>) -> bool {
        self.0.replace(wait) != Some(wait)
    }
}

/// Reads, and waits for at most this long.
pub(crate) fn read(
    stream: &impl Stream,
    buffer: &mut [u8],
    wait: Option<Duration>,
    last: &mut LastWait,
) -> io::Result<usize> {
    let wait = wait.map(|wait| wait.max(SHORTEST));
    if last.is_new(wait) {
        stream.set_read_timeout(wait)?;
    }
    stream.read(buffer)
}

/// Reads, and waits for at most this long.
pub(crate) fn read_some(
    stream: &impl Stream,
    buffer: &mut [u8],
    wait: Option<Duration>,
    last: &mut LastWait,
) -> Moved {
    Moved::new(read(stream, buffer, wait, last))
}

/// Writes, and waits for at most this long.
pub(crate) fn write_some(
    stream: &impl Stream,
    bytes: &[u8],
    wait: Duration,
    last: &mut LastWait,
) -> Moved {
    let wait = Some(wait.max(SHORTEST));
    if last.is_new(wait)
        && let Err(error) = stream.set_write_timeout(wait)
    {
        return Moved::Failed(error.kind());
    }
    match Moved::new(stream.write(bytes)) {
        Moved::Some(0) => Moved::Failed(ErrorKind::WriteZero),
        moved => moved,
    }
}

/// Whether nothing is wrong but that time has passed. What it is called depends on the system.
pub(crate) fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
