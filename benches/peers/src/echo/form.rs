//! The ways in which a `Stream` and a `Sink` of messages can be an echo.

use futures_util::{FutureExt as _, Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;

/// So many messages are taken before they are sent back, and may wait between two tasks.
const AT_ONCE: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// What has arrived together is sent back together.
    Together,
    /// Each message is sent, and written, by itself.
    Each,
    /// One task receives, and hands each message to another one, which sends.
    Tasks,
}

/// Takes all that has arrived, sends it back, and then writes it: one write for as much as was read. Nothing is sent before all
/// is taken, because some write whatever waits before they read on.
pub async fn together<S, M, E>(mut socket: S, data: impl Fn(M) -> Option<M>)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
{
    let mut arrived = Vec::with_capacity(AT_ONCE);
    while let Some(Ok(message)) = socket.next().await {
        arrived.extend(data(message));
        while arrived.len() < AT_ONCE {
            match socket.next().now_or_never() {
                Some(Some(Ok(message))) => arrived.extend(data(message)),
                Some(_) => return,
                None => break,
            }
        }
        for message in arrived.drain(..) {
            if socket.feed(message).await.is_err() {
                return;
            }
        }
        if socket.flush().await.is_err() {
            return;
        }
    }
}

/// As in every introduction.
pub async fn each<S, M, E>(mut socket: S, data: impl Fn(M) -> Option<M>)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin,
{
    while let Some(Ok(message)) = socket.next().await {
        if let Some(message) = data(message)
            && socket.send(message).await.is_err()
        {
            return;
        }
    }
}

/// Split as `futures` does it; the task that sends writes all that waits for it together.
pub async fn tasks<S, M, E>(socket: S, data: impl Fn(M) -> Option<M>)
where
    S: Stream<Item = Result<M, E>> + Sink<M> + Unpin + Send + 'static,
    M: Send + 'static,
{
    let (mut sink, mut stream) = socket.split();
    let (sender, mut queue) = mpsc::channel(AT_ONCE);
    tokio::spawn(async move {
        while let Some(message) = queue.recv().await {
            if sink.feed(message).await.is_err() {
                return;
            }
            while let Ok(message) = queue.try_recv() {
                if sink.feed(message).await.is_err() {
                    return;
                }
            }
            if sink.flush().await.is_err() {
                return;
            }
        }
    });
    while let Some(Ok(message)) = stream.next().await {
        if let Some(message) = data(message)
            && sender.send(message).await.is_err()
        {
            return;
        }
    }
}
