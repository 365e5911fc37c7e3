//! TCP as the stream of a connection, on a thread that may wait.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use super::echo::Stream;

/// How long a thread waits for bytes before it looks at the clock, and whether the server is to stop.
const LOOK: Duration = Duration::from_millis(250);

/// A TCP stream, with a clock and a signal.
pub(crate) struct Tcp<'s> {
    stream: TcpStream,
    /// The origin of all times.
    started: Instant,
    stopping: &'s dyn Fn() -> bool,
    /// How long a write may take.
    limit: Duration,
}

impl<'s> Tcp<'s> {
    pub(crate) fn new(
        stream: TcpStream,
        started: Instant,
        stopping: &'s dyn Fn() -> bool,
        limit: Duration,
    ) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK))?;
        stream.set_write_timeout(Some(LOOK))?;
        Ok(Self { stream, started, stopping, limit })
    }
}

impl Stream for Tcp<'_> {
    type Error = io::Error;

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        match self.stream.read(buffer) {
            Ok(count) => Ok(Some(count)),
            Err(error) if is_timeout(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn write(&mut self, mut head: &[u8], mut body: &[u8]) -> io::Result<()> {
        let started = Instant::now();
        while !head.is_empty() || !body.is_empty() {
            match self.stream.write_vectored(&[IoSlice::new(head), IoSlice::new(body)]) {
                Ok(count) => {
                    let of_head = count.min(head.len());
                    (head, body) = (&head[of_head..], &body[count - of_head..]);
                }
                Err(error) if is_timeout(&error) => {}
                Err(error) => return Err(error),
            }
            if !(head.is_empty() && body.is_empty()) && started.elapsed() >= self.limit {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        // A client that is gone need not be told.
        self.stream.shutdown(Shutdown::Write).or(Ok(()))
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn is_stopping(&self) -> bool {
        (self.stopping)()
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
