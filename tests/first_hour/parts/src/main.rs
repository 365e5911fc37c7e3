//! Sends standard input as one message over a connection of TCP, and stores it at the other side, in standard output; both in constant memory: `parts <FROM >TO`.

use std::io::{Read, Write, stdin, stdout};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::{error::Error, thread, time::Instant};

use sockless::connection::Side;
use sockless::{CloseCode, Config, Connection, Delivery, Event, Input, Limits, Outcome, Want};

/// Sends all that can be read as one message.
pub fn send(tcp: TcpStream, mut file: impl Read) -> Result<Outcome, Box<dyn Error>> {
    let (started, mut piece, mut over) = (Instant::now(), vec![0; 64 << 10], false);
    let mut connection = Connection::client(Config::default());
    connection.begin_binary(&[], false)?;
    drive(tcp, connection, Input::none(), started, |conn, event| {
        if event.is_none() && !over && !conn.is_congested() {
            let count = file.read(&mut piece)?;
            over = conn.continue_binary(&piece[..count], count == 0).is_err() || count == 0;
            // A connection that has ended takes nothing more, and needs no close: its outcome says why.
            over.then(|| conn.close(CloseCode::NORMAL, "", started.elapsed()));
        }
        Ok(())
    })
}

/// Stores the message that comes. It is an error if not all of it is in the file.
pub fn store(tcp: TcpStream, mut file: impl Write) -> Result<(), Box<dyn Error>> {
    // By default they are 16 MiB, for messages in parts as well.
    let limits = Limits::default().with_frame(1 << 40).with_message(1 << 40);
    let config = Config::default().with_delivery(Delivery::Parts);
    let connection = Connection::server(config.with_limits(limits));
    let (started, mut whole) = (Instant::now(), Ok(false));
    let outcome = drive(tcp, connection, Input::none(), started, |conn, event| {
        // Once a write has failed, the parts that still come are thrown away.
        if let (Some(Event::Part(part)), Ok(false)) = (event, &whole) {
            let stored = file.write_all(part.content.as_bytes());
            whole = stored.and_then(|()| file.flush()).map(|()| part.last);
            if whole.is_err() {
                let _ = conn.close(CloseCode::INTERNAL_ERROR, "not stored", started.elapsed());
            }
        }
        Ok(())
    })?;
    Ok(whole?.then_some(()).ok_or(format!("cut: {outcome:?}"))?)
}

/// Drives a connection of either role to its end. `hear` gets every event, and `None` where there is nothing more for now: that is the moment to
/// send what nobody has asked for, as long as the connection isn't congested. `first` is what came with the opening handshake.
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
                let _ = tcp.shutdown(Shutdown::Write); // the peer may be gone already
                connection.shut();
            }
            // Where both are to be done, reading doesn't wait, and writing only if nothing was read.
            Want::Io { read, write, .. } => {
                if read {
                    tcp.set_nonblocking(write)?;
                    input = Input::read(tcp.read(&mut buffer), &mut buffer);
                }
                if write {
                    tcp.set_nonblocking(!input.is_empty())?;
                    connection.wrote(tcp.write(connection.output()));
                }
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let tcp = TcpStream::connect(listener.local_addr()?)?;
    let sending = thread::spawn(|| send(tcp, stdin()).map_err(|error| error.to_string()));
    let stored = store(listener.accept()?.0, stdout());
    let outcome = sending.join().expect("no panic")?;
    eprintln!("the receiver closed with {}", outcome.received.number());
    stored
}
