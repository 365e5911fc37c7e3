//! What the threads share: the stream, and under a lock the sending half of the connection and what is known of it.

use std::io::ErrorKind;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sockless::connection::{self, Failure, Notice, Side};

use crate::clock::Clock;
use crate::error::Error;

pub(super) struct Shared<S, R: Side> {
    pub(super) stream: S,
    pub(super) clock: Clock,
    state: Mutex<State<R>>,
    /// There is something to write, or to see to, for the writing thread.
    work: Condvar,
    /// Something has been written, or writing has ended, for everybody else.
    progress: Condvar,
}

pub(super) struct State<R: Side> {
    pub(super) sender: connection::Sender<R>,
    /// What the reading half has to know.
    pub(super) notices: Vec<Notice>,
    /// Why nothing can be written any more, if the stream has failed.
    pub(super) broken: Option<ErrorKind>,
    /// Why the connection has failed, if it has.
    pub(super) failure: Option<Failure>,
    /// Whether the receiving half has said its last.
    pub(super) peer_done: bool,
    /// Whether the writing thread has ended.
    pub(super) ended: bool,
    /// How many senders there are.
    pub(super) senders: usize,
    /// Whether there is a reader.
    pub(super) has_reader: bool,
}

impl<R: Side> State<R> {
    /// How much has been written since the connection's beginning.
    pub(super) fn written(&self) -> u64 {
        self.sender.traffic().wire_bytes
    }

    /// Where what is queued ends, counted in the same way.
    pub(super) fn queued_end(&self) -> u64 {
        self.written() + self.sender.queued() as u64
    }

    /// Takes what the sending half has to say.
    pub(super) fn hear_notices(&mut self) {
        while let Some(notice) = self.sender.notice() {
            if notice == Notice::Stalled {
                self.failure.get_or_insert(Failure::Stalled);
            }
            self.notices.push(notice);
        }
    }

    /// Whether neither the reader nor a sender is left.
    pub(super) const fn is_alone(&self) -> bool {
        self.senders == 0 && !self.has_reader
    }

    /// Why nothing is sent any more.
    pub(super) fn error(&self) -> Error {
        match (self.broken, self.failure) {
            (Some(kind), _) => Error::Io(kind.into()),
            (None, Some(failure)) => failure.into(),
            (None, None) => Error::Closed,
        }
    }
}

impl<S, R: Side> Shared<S, R> {
    pub(super) fn new(
        stream: S,
        sender: connection::Sender<R>,
        clock: Clock,
        broken: Option<ErrorKind>,
    ) -> Self {
        let state = State {
            sender,
            notices: Vec::new(),
            broken,
            failure: None,
            peer_done: false,
            ended: false,
            senders: 1,
            has_reader: true,
        };
        let (work, progress) = (Condvar::new(), Condvar::new());
        Self { stream, clock, state: Mutex::new(state), work, progress }
    }

    /// Nothing is done under this lock that waits.
    pub(super) fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the writing thread.
    pub(super) fn wake_writer(&self) {
        self.work.notify_one();
    }

    /// Wakes those who wait for progress.
    pub(super) fn tell_progress(&self) {
        self.progress.notify_all();
    }

    /// Waits for work, until this time at the latest.
    pub(super) fn wait_for_work<'a>(
        &self,
        state: MutexGuard<'a, State<R>>,
        until: Option<Duration>,
    ) -> MutexGuard<'a, State<R>> {
        self.wait(&self.work, state, until)
    }

    /// Waits for progress, until this time at the latest.
    pub(super) fn wait_for_progress<'a>(
        &self,
        state: MutexGuard<'a, State<R>>,
        until: Option<Duration>,
    ) -> MutexGuard<'a, State<R>> {
        self.wait(&self.progress, state, until)
    }

    fn wait<'a>(
        &self,
        condition: &Condvar,
        state: MutexGuard<'a, State<R>>,
        until: Option<Duration>,
    ) -> MutexGuard<'a, State<R>> {
        let Some(until) = until else {
            return condition.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        let left = until.saturating_sub(self.clock.now());
        let waited = condition.wait_timeout(state, left);
        waited.map_or_else(|poisoned| poisoned.into_inner().0, |(state, _)| state)
    }
}
