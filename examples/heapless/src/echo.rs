//! The echo server as a microcontroller would run it: level 1 and the handshake, in buffers of a fixed size, with nothing of the
//! standard library. The stream and the clock are the caller's.
//!
//! There is no room for a message. Each piece of one goes back as soon as it is here, as a fragment of its own: so no frame of
//! ours is ever left open, and pongs and the Close frame can be sent at any time. Who sends more than the network holds has to
//! read meanwhile; from who doesn't, no more is read.

use core::time::Duration;

use sockless::frame::{Decoder, Encoder, Fragment, Input, Limits, Piece, Violation};
use sockless::handshake::{self, Acceptance, Acceptor, Asked, Field, Refusal, RequestError};
use sockless::words::opcode::Opcode;
use sockless::{CloseCode, Kind, Server};

/// What a connection is served over.
pub(crate) trait Stream {
    /// Why nothing more can be read or written.
    type Error;

    /// Reads what has arrived: 0 bytes at the end of the stream, `None` if nothing arrives for a while, which is up to the
    /// stream.
    fn read(&mut self, buffer: &mut [u8]) -> Result<Option<usize>, Self::Error>;

    /// Writes all of `head`, then all of `body`. An error if that takes too long.
    fn write(&mut self, head: &[u8], body: &[u8]) -> Result<(), Self::Error>;

    /// Tells the peer that nothing more will be written.
    fn finish(&mut self) -> Result<(), Self::Error>;

    /// The time since some origin.
    fn now(&self) -> Duration;

    /// Whether the server is to stop.
    fn is_stopping(&self) -> bool;
}

/// How connections are served.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) limits: Limits,
    pub(crate) handshake: handshake::HeadLimits,
    /// After how long a silence a client is pinged, and after how long another one it is given up.
    pub(crate) keepalive: Option<Duration>,
    /// After how long without a message a client is sent away.
    pub(crate) idle: Option<Duration>,
    /// How long a client may take to close.
    pub(crate) close: Duration,
    /// What a browser gets, if anything.
    pub(crate) page: Option<&'static [u8]>,
}

/// All the memory that a connection needs, beside the stack.
#[derive(Debug)]
pub(crate) struct Memory {
    /// What has arrived.
    input: [u8; 4096],
    /// The client's head, as far as it has arrived in pieces; then the answer to it. Neither can be longer.
    head: [u8; 4096],
}

impl Memory {
    pub(crate) const fn new() -> Self {
        Self { input: [0; 4096], head: [0; 4096] }
    }
}

/// Serves a connection to its end.
pub(crate) fn serve<S: Stream>(
    stream: &mut S,
    memory: &mut Memory,
    terms: &Terms,
) -> Result<(), S::Error> {
    if let Some(first) = open(stream, memory, terms)? {
        Session::new(stream, *terms).run(&mut memory.input, first)?;
    }
    // The client reads the last words before it closes. What it still sends is read until then, so that nothing resets the stream.
    stream.finish()?;
    let deadline = stream.now() + terms.close;
    while stream.now() < deadline && stream.read(&mut memory.input)? != Some(0) {}
    Ok(())
}

/// The opening handshake: how many bytes have arrived after the request; they lie at the beginning of the input buffer.
/// `None` if the client was answered otherwise.
fn open<S: Stream>(
    stream: &mut S,
    memory: &mut Memory,
    terms: &Terms,
) -> Result<Option<usize>, S::Error> {
    let Memory { input, head } = memory;
    let mut acceptor = Acceptor::with_buffer(&terms.handshake, stream.now(), head);
    let (asked, first) = loop {
        let (mut arrived, count) = match stream.read(input)? {
            Some(0) => (Input::eof(), 0),
            Some(count) => (Input::new(&mut input[..count]), count),
            None => (Input::none(), 0),
        };
        match acceptor.poll(&mut arrived, stream.now()) {
            Some(asked) => break (asked, count - arrived.len()..count),
            None if stream.is_stopping() => return Ok(None),
            None => {}
        }
    };
    let refused = match asked {
        Asked::WebSocket(request) => match request.accept(&Acceptance::new()) {
            Ok(switching) => {
                // It is much shorter than the buffer.
                let encoded = switching.encode(head).unwrap_or(0);
                stream.write(&head[..encoded], b"")?;
                input.copy_within(first.clone(), 0);
                return Ok(Some(first.len()));
            }
            Err(_) => RequestError::PlainRequest,
        },
        Asked::Plain(request) => match terms.page.filter(|_| request.path() == "/") {
            Some(page) => {
                let html = [Field::new("Content-Type", "text/html; charset=utf-8")];
                let page = Refusal::new(200, &html, page);
                let encoded = page.and_then(|page| page.encode(head)).unwrap_or(0);
                stream.write(&head[..encoded], b"")?;
                return Ok(None);
            }
            None => RequestError::PlainRequest,
        },
        Asked::Refused(error) => error,
    };
    stream.write(refused.answer(), b"")?;
    Ok(None)
}

/// An open connection.
struct Session<'s, S> {
    stream: &'s mut S,
    terms: Terms,
    decoder: Decoder<Server>,
    encoder: Encoder<Server>,
    /// What the message that is arriving is made of.
    kind: Kind,
    /// The payload of the control frame that is arriving.
    control: [u8; 125],
    control_len: usize,
    /// When the last byte arrived, and the last of a message.
    heard: Duration,
    heard_data: Duration,
    /// When the client was pinged, if it has been silent since.
    pinged: Option<Duration>,
    /// When the connection ends at the latest, after our Close frame.
    deadline: Option<Duration>,
}

