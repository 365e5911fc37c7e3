//! A graceful end for all connections of a server at once.

use std::collections::HashMap;
use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// A graceful end for all connections of a server at once: each closes with code 1001 when it [begins](Self::begin), and when the last has
/// gone, it has [ended](Self::ended). Cloning gives another handle of the same.
///
/// It belongs into the [options](crate::ServerOptions::with_shutdown) that connections are accepted with. Each of them hears of it while it is received
/// from, and ends when its peer has closed, or after the time for the closing handshake.
///
/// ```
/// use sockless_tokio::{ServerOptions, Shutdown};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let shutdown = Shutdown::new();
/// let options = ServerOptions::new().with_shutdown(&shutdown);
/// // Connections are accepted with these options, then it is enough:
/// shutdown.begin();
/// shutdown.ended().await;
/// # }
/// ```
#[derive(Clone, Default)]
pub struct Shutdown(Arc<Inner>);

#[derive(Default)]
struct Inner {
    begun: AtomicBool,
    live: AtomicUsize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// The next connection's number.
    next: u64,
    connections: HashMap<u64, Waker>,
    ends: Vec<Waker>,
}

impl Inner {
    /// Nothing is done under the lock that could panic.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shutdown {
    /// One that has not begun.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins: every connection closes with code 1001, those that are accepted later as well.
    pub fn begin(&self) {
        self.0.begun.store(true, Ordering::SeqCst);
        let connections = std::mem::take(&mut self.0.waiting().connections);
        connections.into_values().for_each(Waker::wake);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.0.live.load(Ordering::SeqCst)
    }

    /// Waits until there is no connection left. It may be dropped at any time.
    pub async fn ended(&self) {
        poll_fn(|cx| {
            let mut waiting = self.0.waiting();
            if self.connections() == 0 {
                return Poll::Ready(());
            }
            if !waiting.ends.iter().any(|waker| waker.will_wake(cx.waker())) {
                waiting.ends.push(cx.waker().clone());
            }
            Poll::Pending
        })
        .await;
    }

    /// Counts a connection from now on.
    pub(crate) fn join(&self) -> Member {
        self.0.live.fetch_add(1, Ordering::SeqCst);
        let mut waiting = self.0.waiting();
        waiting.next += 1;
        Member { inner: Arc::clone(&self.0), number: waiting.next, waker: None }
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Shutdown");
        shown.field("begun", &self.has_begun()).field("connections", &self.connections()).finish()
    }
}

/// A connection that will hear of the end.
pub(crate) struct Member {
    inner: Arc<Inner>,
    number: u64,
    /// Who is woken.
    waker: Option<Waker>,
}

impl Member {
    /// Whether it has begun. If not, the task is woken when it does.
    pub(crate) fn has_begun(&mut self, cx: &Context<'_>) -> bool {
        if self.inner.begun.load(Ordering::SeqCst) {
            return true;
        }
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            self.waker = Some(cx.waker().clone());
            self.inner.waiting().connections.insert(self.number, cx.waker().clone());
        }
        // It may have begun meanwhile.
        self.inner.begun.load(Ordering::SeqCst)
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut waiting = self.inner.waiting();
        waiting.connections.remove(&self.number);
        if self.inner.live.fetch_sub(1, Ordering::SeqCst) == 1 {
            let ends = std::mem::take(&mut waiting.ends);
            drop(waiting);
            ends.into_iter().for_each(Waker::wake);
        }
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("number", &self.number).finish_non_exhaustive()
    }
}
