use std::error::Error;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use sockless::connection::Side;
use sockless::handshake::{Answered, Connector, HeadLimits, Offer, Url};
use sockless::{CloseCode, Config, Connection, Event, Input, Outcome, Want, endpoint};

/// How long each of the server's addresses has to answer; how long the server may say nothing, and how long it then has for an answer.
const PATIENCE: Duration = Duration::from_secs(20);

fn main() -> Result<(), Box<dyn Error>> {
    let (said, outcome) = hello("ws://127.0.0.1:9001/")?;
    println!("it said {said:?}, and closed with {}", outcome.received.number());
    Ok(())
}

/// Says hello, and returns what the server said, and how the connection ended.
fn hello(url: &str) -> Result<(Vec<String>, Outcome), Box<dyn Error>> {
    let started = Instant::now();
    let url = Url::parse(url)?;
    let mut tcp = connect(&url)?;
    let mut connector = Connector::new(Offer::new(url), &HeadLimits::default(), started.elapsed())?;
    tcp.write_all(&connector.request().to_vec())?;
    let mut buffer = vec![0; 64 << 10];
    let mut input = Input::none();
    let mut connection = loop {
        match connector.poll(&mut input, started.elapsed()) {
            None => {} // more is needed
            Some(Answered::Open { established, .. }) => {
                let config = Config::default().with_keepalive(PATIENCE, PATIENCE);
                break endpoint::client(&established, config);
            }
            // A redirect, 401: data for the application.
            Some(Answered::Refused(response)) => return Err(response.status().to_string().into()),
            Some(Answered::Failed(error)) => return Err(error.into()),
        }
        tcp.set_read_timeout(connector.timeout(started.elapsed()))?;
        input = Input::read(tcp.read(&mut buffer), &mut buffer);
    };

    connection.send_text("Hello WebSocket")?;
    let mut said = Vec::new();
    let outcome = drive(tcp, connection, input, started, |connection, event| {
        if let Some(Event::Text(text)) = event {
            if said.is_empty() {
                connection.close(CloseCode::NORMAL, "", started.elapsed())?;
            }
            said.push(text.into_string()); // more may come until the server has closed, too
        }
        Ok(())
    })?;
    Ok((said, outcome))
}

/// Connects to the first of the host's addresses that answers in time. How long the system takes to find them is its own affair.
fn connect(url: &Url<'_>) -> Result<TcpStream, Box<dyn Error>> {
    let mut error = "no address".into();
    for address in (url.address(), url.port()).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, PATIENCE) {
            Ok(tcp) => return Ok(tcp),
            Err(refused) => error = refused.into(),
        }
    }
    Err(error)
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
