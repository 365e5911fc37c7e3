//! A stream that waits, but never for long.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How much is read at once.
pub(crate) const BUFFER: usize = 64 << 10;
/// How often a thread that waits looks whether it is over.
pub(crate) const LOOK: Duration = Duration::from_millis(250);
/// How long the server may take to answer, and either side to take what is written.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
pub(crate) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(PATIENCE))
}

/// `None` if nothing arrived in time.
pub(crate) fn read(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

/// Writes an answer that opens nothing. The client reads it before it closes; what it still sends is read until then, so that
/// nothing resets the stream.
pub(crate) fn finish(mut client: &TcpStream, answer: &[u8]) -> io::Result<()> {
    client.write_all(answer)?;
    client.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + LOOK * 4;
    while Instant::now() < deadline && read(client, &mut [0; 1024])? != Some(0) {}
    Ok(())
}
