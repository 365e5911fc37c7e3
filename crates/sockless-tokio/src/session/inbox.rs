//! What waits for the application: a queue from any number of tasks to one, which takes memory only while something is in it. How much that may
//! be is the session's business.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use tokio::sync::Notify;
use tokio::task::coop::cooperative;

use super::event::Event;
use super::hub::lock;

/// What is handed to the application: an event, the number of the message that it accepts by going on, or both.
pub(super) struct Item {
    pub(super) number: Option<u64>,
    pub(super) event: Option<Event>,
}

/// The queue.
#[derive(Default)]
pub(super) struct Inbox {
    inner: Mutex<Inner>,
    /// For those who wait until the application has dropped its end.
    abandoned: Notify,
}

#[derive(Default)]
struct Inner {
    items: VecDeque<Item>,
    /// Who is woken by the next item.
    waker: Option<Waker>,
    is_abandoned: bool,
}

impl Inbox {
    /// Adds an item, unless the application has dropped its end.
    pub(super) fn push(&self, item: Item) {
        let mut inner = lock(&self.inner);
        if inner.is_abandoned {
            drop(inner);
            return;
        }
        inner.items.push_back(item);
        let waker = inner.waker.take();
        drop(inner);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes the next item out; if there is none, the task is woken by the next one. A task that takes many in a row lets others go first now and
    /// then, as with the channels of tokio.
    pub(super) fn poll_pop(&self, cx: &mut Context<'_>) -> Poll<Item> {
        pin!(cooperative(std::future::poll_fn(|cx| self.poll_pop_at_once(cx)))).poll(cx)
    }

    fn poll_pop_at_once(&self, cx: &Context<'_>) -> Poll<Item> {
        let mut inner = lock(&self.inner);
        if let Some(item) = inner.items.pop_front() {
            return Poll::Ready(item);
        }
        inner.items = VecDeque::new();
        // A waker may drop anything when it is dropped: not under the lock.
        let earlier = inner.waker.replace(cx.waker().clone());
        drop(inner);
        drop(earlier);
        Poll::Pending
    }

    /// The application has dropped its end.
    pub(super) fn abandon(&self) {
        let mut inner = lock(&self.inner);
        inner.is_abandoned = true;
        let dropped = (std::mem::take(&mut inner.items), inner.waker.take());
        drop(inner);
        drop(dropped);
        self.abandoned.notify_waiters();
    }

    /// Whether it has.
    pub(super) fn is_abandoned(&self) -> bool {
        lock(&self.inner).is_abandoned
    }

    /// Waits until it has.
    pub(super) async fn until_abandoned(&self) {
        loop {
            // It hears of what happens from here on.
            let abandoned = self.abandoned.notified();
            if self.is_abandoned() {
                return;
            }
            abandoned.await;
        }
    }
}
