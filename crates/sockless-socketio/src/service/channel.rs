//! The task of a WebSocket.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use sockless_tokio::hyper::{UpgradedSocket, Upgrading};
use sockless_tokio::{Error, Message};

use super::driver::{Driver, Layer, State};
use super::few::Few;
use super::outgoing::Outgoing;
use super::signal::Signal;
use crate::engine::{Channel, Transmit};

/// How many frames are taken from the server at a time, and how many of their bytes: they don't count as waiting there any more. The
/// same is the most that is handed to it of what has arrived.
const BATCH: usize = 64;
const BATCH_BYTES: usize = 64 << 10;

/// A WebSocket that the server knows. When the task ends, it is gone.
struct Known<L: Layer> {
    driver: Driver<L>,
    channel: Channel,
    signal: Arc<Signal>,
}

impl<L: Layer> Drop for Known<L> {
    fn drop(&mut self) {
        self.driver.with(|state, _| state.remove_channel(self.channel));
    }
}

/// What follows the frames of a batch.
enum Next {
    /// Another batch.
    Send,
    /// A message may be received.
    Receive,
    /// Something has to happen first.
    Wait,
    /// The end.
    Close,
}

/// Carries messages in both directions until the WebSocket ends.
pub(super) async fn run<L: Layer>(
    driver: Driver<L>,
    channel: Channel,
    signal: Arc<Signal>,
    upgrading: Upgrading,
) {
    let known = Known { driver, channel, signal };
    let Ok(mut socket) = upgrading.await else { return };
    while known.turn(&mut socket).await.is_some() {}
}

impl<L: Layer> Known<L> {
    /// Sends what there is to send, then waits for something to happen. `None` at the end.
    async fn turn(&self, socket: &mut UpgradedSocket) -> Option<()> {
        let (frames, next) = self.take();
        for frame in frames {
            self.feed(socket, frame).await?;
        }
        match next {
            Next::Send => {}
            Next::Receive => poll_fn(|cx| self.poll_receive(socket, cx)).await?,
            Next::Wait => {
                // Receiving would have written what was queued.
                tokio::select! {
                    flushed = socket.flush() => flushed.ok()?,
                    () = self.signal.raised() => return Some(()),
                }
                self.signal.raised().await;
            }
            Next::Close => {
                // A client that doesn't answer is waited for no longer than the engine says.
                let _ = socket.close(None, "").await;
                return None;
            }
        }
        Some(())
    }

    /// A batch of frames, and what follows it.
    fn take(&self) -> (Few<Outgoing>, Next) {
        self.driver.without_time(|state| {
            let State { layer, prepared, .. } = state;
            let mut frames = Few::default();
            let put = |frame| frames.push(prepared.outgoing(frame));
            let next = match layer.engine().transmit_many(self.channel, BATCH, BATCH_BYTES, put) {
                None => Next::Send,
                Some(Transmit::Close) => Next::Close,
                Some(_) => match layer.engine().wants_input(self.channel) {
                    true => Next::Receive,
                    false => Next::Wait,
                },
            };
            (frames, next)
        })
    }

    /// Queues a frame. While the client takes nothing, only the end of its session is looked for.
    async fn feed(&self, socket: &mut UpgradedSocket, frame: Outgoing) -> Option<()> {
        let mut feeding = pin!(feed(socket, frame));
        loop {
            tokio::select! {
                biased;
                fed = &mut feeding => return fed.ok(),
                () = self.signal.raised() => {
                    if self.driver.with(|state, _| state.layer.engine().is_over(self.channel)) {
                        return None;
                    }
                }
            }
        }
    }

    /// Receives messages until the server has something to send, or wants no more of them.
    fn poll_receive(&self, socket: &mut UpgradedSocket, cx: &mut Context<'_>) -> Poll<Option<()>> {
        loop {
            // What is to be sent has its turn, however much arrives.
            if self.signal.is_raised() {
                return Poll::Ready(Some(()));
            }
            let (messages, then) = poll_arrived(socket, cx);
            if !messages.is_empty() && !self.hand_over(messages) {
                return Poll::Ready(Some(()));
            }
            match then {
                Arrival::More => {}
                Arrival::Waits => return self.signal.poll_raised(cx).map(Some),
                Arrival::Ended => return Poll::Ready(None),
            }
        }
    }

    /// Hands messages to the server, all at once. Returns whether it wants more.
    fn hand_over(&self, messages: Few<Message>) -> bool {
        let receive = |state: &mut State<L>, now| {
            let engine = state.layer.engine();
            for message in messages {
                match message {
                    Message::Text(text) => engine.text(self.channel, &text, now),
                    Message::Binary(data) => engine.binary(self.channel, data.into_bytes(), now),
                    _ => {}
                }
            }
        };
        let wants = |(), state: &mut State<L>| state.layer.engine().wants_input(self.channel);
        self.driver.with_then(receive, wants)
    }
}

/// What follows the messages that have arrived.
enum Arrival {
    /// Perhaps others.
    More,
    /// The task is woken when there is something.
    Waits,
    /// The end.
    Ended,
}

/// The messages that have arrived, up to a number of them and of their bytes.
fn poll_arrived(socket: &mut UpgradedSocket, cx: &mut Context<'_>) -> (Few<Message>, Arrival) {
    let (mut messages, mut bytes) = (Few::default(), 0);
    while messages.len() < BATCH && bytes < BATCH_BYTES {
        match socket.poll_recv(cx) {
            Poll::Ready(Some(Ok(message))) => {
                bytes += message.as_bytes().len();
                messages.push(message);
            }
            Poll::Ready(_) => return (messages, Arrival::Ended),
            Poll::Pending => return (messages, Arrival::Waits),
        }
    }
    (messages, Arrival::More)
}

async fn feed(socket: &mut UpgradedSocket, frame: Outgoing) -> Result<(), Error> {
    match frame {
        Outgoing::Text(text) => socket.feed_text(&text).await,
        Outgoing::Binary(bytes) => socket.feed(Message::binary(bytes)).await,
        Outgoing::Prepared(prepared) => socket.feed_prepared(&prepared).await,
    }
}
