//! A WebSocket as a `Stream` and a `Sink` of messages.

use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::io::IoSlice;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use std::{fmt, io, mem};

use futures_core::Stream;
use futures_sink::Sink;
use sockless::connection::{Cause, Counters, SendError, Side};
use sockless::frame::Misuse;
use sockless::{CloseCode, Connection, Event, Input, Message, Outcome, Want};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::buffer::{self, Buffer};
use super::clock::{Alarm, Clock};
use super::error::Error;
use super::halves::{self, Incoming, Outgoing};

/// From how many bytes on a message that was read at once is handed over together with the memory it was read into. A smaller one is
/// copied, so that whoever keeps it does not keep much more than it.
const LARGE: usize = 32 << 10;
/// So many slices are written by one call.
const SLICES: usize = 16;

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
    /// The time when it was looked at last: when something arrived or was due.
    now: Duration,
    alarm: Alarm,
    /// Whether the stream has ended, and the connection has not been told yet.
    eof: bool,
    /// Whether all has been done but to wait for input, or for the deadline.
    idle: bool,
    /// Whether the end of the connection has been told to the application.
    over: bool,
    /// For how long a half may read to the end of the stream, and the stream may take to be closed; and until when it may.
    close: Duration,
    closes_by: Option<Duration>,
    wakers: Wakers,
}

/// Who goes on with a `WebSocket`: its two sides may be in two tasks.
#[derive(Clone, Copy)]
pub(super) enum Task {
    Reads,
    Sends,
}

/// The tasks that wait. A stream wakes only the last that has waited for it: so whoever writes wakes the other.
#[derive(Default)]
struct Wakers([Option<Waker>; 2]);

