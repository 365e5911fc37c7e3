//! One client: what the kernel has read is polled, and what waits is written. The kernel reads on by itself until it is called off, because the
//! connection wants nothing more for now, and says when a stream that was full takes something again.

use std::io::{self, IoSlice};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use sockless::connection::{Borrowed, Loan};
use sockless::handshake::Acceptor;
use sockless::{CloseCode, Connection, Event, Input, Server, Want};
use sockless_autobahn::answer::{answer, sent};
use sockless_autobahn::opening::Opening;

use crate::ring::{self, Completed, ECANCELED, ENOBUFS};
use crate::server::Shared;
use crate::stream::write;

/// From how many bytes on a message is written from where it is.
const LARGE: usize = 32 << 10;
/// A buffer for output that has grown larger is given back.
const SPARE: usize = 1 << 20;
/// How long a client that was answered may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);
/// When a stream is tried again that was said to be ready and was full.
const RETRY: Duration = Duration::from_millis(100);

/// What becomes of a client after its turn.
pub(crate) enum Next {
    /// It waits for the kernel, or for a time.
    Wait(Option<Duration>),
    /// It is gone.
    Gone,
}

/// A client.
pub(crate) struct Client {
    stream: TcpStream,
    phase: Phase,
    /// What the kernel is doing for it. It stays until that is completed.
    reading: Reading,
    /// Whether the stream was full, and is watched for when it takes something again.
    full: bool,
    /// Whether it was said to take something, and when it is tried again if it was still full: a client that has half-closed is always said to be ready.
    woken: bool,
    later: Option<Duration>,
    /// The entry among the timers that counts.
    pub(crate) wake: Option<Duration>,
}

#[allow(clippy::large_enum_variant, reason = "of the largest one there are thousands")]
enum Phase {
    Opening(Box<Acceptor<'static>>),
    Open(Connection<Server>),
    /// A client that was answered otherwise; what of the answer has not been written, and until when it may read it.
    Answered(Vec<u8>, Duration),
    /// A client that is gone, and for which the kernel is still doing something.
    Over,
}

/// What the kernel does with what arrives.
enum Reading {
    No,
    Yes,
    /// It was called off, and hasn't said yet that it has ended.
    Ending,
}

impl Client {
    pub(crate) fn new(stream: TcpStream, shared: &Shared) -> Self {
        // A stream that refuses is a lost one.
        let _ = stream.set_nodelay(true);
        let acceptor = Acceptor::new(&shared.terms.handshake, shared.now);
        let phase = Phase::Opening(Box::new(acceptor));
        Self {
            stream,
            phase,
            reading: Reading::No,
            full: false,
            woken: false,
            later: None,
            wake: None,
        }
    }

    /// The server stops: begins to close an open connection, and drops any other.
    pub(crate) fn leave(&mut self, now: Duration) {
        match &mut self.phase {
            // One that closes already has nothing to add.
            Phase::Open(connection) => {
                let _ = connection.close(CloseCode::GOING_AWAY, "the server stops", now);
            }
            _ => self.phase = Phase::Over,
        }
    }

    /// Goes on after what the kernel has done, if anything.
    pub(crate) fn turn(
        &mut self,
        key: usize,
        completed: Option<Completed>,
        shared: &mut Shared,
    ) -> Next {
        let mut lent = None;
        let arrived = match completed {
            Some(Completed::Received { bytes, more }) => {
                if !more {
                    self.reading = Reading::No;
                }
                match bytes {
                    Ok(Some(bytes)) => Ok(Input::new(lent.insert(bytes).bytes())),
                    // It is tried again, if more is wanted: those who had the buffers have given them back.
                    Err(error) if matches!(error.raw_os_error(), Some(ENOBUFS | ECANCELED)) => {
                        Ok(Input::none())
                    }
                    // A reset is an end; what the connection makes of it, it says itself.
                    Ok(None) | Err(_) => Ok(Input::eof()),
                }
            }
            Some(Completed::Ready) => {
                self.full = false;
                self.woken = true;
                Ok(Input::none())
            }
            _ => Ok(Input::none()),
        };
        let next = arrived.and_then(|input| self.go(key, input, shared));
        if let Some(lent) = lent {
            shared.ring.give_back(lent);
        }
        if let Ok(Next::Wait(deadline)) = next {
            return Next::Wait(deadline);
        }
        // It is gone. What the kernel is still doing for it ends with the stream, and then it is removed.
        self.phase = Phase::Over;
        if matches!(self.reading, Reading::No) && !self.full {
            return Next::Gone;
        }
        let _ = self.stream.shutdown(Shutdown::Both);
        Next::Wait(None)
    }

    fn go(&mut self, key: usize, input: Input<'_>, shared: &mut Shared) -> io::Result<Next> {
        match &mut self.phase {
            Phase::Opening(_) => self.open(key, input, shared),
            Phase::Open(connection) => {
                // If output waits, it has a buffer already.
                if let Err(spare) = connection.lend(Loan::Output, mem::take(&mut shared.spare)) {
                    shared.spare = spare;
                }
                let next = poll(
                    connection,
                    input,
                    &self.stream,
                    self.full || self.later.is_some(),
                    shared.now,
                )
                .and_then(|()| self.serve(key, shared));
                if let Phase::Open(connection) = &mut self.phase
                    && let Some(spare) = connection.reclaim(Loan::Output)
                    && spare.capacity() <= SPARE
                {
                    shared.spare = spare;
                }
                next
            }
            Phase::Answered(..) => self.part(key, &input, shared),
            Phase::Over => Ok(Next::Gone),
        }
    }

