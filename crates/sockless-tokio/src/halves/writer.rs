//! The half that writes: takes what is to be sent, and drives the stream until the connection has ended.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Buf;
use sockless::CloseCode;
use sockless::connection::{self, Failure, Notice, Reply, SenderEnd};
use tokio::io::AsyncWrite;
use tokio::sync::mpsc::{self, error::TryRecvError};

use super::order::{Note, Order, Role};
use super::sender::Sender;
use super::shared::{BESIDE, Shared};
use crate::buffer;
use crate::clock::{Alarm, Clock};
use crate::message::Message;

/// How many orders are obeyed before the stream is looked at again.
const BATCH: usize = 1024;
/// How many slices are written by one call.
const SLICES: usize = 16;
/// How long closing a stream may take for which there is no other deadline.
const LINGER: Duration = Duration::from_secs(1);

/// The half that writes: to be [run](Self::run) in a task, where [`split`](crate::WebSocket::split) has not started it already.
pub struct Writer<O, R: Role> {
    stream: O,
    sender: connection::Sender<R>,
    orders: mpsc::UnboundedReceiver<Order>,
    /// What others send with; dropped when this begins to run, because it would keep the queue open.
    handle: Option<Sender<R>>,
    shared: Arc<Shared>,
    notes: mpsc::UnboundedSender<Note>,
    clock: Clock,
    now: Duration,
    alarm: Alarm,
    state: State,
    closes_by: Option<Duration>,
}

#[derive(Clone, Copy, Debug, Default)]
struct State {
    /// Whether the receiving half has said its last.
    peer_done: bool,
    /// Whether nobody is left who could read or send.
    alone: bool,
    unflushed: bool,
    /// Whether all has been written, and the stream is being closed.
    closes: bool,
}

impl<O: AsyncWrite + Unpin, R: Role> Writer<O, R> {
    pub(super) fn new(
        stream: O,
        sender: connection::Sender<R>,
        orders: mpsc::UnboundedReceiver<Order>,
        handle: Sender<R>,
        shared: Arc<Shared>,
        notes: mpsc::UnboundedSender<Note>,
        clock: Clock,
    ) -> Self {
        Self {
            stream,
            sender,
            orders,
            handle: Some(handle),
            shared,
            notes,
            clock,
            now: clock.now(),
            alarm: Alarm::default(),
            state: State::default(),
            closes_by: None,
        }
    }

    /// What messages are sent with, by any number of tasks.
    pub fn sender(&self) -> Sender<R> {
        match &self.handle {
            Some(handle) => handle.clone(),
            None => unreachable!("it is dropped when this is run"),
        }
    }

