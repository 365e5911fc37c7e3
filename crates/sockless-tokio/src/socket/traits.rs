//! `Stream` and `Sink`. The two sides may be in two tasks, as `futures`' `split` does it; then whatever happens wakes both.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use futures_sink::Sink;
use sockless::CloseCode;
use sockless::connection;
use tokio::io::{AsyncRead, AsyncWrite};

use super::WebSocket;
use super::turn::Goal;
use crate::error::Error;
use crate::message::Message;
use crate::wakers::Side;

impl<S: AsyncRead + AsyncWrite + Unpin, R: connection::Side> WebSocket<S, R> {
    /// Polls for the task that works on this side, waking the one on the other side as well.
    fn poll_side<T>(
        &mut self,
        side: Side,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut Self, &mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        let both = self.wakers.get_or_insert_default().join(side, cx);
        let Some(both) = both else { return poll(self, cx) };
        let (queued, stashed) = (self.connection.queued(), self.stash.is_some());
        let polled = poll(self, &mut Context::from_waker(&both));
        let (makes_room, stashes) =
            (self.connection.queued() < queued, self.stash.is_some() && !stashed);
        // What the other side waits for may be there.
        if (makes_room || stashes || self.state.over)
            && let Some(wakers) = &self.wakers
        {
            wakers.wake_other(side);
        }
        polled
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: connection::Side> Stream for WebSocket<S, R> {
    type Item = Result<Message, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.has_plain_input()
            && let Some(message) = this.next_message()
        {
            return Poll::Ready(Some(Ok(message)));
        }
        this.poll_side(Side::Receives, cx, Self::poll_recv)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin, R: connection::Side> Sink<Message> for WebSocket<S, R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        if this.state.over {
            return Poll::Ready(Err(this.ended()));
        }
        match this.connection.is_congested() {
            true => this.poll_side(Side::Sends, cx, |this, cx| this.poll_wait(Goal::Room, cx)),
            false => Poll::Ready(Ok(())),
        }
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        let this = self.get_mut();
        this.queue(&message).map_err(|reason| this.refuse(reason))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        this.poll_side(Side::Sends, cx, |this, cx| this.poll_wait(Goal::Written, cx))
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let this = self.get_mut();
        match this.start_close(CloseCode::NORMAL, "") {
            // It was begun before; or the connection has failed, which the end of the stream reports.
            Ok(()) | Err(Error::Closed | Error::Failed(_) | Error::Limit(_)) => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
        loop {
            match this.poll_side(Side::Sends, cx, Self::poll_recv) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => return Poll::Ready(Ok(())),
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
            }
        }
    }
}
