//! A client on blocking streams, with the standard library alone: it sends back what the fuzzing server sends.
//!
//! It is the engine's bare loop, so that the suite sees that too; `client_blocking` is the same on `sockless-blocking`.

#![allow(clippy::print_stderr, reason = "a program talks to its user")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sockless::connection::Holding;
use sockless::extension::{Supported, deflate::Terms};
use sockless::handshake::{Answered, Connector, HeadLimits, Offer, Url};
use sockless::{Client, Config, Connection, Event, Input, Want, endpoint};
use sockless_autobahn::Plan;

/// How long a read waits while there is output, and a write while there is none to be made.
const TURN: Duration = Duration::from_millis(5);
const WAIT: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let plan = match Plan::from_args(std::env::args().skip(1)) {
        Ok(plan) => plan,
        Err(usage) => {
            eprintln!("{usage}");
            return ExitCode::from(2);
        }
    };
    match run(&plan) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("client_std: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(plan: &Plan) -> io::Result<()> {
    let mut count = String::new();
    session(&plan.case_count(), |text| count = text.into())?;
    let cases = count
        .parse()
        .map_err(|_| io::Error::other("the server did not tell the number of cases"))?;
    for case in 1..=cases {
        // A case that breaks the connection is judged by the server.
        if let Err(error) = session(&plan.case(case), |_| {}) {
            eprintln!("client_std: case {case}: {error}");
        }
    }
    session(&plan.update_reports(), |_| {})
}

/// One connection, to its end. Messages are sent back; text is shown to `seen` before.
fn session(address: &str, mut seen: impl FnMut(&str)) -> io::Result<()> {
    let started = Instant::now();
    let url = Url::parse(address).map_err(io::Error::other)?;
    let mut stream = TcpStream::connect((url.address(), url.port()))?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(TURN))?;

    let mut buffer = vec![0; 64 << 10];
    let (mut connection, first) = open(&mut stream, url, &mut buffer, started)?;
    let mut input = Input::new(&mut buffer[first]);
    loop {
        // 1. Poll until there is nothing left in the input: then the buffer is ours again.
        while let Some(event) = connection.poll(&mut input, started.elapsed()) {
            match event {
                Event::Text(text) => {
                    seen(&text);
                    connection.send_text(&text).map_err(io::Error::other)?;
                }
                Event::Binary(bytes) => connection.send_binary(&bytes).map_err(io::Error::other)?,
                _ => {}
            }
        }
        // 2. Write what waits, as far as the stream takes it.
        while !connection.output().is_empty() {
            match stream.write(connection.output()) {
                Ok(count) => connection.wrote(count),
                Err(error) if is_timeout(&error) => break,
                // The server may be gone; what it has sent before is still to be read.
                Err(_) => connection.wrote(usize::MAX),
            }
        }
        // 3. Do what the connection wants.
        input = match connection.want() {
            Want::Done(_) => return Ok(()),
            Want::ShutdownWrite => {
                let _ = stream.shutdown(Shutdown::Write);
                connection.shut();
                Input::none()
            }
            Want::Io { read: wants_read, write: wants_write, deadline } => {
                let until =
                    deadline.map_or(WAIT, |at| at.saturating_sub(started.elapsed()).min(WAIT));
                let wait = if wants_write { until.min(TURN) } else { until };
                if wait.is_zero() || !wants_read {
                    // The next write waits, if there is one.
                    Input::none()
                } else {
                    stream.set_read_timeout(Some(wait))?;
                    match stream.read(&mut buffer) {
                        Ok(0) => Input::eof(),
                        Ok(count) => Input::new(&mut buffer[..count]),
                        Err(error) if is_timeout(&error) => Input::none(),
                        Err(_) => Input::eof(),
                    }
                }
            }
        };
    }
}

/// The opening handshake: the connection, and where in the buffer lies what has arrived behind the answer.
fn open(
    stream: &mut TcpStream,
    url: Url<'_>,
    buffer: &mut [u8],
    started: Instant,
) -> io::Result<(Connection<Client>, std::ops::Range<usize>)> {
    let limits = HeadLimits::default();
    let offer =
        Offer::new(url).with_extensions(Supported::default().with_deflate(Terms::default()));
    let mut connector =
        Connector::new(offer, &limits, started.elapsed()).map_err(io::Error::other)?;
    stream.write_all(&connector.request().to_vec())?;
    stream.set_read_timeout(Some(limits.timeout.unwrap_or(WAIT)))?;
    loop {
        let count = stream.read(buffer)?;
        let mut input = if count == 0 { Input::eof() } else { Input::new(&mut buffer[..count]) };
        match connector.poll(&mut input, started.elapsed()) {
            None => {}
            Some(Answered::Open { established, .. }) => {
                let limits =
                    sockless::Limits::default().with_frame(64 << 20).with_message(64 << 20);
                // It sends nothing but answers.
                let config = Config::default().with_limits(limits).with_holding(Holding::Answering);
                return Ok((endpoint::client(&established, config), count - input.len()..count));
            }
            Some(other) => {
                return Err(io::Error::other(format!("the server did not accept: {other:?}")));
            }
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted)
}
