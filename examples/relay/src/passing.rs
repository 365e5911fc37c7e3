//! How frames pass: two directions, each a decoder and an encoder, and what the end of one means to both sides.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use sockless::connection::{Generator, Side};
use sockless::frame::{Decoder, Encoder, Fragment, Input, Limits, Misuse, Piece, Violation};
use sockless::words::opcode::Opcode;
use sockless::{Client, CloseCode, Kind, Server};

use super::stream::{self, BUFFER, read};

/// What holds for both sides.
pub(crate) struct Terms<'t> {
    /// How much they may send. How long a message is in the end is nothing to a relay, which holds none.
    pub(crate) limits: Limits,
    /// How long a piece may take to be written.
    pub(crate) write: Duration,
    /// How long both have for closing once one has begun.
    pub(crate) close: Duration,
    /// Whether both are to be closed.
    pub(crate) stopping: &'t (dyn Fn() -> bool + Sync),
}

/// The way out to one side, in the role `R`. What comes from that side is read by the other direction.
struct Out<R: Side> {
    stream: TcpStream,
    encoder: Encoder<R>,
    keys: R::Keys,
    /// How long a piece may take to be written.
    limit: Duration,
}

impl<R: Side> Out<R> {
    fn new(stream: TcpStream, keys: R::Keys, limit: Duration) -> Mutex<Self> {
        Mutex::new(Self { stream, encoder: Encoder::new(), keys, limit })
    }

    /// Writes all of it. A stream that doesn't take it in time is cut: what has been written may end anywhere.
    fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let written = stream::write_all(&self.stream, bytes, self.limit);
        if written.is_err() {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
        written
    }

    /// Sends a Close frame, unless there was one. Where a frame is open none can be sent: then the stream is cut.
    fn close(&mut self, code: CloseCode) {
        match self.encoder.close(Some(code), "", R::next_key(&mut self.keys)) {
            Ok(frame) => drop(self.write(&frame)),
            Err(Misuse::FrameOpen) => drop(self.stream.shutdown(Shutdown::Both)),
            Err(_) => {}
        }
    }
}

/// An open connection between a client and a server.
pub(crate) struct Relay<'t> {
    terms: Terms<'t>,
    to_client: Mutex<Out<Server>>,
    to_server: Mutex<Out<Client>>,
    /// When it is over at the latest, once one side has closed or failed.
    ending: Mutex<Option<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a direction ends.
enum End {
    /// The Close frame has been passed on.
    Closed,
    /// The side that is read has broken a rule.
    Broken(Violation),
    /// One of the sides is gone.
    Lost,
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Lost
    }
}

impl<'t> Relay<'t> {
    pub(crate) fn new(client: TcpStream, server: TcpStream, terms: Terms<'t>) -> Self {
        let keys = Box::new(Generator::new());
        Self {
            to_client: Out::new(client, (), terms.write),
            to_server: Out::<Client>::new(server, keys as _, terms.write),
            ending: Mutex::new(None),
            terms,
        }
    }

    /// Passes on what arrives, beginning with what has arrived after the heads, until it is over.
    pub(crate) fn run(&self, from_client: &[u8], from_server: &[u8]) -> io::Result<()> {
        let client = lock(&self.to_client).stream.try_clone()?;
        let server = lock(&self.to_server).stream.try_clone()?;
        thread::scope(|scope| {
            scope.spawn(|| self.direction(&server, from_server, &self.to_server, &self.to_client));
            self.direction(&client, from_client, &self.to_client, &self.to_server);
        });
        Ok(())
    }

    /// One direction, and what its end means to both sides: `back` leads to the side that is read, `ahead` to the other one.
    fn direction<B: Side, A: Side>(
        &self,
        from: &TcpStream,
        first: &[u8],
        back: &Mutex<Out<B>>,
        ahead: &Mutex<Out<A>>,
    ) {
        let end = match self.pump(from, first, ahead) {
            Ok(()) => End::Closed,
            Err(end) => end,
        };
        self.ends_soon();
        // 1014 would say it better, but some clients don't take it.
        let lost = if A::MASKS { CloseCode::GOING_AWAY } else { CloseCode::INTERNAL_ERROR };
        match end {
            // The answer comes by the other direction.
            End::Closed => {}
            End::Lost => lock(ahead).close(lost),
            End::Broken(violation) => {
                // First of all, so that the other side's answer to its Close frame doesn't come before.
                let mut back = lock(back);
                back.close(violation.close_code());
                let _ = back.stream.shutdown(Shutdown::Write);
                drop(back);
                lock(ahead).close(lost);
                // It reads the Close frame before it closes. What it still sends is thrown away.
                let mut buffer = [0; 4096];
                while !self.is_over() && read(from, &mut buffer).is_ok_and(|count| count != Some(0))
                {
                }
            }
        }
    }

