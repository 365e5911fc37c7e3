//! A WebSocket in two tasks: the one reads, the other writes, and a channel leads from the first to the second.
//!
//! What has to be sent goes through that one channel: the application's messages, and the replies of the receiving half. So the
//! reply to a Close frame stays behind the messages that were sent before it.

use std::future::poll_fn;
use std::io;
use std::time::Duration;

use sockless::connection::{Reply, SenderEnd, Side};
use sockless::{CloseCode, Event, Input, Message, Outcome, Receiver, Sender};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc::{self, error::TryRecvError};

use super::buffer::Buffer;
use super::clock::Clock;
use super::error::Error;
use super::linger;

/// How many messages may wait between the tasks.
const WAITING: usize = 32;

/// What the writing task is told.
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
    let handle = Handle(sending.clone());
    let incoming = Incoming {
        reader,
        receiver,
        buffer,
        clock,
        close,
        orders: sending,
        reply: None,
        over: false,
    };
    (incoming, Outgoing { writer, sender, clock, orders, handle })
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
    /// What the other half has not been told yet, because the channel was full when the last call was dropped.
    reply: Option<Reply>,
    /// Whether the end has been told.
    over: bool,
}

impl<I: AsyncRead + Unpin, R: Side> Incoming<I, R> {
    /// The next message. `None` once the connection is closed, or the other half has ended; an error before it if it has failed.
    /// The future may be dropped at any time.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        let mut input_ended = false;
        loop {
            if let Some(reply) = self.reply {
                // The other half may be gone: it has failed, or its time was over.
                if let Ok(permit) = self.orders.reserve().await {
                    permit.send(Order::Reply(reply));
                }
                self.reply = None;
            }
            if self.receiver.end().is_ended() {
                return self.last().await.map(Err);
            }
            match self.poll(input_ended) {
                Next::Message(message) => return Some(Ok(message)),
                Next::Reply => {}
                Next::Read => {
                    tokio::select! {
                        count = poll_fn(|cx| self.buffer.poll_read(&mut self.reader, cx)) => {
                            // A stream that is reset has ended, too.
                            input_ended = count.unwrap_or(0) == 0;
                        }
                        () = self.clock.sleep_until(self.receiver.deadline()) => {}
                        () = self.orders.closed() => return None,
                    }
                }
            }
        }
    }

    fn poll(&mut self, input_ended: bool) -> Next {
        let mut input = match input_ended {
            true => Input::eof(),
            false => Input::new(self.buffer.unread_mut()),
        };
        let now = self.clock.now();
        let next = loop {
            let Some(received) = self.receiver.poll(&mut input, now) else {
                break Next::Read;
            };
            self.reply = received.reply;
            match received.event {
                Event::Text(text) => break Next::Message(text.into()),
                Event::Binary(bytes) => break Next::Message(bytes.into()),
                _ if self.reply.is_some() => break Next::Reply,
                _ => {}
            }
        };
        let rest = input.len();
        self.buffer.keep_last(rest);
        self.buffer.rest();
        next
    }

    /// Reads the stream to its end where that is not the other half's to bring about: when the connection has failed, the peer may
    /// still be sending; and a client waits for the server to close.
    async fn last(&mut self) -> Option<Error> {
        if std::mem::replace(&mut self.over, true) {
            return None;
        }
        if self.receiver.end().failure().is_some() || R::MASKS {
            linger::read_to_end(&mut self.reader, self.close).await;
        }
        self.receiver.end().failure().map(Error::Failed)
    }

    /// How the connection ended, given how the other half did.
    pub fn outcome(&self, other: SenderEnd) -> Outcome {
        Outcome::join(self.receiver.end(), other)
    }
}

/// What the receiving half found in the input.
enum Next {
    Message(Message),
    /// Something that calls for a reply.
    Reply,
    /// Nothing more.
    Read,
}

/// The half that writes.
#[derive(Debug)]
pub struct Outgoing<O, R: Side> {
    writer: O,
    sender: Sender<R>,
    clock: Clock,
    orders: mpsc::Receiver<Order>,
    handle: Handle,
}

impl<O: AsyncWrite + Unpin, R: Side> Outgoing<O, R> {
    /// What messages are sent with, by any number of tasks.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Writes what it is told to, until the connection has ended: in a task of its own.
    ///
    /// # Errors
    ///
    /// If the stream failed.
    pub async fn run(self) -> Result<SenderEnd, Error> {
        let Self { mut writer, mut sender, clock, mut orders, handle } = self;
        // This half's own handle would keep the channel open.
        drop(handle);
        let (mut peer_done, mut alone, mut unflushed) = (false, false, false);
        loop {
            // What waits in the channel goes out together.
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
            unflushed |= !sender.output().is_empty();
            if !unflushed && (alone || (peer_done && sender.end().is_ended())) {
                break;
            }
            let (hears, deadline) = (!alone && !sender.is_congested(), sender.deadline());
            tokio::select! {
                written = write(&mut writer, &mut sender), if unflushed => {
                    written?;
                    unflushed = false;
                }
                order = orders.recv(), if hears => {
                    if let Some(order) = order {
                        peer_done |= obey(&mut sender, order, clock.now());
                    }
                }
                () = clock.sleep_until(deadline) => {
                    if sender.timeout(clock.now()) {
                        break;
                    }
                }
            }
        }
        // The peer may have closed the stream already; there is nothing left to be lost.
        let _ = writer.shutdown().await;
        Ok(sender.end())
    }
}

/// Writes all output, and flushes the stream. It may be dropped at any time: what has been written is out of the queue.
async fn write<R: Side>(
    writer: &mut (impl AsyncWrite + Unpin),
    sender: &mut Sender<R>,
) -> io::Result<()> {
    while !sender.output().is_empty() {
        if writer.write_buf(&mut sender.drain()).await? == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
    }
    writer.flush().await
}

/// Whether it was the last that the receiving half had to say.
fn obey<R: Side>(sender: &mut Sender<R>, order: Order, now: Duration) -> bool {
    match order {
        // What comes behind a Close frame can't be sent; the application hears of the end where it reads.
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
pub struct Handle(mpsc::Sender<Order>);

impl Handle {
    /// Sends a message; waits while too many do.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
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
        self.0.send(order).await.map_err(|_| Error::Closed)
    }
}
