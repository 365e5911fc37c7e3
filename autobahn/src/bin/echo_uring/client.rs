//! One client: what was read is polled, what waits is written, and what comes next is told to the kernel. There is at most one
//! read in flight and one write.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use bytes::BytesMut;
use sockless::handshake::Acceptor;
use sockless::{CloseCode, Connection, Input, Server, Want};
use sockless_autobahn::answer::answer;
use sockless_autobahn::opening::Opening;

use crate::buffers::Lent;
use crate::ring::{Completed, ENOBUFS};
use crate::server::Shared;

/// How much is written at once.
const WRITE: usize = 256 << 10;
/// How many buffers to write from are kept.
const SPARES: usize = 64;
/// How long a client that was answered may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);

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
    reading: bool,
    writing: bool,
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

/// What has come of a read.
enum Arrived {
    Nothing,
    Bytes(Lent),
    /// Into a message's own buffer.
    Message(BytesMut),
    End,
}

impl Client {
    pub(crate) fn new(stream: TcpStream, shared: &Shared) -> Self {
        // A stream that refuses is a lost one.
        let _ = stream.set_nodelay(true);
        let acceptor = Acceptor::new(&shared.terms.handshake, shared.now);
        let phase = Phase::Opening(Box::new(acceptor));
        Self { stream, phase, reading: false, writing: false, wake: None }
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

    /// Takes note of what the kernel has done, if anything, and goes on.
    pub(crate) fn turn(
        &mut self,
        key: usize,
        completed: Option<Completed>,
        shared: &mut Shared,
    ) -> Next {
        let arrived = match completed {
            None => Ok(Arrived::Nothing),
            Some(Completed::Written(buffer, result)) => {
                self.writing = false;
                if shared.spares.len() < SPARES {
                    shared.spares.push(buffer);
                }
                result.map(|count| {
                    self.wrote(count);
                    Arrived::Nothing
                })
            }
            Some(completed) => {
                self.reading = false;
                Ok(match completed {
                    Completed::Read(Ok(Some(lent))) => Arrived::Bytes(lent),
                    // It is tried again: those who had the buffers have given them back.
                    Completed::Read(Err(error)) if error.raw_os_error() == Some(ENOBUFS) => {
                        Arrived::Nothing
                    }
                    Completed::ReadInto(bytes, Ok(1..)) => Arrived::Message(bytes),
                    Completed::ReadInto(bytes, _) => {
                        self.put_buffer(bytes);
                        Arrived::End
                    }
                    // A reset is an end; what the connection makes of it, it says itself.
                    _ => Arrived::End,
                })
            }
        };
        let next = arrived.and_then(|arrived| self.go(key, arrived, shared));
        if let Ok(Next::Wait(deadline)) = next {
            return Next::Wait(deadline);
        }
        // It is gone. What the kernel is still doing for it ends with the stream, and then it is removed.
        self.phase = Phase::Over;
        if !self.reading && !self.writing {
            return Next::Gone;
        }
        let _ = self.stream.shutdown(Shutdown::Both);
        Next::Wait(None)
    }

    fn wrote(&mut self, count: usize) {
        match &mut self.phase {
            Phase::Open(connection) => connection.wrote(count),
            Phase::Answered(answer, _) => drop(answer.drain(..count)),
            Phase::Opening(_) | Phase::Over => {}
        }
    }

    fn put_buffer(&mut self, bytes: BytesMut) {
        if let Phase::Open(connection) = &mut self.phase {
            // It is what was taken, with no more than there was room for.
            let _ = connection.put_buffer(bytes);
        }
    }

    fn go(&mut self, key: usize, arrived: Arrived, shared: &mut Shared) -> io::Result<Next> {
        match &mut self.phase {
            Phase::Opening(_) => self.open(key, arrived, shared),
            Phase::Open(connection) => {
                match arrived {
                    Arrived::Nothing => poll(connection, Input::none(), shared.now),
                    Arrived::End => poll(connection, Input::eof(), shared.now),
                    Arrived::Message(bytes) => {
                        let _ = connection.put_buffer(bytes);
                        poll(connection, Input::none(), shared.now)
                    }
                    Arrived::Bytes(mut lent) => {
                        let polled = poll(connection, Input::new(lent.bytes()), shared.now);
                        shared.ring.give_back(lent);
                        polled
                    }
                }?;
                self.serve(key, shared)
            }
            Phase::Answered(..) => self.part(key, arrived, shared),
            Phase::Over => Ok(Next::Gone),
        }
    }

    /// The opening handshake.
    fn open(&mut self, key: usize, mut arrived: Arrived, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Opening(acceptor) = &mut self.phase else { return Ok(Next::Gone) };
        let mut input = match &mut arrived {
            Arrived::Bytes(lent) => Input::new(lent.bytes()),
            Arrived::End => Input::eof(),
            Arrived::Nothing | Arrived::Message(_) => Input::none(),
        };
        let asked = acceptor.poll(&mut input, shared.now);
        let deadline = acceptor.deadline();
        let opening = asked.map(|asked| shared.terms.open(asked));
        let next = match opening {
            None => {
                if !self.reading {
                    self.reading = true;
                    shared.ring.read(&self.stream, key);
                }
                Ok(Next::Wait(deadline))
            }
            Some(Opening::Open(mut connection)) => {
                let polled = poll(&mut connection, input, shared.now);
                self.phase = Phase::Open(connection);
                polled.and_then(|()| self.serve(key, shared))
            }
            Some(Opening::Answered(answer)) => {
                self.phase = Phase::Answered(answer, shared.now + LINGER);
                self.part(key, Arrived::Nothing, shared)
            }
        };
        if let Arrived::Bytes(lent) = arrived {
            shared.ring.give_back(lent);
        }
        next
    }

    /// Does what an open connection wants, once it has been polled.
    fn serve(&mut self, key: usize, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Open(connection) = &mut self.phase else { return Ok(Next::Gone) };
        loop {
            // 2. Write what waits, as far as the stream takes it: what the kernel has to write is told it, and it tells when it has.
            if !connection.output().is_empty() && !self.writing {
                self.writing = true;
                let buffer = output(connection, shared.spares.pop().unwrap_or_default());
                shared.ring.write(&self.stream, buffer, key);
            }
            // 3. Do what the connection wants.
            match connection.want() {
                Want::Done(_) => return Ok(Next::Gone),
                Want::ShutdownWrite => {
                    self.stream.shutdown(Shutdown::Write)?;
                    connection.shut();
                }
                Want::Io { deadline: Some(at), .. } if at <= shared.now => {}
                Want::Io { read, deadline, .. } => {
                    if read && !self.reading {
                        self.reading = true;
                        match connection.take_buffer() {
                            // A large message has begun: the kernel reads straight into its memory.
                            Some(room) => shared.ring.read_into(&self.stream, room, key),
                            None => shared.ring.read(&self.stream, key),
                        }
                    }
                    return Ok(Next::Wait(deadline));
                }
            }
            poll(connection, Input::none(), shared.now)?;
        }
    }

    /// What a client gets that asked for no WebSocket. What it still sends is read until it closes, so that nothing resets the
    /// stream while it reads the answer.
    fn part(&mut self, key: usize, arrived: Arrived, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Answered(answer, deadline) = &mut self.phase else { return Ok(Next::Gone) };
        match arrived {
            Arrived::Bytes(lent) => shared.ring.give_back(lent),
            Arrived::End => return Ok(Next::Gone),
            Arrived::Nothing | Arrived::Message(_) => {}
        }
        if shared.now >= *deadline {
            return Ok(Next::Gone);
        }
        if answer.is_empty() {
            self.stream.shutdown(Shutdown::Write)?;
        } else if !self.writing {
            self.writing = true;
            shared.ring.write(&self.stream, answer.clone(), key);
        }
        if !self.reading {
            self.reading = true;
            shared.ring.read(&self.stream, key);
        }
        Ok(Next::Wait(Some(*deadline)))
    }
}

/// 1. Poll until there is nothing left in the input: then the buffer is ours again.
fn poll(
    connection: &mut Connection<Server>,
    mut input: Input<'_>,
    now: Duration,
) -> io::Result<()> {
    while let Some(event) = connection.poll(&mut input, now) {
        answer(event, connection).map_err(io::Error::other)?;
    }
    Ok(())
}

/// The beginning of the output, copied: the connection goes on while the kernel writes.
fn output(connection: &Connection<Server>, mut buffer: Vec<u8>) -> Vec<u8> {
    buffer.clear();
    for slice in connection.output_slices() {
        let room = WRITE - buffer.len();
        buffer.extend_from_slice(&slice[..slice.len().min(room)]);
        if buffer.len() == WRITE {
            break;
        }
    }
    buffer
}