    /// The opening handshake.
    fn open(&mut self, key: usize, mut input: Input<'_>, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Opening(acceptor) = &mut self.phase else { return Ok(Next::Gone) };
        let asked = acceptor.poll(&mut input, shared.now);
        let deadline = acceptor.deadline();
        match asked.map(|asked| shared.terms.open(asked)) {
            None => {
                self.read(true, key, shared);
                Ok(Next::Wait(deadline))
            }
            Some(Opening::Open(mut connection)) => {
                let polled = poll(&mut connection, input, &self.stream, true, shared.now);
                self.phase = Phase::Open(connection);
                polled?;
                self.serve(key, shared)
            }
            Some(Opening::Answered(answer)) => {
                self.phase = Phase::Answered(answer, shared.now + LINGER);
                self.part(key, &Input::none(), shared)
            }
        }
    }

    /// Does what an open connection wants, once it has been polled.
    fn serve(&mut self, key: usize, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Open(connection) = &mut self.phase else { return Ok(Next::Gone) };
        loop {
            // 2. Write what waits, as far as the stream takes it.
            self.later = self.later.filter(|at| *at > shared.now);
            while !connection.output().is_empty() && !self.full && self.later.is_none() {
                match write(&self.stream, &[IoSlice::new(connection.output())])? {
                    0 if mem::take(&mut self.woken) => self.later = Some(shared.now + RETRY),
                    0 => {
                        self.full = true;
                        shared.ring.watch(&self.stream, ring::Event::Writable, key);
                    }
                    count => {
                        connection.wrote(count);
                        self.woken = false;
                    }
                }
            }
            // 3. Do what the connection wants.
            match connection.want() {
                Want::Done(_) => return Ok(Next::Gone),
                Want::ShutdownWrite => {
                    let _ = self.stream.shutdown(Shutdown::Write); // the peer may be gone already
                    connection.shut();
                }
                Want::Io { deadline: Some(at), .. } if at <= shared.now => {}
                Want::Io { read, deadline, .. } => {
                    self.read(read, key, shared);
                    return Ok(Next::Wait(self.later.into_iter().chain(deadline).min()));
                }
            }
            poll(
                connection,
                Input::none(),
                &self.stream,
                self.full || self.later.is_some(),
                shared.now,
            )?;
        }
    }

    /// What a client gets that asked for no WebSocket. What it still sends is read until it closes, so that nothing resets the
    /// stream while it reads the answer.
    fn part(&mut self, key: usize, input: &Input<'_>, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Answered(answer, deadline) = &mut self.phase else { return Ok(Next::Gone) };
        let deadline = *deadline;
        if shared.now >= deadline || input.is_eof() {
            return Ok(Next::Gone);
        }
        while !answer.is_empty() && !self.full {
            match write(&self.stream, &[IoSlice::new(answer)])? {
                0 => {
                    self.full = true;
                    shared.ring.watch(&self.stream, ring::Event::Writable, key);
                }
                count => drop(answer.drain(..count)),
            }
            if answer.is_empty() {
                let _ = self.stream.shutdown(Shutdown::Write); // the peer may be gone already
            }
        }
        self.read(true, key, shared);
        Ok(Next::Wait(Some(deadline)))
    }

    /// Has the kernel read, or calls it off.
    fn read(&mut self, wanted: bool, key: usize, shared: &mut Shared) {
        match self.reading {
            Reading::No if wanted => {
                self.reading = Reading::Yes;
                shared.ring.receive(&self.stream, key);
            }
            Reading::Yes if !wanted => {
                self.reading = Reading::Ending;
                shared.ring.cancel_receive(key);
            }
            _ => {}
        }
    }
}

/// 1. Poll until there is nothing left in the input: then the buffer is ours again.
fn poll(
    connection: &mut Connection<Server>,
    mut input: Input<'_>,
    stream: &TcpStream,
    full: bool,
    now: Duration,
) -> io::Result<()> {
    while let Some(event) = connection.poll(&mut input, now) {
        echo(event, connection, stream, full)?;
    }
    Ok(())
}

/// Sends a message back.
fn echo(
    event: Event<'_>,
    connection: &mut Connection<Server>,
    stream: &TcpStream,
    full: bool,
) -> io::Result<()> {
    // What is still in the read buffer is looked at where it is: to move it out of the event would cost a small message as much as
    // to decode it.
    let answered = match &event {
        // Small: copied into the batch.
        Event::Text(text) if text.is_borrowed() && text.len() < LARGE => connection.send_text(text),
        Event::Binary(bytes) if bytes.is_borrowed() && bytes.len() < LARGE => {
            connection.send_binary(bytes)
        }
        // Large: header and message are written from where they are.
        Event::Text(text) if text.is_borrowed() => match connection.send_text_borrowed(text) {
            Ok(message) => return write_borrowed(message, stream, full),
            Err(error) => Err(error),
        },
        Event::Binary(bytes) if bytes.is_borrowed() => {
            match connection.send_binary_borrowed(bytes) {
                Ok(message) => return write_borrowed(message, stream, full),
                Err(error) => Err(error),
            }
        }
        _ => answer(event, connection),
    };
    sent(answered).map_err(io::Error::other)
}

/// Writes as much of a message as the stream takes now; the rest is queued.
fn write_borrowed(
    mut message: Borrowed<'_, '_, Server>,
    stream: &TcpStream,
    full: bool,
) -> io::Result<()> {
    let written = match full {
        false => write(stream, &message.slices().map(IoSlice::new))?,
        true => 0,
    };
    message.wrote(written);
    Ok(())
}
