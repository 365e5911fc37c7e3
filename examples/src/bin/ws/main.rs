//! A command-line client: connects, sends the lines of its input, and prints the messages that arrive.
//!
//! One thread reads the standard input. Everything else is one loop over a non-blocking stream, plain or with TLS: both TLS and
//! WebSocket are state machines, so that the loop is the same. `sockless-blocking` would take a thread more, and shows no pings and pongs.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod console;
mod ending;
mod options;
mod reach;
mod transport;

use std::io::{self, ErrorKind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use sockless::connection::Pong;
use sockless::handshake::{Answered, Connector, Field, HeadLimits, Offer, Url};
use sockless::{Client, CloseCode, Config, Connection, Event, Input, Want, endpoint};
use sockless_examples::stop::Stop;

use console::Console;
use ending::Ending;
use options::Options;
use transport::Wire;

/// How often the program looks whether it has been told to stop.
const LOOK: Duration = Duration::from_millis(250);
/// The longest message that is received.
const MAX_MESSAGE: u64 = 256 << 20;
/// For how long answers are awaited after the last line, unless the command line says otherwise.
const PATIENCE: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let options = match Options::from_args() {
        Ok(options) => options,
        Err(status) => return status,
    };
    let ending = run(&options).unwrap_or_else(|ending| ending);
    if let Some(text) = ending.text.as_ref().filter(|_| ending.status != 0 || !options.quiet) {
        eprintln!("ws: {text}");
    }
    ExitCode::from(ending.status)
}

fn run(options: &Options) -> Result<Ending, Ending> {
    let stop = Stop::on_signal().map_err(|error| Ending::unusable(error.to_string()))?;
    let url = Url::parse(&options.url)
        .map_err(|error| Ending::unusable(format!("{error}: {}", options.url)))?;
    let started = Instant::now();
    let stream = reach::connect(&url, options)?;
    let mut wire = Wire::new(stream, &url, options.insecure)?;
    let mut buffer = vec![0; 64 << 10];
    let opened = open(&mut wire, &mut buffer, url, options, started)?;
    options.note(&format!(
        "connected to {}{}",
        options.url,
        opened.subprotocol.map(|name| format!(", subprotocol {name}")).unwrap_or_default()
    ));
    let waker = wire.waker().map_err(Ending::lost)?;
    let console = Console::start(waker).map_err(Ending::lost)?;
    let mut talk = Talk {
        connection: opened.connection,
        options,
        started,
        next_ping: options.ping.map(|every| started.elapsed() + every),
        sent: 0,
        received: 0,
        last: started.elapsed(),
        input_ended: false,
        ending: None,
    };
    talk.run(&mut wire, &mut buffer, opened.first, &console, &stop)
}

struct Opened<'a> {
    connection: Connection<Client>,
    subprotocol: Option<&'a str>,
    /// Where in the buffer lies what has arrived behind the answer.
    first: std::ops::Range<usize>,
}

/// The opening handshake.
fn open<'a>(
    wire: &mut Wire,
    buffer: &mut [u8],
    url: Url<'a>,
    options: &'a Options,
    started: Instant,
) -> Result<Opened<'a>, Ending> {
    let fields: Vec<Field<'_>> =
        options.headers.iter().map(|(name, value)| Field::new(name, value.as_str())).collect();
    let subprotocols: &'a [&'a str] =
        Vec::leak(options.subprotocols.iter().map(String::as_str).collect());
    let mut offer = Offer::new(url).with_subprotocols(subprotocols).with_fields(Vec::leak(fields));
    if let Some(origin) = &options.origin {
        offer = offer.with_origin(origin);
    }
    #[cfg(feature = "deflate")]
    if options.deflate {
        let mut supported = sockless::extension::Supported::default();
        supported.deflate = Some(sockless::extension::deflate::Terms::default());
        offer = offer.with_extensions(supported);
    }
    let limits = HeadLimits::default().with_timeout(options.timeout);
    let mut connector = Connector::new(offer, &limits, started.elapsed())
        .map_err(|error| Ending::unusable(format!("the request can't be sent: {error}")))?;
    let request = connector.request().to_vec();
    let mut written = 0;
    loop {
        let count = wire.write(&request[written..]).map_err(Ending::of_transport)?;
        written += count;
        let (answered, count) = match wire.read(buffer).map_err(Ending::of_transport)? {
            Some(0) => (connector.end(), 0),
            Some(count) => (connector.poll(&buffer[..count], started.elapsed()), count),
            None => (connector.poll(&[], started.elapsed()), 0),
        };
        match answered {
            None if count == 0 => wire.wait(LOOK).map_err(Ending::lost)?,
            None => {}
            Some(Answered::Open { established, response }) => {
                let connection = endpoint::client(&established, config(options));
                let first = response.consumed()..count;
                return Ok(Opened { connection, subprotocol: established.subprotocol, first });
            }
            Some(Answered::Refused(response)) => return Err(Ending::refused(&response)),
            Some(Answered::Failed(error)) => return Err(Ending::of_answer(error)),
        }
    }
}

fn config(options: &Options) -> Config {
    let limits = sockless::Limits::default().with_frame(MAX_MESSAGE).with_message(MAX_MESSAGE);
    let config = Config::default().with_limits(limits).with_close(Duration::from_secs(3));
    match options.ping {
        // Who pings wants to know when nobody is there any more.
        Some(every) => config.with_keepalive(every * 3, every),
        None => config,
    }
}

