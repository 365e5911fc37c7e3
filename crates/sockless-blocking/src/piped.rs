//! A stream out of a reader and a writer that know no timeouts: two threads wait in their place.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::stream::Stream;

/// How much waits between a thread and the socket, in each direction.
const ROOM: usize = 64 << 10;

/// A stream out of any reader and any writer: a child process's output and input, pipes, a serial port, a channel of another protocol.
///
/// Neither needs timeouts, because each gets a thread that waits in its place. The threads end with the reader's end and the stream's: one that waits in a
/// read is left alone until something comes.
///
/// ```no_run
/// use std::process::{Command, Stdio};
/// use sockless_blocking::{Piped, connect_over};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let tunnel = Command::new("ssh").args(["host", "-W", "localhost:8080"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
/// let (output, input) = (tunnel.stdout.ok_or("piped")?, tunnel.stdin.ok_or("piped")?);
/// let mut socket = connect_over(Piped::new(output, input)?, "ws://localhost:8080/", ())?;
/// # Ok(())
/// # }
/// ```
pub struct Piped {
    incoming: Arc<Pipe>,
    outgoing: Arc<Pipe>,
}

/// Bytes on their way between a thread and the socket.
#[derive(Default)]
struct Pipe {
    state: Mutex<Flow>,
    changed: Condvar,
}

#[derive(Default)]
struct Flow {
    bytes: VecDeque<u8>,
    /// Whether there will be no more, or none is wanted any more.
    ended: bool,
    failed: Option<ErrorKind>,
    timeout: Option<Duration>,
}

impl Piped {
    /// A stream out of these.
    ///
    /// # Errors
    ///
    /// If a thread can't be started.
    pub fn new(
        mut reader: impl Read + Send + 'static,
        mut writer: impl Write + Send + 'static,
    ) -> io::Result<Self> {
        let (incoming, outgoing) = (Arc::<Pipe>::default(), Arc::<Pipe>::default());
        let (fills, empties) = (Arc::clone(&incoming), Arc::clone(&outgoing));
        thread::Builder::new()
            .name("sockless-reads".into())
            .spawn(move || fills.fill(&mut reader))?;
        thread::Builder::new()
            .name("sockless-writes".into())
            .spawn(move || empties.empty(&mut writer))?;
        Ok(Self { incoming, outgoing })
    }
}

impl Pipe {
    fn lock(&self) -> MutexGuard<'_, Flow> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, Flow>) -> MutexGuard<'a, Flow> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until this is so, or for the timeout that is set.
    fn wait_until<'a>(&'a self, is_so: impl Fn(&Flow) -> bool) -> io::Result<MutexGuard<'a, Flow>> {
        let mut state = self.lock();
        let ends = state.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        while !is_so(&state) {
            state = match ends.map(|at| at.saturating_duration_since(Instant::now())) {
                None => self.wait(state),
                Some(Duration::ZERO) => return Err(ErrorKind::TimedOut.into()),
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state)
                }
            };
        }
        Ok(state)
    }

    fn end(&self, failed: Option<ErrorKind>) {
        let mut state = self.lock();
        state.ended = true;
        state.failed = state.failed.or(failed);
        self.changed.notify_all();
    }

    /// The thread that reads.
    fn fill(&self, reader: &mut impl Read) {
        let mut buffer = vec![0; 16 << 10];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return self.end(None),
                Ok(count) => {
                    let mut state = self.lock();
                    while state.bytes.len() >= ROOM && !state.ended {
                        state = self.wait(state);
                    }
                    if state.ended {
                        return;
                    }
                    state.bytes.extend(&buffer[..count]);
                    self.changed.notify_all();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return self.end(Some(error.kind())),
            }
        }
    }

    /// The thread that writes. When it ends, the writer is dropped, which closes it.
    fn empty(&self, writer: &mut impl Write) {
        loop {
            let mut state = self.lock();
            while state.bytes.is_empty() && !state.ended {
                state = self.wait(state);
            }
            let bytes: Vec<u8> = state.bytes.drain(..).collect();
            self.changed.notify_all();
            drop(state);
            if bytes.is_empty() {
                return;
            }
            if let Err(error) = writer.write_all(&bytes).and_then(|()| writer.flush()) {
                return self.end(Some(error.kind()));
            }
        }
    }
}

impl Stream for Piped {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.incoming.wait_until(|flow| !flow.bytes.is_empty() || flow.ended)?;
        match (state.bytes.is_empty(), state.failed) {
            (true, Some(kind)) => Err(kind.into()),
            _ => {
                let count = state.bytes.read(buffer)?;
                self.incoming.changed.notify_all();
                Ok(count)
            }
        }
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.outgoing.wait_until(|flow| flow.bytes.len() < ROOM || flow.ended)?;
        if state.ended {
            return Err(state.failed.unwrap_or(ErrorKind::BrokenPipe).into());
        }
        let count = bytes.len().min(ROOM - state.bytes.len());
        state.bytes.extend(&bytes[..count]);
        self.outgoing.changed.notify_all();
        Ok(count)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.incoming.lock().timeout = timeout;
        Ok(())
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.outgoing.lock().timeout = timeout;
        Ok(())
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.outgoing.end(None);
        Ok(())
    }

    fn close(&self) {
        self.incoming.end(None);
        self.outgoing.end(None);
    }
}

impl Drop for Piped {
    /// What was written still goes out.
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Piped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Piped").finish_non_exhaustive()
    }
}
