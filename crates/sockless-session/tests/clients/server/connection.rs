//! The loop of a connection on a blocking socket: the engine below, a session above.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Mutex;
use std::time::Duration;

use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits};
use sockless::{CloseCode, Connection, Event, Input, Want, endpoint};
use sockless_session::reliable::{
    Admission, CloseReason, Denial, Event as Due, Incoming, Kind, Link, LinkError, MOST_OPENINGS,
    Message, Opening, Output, SUBPROTOCOL, SessionId,
};

use super::application::{self, Order};
use super::{Sessions, Shared, lock};

/// How long a thread waits for bytes before it looks whether its session has something to say.
const LOOK: Duration = Duration::from_millis(5);

/// How the path says that the connection is to be treated.
#[derive(Debug)]
struct Treatment {
    /// How many octets may be read, and written, until the wire is cut.
    reads: usize,
    writes: usize,
    silent: bool,
}

/// How far the session of the connection is.
#[derive(Debug)]
enum Carries {
    Nothing {
        openings: u8,
    },
    Session(SessionId, Link),
    /// The Close frame has been sent or received.
    Closing,
}

struct Carrier<'a> {
    sessions: &'a Mutex<Sessions>,
    carries: Carries,
    connection: Connection<sockless::Server>,
}

/// Serves a connection to its end.
pub(super) fn serve(mut stream: TcpStream, shared: &Shared, seed: u64) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LOOK))?;
    stream.set_write_timeout(Some(Duration::from_secs(20)))?;
    let mut buffer = vec![0; 64 << 10];
    let mut acceptor = Acceptor::new(&HeadLimits::default(), shared.now());
    let (connection, treatment, path, first) = loop {
        let count = read(&mut stream, &mut buffer)?.unwrap_or(0);
        let mut input = sockless::Input::new(&mut buffer[..count]);
        match acceptor.poll(&mut input, shared.now()) {
            None => {}
            Some(Asked::WebSocket(request)) => {
                let path = request.path().to_owned();
                let chosen = request.choose_subprotocol(&[SUBPROTOCOL]);
                let acceptance = Acceptance::new().with_subprotocol(chosen);
                let accepted = endpoint::accept(&request, &acceptance, sockless::Config::default());
                let (connection, _) = accepted.map_err(io::Error::other)?;
                break (connection, treatment(&path, seed), path, count - input.len()..count);
            }
            Some(_) => return Err(ErrorKind::InvalidData.into()),
        }
    };
    let sessions = if path == "/full" { &shared.full } else { &shared.sessions };
    let mut carrier = Carrier { sessions, carries: Carries::Nothing { openings: 0 }, connection };
    let served = carrier.run(&mut stream, &mut buffer, first, treatment, shared);
    if let Carries::Session(id, link) = carrier.carries {
        lock(sessions).table.with(id, shared.now(), |session| session.lost(link));
    }
    let _ = stream.shutdown(Shutdown::Both);
    served
}

fn treatment(path: &str, seed: u64) -> Treatment {
    let mut cut = usize::MAX;
    let mut other = cut;
    if let Some(octets) = path.strip_prefix("/cut/").and_then(|octets| octets.parse::<u64>().ok()) {
        // Any two numbers that differ from connection to connection.
        let drawn = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        cut = (drawn >> 32) as usize % (2 * octets as usize);
        other = (drawn & 0xFFFF_FFFF) as usize % (2 * octets as usize);
    }
    // The answer to the handshake gets through, so that something happens.
    Treatment { reads: cut, writes: other.saturating_add(200), silent: path == "/silent" }
}

