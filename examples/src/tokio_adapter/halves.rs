//! A WebSocket in two tasks: the one reads, the other writes, and a channel leads from the first to the second.
//!
//! What has to be sent goes through that one channel: the application's messages, and the replies of the receiving half. So the
//! reply to a Close frame stays after the messages that were sent before it. While the channel is full, replies wait in the receiving
//! half, which reads on. What the sending half finds out goes back through a channel of notices.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use sockless::connection::{Failure, Notice, Reply, SenderEnd, Side};
use sockless::{CloseCode, Event, Input, Message, Outcome, Receiver, Sender, Want};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{self, error::TryRecvError, error::TrySendError};

use super::buffer::Buffer;
use super::clock::Clock;
use super::error::Error;
use super::linger;

/// How many messages may wait between the tasks.
const WAITING: usize = 32;

/// What the writing task is to do.
#[derive(Debug)]
enum Order {
    Send(Message),
    Close(Option<CloseCode>, String),
    Reply(Reply),
}

pub(super) fn new<I, O, R: Side>(
    (reader, receiver, buffer): (I, Receiver<R>, Buffer),
    (writer, sender): (O, Sender<R>),
    clock: Clock,
    close: Duration,
) -> (Incoming<I, R>, Outgoing<O, R>) {
    let (sending, orders) = mpsc::channel(WAITING);
    // There are never more than a ping's and those of the end.
    let (noticing, notices) = mpsc::unbounded_channel();
    let handle = Handle { orders: sending.clone(), ended: Arc::default() };
    let incoming = Incoming {
        reader,
        receiver,
        buffer,
        clock,
        close,
        orders: sending,
        notices,
        eof: false,
        over: false,
    };
    (incoming, Outgoing { writer, sender, clock, orders, noticing, handle })
}

/// The half that reads.
#[derive(Debug)]
pub struct Incoming<I, R: Side> {
    reader: I,
    receiver: Receiver<R>,
    buffer: Buffer,
    clock: Clock,
    close: Duration,
    orders: mpsc::Sender<Order>,
    notices: mpsc::UnboundedReceiver<Notice>,
    /// Whether the stream has ended, and the receiving half has not heard of it yet.
    eof: bool,
    /// Whether the end has been told.
    over: bool,
}

impl<I: AsyncRead + Unpin, R: Side> Incoming<I, R> {
    /// The next message. `None` once the connection is closed, or the other half has ended; an error before it if it has failed.
    /// The future may be dropped at any time.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        // What has arrived while nobody asked is heard before silence is judged.
        self.read_what_is_there().await;
        loop {
            while let Ok(notice) = self.notices.try_recv() {
                self.receiver.note(notice, self.clock.now());
            }
            // 1. Poll until there is nothing left in the input.
            let message = self.poll();
            // 2. Hand on the replies, as far as the channel takes them.
            self.reply();
            if let Some(message) = message {
                return Some(Ok(message));
            }
            // 3. Do what the receiving half wants.
            let Want::Io { read, write, deadline } = self.receiver.want() else { return None };
            if self.receiver.end().is_ended() && !write {
                return self.last().await.map(Err);
            }
            tokio::select! {
                biased;
                count = poll_fn(|cx| self.buffer.poll_read(&mut self.reader, cx)), if read => {
                    // A stream that is reset has ended, too.
                    self.eof = count.unwrap_or(0) == 0;
                }
                permit = self.orders.reserve(), if write => {
                    // If the other half has ended, nobody is left to apply it.
                    if let (Some(reply), Ok(permit)) = (self.receiver.reply(), permit) {
                        permit.send(Order::Reply(reply));
                    }
                }
                Some(notice) = self.notices.recv() => {
                    self.receiver.note(notice, self.clock.now());
                }
                () = self.clock.sleep_until(deadline) => {}
                () = self.orders.closed() => return None,
            }
        }
    }

    async fn read_what_is_there(&mut self) {
        let Want::Io { read: true, .. } = self.receiver.want() else { return };
        if self.buffer.unread().is_empty() && !self.eof {
            let read = poll_fn(|cx| match self.buffer.poll_read(&mut self.reader, cx) {
                Poll::Ready(count) => Poll::Ready(Some(count.unwrap_or(0))),
                Poll::Pending => Poll::Ready(None),
            });
            self.eof = read.await == Some(0);
        }
    }

    fn poll(&mut self) -> Option<Message> {
        let mut input = match std::mem::take(&mut self.eof) {
            true => Input::eof(),
            false => Input::new(self.buffer.unread_mut()),
        };
        let now = self.clock.now();
        let message = loop {
            match self.receiver.poll(&mut input, now) {
                Some(Event::Text(text)) => break Some(text.into()),
                Some(Event::Binary(bytes)) => break Some(bytes.into()),
                Some(_) => {}
                None => break None,
            }
        };
        let rest = input.len();
        self.buffer.keep_last(rest);
        self.buffer.rest();
        message
    }

    fn reply(&mut self) {
        while let Want::Io { write: true, .. } = self.receiver.want() {
            match self.orders.try_reserve() {
                Ok(permit) => {
                    if let Some(reply) = self.receiver.reply() {
                        permit.send(Order::Reply(reply));
                    }
                }
                Err(TrySendError::Full(())) => return,
                // The other half has ended: it has failed, or its time was over.
                Err(TrySendError::Closed(())) => drop(self.receiver.reply()),
            }
        }
    }

    /// Reads the stream to its end where that is not the other half's to bring about: when the connection has failed, the peer may
    /// still be sending; and a client waits for the server to close.
    async fn last(&mut self) -> Option<Error> {
        if std::mem::replace(&mut self.over, true) {
            return None;
        }
        let failure = self.receiver.end().failure();
        // One that takes nothing has had its time.
        if failure.map_or(R::MASKS, |failure| failure != Failure::Stalled) {
            linger::read_to_end(&mut self.reader, self.close).await;
        }
        failure.map(Error::Failed)
    }

    /// How the connection ended, given how the other half did.
    pub fn outcome(&self, other: SenderEnd) -> Outcome {
        Outcome::join(self.receiver.end(), other)
    }
}

