//! The end of a socket: by the connection's end, by being dropped, or by being taken apart.

use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use sockless::connection::{self, Cause, Counters, Side};
use sockless::{Config, Connection, Outcome, Receiver};
use tokio::io::{AsyncRead, AsyncWrite};

use super::shows::Shows;
use super::{Opened, WebSocket};
use crate::buffer::Buffer;
use crate::clock::Clock;
use crate::error::Error;
use crate::halves::Role;
use crate::message::Message;
use crate::observe::Observer;
use crate::shutdown::Member;

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    /// The connection has ended: closes the stream, and says how it was.
    pub(super) fn poll_end(
        &mut self,
        outcome: Outcome,
        cx: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        if outcome.clean() {
            ready!(self.poll_close_stream(cx));
        }
        self.state.over = true;
        Poll::Ready(match (self.broken, outcome.cause) {
            // The peer said goodbye, and did not wait for the answer.
            _ if self.shows.closing => Ok(()),
            (Some(kind), _) => Err(Error::Io(kind.into())),
            (None, Cause::Failed(failure)) => Err(failure.into()),
            (None, _) => Ok(()),
        })
    }

    /// Why nothing can be done any more with a connection that has ended.
    pub(super) fn ended(&self) -> Error {
        match (self.broken, self.outcome().cause) {
            (Some(kind), _) => Error::Io(kind.into()),
            (None, Cause::Failed(failure)) if !self.shows.closing => failure.into(),
            (None, _) => Error::Closed,
        }
    }
}

/// What a socket is made of.
pub(crate) struct Parts<S, R: Side> {
    pub(crate) stream: S,
    pub(crate) connection: Connection<R>,
    pub(crate) config: Arc<Config>,
    pub(crate) buffer: Buffer,
    pub(crate) clock: Clock,
    /// A message that was put aside, which comes first.
    pub(crate) stash: Option<Message>,
    pub(crate) shows: Shows,
    pub(crate) opened: Option<Box<Opened>>,
    pub(crate) member: Option<Box<Member>>,
    pub(crate) observer: Option<Observer>,
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Role> WebSocket<S, R> {
    /// Takes the socket apart.
    pub(crate) fn into_parts(mut self) -> Option<Parts<S, R>> {
        self.set_patient(false);
        // What is dropped needs a connection, too, though it does nothing with it.
        let config = Arc::clone(&self.config);
        let sender = connection::Sender::new(Arc::clone(&config), R::no_keys());
        let none = Connection::join(Receiver::new(Arc::clone(&config)), sender);
        Some(Parts {
            stream: self.stream.take()?,
            connection: mem::replace(&mut self.connection, none),
            config,
            buffer: mem::take(&mut self.buffer),
            clock: self.clock,
            stash: self.stash.take(),
            shows: mem::take(&mut self.shows),
            opened: self.opened.take(),
            member: self.member.take(),
            observer: self.observer.take(),
        })
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> Drop for WebSocket<S, R> {
    /// Offers what waits to the stream once more.
    fn drop(&mut self) {
        if self.stream.is_some() {
            let _ = self.poll_write(&mut Context::from_waker(Waker::noop()));
        }
        if let Some(observer) = &self.observer {
            let Counters { received, sent, .. } = self.counters();
            let unwritten = self.connection.queued();
            observer.end(R::MASKS, &self.outcome(), received, sent, unwritten);
        }
    }
}