impl Carrier<'_> {
    fn run(
        &mut self,
        stream: &mut TcpStream,
        buffer: &mut [u8],
        first: std::ops::Range<usize>,
        mut treatment: Treatment,
        shared: &Shared,
    ) -> io::Result<()> {
        let mut input = Input::new(&mut buffer[first]);
        loop {
            let now = shared.now();
            while let Some(event) = self.connection.poll(&mut input, now) {
                let going_on = match event {
                    Event::Text(text) => self.message(Incoming::Text(&text), now),
                    Event::Binary(bytes) => self.message(Incoming::Binary(&bytes), now),
                    Event::Closing(_) | Event::Failed(_) => {
                        self.let_go(now);
                        true
                    }
                    _ => true,
                };
                if !going_on {
                    return Ok(());
                }
            }
            self.speak(now);
            if let (true, Carries::Session(..)) = (treatment.silent, &self.carries) {
                // The welcome is the last word.
                let welcome = self.connection.output().to_vec();
                stream.write_all(&welcome)?;
                std::thread::sleep(Duration::from_secs(2));
                return Ok(());
            }
            while !self.connection.output().is_empty() {
                let output = self.connection.output();
                let count = stream.write(&output[..output.len().min(treatment.writes)])?;
                if count == 0 {
                    return Ok(());
                }
                treatment.writes -= count;
                self.connection.wrote(count);
            }
            input = match self.connection.want() {
                Want::Done(_) => return Ok(()),
                Want::ShutdownWrite => {
                    stream.shutdown(Shutdown::Write)?;
                    self.connection.shut();
                    Input::none()
                }
                Want::Io { read: true, .. } => {
                    let most = buffer.len().min(treatment.reads);
                    match read(stream, &mut buffer[..most])? {
                        None => Input::none(),
                        Some(0) if most == 0 => return Ok(()),
                        Some(0) => Input::eof(),
                        Some(count) => {
                            treatment.reads -= count;
                            Input::new(&mut buffer[..count])
                        }
                    }
                }
                Want::Io { .. } => Input::none(),
            };
        }
    }

    /// Takes a message: whether the connection goes on.
    fn message(&mut self, message: Incoming<'_>, now: Duration) -> bool {
        let mut sessions = lock(self.sessions);
        match self.carries {
            Carries::Closing => true,
            Carries::Nothing { openings } => {
                let opening = match Opening::parse(message) {
                    Ok(opening) if openings < MOST_OPENINGS => opening,
                    Ok(_) => {
                        let reason = sockless_session::reliable::Violation::TooManyOpenings;
                        return self.close(CloseReason::Violation(reason), now);
                    }
                    Err(violation) => return self.close(CloseReason::Violation(violation), now),
                };
                match sessions.table.admit(&opening, now) {
                    Admission::Opened(link) => {
                        sessions.memories.entry(opening.id).or_default();
                        self.carries = Carries::Session(opening.id, link);
                    }
                    Admission::Resumed { link, .. } => {
                        self.carries = Carries::Session(opening.id, link);
                    }
                    Admission::Refused(refusal) => {
                        self.carries = Carries::Nothing { openings: openings + 1 };
                        self.say(&Output::Text(refusal.text()));
                        if refusal.denial == Denial::Full {
                            return self.close(CloseReason::Full, now);
                        }
                    }
                }
                true
            }
            Carries::Session(id, link) => {
                let Sessions { table, memories } = &mut *sessions;
                let memory = memories.entry(id).or_default();
                let taken = table.with(id, now, |session| {
                    application::take(session, memory, link, message, now)
                });
                match taken {
                    Some(Ok(Order::None)) => true,
                    Some(Ok(Order::Say(output))) => {
                        self.say(&output);
                        true
                    }
                    Some(Ok(Order::Cut)) | None => false,
                    Some(Ok(Order::EndAsleep)) => {
                        table.with(id, now, |session| {
                            session.lost(link);
                            session.end()
                        });
                        while table.poll(now).is_some() {}
                        false
                    }
                    Some(Ok(Order::Forget)) => {
                        sessions.forget_all();
                        false
                    }
                    Some(Err(LinkError::Superseded)) => self.close(CloseReason::Superseded, now),
                    Some(Err(error)) => self.close(error.close_reason(), now),
                }
            }
        }
    }

    /// Sends what the session has to say.
    fn speak(&mut self, now: Duration) {
        let Carries::Session(id, link) = self.carries else { return };
        let mut sessions = lock(self.sessions);
        let mut gone = sessions.table.get(id).is_none();
        while !gone && !self.connection.is_congested() {
            let output = sessions.table.with(id, now, |session| {
                while let Some(due) = session.poll(now) {
                    gone |= matches!(due, Due::Dead(..));
                }
                session.poll_output(link, now)
            });
            match output.flatten() {
                None => break,
                Some(Output::Close(reason)) => {
                    self.close(reason, now);
                    break;
                }
                Some(output) => self.say(&output),
            }
        }
        if gone {
            self.close(CloseReason::Silent, now);
        }
        while sessions.table.poll(now).is_some() {}
    }

    /// After the peer's Close frame nothing goes out any more, which is no matter.
    fn say(&mut self, output: &Output<Message>) {
        let mut bytes = Vec::new();
        let _ = match output.write_to(&mut bytes) {
            Some(Kind::Text) => {
                self.connection.send_text(std::str::from_utf8(&bytes).expect("text is UTF-8"))
            }
            Some(Kind::Binary) => self.connection.send_binary(&bytes),
            None => Ok(()),
        };
    }

    fn close(&mut self, reason: CloseReason, now: Duration) -> bool {
        self.carries = Carries::Closing;
        // It may be closing already.
        let _ = self.connection.close(CloseCode::new(reason.code()), reason.reason(), now);
        true
    }

    /// The peer closes: the session goes on without the connection.
    fn let_go(&mut self, now: Duration) {
        if let Carries::Session(id, link) = self.carries {
            lock(self.sessions).table.with(id, now, |session| session.lost(link));
        }
        self.carries = Carries::Closing;
    }
}

/// `None` if nothing arrived in time.
fn read(stream: &mut TcpStream, buffer: &mut [u8]) -> io::Result<Option<usize>> {
    match stream.read(buffer) {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