/// An open connection, and what is to be known about it.
struct Talk<'a> {
    connection: Connection<Client>,
    options: &'a Options,
    /// The origin of all times.
    started: Instant,
    next_ping: Option<Duration>,
    /// Messages sent, and received.
    sent: u64,
    received: u64,
    /// When the last message was sent or received.
    last: Duration,
    input_ended: bool,
    /// Why the program ends, if it is the one to end it.
    ending: Option<Ending>,
}

impl Talk<'_> {
    fn run(
        &mut self,
        wire: &mut Wire,
        buffer: &mut [u8],
        first: std::ops::Range<usize>,
        console: &Console,
        stop: &Stop,
    ) -> Result<Ending, Ending> {
        let mut input = Input::new(&mut buffer[first]);
        loop {
            // 1. Poll until there is nothing left in the input: then the buffer is ours again.
            while let Some(event) = self.connection.poll(&mut input, self.started.elapsed()) {
                self.show(event);
            }
            self.send_lines(console);
            self.ping();
            if stop.is_asked() || self.is_finished() {
                self.close();
            }
            // 2. Write what waits, as far as the stream takes it.
            while !self.connection.output().is_empty() {
                match wire.write(self.connection.output()) {
                    Ok(0) => break,
                    Ok(count) => self.connection.wrote(count),
                    // The server may be gone; what it has sent before is still to be read.
                    Err(_) => self.connection.wrote(usize::MAX),
                }
            }
            let _ = wire.flush();
            // 3. Do what the connection wants.
            input = match self.connection.want() {
                Want::Done(outcome) => {
                    return Ok(self.ending.take().unwrap_or_else(|| Ending::of(&outcome)));
                }
                Want::ShutdownWrite => {
                    wire.shutdown();
                    self.connection.shut();
                    Input::none()
                }
                Want::Io { read, deadline, .. } => {
                    let arrived = if read { wire.read(buffer) } else { Ok(None) };
                    match arrived {
                        Ok(Some(0)) | Err(_) => Input::eof(),
                        Ok(Some(count)) => Input::new(&mut buffer[..count]),
                        Ok(None) => {
                            wire.wait(self.patience(deadline)).map_err(Ending::lost)?;
                            Input::none()
                        }
                    }
                }
            };
        }
    }

    /// How long to wait when there is nothing to do.
    fn patience(&self, deadline: Option<Duration>) -> Duration {
        let finished = self.input_ended.then(|| self.last + self.options.wait.unwrap_or(PATIENCE));
        let next = [deadline, self.next_ping, finished].into_iter().flatten().min();
        let now = self.started.elapsed();
        next.map_or(LOOK, |at| at.saturating_sub(now).min(LOOK))
    }

    /// Whether all lines have been sent, and what was awaited after them has come.
    fn is_finished(&self) -> bool {
        if !self.input_ended || self.connection.queued() > 0 {
            return false;
        }
        let silence = self.started.elapsed().saturating_sub(self.last);
        match self.options.wait {
            Some(wait) => silence >= wait,
            None => self.received >= self.sent || silence >= PATIENCE,
        }
    }

    fn close(&mut self) {
        // It may be closing already.
        let _ = self.connection.close(CloseCode::NORMAL, "", self.started.elapsed());
    }

    fn show(&mut self, event: Event<'_>) {
        let printed = match event {
            Event::Text(text) => {
                self.received += 1;
                console::print(text.as_bytes(), self.options.binary)
            }
            Event::Binary(bytes) if self.options.binary => {
                self.received += 1;
                console::print(&bytes, true)
            }
            Event::Binary(bytes) => {
                self.received += 1;
                let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                console::print(format!("0x{hex}").as_bytes(), false)
            }
            Event::Pong(Pong { round_trip: Some(time), .. }) if self.next_ping.is_some() => {
                self.options.note(&format!("pong after {:.1} ms", time.as_secs_f64() * 1e3));
                return;
            }
            Event::Closing(closing) => {
                let code = closing.code.map_or("no code".into(), |code| code.to_string());
                let reason = closing.reason.escape_debug();
                self.options.note(&format!("the server closes: {code} {reason}"));
                return;
            }
            _ => return,
        };
        self.last = self.started.elapsed();
        if printed.is_err() {
            // Nobody reads any more what is printed.
            self.ending = Some(Ending::silent());
            self.close();
        }
    }

    fn send_lines(&mut self, console: &Console) {
        while !self.input_ended && !self.connection.is_congested() {
            let line = match console.next() {
                Ok(Some(line)) => line,
                Ok(None) => return,
                Err(console::Ended) => {
                    self.input_ended = true;
                    self.last = self.started.elapsed();
                    if console.is_terminal() {
                        self.close();
                    }
                    return;
                }
            };
            let sent = match (self.options.binary, std::str::from_utf8(&line)) {
                (true, _) => self.connection.send_binary(&line),
                (false, Ok(text)) => self.connection.send_text(text),
                (false, Err(_)) => {
                    let text = format!("line {} is not UTF-8; --binary sends it", self.sent + 1);
                    self.ending = Some(Ending::unusable(text));
                    self.input_ended = true;
                    return self.close();
                }
            };
            if let Err(error) = sent {
                // The connection is closing: how it ended will be told.
                self.options.note(&format!("a line was not sent: {error}"));
                self.input_ended = true;
                return;
            }
            self.sent += 1;
            self.last = self.started.elapsed();
        }
    }

    fn ping(&mut self) {
        let now = self.started.elapsed();
        if let (Some(every), Some(due)) = (self.options.ping, self.next_ping)
            && now >= due
        {
            self.next_ping = Some(now + every);
            // A connection that closes can't be pinged, and need not be.
            let _ = self.connection.ping(b"ws", now);
        }
    }
}

/// Whether an error only says that there is nothing to do now.
fn is_idle(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
