//! A turn of the loop that every driver has: poll, write, do what the connection wants.
//!
//! Whoever waits for something else than a message takes part in all of it, so that pings are answered and deadlines kept. The first message
//! that arrives then is put aside, and from then on the connection holds what follows: as an endpoint that answers does it, with any output
//! at all as its mark. So nothing grows while it waits, and the peer's silence isn't counted while nobody listens.

use std::future::Future as _;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use sockless::connection::{Holding, Side};
use sockless::{CloseCode, Config, Want};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};

use super::WebSocket;
use crate::error::Error;
use crate::message::Message;
use crate::output;

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Goal {
    /// A message, or the end.
    Message,
    /// Room for a message.
    Room,
    /// That nothing waits to be written.
    Written,
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: Side> WebSocket<S, R> {
    /// Goes on as far as it gets without waiting, or until the goal is reached. What was found for [`Goal::Message`]; `None` for the others,
    /// and at the end of the connection.
    ///
    /// `look` polls the connection until there is nothing left in the input, or until it has found what the caller wants.
    #[inline]
    pub(super) fn poll_turns<T>(
        &mut self,
        goal: Goal,
        mut look: impl FnMut(&mut Self) -> Option<T>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Option<T>, Error>> {
        // Otherwise what is worked on has just been read.
        let mut looked = !std::mem::take(&mut self.state.works);
        if looked {
            self.read_first(cx);
            self.look_at_the_clock();
        }
        loop {
            // 1. Poll until there is nothing left in the input.
            if let Some(found) = look(self) {
                self.state.works = true;
                return Poll::Ready(Ok(Some(found)));
            }
            // 2. Write what waits, as far as the stream takes it.
            let _ = self.poll_write(cx);
            if self.has_reached(goal) {
                return Poll::Ready(Ok(None));
            }
            if let (Some(kind), true) = (self.broken, goal != Goal::Message) {
                // What the peer has sent before is for those who receive.
                return Poll::Ready(Err(Error::Io(kind.into())));
            }
            // 3. Do what the connection wants.
            let (reads, deadline) = match self.connection.want() {
                Want::Done(outcome) => return self.poll_end(outcome, cx).map_ok(|()| None),
                Want::ShutdownWrite => {
                    std::task::ready!(self.poll_close_stream(cx));
                    self.connection.shut();
                    continue;
                }
                Want::Io { read, deadline, .. } => (read && self.may_read(), deadline),
            };
            let read = if reads { self.poll_read(cx) } else { Poll::Pending };
            match read {
                Poll::Ready(arrived) => {
                    // What a reset stream has ended is the connection's to say.
                    self.state.eof = !matches!(arrived, Ok(true));
                    if !std::mem::take(&mut looked) {
                        self.look_at_the_clock();
                    }
                    continue;
                }
                Poll::Pending if self.broken.is_some() => {
                    // What the peer has sent before has been read.
                    self.connection.lost();
                    continue;
                }
                Poll::Pending => {}
            }
            if self.hears_shutdown(cx) {
                continue;
            }
            if self.poll_due(deadline, cx).is_pending() {
                self.state.waits = reads;
                return Poll::Pending;
            }
        }
    }

    /// Reads what it was waiting for, if nothing has been queued since: what woke it is in the stream, nearly always, and a turn without input
    /// would be for nothing.
    #[inline]
    fn read_first(&mut self, cx: &mut Context<'_>) {
        if std::mem::take(&mut self.state.waits)
            && self.connection.output().is_empty()
            && self.may_read()
            && let Poll::Ready(arrived) = self.poll_read(cx)
        {
            self.state.eof = !matches!(arrived, Ok(true));
        }
    }

    /// Whether a shutdown has begun that has not been heard of yet; then the connection closes. It is heard of once.
    fn hears_shutdown(&mut self, cx: &Context<'_>) -> bool {
        let Some(member) = self.member.as_mut().filter(|_| !self.state.leaves) else {
            return false;
        };
        if !member.has_begun(cx) {
            return false;
        }
        self.state.leaves = true;
        self.look_at_the_clock();
        // One that closes already needs no more.
        let _ = self.connection.close(CloseCode::GOING_AWAY, "the server stops", self.now);
        true
    }

    fn has_reached(&self, goal: Goal) -> bool {
        match goal {
            Goal::Message => false,
            Goal::Room => !self.connection.is_congested(),
            Goal::Written => self.connection.output().is_empty() && !self.state.unflushed,
        }
    }

    /// Whether what is read could be taken.
    fn may_read(&self) -> bool {
        self.stash.is_none() && self.buffer.is_empty() && !self.state.eof
    }

    /// Reads what has arrived, if it could be taken.
    pub(super) fn read_ahead(&mut self, cx: &mut Context<'_>) {
        if matches!(self.connection.want(), Want::Io { read: true, .. })
            && self.may_read()
            && let Poll::Ready(arrived) = self.poll_read(cx)
        {
            self.state.eof = !matches!(arrived, Ok(true));
        }
    }

    /// Polls the connection on behalf of somebody who doesn't wait for a message.
    pub(super) fn put_message_aside(&mut self) -> Option<Message> {
        self.set_parts(false);
        if self.stash.is_none() {
            let takes = matches!(self.connection.want(), Want::Io { read: true, .. });
            self.stash = match takes || self.state.eof {
                true => self.next_message(),
                // What has been read waits where it is.
                false => self.next_message_of_none(),
            };
        }
        if self.stash.is_some() && !self.connection.output().is_empty() {
            self.set_patient(true);
            // Control frames, time and the end are dealt with.
            let message = self.next_message_of_none();
            debug_assert!(message.is_none(), "messages are held");
        }
        None
    }

    /// Holds messages while anything waits to be written, or goes back to what the configuration says.
    pub(super) fn set_patient(&mut self, patient: bool) {
        if self.state.patient == patient {
            return;
        }
        self.state.patient = patient;
        if !patient {
            return self.connection.set_config(Arc::clone(&self.config));
        }
        self.state.parts = false;
        let config = &self.config;
        let patient = self.patient.get_or_insert_with(|| {
            let config = Config::clone(config).with_holding(Holding::Answering);
            let hard = config.hard_limit;
            Arc::new(config.with_output_limits(0, hard))
        });
        self.connection.set_config(Arc::clone(patient));
    }

    /// Ready once the deadline has passed.
    fn poll_due(&mut self, deadline: Option<Duration>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(deadline) = deadline else { return Poll::Pending };
        if deadline > self.now {
            std::task::ready!(self.alarm.poll(self.clock, deadline, cx));
        }
        self.look_at_the_clock();
        Poll::Ready(())
    }

    /// Reads, into the buffer or straight into a large message; whether something arrived.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let Self { stream, connection, buffer, .. } = self;
        let Some(stream) = stream else { return Poll::Pending };
        let read = match connection.take_buffer() {
            Some(mut taken) => {
                // No more than it has room for, which is never nothing.
                let read = pin!(stream.read_buf(&mut taken)).poll(cx);
                // It is what was taken.
                let _ = connection.put_buffer(taken);
                read
            }
            None => buffer.poll_read(stream, cx),
        };
        read.map_ok(|count| count > 0)
    }

    /// Writes all output, and flushes the stream. Never ready once a write has failed.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.connection.output().is_empty() && !self.state.unflushed {
            return Poll::Ready(());
        }
        if self.broken.is_some() {
            return Poll::Pending;
        }
        let Self { stream: Some(stream), connection, state, .. } = self else {
            return Poll::Pending;
        };
        match output::poll_write(stream, connection, &mut state.unflushed, cx) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Ready(Err(error)) => {
                self.broken = Some(error.kind());
                Poll::Pending
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Ready once all has been written, or writing has failed.
    pub(crate) fn poll_written(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), io::ErrorKind>> {
        match (self.poll_write(cx), self.broken) {
            (_, Some(kind)) => Poll::Ready(Err(kind)),
            (written, None) => written.map(Ok),
        }
    }

    /// Closes the writing side of the stream, in the time that a closing handshake may take.
    pub(super) fn poll_close_stream(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.broken.is_some() || Pin::new(self.stream()).poll_shutdown(cx).is_ready() {
            return Poll::Ready(());
        }
        let by = *self.closes_by.get_or_insert(self.clock.now() + self.config.close);
        self.poll_due(Some(by), cx)
    }
}
