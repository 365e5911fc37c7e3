//! A stream that waits, but never for long.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How much is read at once.
pub(crate) const BUFFER: usize = 64 << 10;
/// How often a thread that waits looks whether it is over.
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// How long a client that was answered may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);

/// Sets what the functions here rely on.
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(LOOK))
}

/// `None` if nothing arrived in time.
pub(crate) fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if is_timeout(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes all of it; fails once that has taken longer than `limit`.
pub(crate) fn write_all(
    mut stream: &TcpStream,
    mut bytes: &[u8],
    limit: Duration,
) -> io::Result<()> {
    let started = Instant::now();
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if is_timeout(&error) => {}
            Err(error) => return Err(error),
        }
        if !bytes.is_empty() && started.elapsed() >= limit {
            return Err(ErrorKind::TimedOut.into());
        }
    }
    Ok(())
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}

/// Writes an answer that opens nothing. The client reads it before it closes; what it still sends is read until then, so that
/// nothing resets the stream.
pub(crate) fn finish(client: &TcpStream, answer: &[u8]) -> io::Result<()> {
    write_all(client, answer, LINGER)?;
    let _ = client.shutdown(Shutdown::Write); // the peer may be gone already
    let deadline = Instant::now() + LINGER;
    while Instant::now() < deadline && read(client, &mut [0; 1024])? != Some(0) {}
    Ok(())
}
