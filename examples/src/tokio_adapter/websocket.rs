//! A WebSocket as a `Stream` and a `Sink` of messages.

use std::future::Future as _;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io, mem};

use bytes::BufMut as _;
use futures_core::Stream;
use futures_sink::Sink;
use sockless::connection::{Cause, Counters, SendError, Side};
use sockless::frame::Misuse;
use sockless::{CloseCode, Connection, Event, Input, Message, Outcome, Want};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

use super::clock::{Alarm, Clock};
use super::error::Error;
use super::halves::{self, Incoming, Outgoing};

/// How much is read at once.
const READ: usize = 16 << 10;

/// A WebSocket on a stream of bytes. `R` is the role: [`Client`](sockless::Client) or [`Server`](sockless::Server).
///
/// The `Stream` ends with `None` once the connection is closed, and with an [`Error::Failed`] before it where it has failed. It is
/// to be read to the end: only then has the closing handshake been done.
///
/// The `Sink` takes messages until as much waits as the configuration's soft limit. Closing it begins the closing handshake, and
/// completes it; messages that arrive meanwhile are thrown away. To have them, call [`start_close`](Self::start_close) and read on.
pub struct WebSocket<S, R: Side> {
    stream: S,
    connection: Connection<R>,
    buffer: Buffer,
    clock: Clock,
    alarm: Alarm,
    /// Whether the stream has ended, and the connection has not been told yet.
    eof: bool,
    /// Whether the end of the connection has been told to the application.
    over: bool,
    /// For how long a half may read to the end of the stream.
    close: Duration,
}

impl<S, R: Side> WebSocket<S, R> {
    /// How the connection ended, or how it stands.
    pub fn outcome(&self) -> Outcome {
        self.connection.outcome()
    }

    /// What has gone over the connection.
    pub fn counters(&self) -> Counters {
        self.connection.counters()
    }

    /// The stream below.
    pub fn get_ref(&self) -> &S {
        &self.stream
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    pub(super) fn new(
        stream: S,
        connection: Connection<R>,
        buffer: Buffer,
        clock: Clock,
        close: Duration,
    ) -> Self {
        let alarm = Alarm::default();
        Self { stream, connection, buffer, clock, alarm, eof: false, over: false, close }
    }

    /// Queues a Close frame: no message can be sent after it, and those of the peer arrive until its own Close frame does.
    ///
    /// # Errors
    ///
    /// If the connection closes already, or the reason is longer than 123 bytes.
    pub fn start_close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> Result<(), Error> {
        Ok(self.connection.close(code, reason, self.clock.now())?)
    }

    /// Queues a ping. Its pong is not among the messages; [`counters`](Self::counters) have its round-trip time.
    ///
    /// # Errors
    ///
    /// If the connection closes already, or the payload is longer than 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        Ok(self.connection.ping(payload, self.clock.now())?)
    }

    /// Two halves for two tasks, on the two halves of the stream: `socket.into_halves(tokio::net::TcpStream::into_split)`, or
    /// `tokio::io::split` for any stream.
    pub fn into_halves<I, O>(
        self,
        halves: impl FnOnce(S) -> (I, O),
    ) -> (Incoming<I, R>, Outgoing<O, R>) {
        let (reader, writer) = halves(self.stream);
        let (receiver, sender) = self.connection.split();
        halves::new((reader, receiver, self.buffer), (writer, sender), self.clock, self.close)
    }

