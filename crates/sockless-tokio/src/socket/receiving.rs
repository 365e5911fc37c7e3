//! Receiving: events of the connection, made to messages.

use std::future::poll_fn;
use std::mem;
use std::task::{Context, Poll};

use sockless::connection::Side;
use sockless::{Connection, Event, Input, Outcome};
use tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocket;
use super::parts::gather;
use super::shows::see;
use super::turn::Goal;
use crate::error::Error;
use crate::message::Message;
use crate::output;

/// From how many bytes on a message that was read at once is handed over together with the memory it was read into. A smaller one is
/// copied, so that whoever keeps it does not keep much more than it.
const LARGE: usize = 32 << 10;

/// A message that is lent to [`WebSocket::serve`]'s function.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Incoming<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

impl std::fmt::Debug for Incoming<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, len) = match self {
            Self::Text(text) => ("Text", text.len()),
            Self::Binary(bytes) => ("Binary", bytes.len()),
        };
        f.debug_struct(kind).field("len", &len).finish()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    /// The next message. `None` once the connection is closed, an error before it if it has failed. Before it sleeps, it writes what waits.
    ///
    /// A socket is to be received from to the end: only then has the closing handshake been done. The future may be dropped at any time.
    ///
    /// # Errors
    ///
    /// [`Error::Limit`] if the peer has sent too much, [`Error::Failed`] if it has broken a rule, has been silent, or is gone;
    /// [`Error::Io`] if the stream has failed. After an error there is nothing but `None`.
    #[inline]
    pub fn recv(&mut self) -> impl Future<Output = Option<Result<Message, Error>>> {
        // By hand: an `async fn` would move the message once more.
        poll_fn(|cx| self.poll_recv(cx))
    }

    /// The same as [`recv`](Self::recv), for those who write futures by hand.
    #[inline]
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        // Nearly always there is a message in what has been read.
        if self.has_plain_input()
            && let Some(message) = self.next_message()
        {
            return Poll::Ready(Some(Ok(message)));
        }
        self.poll_message(cx)
    }

    /// Whether the next message may come out of what has been read, with nothing else to be looked at.
    #[inline]
    pub(super) fn has_plain_input(&self) -> bool {
        !self.buffer.is_empty() && self.stash.is_none() && !self.state.patient && !self.state.parts
    }

    #[inline(never)]
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Message, Error>>> {
        self.set_patient(false);
        self.set_parts(false);
        if let Some(message) = self.stash.take() {
            return Poll::Ready(Some(Ok(message)));
        }
        if self.state.over {
            return Poll::Ready(None);
        }
        self.poll_turns(Goal::Message, Self::next_message, cx).map(Result::transpose)
    }

    /// The next message out of what has been read.
    #[inline]
    pub(super) fn next_message(&mut self) -> Option<Message> {
        let Self { buffer, connection, state, now, .. } = self;
        let mut input = if mem::take(&mut state.eof) { Input::eof() } else { buffer.input() };
        let message = loop {
            match connection.poll(&mut input, *now) {
                Some(Event::Text(text)) => break Some(Message::Text(text.into())),
                Some(Event::Binary(bytes)) if bytes.len() < LARGE || !bytes.is_borrowed() => {
                    break Some(Message::Binary(bytes.into()));
                }
                Some(Event::Binary(bytes)) => {
                    let (count, rest) = (bytes.len(), input.len());
                    let bytes = self.buffer.take_last(rest, count);
                    return Some(Message::Binary(bytes.into()));
                }
                Some(Event::Part(part)) => {
                    let whole = gather(part, &mut state.inside, &mut self.gathered);
                    if whole.is_some() {
                        break whole;
                    }
                }
                Some(event) => {
                    let shown = see(event, &mut self.shows, &self.config);
                    if shown.is_some() {
                        break shown;
                    }
                }
                None => break None,
            }
        };
        let rest = input.len();
        self.buffer.keep_last(rest);
        message
    }

    /// The next message out of what the connection has kept.
    pub(super) fn next_message_of_none(&mut self) -> Option<Message> {
        while let Some(event) = self.connection.poll(&mut Input::none(), self.now) {
            let message = match event {
                Event::Text(text) => Some(Message::Text(text.into())),
                Event::Binary(bytes) => Some(Message::Binary(bytes.into())),
                Event::Part(part) => gather(part, &mut self.state.inside, &mut self.gathered),
                event => see(event, &mut self.shows, &self.config),
            };
            if message.is_some() {
                return message;
            }
        }
        None
    }

    /// Serves the connection to its end: `handle` is lent every message, and the connection to answer on. What it sends is written
    /// once all that was read has been looked at. The future may be dropped at any time.
    ///
    /// This costs less than [`recv`](Self::recv) does for small messages: they are not made owned.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub async fn serve(
        &mut self,
        mut handle: impl FnMut(Incoming<'_>, &mut Connection<R>),
    ) -> Result<Outcome, Error> {
        self.set_patient(false);
        self.set_parts(false);
        match self.stash.take() {
            Some(Message::Text(text)) => handle(Incoming::Text(&text), &mut self.connection),
            Some(Message::Binary(data)) => handle(Incoming::Binary(&data), &mut self.connection),
            _ => {}
        }
        if !self.state.over {
            let serve = |this: &mut Self| this.hand_over(&mut handle);
            let mut serve = serve;
            poll_fn(|cx| self.poll_turns(Goal::Message, &mut serve, cx)).await?;
        }
        Ok(self.outcome())
    }

    /// Hands over the messages in what has been read.
    fn hand_over(
        &mut self,
        handle: &mut impl FnMut(Incoming<'_>, &mut Connection<R>),
    ) -> Option<Message> {
        output::lend(&mut self.connection);
        let Self { buffer, connection, state, now, .. } = self;
        let mut input = if mem::take(&mut state.eof) { Input::eof() } else { buffer.input() };
        while let Some(event) = connection.poll(&mut input, *now) {
            match event {
                Event::Text(text) => handle(Incoming::Text(&text), connection),
                Event::Binary(bytes) => handle(Incoming::Binary(&bytes), connection),
                Event::Part(part) => match gather(part, &mut state.inside, &mut self.gathered) {
                    Some(Message::Text(text)) => handle(Incoming::Text(&text), connection),
                    Some(message) => handle(Incoming::Binary(message.as_bytes()), connection),
                    None => {}
                },
                event => drop(see(event, &mut self.shows, &self.config)),
            }
        }
        self.buffer.keep_last(0);
        None
    }
}
