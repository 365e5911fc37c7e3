//! The task of a WebSocket.

use std::sync::Arc;

use sockless_tokio::Message;
use sockless_tokio::hyper::{UpgradedSocket, Upgrading};
use tokio::sync::Notify;

use super::driver::{Driver, Layer};
use crate::engine::{Channel, Frame, Transmit};

/// A WebSocket that the server knows. When the task ends, it is gone.
struct Known<L: Layer> {
    driver: Driver<L>,
    channel: Channel,
    wakes: Arc<Notify>,
}

impl<L: Layer> Drop for Known<L> {
    fn drop(&mut self) {
        self.driver.with(|state, _| state.remove_channel(self.channel));
    }
}

/// Carries messages in both directions until the WebSocket ends.
pub(super) async fn run<L: Layer>(
    driver: Driver<L>,
    channel: Channel,
    wakes: Arc<Notify>,
    upgrading: Upgrading,
) {
    let known = Known { driver, channel, wakes };
    let Ok(mut socket) = upgrading.await else { return };
    while known.turn(&mut socket).await.is_some() {}
}

impl<L: Layer> Known<L> {
    /// Sends what there is to send, then waits for something to happen. `None` at the end.
    async fn turn(&self, socket: &mut UpgradedSocket) -> Option<()> {
        loop {
            match self.driver.with(|state, _| state.layer.engine().transmit(self.channel)) {
                Transmit::Frame(frame) => self.feed(socket, frame).await?,
                Transmit::Wait => break,
                Transmit::Close => {
                    // A client that doesn't answer is waited for no longer than the engine says.
                    let _ = socket.close(None, "").await;
                    return None;
                }
            }
        }
        let reads = self.driver.with(|state, _| state.layer.engine().wants_input(self.channel));
        if !reads {
            // Receiving would have written what was queued.
            tokio::select! {
                flushed = socket.flush() => flushed.ok()?,
                () = self.wakes.notified() => return Some(()),
            }
            self.wakes.notified().await;
            return Some(());
        }
        tokio::select! {
            biased;
            () = self.wakes.notified() => Some(()),
            received = socket.recv() => self.received(received?.ok()?),
        }
    }

    /// Queues a frame. While the client takes nothing, only the end of its session is looked for.
    async fn feed(&self, socket: &mut UpgradedSocket, frame: Frame) -> Option<()> {
        let message = match frame {
            Frame::Text(text) => Message::text(&*text),
            Frame::Binary(bytes) => Message::binary(bytes),
        };
        let mut feeding = std::pin::pin!(socket.feed(message));
        loop {
            tokio::select! {
                biased;
                fed = &mut feeding => return fed.ok(),
                () = self.wakes.notified() => {
                    if self.driver.with(|state, _| state.layer.engine().is_over(self.channel)) {
                        return None;
                    }
                }
            }
        }
    }

    fn received(&self, message: Message) -> Option<()> {
        match message {
            Message::Text(text) => self.driver.with(|state, now| {
                state.layer.engine().text(self.channel, &text, now);
            }),
            Message::Binary(data) => self.driver.with(|state, now| {
                state.layer.engine().binary(self.channel, data.into_bytes(), now);
            }),
            _ => {}
        }
        Some(())
    }
}
