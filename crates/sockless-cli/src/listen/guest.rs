//! A client of the server: its opening handshake, and the talk with it.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sockless::extension::{Supported, deflate};
use sockless::handshake::{
    Acceptance, Acceptor, Asked, Field, HandshakeMisuse, HeadLimits, Origins, Refusal, Request,
    RequestError,
};
use sockless::{CloseCode, Config, Connection, Input, Server, endpoint};

use super::room::Place;
use crate::event::Seen;
use crate::exec;
use crate::options::Options;
use crate::output::Output;
use crate::screen::{self, escaped};
use crate::stop::Stop;
use crate::talk::{self, After, Party, Talk};
use crate::way::{Stream, Until};
use crate::wire::Wire;

/// How long a client that was refused may take to read why.
const LINGER: Duration = Duration::from_secs(1);

/// A client that has connected.
#[derive(Debug)]
pub(super) struct Guest<'a> {
    pub(super) options: &'a Options,
    pub(super) output: &'a Output,
    pub(super) stop: &'a Stop,
    pub(super) number: u64,
    pub(super) peer: SocketAddr,
    pub(super) config: Arc<Config>,
}

/// What became of the opening handshake.
#[allow(clippy::large_enum_variant, reason = "it is taken apart at once")]
enum Opened {
    /// The connection; what has arrived after the request lies there in the buffer.
    Yes(Connection<Server>, Range<usize>),
    /// The answer to something else, and why.
    No(Vec<u8>, String),
}

