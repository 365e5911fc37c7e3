//! The task of a WebSocket: what is sent, and what is received, beside each other.

use std::sync::{Arc, Mutex};

use sockless_tokio::sockless::Client as ClientSide;
use sockless_tokio::{ConnectError, Message, NetReadHalf, Reader, Sender, connect_with};
use tokio::sync::{Notify, oneshot};

use super::driver::Driver;
use super::state::State;
use crate::engine::{Frame, Transmit};

/// What wakes the two sides of a WebSocket.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    pub(super) transmit: Notify,
    pub(super) read: Notify,
    /// Who waits until this WebSocket has ended: they hear of it when this is dropped.
    pub(super) closing: Mutex<Vec<oneshot::Sender<()>>>,
}

/// A WebSocket of a session. When the task ends, it is lost.
struct Known {
    driver: Driver,
    session: u64,
}

impl Drop for Known {
    fn drop(&mut self) {
        self.with(|state, now| state.client.engine_mut().websocket_lost(None, now));
    }
}

/// Opens a WebSocket, and carries messages in both directions until it ends.
pub(super) async fn run(driver: Driver, session: u64, query: String, wakes: Arc<Wakes>) {
    let server = driver.server();
    let most = server.max_input as u64;
    let options = server.options.clone().with_max_message(most);
    let url = server.address.websocket(&query);
    let opened = tokio::select! {
        opened = connect_with(&url, options) => opened,
        () = nobody_wants_it(&driver, session, &wakes) => return,
    };
    let socket = match opened {
        Ok(socket) => socket,
        Err(error) => {
            let refused = match &error {
                ConnectError::Refused(refused) => Some(refused.status),
                _ => None,
            };
            driver.within(session, |state, now| {
                state.note(&error);
                state.client.engine_mut().websocket_lost(refused, now);
            });
            return;
        }
    };
    let (sends, receives) = socket.split();
    let known = Known { driver, session };
    known.with(|state, now| state.client.engine_mut().opened(now));
    let reading = known.read(receives, &wakes);
    let mut reading = std::pin::pin!(reading);
    tokio::select! {
        () = &mut reading => return,
        () = known.write(&sends, &wakes) => {}
    }
    // It is being closed, which takes no longer than the WebSocket's own time for that.
    reading.await;
}

/// Ready once the WebSocket that is being opened is for nothing.
async fn nobody_wants_it(driver: &Driver, session: u64, wakes: &Wakes) {
    let wants = |state: &mut State, _| state.client.engine().wants_websocket();
    while driver.within(session, wants) == Some(true) {
        wakes.transmit.notified().await;
    }
}

impl Known {
    /// Changes the session, if it is still the same. Returns nothing otherwise.
    fn with<R>(&self, call: impl FnOnce(&mut State, std::time::Duration) -> R) -> Option<R> {
        self.driver.within(self.session, call)
    }

    async fn write(&self, sends: &Sender<ClientSide>, wakes: &Wakes) {
        loop {
            match self.with(|state, _| state.client.engine_mut().transmit()) {
                Some(Transmit::Frame(frame)) => {
                    if !self.send(sends, frame, wakes).await {
                        return;
                    }
                }
                Some(Transmit::Wait) => wakes.transmit.notified().await,
                Some(Transmit::Close) | None => {
                    // One that is closed already needs nothing more.
                    let _ = sends.close(None, "");
                    return;
                }
            }
        }
    }

    /// Sends a frame. While the server takes nothing, only the end of the session is looked for.
    async fn send(&self, sends: &Sender<ClientSide>, frame: Frame, wakes: &Wakes) -> bool {
        let message = match frame {
            Frame::Text(text) => Message::text(&*text),
            Frame::Binary(bytes) => Message::binary(bytes),
        };
        let mut sending = std::pin::pin!(sends.send(message));
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent.is_ok(),
                () = wakes.transmit.notified() => {
                    if self.with(|state, _| state.client.engine().is_closed()).unwrap_or(true) {
                        return false;
                    }
                    // What there is to send besides is looked for afterwards in any case.
                }
            }
        }
    }

    async fn read(&self, mut receives: Reader<NetReadHalf, ClientSide>, wakes: &Wakes) {
        loop {
            let wants = self.with(|state, _| state.client.engine_mut().wants_input());
            if wants == Some(false) {
                wakes.read.notified().await;
                continue;
            }
            let message = match receives.recv().await {
                Some(Ok(message)) => message,
                Some(Err(error)) => {
                    self.with(|state, _| state.note(&error));
                    return;
                }
                None => return,
            };
            self.with(|state, now| {
                let engine = state.client.engine_mut();
                match message {
                    Message::Text(text) => engine.text(&text, now),
                    Message::Binary(data) => engine.binary(data.into_bytes(), now),
                    _ => {}
                }
            });
        }
    }
}
