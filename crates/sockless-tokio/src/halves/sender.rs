//! What messages are sent with, by any number of tasks.

use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_sink::Sink;
use sockless::extension::Agreed;
use sockless::{CloseCode, Prepared, Server};
use tokio::sync::mpsc;

use super::order::Order;
use super::shared::{BESIDE, Shared};
use crate::error::Error;
use crate::message::{Message, TrySendError};

/// Sends messages through the writing task. Cloning it is cheap; its messages keep their order.
///
/// What has been sent is written even if all senders are dropped. Every future may be dropped at any time: one that is dropped before it is
/// ready has sent nothing.
pub struct Sender<R> {
    orders: mpsc::UnboundedSender<Order>,
    shared: Arc<Shared>,
    extensions: Agreed,
    role: PhantomData<fn() -> R>,
}

impl<R> Sender<R> {
    pub(super) fn new(
        orders: mpsc::UnboundedSender<Order>,
        shared: Arc<Shared>,
        extensions: Agreed,
    ) -> Self {
        Self { orders, shared, extensions, role: PhantomData }
    }

    /// The extensions in use, with the terms that were agreed on.
    pub fn extensions(&self) -> Agreed {
        self.extensions
    }

    /// Sends a message; waits while too much does. The writing task writes it at once.
    ///
    /// # Errors
    ///
    /// If the connection has ended: why, if it has failed.
    #[inline]
    pub async fn send(&self, message: impl Into<Message>) -> Result<(), Error> {
        let message = message.into();
        poll_fn(|cx| self.shared.poll_room(cx)).await;
        self.queue(message)
    }

    /// Sends a message, if there is room for it.
    ///
    /// # Errors
    ///
    /// The message, and why it was not sent.
    pub fn try_send(&self, message: impl Into<Message>) -> Result<(), TrySendError> {
        let message = message.into();
        if self.is_closed() {
            return Err(TrySendError::Closed(message));
        }
        if !self.shared.has_room() {
            return Err(TrySendError::Full(message));
        }
        self.shared.add(message.as_bytes().len());
        match self.orders.send(Order::Send(message)) {
            Ok(()) => Ok(()),
            Err(mpsc::error::SendError(Order::Send(message))) => {
                self.shared.remove(message.as_bytes().len() + BESIDE);
                Err(TrySendError::Closed(message))
            }
            Err(_) => unreachable!("what is given back is what was sent"),
        }
    }

    /// Begins the closing handshake, after what has been sent. Nothing can be sent after it.
    ///
    /// # Errors
    ///
    /// If the connection has ended.
    pub fn close(&self, code: impl Into<Option<CloseCode>>, reason: &str) -> Result<(), Error> {
        if self.is_closed() {
            return Err(self.shared.error());
        }
        self.shared.add(0);
        self.order(Order::Close(code.into(), reason.into()), 0)
    }

    /// Whether nothing can be sent any more.
    pub fn is_closed(&self) -> bool {
        self.shared.is_ended() || self.orders.is_closed()
    }

    #[inline]
    fn queue(&self, message: Message) -> Result<(), Error> {
        if self.shared.is_ended() {
            return Err(self.shared.error());
        }
        let len = message.as_bytes().len();
        self.shared.add(len);
        self.order(Order::Send(message), len)
    }

    #[inline]
    fn order(&self, order: Order, len: usize) -> Result<(), Error> {
        match self.orders.send(order) {
            Ok(()) => Ok(()),
            Err(_) => {
                self.shared.remove(len + BESIDE);
                Err(self.shared.error())
            }
        }
    }
}

impl Sender<Server> {
    /// Sends a message that was encoded once for many; waits while too much does.
    ///
    /// # Errors
    ///
    /// If the connection has ended: why, if it has failed.
    pub async fn send_prepared(&self, message: &Prepared) -> Result<(), Error> {
        poll_fn(|cx| self.shared.poll_room(cx)).await;
        if self.shared.is_ended() {
            return Err(self.shared.error());
        }
        self.shared.add(message.payload_len());
        self.order(Order::Prepared(message.clone()), message.payload_len())
    }

    /// Sends a message that was encoded once for many, if there is room for it: whether there was. A connection that has ended has none.
    pub fn try_send_prepared(&self, message: &Prepared) -> bool {
        if self.is_closed() || !self.shared.has_room() {
            return false;
        }
        self.shared.add(message.payload_len());
        self.order(Order::Prepared(message.clone()), message.payload_len()).is_ok()
    }
}

impl<R> Sink<Message> for Sender<R> {
    type Error = Error;

    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        ready!(self.shared.poll_room(cx));
        Poll::Ready(match self.shared.is_ended() {
            true => Err(self.shared.error()),
            false => Ok(()),
        })
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), Error> {
        self.queue(message)
    }

    /// Ready at once: the writing task writes what has been sent.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    /// Begins the closing handshake; the reader completes it.
    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(match self.close(CloseCode::NORMAL, "") {
            Err(Error::Closed) => Ok(()),
            closed => closed,
        })
    }
}

impl<R> Clone for Sender<R> {
    fn clone(&self) -> Self {
        Self::new(self.orders.clone(), Arc::clone(&self.shared), self.extensions)
    }
}

impl<R> std::fmt::Debug for Sender<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}