/// The half that writes.
#[derive(Debug)]
pub struct Outgoing<O, R: Side> {
    writer: O,
    sender: Sender<R>,
    clock: Clock,
    orders: mpsc::Receiver<Order>,
    noticing: mpsc::UnboundedSender<Notice>,
    handle: Handle,
}

impl<O: AsyncWrite + Unpin, R: Side> Outgoing<O, R> {
    /// What messages are sent with, by any number of tasks.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Writes what it is given, until the connection has ended: in a task of its own.
    ///
    /// # Errors
    ///
    /// If the stream failed.
    pub async fn run(self) -> Result<SenderEnd, Error> {
        let Self { mut writer, mut sender, clock, mut orders, noticing, handle } = self;
        let ended = Arc::clone(&handle.ended);
        // This half's own handle would keep the channel open.
        drop(handle);
        let (mut peer_done, mut alone, mut unflushed) = (false, false, false);
        loop {
            // 1. Take what waits in the channel: it goes out together.
            while !sender.is_congested() && !alone {
                match orders.try_recv() {
                    Ok(order) => peer_done |= obey(&mut sender, order, clock.now()),
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => {
                        // Nobody is left who could read or send.
                        alone = true;
                        let _ = sender.close(CloseCode::GOING_AWAY, "", clock.now());
                    }
                }
            }
            // From here on, nothing is taken any more that would not be sent.
            ended.fetch_or(sender.end().is_ended(), Ordering::Relaxed);
            let over = sender.timeout(clock.now());
            while let Some(notice) = sender.notice() {
                // Whoever reads may be gone.
                let _ = noticing.send(notice);
            }
            if over {
                // Nothing more can be written.
                return Ok(sender.end());
            }
            unflushed |= !sender.output().is_empty();
            if !unflushed && (alone || (peer_done && sender.end().is_ended())) {
                break;
            }
            let (hears, deadline) = (!alone && !sender.is_congested(), sender.deadline());
            tokio::select! {
                // 2. Write what waits, as far as the stream takes it.
                written = write(&mut writer, &mut sender), if unflushed => unflushed = written?,
                // 3. Wait for more, or for the deadline.
                order = orders.recv(), if hears => {
                    if let Some(order) = order {
                        peer_done |= obey(&mut sender, order, clock.now());
                    }
                }
                () = clock.sleep_until(deadline) => {}
            }
        }
        // The peer may have closed the stream already; there is nothing left to be lost.
        let limit = sender.deadline().map_or(LINGER, |at| at.saturating_sub(clock.now()));
        let _ = tokio::time::timeout(limit, writer.shutdown()).await;
        Ok(sender.end())
    }
}

/// How long closing a stream may take for which there is no other deadline.
const LINGER: Duration = Duration::from_secs(1);

/// Writes once, and flushes the stream after the last; whether something is left. It may be dropped at any time: what has been written
/// is out of the queue.
async fn write<R: Side>(
    writer: &mut (impl AsyncWrite + Unpin),
    sender: &mut Sender<R>,
) -> io::Result<bool> {
    if !sender.output().is_empty() && writer.write_buf(&mut sender.drain()).await? == 0 {
        return Err(io::ErrorKind::WriteZero.into());
    }
    match sender.output().is_empty() {
        true => writer.flush().await.map(|()| false),
        false => Ok(true),
    }
}

/// Whether it was the last that the receiving half had to say.
fn obey<R: Side>(sender: &mut Sender<R>, order: Order, now: Duration) -> bool {
    match order {
        // Orders are taken while there is room: what is refused is what was in the channel when the connection ended. The application
        // hears of that where it reads.
        Order::Send(message) => drop(sender.send(message)),
        Order::Close(code, reason) => {
            let _ = sender.close(code, &reason, now);
        }
        Order::Reply(reply) => {
            sender.apply(reply, now);
            return matches!(reply, Reply::Close { .. } | Reply::Fail(_));
        }
    }
    false
}

/// Sends messages through the half that writes. Cloning it is cheap.
#[derive(Clone, Debug)]
pub struct Handle {
    orders: mpsc::Sender<Order>,
    ended: Arc<AtomicBool>,
}

impl Handle {
    /// Sends a message; waits while too many do.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        if self.ended.load(Ordering::Relaxed) {
            return Err(Error::Closed);
        }
        self.order(Order::Send(message.into())).await
    }

    /// Begins the closing handshake, behind what has been sent.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    pub async fn close(
        &self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
    ) -> Result<(), Error> {
        self.order(Order::Close(code.into(), reason.into())).await
    }

    async fn order(&self, order: Order) -> Result<(), Error> {
        self.orders.send(order).await.map_err(|_| Error::Closed)
    }
}
