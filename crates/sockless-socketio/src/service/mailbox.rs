//! The events that wait for a socket's handler: put there by the server, taken by one task.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Poll, Waker};

use super::received::Received;
use crate::socket::DisconnectReason;

/// What the server and the handler of a socket both know of it. It takes no memory for events before there are any.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    waiting: Mutex<Waiting>,
    reason: OnceLock<DisconnectReason>,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<Received>,
    /// Whether no more will come.
    over: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an event: how many wait now, and what is to be woken.
    pub(super) fn put(&self, received: Received) -> (usize, Option<Waker>) {
        let mut waiting = self.lock();
        waiting.events.push_back(received);
        (waiting.events.len(), waiting.waker.take())
    }

    /// The socket has gone. Returns what is to be woken.
    pub(super) fn close(&self, reason: DisconnectReason) -> Option<Waker> {
        let _ = self.reason.set(reason);
        let mut waiting = self.lock();
        waiting.over = true;
        waiting.waker.take()
    }

    /// Why the socket has gone, once it has.
    pub(super) fn reason(&self) -> Option<DisconnectReason> {
        self.reason.get().copied()
    }

    /// The next event, and how many wait after it. `None` once the socket has gone. The future may be dropped at any time.
    pub(super) async fn take(&self) -> Option<(Received, usize)> {
        poll_fn(|cx| {
            let mut waiting = self.lock();
            if let Some(received) = waiting.events.pop_front() {
                return Poll::Ready(Some((received, waiting.events.len())));
            }
            if waiting.over {
                return Poll::Ready(None);
            }
            match &mut waiting.waker {
                Some(waker) => waker.clone_from(cx.waker()),
                none => *none = Some(cx.waker().clone()),
            }
            Poll::Pending
        })
        .await
    }
}
