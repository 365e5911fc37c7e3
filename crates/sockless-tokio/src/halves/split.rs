//! From one socket to two halves.

use std::sync::Arc;

use sockless::extension::Agreed;
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadHalf, WriteHalf};
use tokio::net::{TcpStream, tcp};
use tokio::sync::mpsc;

use super::order::Role;
use super::reader::{Beginning, Reader};
use super::sender::Sender;
use super::shared::Shared;
use super::writer::Writer;
use crate::socket::WebSocket;

/// A stream of bytes that can be taken apart for two tasks.
pub trait IntoHalves {
    /// What reads.
    type Read: AsyncRead + Unpin + Send + 'static;
    /// What writes.
    type Write: AsyncWrite + Unpin + Send + 'static;

    /// Takes it apart.
    fn into_halves(self) -> (Self::Read, Self::Write);
}

impl IntoHalves for TcpStream {
    type Read = tcp::OwnedReadHalf;
    type Write = tcp::OwnedWriteHalf;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        self.into_split()
    }
}

#[cfg(unix)]
impl IntoHalves for tokio::net::UnixStream {
    type Read = tokio::net::unix::OwnedReadHalf;
    type Write = tokio::net::unix::OwnedWriteHalf;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        self.into_split()
    }
}

impl IntoHalves for DuplexStream {
    type Read = ReadHalf<Self>;
    type Write = WriteHalf<Self>;

    fn into_halves(self) -> (Self::Read, Self::Write) {
        tokio::io::split(self)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Role> WebSocket<S, R> {
    /// Takes the socket apart for two tasks, and starts the one that writes. The sender may be cloned for any number of tasks.
    ///
    /// ```
    /// # use sockless_tokio::{accept, connect_over};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let (near, far) = tokio::io::duplex(1024);
    /// # let server = tokio::spawn(async move {
    /// #     let mut socket = accept(far, ()).await.expect("a client");
    /// #     while let Some(Ok(message)) = socket.recv().await {
    /// #         socket.send(message).await.expect("sent");
    /// #     }
    /// # });
    /// # let socket = connect_over(near, "ws://localhost/", ()).await?;
    /// let (sender, mut reader) = socket.split();
    /// let ticks = sender.clone();
    /// tokio::spawn(async move { ticks.send("tick").await });
    /// let message = reader.recv().await.expect("a message")?;
    /// sender.close(None, "")?;
    /// assert!(reader.recv().await.is_none());
    /// assert!(reader.outcome().clean());
    /// # server.await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn split(self) -> (Sender<R>, Reader<S::Read, R>)
    where
        S: IntoHalves,
        R: Send + 'static,
        R::Keys: Send,
    {
        let (reader, writer) = self.into_halves(S::into_halves);
        let sender = writer.sender();
        tokio::spawn(writer.run());
        (sender, reader)
    }

    /// Takes the socket apart for two tasks, on the halves of the stream: `socket.into_halves(tokio::io::split)` for any stream. The writer is to
    /// be run.
    pub fn into_halves<I: AsyncRead + Unpin, O: AsyncWrite + Unpin>(
        self,
        halves: impl FnOnce(S) -> (I, O),
    ) -> (Reader<I, R>, Writer<O, R>) {
        let Some(parts) = self.into_parts() else {
            unreachable!("the stream is taken out with the socket only")
        };
        let (reader, writer) = halves(parts.stream);
        let (receiver, sender) = parts.connection.split();
        let (ordering, orders) = mpsc::unbounded_channel();
        let (noting, notes) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared::new(parts.config.soft_limit));
        let extensions =
            parts.opened.as_ref().map_or(Agreed::default(), |opened| opened.extensions);
        let beginning = Beginning {
            stream: reader,
            receiver,
            config: parts.config,
            buffer: parts.buffer,
            clock: parts.clock,
            stash: parts.stash,
            shows: parts.shows,
            other: sender.end(),
            opened: parts.opened,
            member: parts.member,
            observer: parts.observer,
        };
        let handle = Sender::new(ordering.clone(), Arc::clone(&shared), extensions);
        let reader = Reader::new(beginning, ordering, notes, Arc::clone(&shared));
        (reader, Writer::new(writer, sender, orders, handle, shared, noting, parts.clock))
    }
}
