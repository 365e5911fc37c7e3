//! The task of a WebSocket.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use sockless_tokio::hyper::{UpgradedSocket, Upgrading};
use sockless_tokio::{Error, Message};

use super::driver::{Driver, Layer, State};
use super::outgoing::Outgoing;
use super::signal::Signal;
use crate::engine::{Channel, Transmit};

/// How many frames are taken from the server at a time, and how many of their bytes: they don't count as waiting there any more.
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
            Next::Receive => self.receive(socket).await?,
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
    fn take(&self) -> (Vec<Outgoing>, Next) {
        self.driver.with(|state, _| {
            let State { layer, prepared, .. } = state;
            let mut frames = Vec::new();
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
    async fn receive(&self, socket: &mut UpgradedSocket) -> Option<()> {
        // What is to be sent has its turn, however much arrives.
        for _ in 0..BATCH {
            let received = poll_fn(|cx| match self.signal.is_raised() {
                true => Poll::Ready(None),
                false => match socket.poll_recv(cx) {
                    Poll::Ready(received) => Poll::Ready(Some(received)),
                    Poll::Pending => self.signal.poll_raised(cx).map(|()| None),
                },
            });
            let Some(received) = received.await else { break };
            let message = received?.ok()?;
            let receives = |state: &mut State<L>, now| {
                let engine = state.layer.engine();
                match message {
                    Message::Text(text) => engine.text(self.channel, &text, now),
                    Message::Binary(data) => engine.binary(self.channel, data.into_bytes(), now),
                    _ => {}
                }
            };
            let reads = |(), state: &mut State<L>| state.layer.engine().wants_input(self.channel);
            if !self.driver.with_then(receives, reads) {
                break;
            }
        }
        Some(())
    }
}

async fn feed(socket: &mut UpgradedSocket, frame: Outgoing) -> Result<(), Error> {
    match frame {
        Outgoing::Text(text) => socket.feed_text(&text).await,
        Outgoing::Binary(bytes) => socket.feed(Message::binary(bytes)).await,
        Outgoing::Prepared(prepared) => socket.feed_prepared(&prepared).await,
    }
}
