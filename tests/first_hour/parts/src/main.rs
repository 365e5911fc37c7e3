//! Sends a file as one message over a connection of TCP, and stores it at the other side, both in constant memory: `parts FROM TO`.

use std::error::Error;
use std::fs::File;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Instant;
use std::{env, thread};

use sockless::connection::Side;
use sockless::{CloseCode, Config, Connection, Delivery, Event, Input, Limits, Outcome, Want};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// The longest message that is taken. By default it is 16 MiB, for messages in parts as well.
const LONGEST: u64 = 1 << 40;

/// Drives a connection of either role to its end. `hear` gets every event, and `None` where there is nothing more for now.
fn drive<R: Side>(
    mut tcp: TcpStream,
    mut connection: Connection<R>,
    started: Instant,
    mut hear: impl FnMut(&mut Connection<R>, Option<Event<'_>>) -> Result<()>,
) -> Result<Outcome> {
    let mut buffer = vec![0; 64 << 10];
    let mut input = Input::none();
    loop {
        while let Some(event) = connection.poll(&mut input, started.elapsed()) {
            hear(&mut connection, Some(event))?;
        }
        hear(&mut connection, None)?;
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

/// Sends all that can be read as one message.
pub fn send(tcp: TcpStream, mut file: impl Read) -> Result<Outcome> {
    let (started, mut piece, mut over) = (Instant::now(), vec![0; 64 << 10], false);
    let mut connection = Connection::client(Config::default());
    connection.begin_binary(&[], false)?;
    drive(tcp, connection, started, |connection, event| {
        if event.is_none() && !over && !connection.is_congested() {
            let count = file.read(&mut piece)?;
            let sent = connection.continue_binary(&piece[..count], count == 0);
            // A connection that has ended takes nothing more, and needs no close: its outcome says why.
            over = count == 0 || sent.is_err();
            if over {
                let _ = connection.close(CloseCode::NORMAL, "", started.elapsed());
            }
        }
        Ok(())
    })
}

/// Stores the message that comes.
pub fn store(tcp: TcpStream, mut file: impl Write) -> Result<Outcome> {
    let config = Config::default().with_delivery(Delivery::Parts);
    let limits = Limits::default().with_frame(LONGEST);
    let config = config.with_limits(limits.with_message(LONGEST));
    let connection = Connection::server(config);
    drive(tcp, connection, Instant::now(), |_, event| {
        if let Some(Event::Part(part)) = event {
            file.write_all(part.content.as_bytes())?;
        }
        Ok(())
    })
}

fn main() -> Result<()> {
    let mut paths = env::args().skip(1);
    let (from, to) = (paths.next().ok_or("FROM")?, paths.next().ok_or("TO")?);
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let tcp = TcpStream::connect(listener.local_addr()?)?;
    let from = File::open(from)?;
    let sending = thread::spawn(|| send(tcp, from));
    store(listener.accept()?.0, File::create(to)?)?;
    let outcome = sending.join().expect("no panic")?;
    println!("the receiver closed with {}", outcome.received.number());
    Ok(())
}
