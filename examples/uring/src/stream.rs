//! Writing to a stream as much as it takes now, though it is one that waits: the ring's operations have to be able to.

use std::io::{self, ErrorKind, IoSlice};
use std::net::TcpStream;

use socket2::SockRef;

/// MSG_DONTWAIT.
const DONT_WAIT: i32 = 0x40;

/// How much was written; none if the stream takes nothing now.
pub(crate) fn write(stream: &TcpStream, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let stream = SockRef::from(stream);
    loop {
        let written = match slices {
            [slice] => stream.send_with_flags(slice, DONT_WAIT),
            _ => stream.send_vectored_with_flags(slices, DONT_WAIT),
        };
        match written {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
            written => return written,
        }
    }
}
