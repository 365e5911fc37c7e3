//! A stream of bytes, as far as this crate needs one, and those of the standard library.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A stream of bytes in both directions, that one thread reads and another one writes.
///
/// It is implemented for `TcpStream`, for `UnixStream`, for [`NetStream`](crate::NetStream) and, with the feature `rustls`, for `TlsStream`; a reader and a
/// writer of any other kind become one in [`Piped`](crate::Piped). To implement it, keep to what is said here:
///
/// - A call that waits for longer than its timeout returns [`WouldBlock`](io::ErrorKind::WouldBlock) or [`TimedOut`](io::ErrorKind::TimedOut). It may do so
///   earlier, if something has happened below that doesn't show here. [`Interrupted`](io::ErrorKind::Interrupted) is no error either.
/// - Reading doesn't wait for writing, nor writing for reading: each is called by one thread at a time, and both may be called at once.
/// - What a write didn't take is offered again by the next one, with the same bytes first.
pub trait Stream: Send + Sync {
    /// Reads what has arrived, and waits for it for at most the timeout. Zero is the end of the peer's stream.
    ///
    /// # Errors
    ///
    /// If nothing has arrived in time, or the stream has failed.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes as much as is taken, and waits for it for at most the timeout: how much that was.
    ///
    /// # Errors
    ///
    /// If nothing was taken in time, or the stream has failed.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Sets how long a read waits: `None` is without end. It is never zero.
    ///
    /// # Errors
    ///
    /// If it can't be set.
    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Sets how long a write waits: `None` is without end. It is never zero.
    ///
    /// # Errors
    ///
    /// If it can't be set.
    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()>;

    /// Says to the peer that nothing more will be written. The peer can still be read from.
    ///
    /// # Errors
    ///
    /// If the stream has failed.
    fn shutdown_write(&self) -> io::Result<()>;

    /// Closes both directions. A read that waits in another thread returns.
    fn close(&self);

    /// Makes the stream ready to be used here: called once, before anything else. By default there is nothing to do.
    ///
    /// # Errors
    ///
    /// If the stream has failed.
    fn prepare(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Stream for TcpStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut &*self, buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut &*self, bytes)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, timeout)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn close(&self) {
        // The peer may have closed it already.
        let _ = self.shutdown(Shutdown::Both);
    }

    /// Blocking, whatever it was before, and without delay: what is written is meant to go out.
    fn prepare(&self) -> io::Result<()> {
        self.set_nonblocking(false)?;
        self.set_nodelay(true)
    }
}

#[cfg(unix)]
impl Stream for std::os::unix::net::UnixStream {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Read::read(&mut &*self, buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Write::write(&mut &*self, bytes)
    }

    fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_read_timeout(self, timeout)
    }

    fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Self::set_write_timeout(self, timeout)
    }

    fn shutdown_write(&self) -> io::Result<()> {
        self.shutdown(Shutdown::Write)
    }

    fn close(&self) {
        // The peer may have closed it already.
        let _ = self.shutdown(Shutdown::Both);
    }

    fn prepare(&self) -> io::Result<()> {
        self.set_nonblocking(false)
    }
}

macro_rules! pass_on {
    ($($pointer:ty),*) => {$(
        impl<S: Stream + ?Sized> Stream for $pointer {
            fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
                (**self).read(buffer)
            }

            fn write(&self, bytes: &[u8]) -> io::Result<usize> {
                (**self).write(bytes)
            }

            fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                (**self).set_read_timeout(timeout)
            }

            fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
                (**self).set_write_timeout(timeout)
            }

            fn shutdown_write(&self) -> io::Result<()> {
                (**self).shutdown_write()
            }

            fn close(&self) {
                (**self).close();
            }

            fn prepare(&self) -> io::Result<()> {
                (**self).prepare()
            }
        }
    )*};
}

pass_on!(Arc<S>, Box<S>);