impl Wakers {
    fn wait(&mut self, task: Task, cx: &Context<'_>) {
        let place = &mut self.0[task as usize];
        if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *place = Some(cx.waker().clone());
        }
    }

    fn wake_other(&self, task: Task, cx: &Context<'_>) {
        if let Some(other) = &self.0[1 - task as usize]
            && !other.will_wake(cx.waker())
        {
            other.wake_by_ref();
        }
    }
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
        mut buffer: Buffer,
        clock: Clock,
        close: Duration,
    ) -> Self {
        buffer.rest();
        let (now, alarm) = (clock.now(), Alarm::default());
        let (eof, idle, over) = (false, false, false);
        let (closes_by, wakers) = (None, Wakers::default());
        Self {
            stream,
            connection,
            buffer,
            clock,
            now,
            alarm,
            eof,
            idle,
            over,
            close,
            closes_by,
            wakers,
        }
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
        self.look_at_the_clock();
        Ok(self.connection.close(code, reason, self.now)?)
    }

    /// Queues a ping. Its pong is not among the messages; [`counters`](Self::counters) have its round-trip time.
    ///
    /// # Errors
    ///
    /// If the connection closes already, or the payload is longer than 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Error> {
        self.look_at_the_clock();
        Ok(self.connection.ping(payload, self.now)?)
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

    /// Serves the connection to its end: `handle` is given every event, and the connection to answer on. What it sends is written
    /// once all that was read has been looked at.
    ///
    /// This costs less for a small message than the stream and the sink do: it is neither copied nor has it memory of its own. A large
    /// one, from 32 KiB on, costs less as a stream, which hands over the memory it was read into.
    ///
    /// # Errors
    ///
    /// As those of the stream.
    pub async fn serve(
        &mut self,
        mut handle: impl FnMut(Event<'_>, &mut Connection<R>),
    ) -> Result<Outcome, Error> {
        let ended = poll_fn(|cx| self.poll_until(cx, |this| this.hand_over(&mut handle))).await;
        self.over = true;
        ended.map(|_| self.outcome())
    }

    /// Goes on as far as it gets without waiting: until `look` finds something in what has been read, or to the end.
    fn poll_until<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut look: impl FnMut(&mut Self) -> Option<T>,
    ) -> Poll<Result<Option<T>, Error>> {
        loop {
            let (mut reads, mut deadline) = (true, None);
            if !self.idle {
                // 1. Poll until there is nothing left in the input.
                if let Some(found) = look(self) {
                    return Poll::Ready(Ok(Some(found)));
                }
                // 2. Write what waits, as far as the stream takes it.
                let written = self.poll_write(cx, Task::Reads)?.is_ready();
                // 3. Do what the connection wants.
                match self.connection.want() {
                    Want::Done(outcome) => {
                        if outcome.clean() {
                            ready!(self.poll_close_stream(cx));
                        }
                        return Poll::Ready(match outcome.cause {
                            Cause::Failed(failure) => Err(Error::Failed(failure)),
                            _ => Ok(None),
                        });
                    }
                    Want::ShutdownWrite => {
                        ready!(self.poll_close_stream(cx));
                        self.connection.shut();
                        continue;
                    }
                    Want::Io { read, deadline: at, .. } => (reads, deadline) = (read, at),
                }
                self.idle = reads && written;
            }
            let deadline = if self.idle { self.connection.deadline() } else { deadline };
            let due = self.poll_alarm(deadline, cx).is_ready();
            match if reads { self.poll_read(cx) } else { Poll::Pending } {
                Poll::Pending if !due => {
                    self.wakers.wait(Task::Reads, cx);
                    return Poll::Pending;
                }
                Poll::Pending => {}
                // What a reset stream has ended is the connection's to say.
                Poll::Ready(arrived) => self.eof = !arrived.unwrap_or(false),
            }
        }
    }

    /// Closes the writing side of the stream, in the time that a closing handshake may take.
    fn poll_close_stream(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if Pin::new(&mut self.stream).poll_shutdown(cx).is_ready() {
            return Poll::Ready(());
        }
        let by = *self.closes_by.get_or_insert(self.clock.now() + self.close);
        self.poll_alarm(Some(by), cx)
    }

    /// What of the input has not been looked at.
    fn unseen<'b>(eof: &mut bool, buffer: &'b mut Buffer) -> Input<'b> {
        match mem::take(eof) {
            true => Input::eof(),
            false => Input::new(buffer.unread_mut()),
        }
    }

    /// The next message out of what has been read.
    fn message(&mut self) -> Option<Message> {
        let mut input = Self::unseen(&mut self.eof, &mut self.buffer);
        let message = loop {
            match self.connection.poll(&mut input, self.now) {
                Some(Event::Binary(bytes)) if bytes.is_borrowed() && bytes.len() >= LARGE => {
                    let (count, rest) = (bytes.len(), input.len());
                    let bytes = self.buffer.split_off(rest, count);
                    self.buffer.rest();
                    return Some(Message::from(bytes));
                }
                Some(Event::Text(text)) => break Some(Message::from(text)),
                Some(Event::Binary(bytes)) => break Some(Message::from(bytes)),
                Some(_) => {}
                None => break None,
            }
        };
        let rest = input.len();
        self.buffer.keep_last(rest);
        self.buffer.rest();
        message
    }

    /// Hands over the events in what has been read.
    fn hand_over(
        &mut self,
        handle: &mut impl FnMut(Event<'_>, &mut Connection<R>),
    ) -> Option<Infallible> {
        self.lend();
        let mut input = Self::unseen(&mut self.eof, &mut self.buffer);
        while let Some(event) = self.connection.poll(&mut input, self.now) {
            handle(event, &mut self.connection);
        }
        self.buffer.keep_last(0);
        self.buffer.rest();
        None
    }

    /// Reads, into the buffer or straight into a large message; whether something arrived.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let read = match self.connection.take_buffer() {
            Some(mut taken) => {
                let mut space = &mut taken;
                let read = pin!(self.stream.read_buf(&mut space)).poll(cx);
                // It is what was taken, with no more than there was room for.
                let _ = self.connection.put_buffer(taken);
                read
            }
            None => self.buffer.poll_read(&mut self.stream, cx),
        };
        let count = ready!(read);
        self.look_at_the_clock();
        Poll::Ready(count.map(|count| count > 0))
    }

    /// Writes all output, and flushes the stream.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        task: Task,
    ) -> Poll<Result<(), Error>> {
        let Self { stream, connection, idle, wakers, .. } = self;
        let mut stream = Pin::new(stream);
        while !connection.output().is_empty() {
            let output = connection.output();
            let written = if output.len() == connection.queued() {
                // The plain call costs the system less.
                stream.as_mut().poll_write(cx, output)
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let count = connection.output_io_slices(&mut slices);
                stream.as_mut().poll_write_vectored(cx, &slices[..count])
            };
            match ready!(written) {
                Ok(0) => return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into())),
                Ok(count) => {
                    connection.wrote(count);
                    *idle = false;
                    wakers.wake_other(task, cx);
                }
                Err(error) => return Poll::Ready(Err(error.into())),
            }
        }
        if let Some(buffer) = connection.reclaim() {
            buffer::keep_output(buffer);
        }
        stream.poll_flush(cx).map_err(Error::from)
    }

    /// Lends the thread's spare buffer for output, if none waits.
    fn lend(&mut self) {
        self.idle = false;
        if self.connection.output().is_empty()
            && let Err(buffer) = self.connection.lend(buffer::take_output())
        {
            buffer::keep_output(buffer);
        }
    }

    /// Ready once the deadline has passed.
    fn poll_alarm(&mut self, deadline: Option<Duration>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(self.alarm.poll(self.clock, deadline, cx));
        self.look_at_the_clock();
        Poll::Ready(())
    }

    /// Something has happened, at this time.
    fn look_at_the_clock(&mut self) {
        self.now = self.clock.now();
        self.idle = false;
    }

    /// Looks whether something is due, for those who wait for the sink alone.
    fn poll_time(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        loop {
            let deadline = match self.connection.want() {
                Want::Io { read: true, deadline, .. } => deadline,
                Want::Io { deadline, .. } if self.connection.is_congested() => deadline,
                Want::Done(_) => return Err(Error::Closed),
                // There are messages, which are the stream's to look at; or it closes.
                Want::Io { .. } | Want::ShutdownWrite => return Ok(()),
            };
            if self.poll_alarm(deadline, cx).is_pending() {
                return Ok(());
            }
            while self.connection.poll(&mut Input::none(), self.now).is_some() {}
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> Stream for WebSocket<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.over {
            return Poll::Ready(None);
        }
        let next = ready!(this.poll_until(cx, Self::message)).transpose();
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
        let _ = this.poll_write(cx, Task::Sends)?;
        if !this.connection.is_congested() {
            return Poll::Ready(Ok(()));
        }
        this.wakers.wait(Task::Sends, cx);
        // Output that has just come to a halt has a deadline from now on. No message is given out as long as it waits.
        while this.connection.poll(&mut Input::none(), this.now).is_some() {}
        this.poll_time(cx)?;
        Poll::Pending
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        this.lend();
        Ok(this.connection.send(message)?)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.poll_time(cx)?;
        let flushed = this.poll_write(cx, Task::Sends)?;
        if flushed.is_pending() {
            this.wakers.wait(Task::Sends, cx);
            this.poll_time(cx)?;
        }
        flushed.map(Ok)
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        match this.start_close(CloseCode::NORMAL, "") {
            // It was begun before; or the connection has failed, which is told at the end.
            Ok(()) | Err(Error::Send(SendError::Misuse(Misuse::Closed) | SendError::Failed)) => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
        while !this.over {
            match ready!(this.poll_until(cx, Self::message)) {
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
