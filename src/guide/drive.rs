// The loop of the chapter `driver` for both roles, which the chapters after it include.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Instant;

use sockless::connection::Side;
use sockless::{Connection, Event, Input, Outcome, Want};

/// Drives a connection of either role to its end. `hear` gets every event, and `None` where there is nothing more for now: that is the moment to
/// send what nobody has asked for, as long as the connection isn't congested.
fn drive<R: Side>(
    mut tcp: TcpStream,
    mut connection: Connection<R>,
    first: Input<'_>,
    started: Instant,
    mut hear: impl FnMut(&mut Connection<R>, Option<Event<'_>>) -> Result<(), Box<dyn Error>>,
) -> Result<Outcome, Box<dyn Error>> {
    let mut buffer = vec![0; 64 << 10];
    let mut input = first;
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, started.elapsed()) {
            hear(&mut connection, Some(event))?;
        }
        hear(&mut connection, None)?;
        // 2. Do what the connection wants, for as long as it can wait.
        let timeout = connection.want().timeout(started.elapsed());
        tcp.set_read_timeout(timeout)?;
        tcp.set_write_timeout(timeout)?;
        match connection.want() {
            Want::Done(outcome) => return Ok(outcome),
            Want::ShutdownWrite => {
                tcp.shutdown(Shutdown::Write)?;
                connection.shut();
            }
            Want::Io { write: true, .. } => connection.wrote(tcp.write(connection.output())),
            Want::Io { read: true, .. } => input = Input::read(tcp.read(&mut buffer), &mut buffer),
            Want::Io { .. } => {} // only time has to pass
        }
    }
}