/// Whether the connection goes on.
#[derive(PartialEq, Eq)]
enum Turn {
    On,
    Over,
}

impl<'s, S: Stream> Session<'s, S> {
    fn new(stream: &'s mut S, terms: Terms) -> Self {
        let now = stream.now();
        Self {
            stream,
            terms,
            decoder: Decoder::new(),
            encoder: Encoder::new(),
            kind: Kind::Binary,
            control: [0; 125],
            control_len: 0,
            heard: now,
            heard_data: now,
            pinged: None,
            deadline: None,
        }
    }

    /// Echoes until the connection is over. `arrived` bytes are in the buffer already.
    fn run(mut self, buffer: &mut [u8], mut arrived: usize) -> Result<(), S::Error> {
        loop {
            let mut input = Input::new(&mut buffer[..arrived]);
            loop {
                let turn = match self.decoder.decode(&mut input, &self.terms.limits) {
                    Ok(Some(piece)) => self.take(piece)?,
                    Ok(None) => break,
                    Err(violation) => self.fail(violation)?,
                };
                if turn == Turn::Over {
                    return Ok(());
                }
            }
            if self.look_at_the_clock()? == Turn::Over {
                return Ok(());
            }
            arrived = match self.stream.read(buffer)? {
                Some(0) => return Ok(()),
                Some(count) => {
                    (self.heard, self.pinged) = (self.stream.now(), None);
                    count
                }
                None => 0,
            };
        }
    }

    fn take(&mut self, piece: Piece<'_>) -> Result<Turn, S::Error> {
        match piece.opcode {
            Opcode::Text => self.kind = Kind::Text,
            Opcode::Binary => self.kind = Kind::Binary,
            Opcode::Continuation => {}
            Opcode::Ping | Opcode::Pong | Opcode::Close => return self.take_control(&piece),
        }
        self.heard_data = self.stream.now();
        let last = piece.fin && piece.remaining == 0;
        if piece.payload.is_empty() && !last {
            return Ok(Turn::On);
        }
        // That a text ends inside a code point is known only after its last piece, which must not go out then.
        if last && let Err(violation) = self.decoder.decode(&mut Input::none(), &self.terms.limits)
        {
            return self.fail(violation);
        }
        let fragment = Fragment {
            first: self.encoder.message().is_none().then_some(self.kind),
            fin: last,
            rsv1: false,
            len: piece.payload.len() as u64,
        };
        // Once we have said that we close, nothing goes back any more.
        if let Ok(header) = self.encoder.begin(fragment, ())
            && self.encoder.payload(piece.payload).is_ok()
        {
            self.stream.write(&header, piece.payload)?;
        }
        Ok(Turn::On)
    }

    fn take_control(&mut self, piece: &Piece<'_>) -> Result<Turn, S::Error> {
        if piece.begins {
            self.control_len = 0;
        }
        // No control frame is longer than the array; the decoder has seen to that.
        let room = &mut self.control[self.control_len..][..piece.payload.len()];
        room.copy_from_slice(piece.payload);
        self.control_len += piece.payload.len();
        if piece.remaining > 0 {
            return Ok(Turn::On);
        }
        let payload = &self.control[..self.control_len];
        match piece.opcode {
            Opcode::Ping => {
                if let Ok(pong) = self.encoder.pong(payload, ()) {
                    self.stream.write(&pong, b"")?;
                }
                Ok(Turn::On)
            }
            Opcode::Close => {
                let code = match payload {
                    [high, low, ..] => CloseCode::new(u16::from_be_bytes([*high, *low])),
                    _ => None,
                };
                match self.decoder.decode(&mut Input::none(), &self.terms.limits) {
                    Ok(_) => self.close(code)?,
                    Err(violation) => self.close(Some(violation.close_code()))?,
                }
                Ok(Turn::Over)
            }
            _ => Ok(Turn::On),
        }
    }

    fn fail(&mut self, violation: Violation) -> Result<Turn, S::Error> {
        self.close(Some(violation.close_code()))?;
        Ok(Turn::Over)
    }

    /// Sends the Close frame, unless it has been sent.
    fn close(&mut self, code: Option<CloseCode>) -> Result<(), S::Error> {
        if let Ok(frame) = self.encoder.close(code, "", ()) {
            self.stream.write(&frame, b"")?;
            self.deadline = Some(self.stream.now() + self.terms.close);
        }
        Ok(())
    }

    fn look_at_the_clock(&mut self) -> Result<Turn, S::Error> {
        let now = self.stream.now();
        if self.deadline.is_some_and(|deadline| now >= deadline) {
            return Ok(Turn::Over);
        }
        if self.stream.is_stopping() {
            self.close(Some(CloseCode::GOING_AWAY))?;
        }
        if self.terms.idle.is_some_and(|idle| now >= self.heard_data + idle) {
            self.close(Some(CloseCode::NORMAL))?;
        }
        if let Some(keepalive) = self.terms.keepalive {
            if self.pinged.is_some_and(|pinged| now >= pinged + keepalive) {
                return Ok(Turn::Over);
            }
            if now >= self.heard + keepalive && self.pinged.is_none() {
                self.pinged = Some(now);
                if let Ok(ping) = self.encoder.ping(b"", ()) {
                    self.stream.write(&ping, b"")?;
                }
            }
        }
        Ok(Turn::On)
    }
}
