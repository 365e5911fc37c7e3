//! What those who send and the writing task share: how much waits, and who waits for room.

use std::task::{Context, Poll, Waker};

use sockless::connection::Failure;

use crate::error::Error;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Mutex, MutexGuard, PoisonError};

/// What a message is taken to need beside its payload, so that empty ones don't pile up either.
pub(super) const BESIDE: usize = 64;
/// How many replies may be on their way. Further ones wait in the receiving half, in a fixed place.
pub(super) const REPLIES: usize = 16;

#[derive(Debug)]
pub(super) struct Shared {
    /// How much waits in the queue.
    queued: AtomicUsize,
    /// From how much on nothing more is taken.
    limit: usize,
    /// Whether nothing is sent any more.
    ended: AtomicBool,
    /// Why, if the connection has failed.
    failure: Mutex<Option<Failure>>,
    /// How many replies are on their way.
    replies: AtomicUsize,
    /// Whether somebody waits for room, and who.
    waited_for: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Shared {
    pub(super) fn new(limit: usize) -> Self {
        Self {
            queued: AtomicUsize::new(0),
            limit: limit.max(1),
            ended: AtomicBool::new(false),
            failure: Mutex::default(),
            replies: AtomicUsize::new(0),
            waited_for: AtomicBool::new(false),
            waiting: Mutex::default(),
        }
    }

    /// Whether there is room for a message.
    #[inline]
    pub(super) fn has_room(&self) -> bool {
        self.queued.load(Ordering::Relaxed) < self.limit
    }

    #[inline]
    pub(super) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    /// Why nothing can be sent any more.
    pub(super) fn error(&self) -> Error {
        match *lock(&self.failure) {
            Some(failure) => failure.into(),
            None => Error::Closed,
        }
    }

    /// Ready once there is room, or nothing is sent any more.
    #[inline]
    pub(super) fn poll_room(&self, cx: &Context<'_>) -> Poll<()> {
        if self.has_room() || self.is_ended() {
            return Poll::Ready(());
        }
        self.wait_for_room(cx)
    }

    #[cold]
    fn wait_for_room(&self, cx: &Context<'_>) -> Poll<()> {
        let mut waiting = lock(&self.waiting);
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        self.waited_for.store(true, Ordering::Relaxed);
        // Whoever makes room looks at this afterwards. Adding nothing, rather than loading, takes its place in one order with what they take
        // away: either we see the room that they have made, or they see that somebody waits.
        let queued = self.queued.fetch_add(0, Ordering::AcqRel);
        if queued < self.limit || self.is_ended() {
            return Poll::Ready(());
        }
        Poll::Pending
    }

    /// Counts what is about to be queued.
    #[inline]
    pub(super) fn add(&self, len: usize) {
        self.queued.fetch_add(len + BESIDE, Ordering::Relaxed);
    }

    /// Counts what has been taken out of the queue, and wakes those who wait for room if there is some.
    #[inline]
    pub(super) fn remove(&self, count: usize) {
        let before = self.queued.fetch_sub(count, Ordering::AcqRel);
        if before - count < self.limit && self.waited_for.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        let mut waiting = lock(&self.waiting);
        self.waited_for.store(false, Ordering::Relaxed);
        let wakers = std::mem::take(&mut *waiting);
        drop(waiting);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// From now on nothing is sent any more.
    pub(super) fn end(&self, failure: Option<Failure>) {
        if failure.is_some() {
            *lock(&self.failure) = failure;
        }
        if !self.ended.swap(true, Ordering::AcqRel) {
            // Under the lock: whoever comes later sees that it has ended.
            self.wake();
        }
    }

    /// Whether one more reply may be on its way; then it is counted.
    pub(super) fn takes_reply(&self) -> bool {
        let one_more = |count| (count < REPLIES).then_some(count + 1);
        self.replies.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }

    /// Counts a reply that has arrived: whether none could be on its way before.
    pub(super) fn reply_arrived(&self) -> bool {
        self.replies.fetch_sub(1, Ordering::AcqRel) >= REPLIES
    }
}

/// Nothing is done under a lock here that could panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