    /// Goes on as far as it gets without waiting: the next message, or the end.
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Message>, Error>> {
        loop {
            if let Some(message) = self.poll_input() {
                return Poll::Ready(Ok(Some(message)));
            }
            let _ = self.poll_write(cx)?;
            match self.connection.want() {
                Want::Done(outcome) => {
                    // The stream is not needed any more, whatever it says to this.
                    let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
                    return Poll::Ready(match outcome.cause {
                        Cause::Failed(failure) => Err(Error::Failed(failure)),
                        _ => Ok(None),
                    });
                }
                Want::ShutdownWrite => {
                    let _ = ready!(Pin::new(&mut self.stream).poll_shutdown(cx));
                    self.connection.shut();
                }
                Want::Io { read, deadline, .. } => {
                    let due = self.alarm.poll(self.clock, deadline, cx).is_ready();
                    if read {
                        match self.poll_read(cx) {
                            Poll::Pending if !due => return Poll::Pending,
                            Poll::Pending => {}
                            Poll::Ready(Ok(arrived)) => self.eof = !arrived,
                            // What a reset stream has ended is the connection's to say.
                            Poll::Ready(Err(_)) => self.eof = true,
                        }
                    } else if !due {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// The next message out of what has been read.
    fn poll_input(&mut self) -> Option<Message> {
        let now = self.clock.now();
        let mut input = match mem::take(&mut self.eof) {
            true => Input::eof(),
            false => Input::new(self.buffer.unread_mut()),
        };
        let message = loop {
            match self.connection.poll(&mut input, now) {
                Some(Event::Text(text)) => break Some(Message::from(text)),
                Some(Event::Binary(bytes)) => break Some(Message::from(bytes)),
                Some(_) => {}
                None => break None,
            }
        };
        let rest = input.len();
        self.buffer.keep_last(rest);
        message
    }

    /// Reads, into the buffer or straight into a large message; whether something arrived.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        if let Some(mut taken) = self.connection.take_buffer() {
            let before = taken.bytes.len();
            let mut space = (&mut taken.bytes).limit(taken.room);
            let read = pin!(self.stream.read_buf(&mut space)).poll(cx);
            let arrived = taken.bytes.len() > before;
            // It is what was taken, with no more than there was room for.
            let _ = self.connection.put_buffer(taken.bytes);
            return read.map_ok(|_| arrived);
        }
        let mut space = ReadBuf::new(self.buffer.space());
        ready!(Pin::new(&mut self.stream).poll_read(cx, &mut space))?;
        let count = space.filled().len();
        self.buffer.filled(count);
        Poll::Ready(Ok(count > 0))
    }

    /// Writes all output, and flushes the stream.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let Self { stream, connection, .. } = self;
        while !connection.output().is_empty() {
            let written = ready!(pin!(stream.write_buf(&mut connection.drain())).poll(cx));
            match written {
                Ok(1..) => {}
                Ok(0) => return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        Pin::new(stream).poll_flush(cx).map_err(Error::from)
    }

    /// Looks whether something is due, for those who wait for the sink alone.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        while self.alarm.poll(self.clock, self.connection.deadline(), cx).is_ready() {
            while self.connection.poll(&mut Input::none(), self.clock.now()).is_some() {}
            if matches!(self.connection.want(), Want::Done(_)) {
                return Err(Error::Closed);
            }
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> Stream for WebSocket<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let next = ready!(this.poll_message(cx)).transpose();
        this.over = !matches!(next, Some(Ok(_)));
        Poll::Ready(next)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> Sink<Message> for WebSocket<S, R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(Err(Error::Closed));
        }
        if !this.connection.is_congested() {
            return Poll::Ready(Ok(()));
        }
        this.poll_time(cx)?;
        let _ = this.poll_write(cx)?;
        if this.connection.is_congested() { Poll::Pending } else { Poll::Ready(Ok(())) }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        Ok(self.get_mut().connection.send(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.poll_time(cx)?;
        this.poll_write(cx)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        match this.start_close(CloseCode::NORMAL, "") {
            // It was begun before; or the connection has failed, which is told at the end.
            Ok(()) | Err(Error::Send(SendError::Misuse(Misuse::Closed) | SendError::Failed)) => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
        while !this.over {
            match ready!(this.poll_message(cx)) {
                Ok(Some(_)) => {}
                end => {
                    this.over = true;
                    return Poll::Ready(end.map(drop));
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl<S, R: Side> fmt::Debug for WebSocket<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocket").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// What has been read, and how much of it has not been looked at.
#[derive(Default)]
pub(super) struct Buffer {
    /// Empty until the first read.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// Where to read to. What has not been looked at is lost: there is to be none.
    pub(super) fn space(&mut self) -> &mut [u8] {
        self.bytes.resize(READ, 0);
        &mut self.bytes
    }

    /// Takes note that so much has been read.
    pub(super) fn filled(&mut self, count: usize) {
        (self.start, self.end) = (0, count);
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    pub(super) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Takes note that so much has been looked at.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Takes note that all but the last so many bytes have been looked at.
    pub(super) fn keep_last(&mut self, rest: usize) {
        self.start = self.end.saturating_sub(rest);
    }

    pub(super) fn clear(&mut self) {
        self.start = self.end;
    }
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("unread", &(self.end - self.start)).finish()
    }
}
