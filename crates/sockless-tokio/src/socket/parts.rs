//! Messages in parts, for those that are too long for memory: received as an `AsyncRead`, sent as an `AsyncWrite`.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::{io, mem};

use bytes::{Buf as _, Bytes};
use sockless::connection::Side;
use sockless::message::{self, Content};
use sockless::{Config, Delivery, Event, Input};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::WebSocket;
use super::shows::see;
use super::turn::Goal;
use crate::error::Error;
use crate::message::Message;
use crate::output;

use sockless::Kind;

/// The most bytes of a fragment that is sent.
const FRAGMENT: usize = 64 << 10;

/// A part of a message.
struct Part {
    kind: Kind,
    bytes: Bytes,
    last: bool,
}

/// What has arrived of a message in parts for somebody who wants it whole.
#[derive(Debug)]
pub(super) struct Gathered {
    kind: Kind,
    bytes: Vec<u8>,
}

/// Gathers the parts of a message whose reader was given up before its first part; of one that a reader has begun, what is left is
/// thrown away. The message, once it is whole.
#[cold]
pub(super) fn gather(
    part: message::Part<'_>,
    inside: &mut bool,
    gathered: &mut Option<Box<Gathered>>,
) -> Option<Message> {
    if *inside {
        *inside = !part.last;
        return None;
    }
    let kind = match part.content {
        Content::Text(_) => Kind::Text,
        Content::Binary(_) => Kind::Binary,
    };
    let all = gathered.get_or_insert_with(|| Box::new(Gathered { kind, bytes: Vec::new() }));
    all.bytes.extend_from_slice(part.content.as_bytes());
    if !part.last {
        return None;
    }
    let Gathered { kind, bytes } = *gathered.take()?;
    Some(match (kind, String::from_utf8(bytes)) {
        (Kind::Text, Ok(text)) => Message::Text(text.into()),
        (_, Ok(text)) => Message::Binary(text.into_bytes().into()),
        (_, Err(error)) => Message::Binary(error.into_bytes().into()),
    })
}

/// A message that is received in parts, as they arrive. What has not been read when this is dropped is thrown away.
pub struct MessageReader<'s, S: AsyncRead + AsyncWrite + Unpin, R: Side> {
    socket: &'s mut WebSocket<S, R>,
    part: Part,
}