    /// There is not much more to come: from now on the time for closing runs.
    fn ends_soon(&self) {
        lock(&self.ending).get_or_insert_with(|| Instant::now() + self.terms.close);
    }

    fn is_over(&self) -> bool {
        lock(&self.ending).is_some_and(|ending| Instant::now() >= ending)
    }

    /// Passes on frames until a Close frame has been.
    fn pump<A: Side>(
        &self,
        from: &TcpStream,
        first: &[u8],
        ahead: &Mutex<Out<A>>,
    ) -> Result<(), End> {
        let mut decoder = Decoder::<A::Peer>::new();
        let mut buffer = vec![0; BUFFER];
        let mut arrived = first.len();
        buffer[..arrived].copy_from_slice(first);
        // The payload of the control frame that is arriving.
        let mut control = Vec::with_capacity(125);
        let mut told = false;
        loop {
            let mut input = Input::new(&mut buffer[..arrived]);
            while let Some(piece) =
                decoder.decode(&mut input, &self.terms.limits).map_err(End::Broken)?
            {
                if !piece.opcode.is_control() {
                    pass(piece, &mut lock(ahead))?;
                    continue;
                }
                if piece.begins {
                    control.clear();
                }
                control.extend_from_slice(piece.payload);
                if piece.remaining == 0 {
                    let opcode = piece.opcode;
                    // That its end is broken, a Close frame shows only after its last piece.
                    decoder.decode(&mut Input::none(), &self.terms.limits).map_err(End::Broken)?;
                    pass_control(opcode, &control, &mut lock(ahead))?;
                    if opcode == Opcode::Close {
                        return Ok(());
                    }
                }
            }
            if (self.terms.stopping)() && !told && lock(ahead).encoder.remaining() == 0 {
                told = true;
                lock(ahead).close(CloseCode::GOING_AWAY);
                self.ends_soon();
            }
            if self.is_over() {
                return Err(End::Lost);
            }
            arrived = match read(from, &mut buffer)? {
                Some(0) => return Err(End::Lost),
                count => count.unwrap_or(0),
            };
        }
    }
}

/// Passes on a piece of a data frame.
fn pass<A: Side>(piece: Piece<'_>, out: &mut Out<A>) -> Result<(), End> {
    if piece.begins {
        let first = match piece.opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            _ => None,
        };
        let len = piece.payload.len() as u64 + piece.remaining;
        let fragment = Fragment { first, fin: piece.fin, rsv1: false, len };
        match out.encoder.begin(fragment, A::next_key(&mut out.keys)) {
            Ok(header) => out.write(&header)?,
            // Once the relay has said that it closes, nothing is passed on any more. Text that is wrong in the end, the decoder
            // tells of with its next breath.
            Err(_) => return Ok(()),
        }
    }
    if out.encoder.payload(piece.payload).is_ok() {
        out.write(piece.payload)?;
    }
    Ok(())
}

/// Passes on a control frame.
fn pass_control<A: Side>(opcode: Opcode, payload: &[u8], out: &mut Out<A>) -> Result<(), End> {
    let key = A::next_key(&mut out.keys);
    let frame = match (opcode, payload) {
        (Opcode::Ping, payload) => out.encoder.ping(payload, key),
        (Opcode::Pong, payload) => out.encoder.pong(payload, key),
        (_, [high, low, reason @ ..]) => {
            let code = CloseCode::new(u16::from_be_bytes([*high, *low]));
            // The decoder has checked both.
            out.encoder.close(code, std::str::from_utf8(reason).unwrap_or_default(), key)
        }
        _ => out.encoder.close(None, "", key),
    };
    // What can't be sent is what comes after a Close frame.
    if let Ok(frame) = frame {
        out.write(&frame)?;
    }
    Ok(())
}
