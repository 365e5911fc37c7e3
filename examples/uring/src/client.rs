//! One client: what the kernel has read is polled, and what waits is written. The kernel reads on by itself until it is called off, because the
//! connection wants nothing more for now, and says when a stream that was full takes something again.

use std::io::{self, ErrorKind, IoSlice};
use std::mem;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use sockless::connection::{Loan, SendError};
use sockless::frame::Misuse;
use sockless::handshake::{Acceptance, Acceptor, Asked, HeadLimits, RequestError};
use sockless::{CloseCode, Config, Connection, Event, Input, Server, Want, endpoint};

use crate::ring::{self, Completed, ECANCELED, ENOBUFS, Ring};
use crate::stream::write;

/// How long a client that was answered may take to read the answer.
const LINGER: Duration = Duration::from_secs(1);
/// When a stream is tried again that was said to be ready and was full.
const RETRY: Duration = Duration::from_millis(100);

/// What all clients share.
pub(crate) struct Shared {
    pub(crate) ring: Ring,
    config: Arc<Config>,
    /// A buffer for output, lent to whoever has his turn.
    spare: Vec<u8>,
    /// The time, looked at once for all that was completed together.
    pub(crate) now: Duration,
}

impl Shared {
    pub(crate) fn new(ring: Ring) -> Self {
        let config =
            Config::default().with_keepalive(Duration::from_secs(30), Duration::from_secs(10));
        Self { ring, config: Arc::new(config), spare: Vec::new(), now: Duration::ZERO }
    }
}

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
    /// The entry among those who are due that counts.
    pub(crate) wake: Option<Duration>,
}

#[allow(clippy::large_enum_variant, reason = "of the largest one there are thousands")]
enum Phase {
    Opening(Box<Acceptor<'static>>),
    Open(Connection<Server>),
    /// It was answered otherwise: it may read the answer until this time.
    Answered(Duration),
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
    pub(crate) fn new(stream: TcpStream, now: Duration) -> Self {
        // A stream that refuses is a lost one.
        let _ = stream.set_nodelay(true);
        let phase = Phase::Opening(Box::new(Acceptor::new(&HeadLimits::default(), now)));
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
                let next =
                    poll(connection, input, shared.now).and_then(|()| self.serve(key, shared));
                // One that has grown large is given back.
                if let Phase::Open(connection) = &mut self.phase
                    && let Some(spare) = connection.reclaim(Loan::Output)
                    && spare.capacity() <= 1 << 20
                {
                    shared.spare = spare;
                }
                next
            }
            Phase::Answered(deadline) => {
                let deadline = *deadline;
                Ok(self.linger(key, &input, deadline, shared))
            }
            Phase::Over => Ok(Next::Gone),
        }
    }

    /// The opening handshake.
    fn open(&mut self, key: usize, mut input: Input<'_>, shared: &mut Shared) -> io::Result<Next> {
        let Phase::Opening(acceptor) = &mut self.phase else { return Ok(Next::Gone) };
        let answer = match acceptor.poll(&mut input, shared.now) {
            None => {
                let deadline = acceptor.deadline();
                self.read(true, key, shared);
                return Ok(Next::Wait(deadline));
            }
            Some(Asked::WebSocket(request)) => {
                let config = Arc::clone(&shared.config);
                let (mut connection, _) = endpoint::accept(&request, &Acceptance::new(), config)
                    .map_err(io::Error::other)?;
                let polled = poll(&mut connection, input, shared.now);
                self.phase = Phase::Open(connection);
                polled?;
                return self.serve(key, shared);
            }
            Some(Asked::Plain(_)) => RequestError::PlainRequest.answer(),
            Some(Asked::Refused(error)) => error.answer(),
        };
        // It opens no WebSocket. Nothing was written before: there is room for so short an answer, or the client is lost.
        if write(&self.stream, &[IoSlice::new(answer)])? < answer.len() {
            return Err(ErrorKind::WriteZero.into());
        }
        let _ = self.stream.shutdown(Shutdown::Write); // the peer may be gone already
        let deadline = shared.now + LINGER;
        self.phase = Phase::Answered(deadline);
        self.read(true, key, shared);
        Ok(Next::Wait(Some(deadline)))
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
            poll(connection, Input::none(), shared.now)?;
        }
    }

    /// What a client still sends after its answer is thrown away: unread, it would reset the stream before the client has read it.
    fn linger(
        &mut self,
        key: usize,
        input: &Input<'_>,
        deadline: Duration,
        shared: &mut Shared,
    ) -> Next {
        if shared.now >= deadline || input.is_eof() {
            return Next::Gone;
        }
        self.read(true, key, shared);
        Next::Wait(Some(deadline))
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
    now: Duration,
) -> io::Result<()> {
    while let Some(event) = connection.poll(&mut input, now) {
        let sent = match event {
            Event::Text(text) => connection.send_text(&text),
            Event::Binary(bytes) => connection.send_binary(&bytes),
            _ => Ok(()), // pongs and Close frames are queued already
        };
        match sent {
            // We have said that we go: messages may still arrive, and none is answered.
            Err(SendError::Misuse(Misuse::Closed)) | Ok(()) => {}
            Err(error) => return Err(io::Error::other(error)),
        }
    }
    Ok(())
}