/// A binary message that is sent in parts. What is written is a fragment; [shut down](tokio::io::AsyncWriteExt::shutdown) it to end the message.
///
/// One that is dropped before leaves the message open: the next [`send_writer`](WebSocket::send_writer) goes on with it, and nothing else can
/// be sent meanwhile.
pub struct MessageWriter<'s, S: AsyncRead + AsyncWrite + Unpin, R: Side> {
    socket: &'s mut WebSocket<S, R>,
    /// Whether the end is queued.
    ended: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    /// The next message, to be read in parts: in constant memory, however long it is. [`Limits`](sockless::Limits) hold for it as well: they have
    /// to be raised for messages over 16 MiB. The future may be dropped at any time.
    ///
    /// ```
    /// # use sockless_tokio::{Server, WebSocket};
    /// # use tokio::io::{AsyncRead, AsyncWrite};
    /// # async fn f<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S, Server>) -> Result<(), Box<dyn std::error::Error>> {
    /// if let Some(mut upload) = socket.recv_reader().await.transpose()? {
    ///     let mut file = tokio::io::sink();
    ///     tokio::io::copy(&mut upload, &mut file).await?;
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub async fn recv_reader(&mut self) -> Option<Result<MessageReader<'_, S, R>, Error>> {
        let part = loop {
            if let Some(message) = self.stash.take() {
                let kind = match &message {
                    Message::Text(_) => Kind::Text,
                    Message::Binary(_) => Kind::Binary,
                    // A control frame has no place here.
                    _ => continue,
                };
                break Part { kind, bytes: message.into_data(), last: true };
            }
            self.set_parts(true);
            // What is left of a message that nobody wanted comes first.
            match poll_fn(|cx| self.poll_part(cx)).await? {
                Ok(part) if mem::replace(&mut self.state.inside, !part.last) => {}
                Ok(part) => break part,
                Err(error) => return Some(Err(error)),
            }
        };
        Some(Ok(MessageReader { socket: self, part }))
    }

    /// A binary message to be sent in parts: in constant memory, however long it is.
    ///
    /// ```
    /// # use sockless_tokio::{Server, WebSocket};
    /// # use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
    /// # async fn f<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S, Server>) -> std::io::Result<()> {
    /// let mut file = tokio::io::empty();
    /// let mut download = socket.send_writer();
    /// tokio::io::copy(&mut file, &mut download).await?;
    /// download.shutdown().await?;
    /// # Ok(()) }
    /// ```
    pub fn send_writer(&mut self) -> MessageWriter<'_, S, R> {
        MessageWriter { socket: self, ended: false }
    }

    pub(super) fn set_parts(&mut self, parts: bool) {
        if self.state.parts == parts {
            return;
        }
        self.set_patient(false);
        self.state.parts = parts;
        self.connection.set_config(match parts {
            true => Arc::new(Config::clone(&self.config).with_delivery(Delivery::Parts)),
            false => Arc::clone(&self.config),
        });
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, Error>>> {
        if self.state.over {
            return Poll::Ready(None);
        }
        self.poll_turns(Goal::Message, Self::next_part, cx).map(Result::transpose)
    }

    /// The next part out of what has been read.
    fn next_part(&mut self) -> Option<Part> {
        let Self { buffer, connection, state, now, .. } = self;
        let mut input = if mem::take(&mut state.eof) { Input::eof() } else { buffer.input() };
        let part = loop {
            match connection.poll(&mut input, *now) {
                Some(Event::Part(part)) => {
                    let last = part.last;
                    let (kind, bytes) = match part.content {
                        Content::Text(text) => (Kind::Text, text.into_utf8_bytes().into_bytes()),
                        Content::Binary(bytes) => (Kind::Binary, bytes.into_bytes()),
                    };
                    let bytes = match self.gathered.take() {
                        None => bytes,
                        // It came before parts were asked for.
                        Some(mut begun) => {
                            begun.bytes.extend_from_slice(&bytes);
                            begun.bytes.into()
                        }
                    };
                    break Some(Part { kind, bytes, last });
                }
                // It had begun before parts were asked for.
                Some(Event::Text(text)) => {
                    let bytes = text.into_utf8_bytes().into_bytes();
                    break Some(Part { kind: Kind::Text, bytes, last: true });
                }
                Some(Event::Binary(bytes)) => {
                    let bytes = bytes.into_bytes();
                    break Some(Part { kind: Kind::Binary, bytes, last: true });
                }
                Some(event) => {
                    let shown = see(event, &mut self.shows, &self.config);
                    self.stash = self.stash.take().or(shown);
                }
                None => break None,
            }
        };
        let rest = input.len();
        self.buffer.keep_last(rest);
        part
    }

    fn poll_fragment(
        &mut self,
        bytes: &[u8],
        last: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        ready!(self.poll_room(cx))?;
        output::lend(&mut self.connection);
        let bytes = &bytes[..bytes.len().min(FRAGMENT)];
        let connection = &mut self.connection;
        let sent = match self.state.writes {
            true => connection.continue_binary(bytes, last),
            false => connection.begin_binary(bytes, last),
        };
        if let Err(reason) = sent {
            return Poll::Ready(Err(self.refuse(reason)));
        }
        self.state.writes = !last;
        let _ = self.poll_write(cx);
        Poll::Ready(Ok(bytes.len()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> MessageReader<'_, S, R> {
    /// Whether it is text or binary.
    pub fn kind(&self) -> Kind {
        self.part.kind
    }

    /// The next part; `None` at the end of the message. Parts of text are cut between code points. The future may be dropped at any time.
    ///
    /// # Errors
    ///
    /// As [`WebSocket::recv`].
    pub async fn part(&mut self) -> Option<Result<Bytes, Error>> {
        match poll_fn(|cx| self.poll_filled(cx)).await {
            Ok(true) => Some(Ok(mem::take(&mut self.part.bytes))),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    /// Whether there is something to read, or the message has ended.
    fn poll_filled(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, Error>> {
        while self.part.bytes.is_empty() && !self.part.last {
            match ready!(self.socket.poll_part(cx)) {
                Some(part) => self.part = part?,
                // It can't have ended without an error; nothing is left to be read.
                None => return Poll::Ready(Err(self.socket.ended())),
            }
            self.socket.state.inside = !self.part.last;
        }
        Poll::Ready(Ok(!self.part.bytes.is_empty()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> AsyncRead for MessageReader<'_, S, R> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if ready!(this.poll_filled(cx)).map_err(io::Error::other)? {
            let count = this.part.bytes.len().min(buffer.remaining());
            buffer.put_slice(&this.part.bytes[..count]);
            this.part.bytes.advance(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> Drop for MessageReader<'_, S, R> {
    fn drop(&mut self) {
        self.socket.set_parts(false);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> AsyncWrite for MessageWriter<'_, S, R> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().socket.poll_fragment(bytes, false, cx).map_err(io::Error::other)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().socket.poll_wait(Goal::Written, cx).map_err(io::Error::other)
    }

    /// Ends the message, and writes all of it.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if !this.ended {
            ready!(this.socket.poll_fragment(&[], true, cx)).map_err(io::Error::other)?;
            this.ended = true;
        }
        this.socket.poll_wait(Goal::Written, cx).map_err(io::Error::other)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> std::fmt::Debug for MessageReader<'_, S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageReader").field("kind", &self.part.kind).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> std::fmt::Debug for MessageWriter<'_, S, R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MessageWriter").field("ended", &self.ended).finish_non_exhaustive()
    }
}