    /// Writes what it is given, until the connection has ended: in a task of its own. Once neither the reader nor a sender is left, it closes the
    /// connection with code 1001.
    ///
    /// # Errors
    ///
    /// If the stream has failed. The reader hears of it, too.
    pub async fn run(mut self) -> io::Result<SenderEnd> {
        self.handle = None;
        let ended = std::future::poll_fn(|cx| self.poll_end(cx)).await;
        let end = self.sender.end();
        let kind = ended.as_ref().err().map(io::Error::kind);
        self.shared.end(None);
        // Whoever reads may be gone.
        let _ = self.notes.send(Note::Ended(end, kind, Box::new(self.sender.traffic())));
        ended.map(|()| end)
    }

    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.now = self.clock.now();
        loop {
            // 1. Take what is to be sent: it goes out together.
            let more = !self.state.closes && self.obey_all(cx);
            let over = self.sender.timeout(self.now);
            self.give_notice();
            // From here on, nothing is taken any more that would not be sent.
            if self.sender.end().is_ended() {
                self.shared.end(None);
            }
            if over {
                // Nothing more can be written.
                return Poll::Ready(Ok(()));
            }
            // 2. Write what waits, as far as the stream takes it.
            let written = self.poll_write(cx)?;
            if written.is_ready() {
                if more {
                    continue;
                }
                let State { peer_done, alone, .. } = self.state;
                self.state.closes |= alone || (peer_done && self.sender.end().is_ended());
                if self.state.closes {
                    return self.poll_close(cx).map(Ok);
                }
            }
            self.give_notice();
            // 3. Wait for more, or for the deadline.
            let Some(deadline) = self.sender.deadline() else { return Poll::Pending };
            if deadline > self.now {
                ready!(self.alarm.poll(self.clock, deadline, cx));
            }
            self.now = self.clock.now();
        }
    }

    /// Tells what the receiving half, and those who send, have to know.
    fn give_notice(&mut self) {
        while let Some(notice) = self.sender.notice() {
            if notice == Notice::Stalled {
                self.shared.end(Some(Failure::Stalled));
            }
            let _ = self.notes.send(Note::Notice(notice));
        }
    }

    /// Obeys what is in the queue, as far as there is room: whether there may be more. If not, the task is woken by what comes.
    fn obey_all(&mut self, cx: &mut Context<'_>) -> bool {
        let (mut taken, mut obeyed) = (0, 0);
        let more = loop {
            if self.state.alone {
                break false;
            }
            if self.sender.is_congested() || obeyed == BATCH {
                break true;
            }
            let order = match self.orders.try_recv() {
                Ok(order) => Some(order),
                Err(TryRecvError::Empty) => match self.orders.poll_recv(cx) {
                    Poll::Ready(order) => order,
                    Poll::Pending => break false,
                },
                Err(TryRecvError::Disconnected) => None,
            };
            obeyed += 1;
            match order {
                Some(order) => taken += self.obey(order),
                None => {
                    // Nobody is left who could read or send.
                    self.state.alone = true;
                    let _ = self.sender.close(CloseCode::GOING_AWAY, "", self.now);
                }
            }
        };
        if taken > 0 {
            self.shared.remove(taken);
        }
        more
    }

    /// Obeys, and says how much that was of what is counted.
    #[inline]
    fn obey(&mut self, order: Order) -> usize {
        if self.sender.output().is_empty()
            && let Err(buffer) = self.sender.lend(buffer::take_output())
        {
            buffer::keep_output(buffer);
        }
        // Orders are taken while there is room: what is refused is what was in the queue when the connection ended. The application
        // hears of that where it reads.
        match order {
            Order::Send(Message::Text(text)) if text.as_bytes().len() < SHARE => {
                let _ = self.sender.send_text(&text);
                text.as_bytes().len() + BESIDE
            }
            Order::Send(Message::Binary(data)) if data.len() < SHARE => {
                let _ = self.sender.send_binary(&data);
                data.len() + BESIDE
            }
            order => self.obey_other(order),
        }
    }

    #[cold]
    fn obey_other(&mut self, order: Order) -> usize {
        match order {
            Order::Send(message) => {
                let len = message.as_bytes().len();
                match message {
                    Message::Text(text) => drop(self.sender.send(text.into_utf8_bytes())),
                    Message::Binary(data) => drop(self.sender.send(data.into_bytes())),
                    Message::Ping(data) => {
                        if let Ok(probe) = self.sender.ping(&data, self.now) {
                            let _ = self.notes.send(Note::Probe(Box::new(probe)));
                        }
                    }
                    Message::Pong(data) => drop(self.sender.pong(&data)),
                    Message::Close(frame) => {
                        let code = frame.as_ref().map(|frame| frame.code);
                        let reason = frame.as_ref().map_or("", |frame| &frame.reason);
                        let _ = self.sender.close(code, reason, self.now);
                    }
                }
                len + BESIDE
            }
            Order::Prepared(message) => {
                let _ = R::send_prepared(&mut self.sender, &message);
                message.payload_len() + BESIDE
            }
            Order::Close(code, reason) => {
                let _ = self.sender.close(code, &reason, self.now);
                BESIDE
            }
            Order::Reply(reply) => {
                self.sender.apply(*reply, self.now);
                if let Reply::Fail(failure) = *reply {
                    self.shared.end(Some(failure));
                }
                self.state.peer_done |= matches!(*reply, Reply::Close { .. } | Reply::Fail(_));
                if self.shared.reply_arrived() {
                    let _ = self.notes.send(Note::Room);
                }
                0
            }
        }
    }

    /// Writes all that waits, and flushes the stream.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<Poll<()>> {
        let mut stream = Pin::new(&mut self.stream);
        while !self.sender.output().is_empty() {
            let output = self.sender.output();
            let written = if output.len() == self.sender.queued() {
                stream.as_mut().poll_write(cx, output)
            } else {
                let mut slices = [IoSlice::new(&[]); SLICES];
                let output = self.sender.drain();
                let count = output.chunks_vectored(&mut slices);
                stream.as_mut().poll_write_vectored(cx, &slices[..count])
            };
            match written {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Ok(count)) => {
                    self.sender.wrote(count);
                    self.state.unflushed = true;
                }
                Poll::Ready(Err(error)) => return Err(error),
            }
        }
        if let Some(buffer) = self.sender.reclaim() {
            buffer::keep_output(buffer);
        }
        if self.state.unflushed {
            match stream.poll_flush(cx) {
                Poll::Pending => return Ok(Poll::Pending),
                Poll::Ready(flushed) => flushed?,
            }
            self.state.unflushed = false;
        }
        Ok(Poll::Ready(()))
    }

    /// Closes the writing side of the stream. The peer may have closed it already; there is nothing left to be lost.
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if Pin::new(&mut self.stream).poll_shutdown(cx).is_ready() {
            return Poll::Ready(());
        }
        let by = self.sender.deadline().unwrap_or(self.now + LINGER);
        let by = *self.closes_by.get_or_insert(by);
        self.alarm.poll(self.clock, by, cx)
    }
}

/// From how many bytes on the engine queues a payload without copying it, if it is shared.
const SHARE: usize = 4 << 10;

impl<O, R: Role> Drop for Writer<O, R> {
    /// Wakes those who wait for room, also if this has not been run to its end: nobody makes any now.
    fn drop(&mut self) {
        self.shared.end(None);
    }
}

impl<O, R: Role> std::fmt::Debug for Writer<O, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer").field("sender", &self.sender).finish_non_exhaustive()
    }
}