impl Guest<'_> {
    /// Serves the client until it is gone.
    pub(super) fn serve(self, stream: TcpStream, place: &Place<'_>) {
        let text = match self.talk(stream, place) {
            Ok(text) => text,
            Err(error) => format!("the connection was lost: {error}"),
        };
        self.output.note(&format!("client {}: {text}", self.number));
    }

    fn talk(&self, stream: TcpStream, place: &Place<'_>) -> io::Result<String> {
        let started = Instant::now();
        let mut wire = Wire::new(Stream::Tcp(stream), None)?;
        self.stop.wakes(wire.waker());
        let mut buffer = vec![0; talk::READ];
        let (connection, arrived) = match self.open(&mut wire, &mut buffer, started)? {
            Some(Opened::Yes(connection, arrived)) => (connection, arrived),
            Some(Opened::No(answer, why)) => {
                refuse(&mut wire, &mut buffer, &answer)?;
                return Ok(why);
            }
            None => return Ok("it was gone before it had asked for anything".into()),
        };
        let command = self.options.exec.as_deref().map(exec::start).transpose();
        let (command, failed) = match command {
            Ok(command) => (command, None),
            Err(error) => (None, Some(format!("--exec: {error}"))),
        };
        let close = match (&failed, &self.options.close) {
            (Some(_), _) => (CloseCode::INTERNAL_ERROR, "the command can't be run"),
            (None, Some((code, reason))) => (*code, reason.as_str()),
            (None, None) if command.is_some() => (CloseCode::NORMAL, ""),
            (None, None) => (CloseCode::GOING_AWAY, ""),
        };
        if failed.is_some() {
            place.lines.end();
        }
        let after = match failed.is_some() || command.is_some() {
            true => After::End,
            false => After::Nothing,
        };
        let party = Party {
            options: self.options,
            stop: self.stop,
            output: self.output,
            lines: command.as_ref().map_or(&place.lines, |command| &command.lines),
            command: command.as_ref().map(|command| &*command.input),
            client: Some(self.number),
            peer: "it",
            close,
            after,
        };
        let ending = Talk::new(connection, party, started).run(&mut wire, &mut buffer, arrived);
        // The stream is closed before the command is waited for.
        drop(wire);
        let ended = command.map(exec::Running::finish);
        Ok(match (failed, ended) {
            (Some(failed), _) => failed,
            (None, Some(Ok(Some(status)))) if !status.success() => {
                format!("{}; its command ended with {status}", ending.text)
            }
            _ if ending.text.is_empty() => "the end".into(),
            _ => ending.text,
        })
    }

    /// The opening handshake; `None` if nothing came of it and nobody is there to be answered.
    fn open(
        &self,
        wire: &mut Wire,
        buffer: &mut [u8],
        started: Instant,
    ) -> io::Result<Option<Opened>> {
        let limits = HeadLimits::default().with_timeout(self.options.timeout);
        let mut acceptor = Acceptor::new(&limits, started.elapsed());
        loop {
            let (mut input, count) = match wire.read(buffer)? {
                Some(0) => (Input::eof(), 0),
                Some(count) => (Input::new(&mut buffer[..count]), count),
                None => (Input::none(), 0),
            };
            match acceptor.poll(&mut input, started.elapsed()) {
                None if count == 0 => {
                    if self.stop.why().is_some() {
                        return Ok(None);
                    }
                    let left = acceptor.deadline().map(|at| at.saturating_sub(started.elapsed()));
                    wire.wait(left)?;
                }
                None => {}
                Some(Asked::WebSocket(request)) => {
                    return Ok(Some(self.accept(&request, count - input.len()..count)));
                }
                Some(Asked::Plain(request)) => {
                    let why =
                        format!("it asked for {}, and for no WebSocket", escaped(request.target()));
                    return Ok(Some(Opened::No(RequestError::PlainRequest.answer().to_vec(), why)));
                }
                Some(Asked::Refused(RequestError::Truncated)) => return Ok(None),
                Some(Asked::Refused(error)) => {
                    return Ok(Some(Opened::No(error.answer().to_vec(), error.to_string())));
                }
            }
        }
    }

    /// Accepts a request, unless it comes from a page that nobody has named.
    fn accept(&self, request: &Request<'_>, arrived: Range<usize>) -> Opened {
        let allowed: Vec<_> = self.options.origins.iter().map(String::as_str).collect();
        if !Origins::new(&allowed).or_none().allows(request.origin()) {
            let origin = escaped(request.origin().unwrap_or_default()).into_owned();
            let body = b"pages of this origin are not accepted\n";
            return Opened::No(
                refusal(403, body),
                format!("a page of {origin} was refused; --origin {origin} accepts it"),
            );
        }
        let fields: Vec<_> =
            self.options.headers.iter().map(|(name, value)| Field::new(name, value)).collect();
        let supported: Vec<_> = self.options.subprotocols.iter().map(String::as_str).collect();
        let mut acceptance = Acceptance::new()
            .with_fields(&fields)
            .with_subprotocol(request.choose_subprotocol(&supported));
        if self.options.deflate {
            let extensions = Supported::default().with_deflate(deflate::Terms::default());
            acceptance = acceptance.with_extensions(extensions);
        }
        let opened: Result<_, HandshakeMisuse> =
            endpoint::accept(request, &acceptance, Arc::clone(&self.config));
        let (connection, established) = match opened {
            Ok(opened) => opened,
            Err(error) => return Opened::No(refusal(500, b""), error.to_string()),
        };
        let compression = established.extensions.deflate.map(|parameters| parameters.to_string());
        let (subprotocol, compression) = (established.subprotocol, compression.as_deref());
        let opened = Seen::Opened { place: request.target(), subprotocol, compression };
        self.output.see(&opened, Some(self.number));
        self.output.note(&format!(
            "client {} from {} at {}: {}",
            self.number,
            self.peer,
            escaped(request.target()),
            screen::agreed(subprotocol, compression)
        ));
        Opened::Yes(connection, arrived)
    }
}

fn refusal(status: u16, body: &[u8]) -> Vec<u8> {
    Refusal::new(status, &[], body).map(|refusal| refusal.to_vec()).unwrap_or_default()
}

/// Says no, and reads on for a moment, so that nothing resets the stream before the client has read it.
fn refuse(wire: &mut Wire, buffer: &mut [u8], answer: &[u8]) -> io::Result<()> {
    let (mut written, until) = (0, Until::after(LINGER));
    while !until.is_over() {
        if written < answer.len() {
            written += wire.write(&answer[written..])?;
            if written == answer.len() {
                wire.shutdown();
            }
        }
        match wire.read(buffer)? {
            Some(0) => break,
            Some(_) => {}
            None => wire.wait(Some(until.left()))?,
        }
    }
    Ok(())
}
