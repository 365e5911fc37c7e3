//! How tasks are woken: a flag that one task waits for, and the wakers that are called once the server's lock is free.

use std::future::poll_fn;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::oneshot;

use super::few::Few;
use crate::engine::Answer;

/// A flag that one task waits for. It stays raised until that task has seen it.
#[derive(Debug, Default)]
pub(super) struct Signal(Mutex<Flag>);

#[derive(Debug, Default)]
struct Flag {
    raised: bool,
    waker: Option<Waker>,
}

impl Signal {
    /// Raises it. What is returned is to be woken.
    pub(super) fn raise(&self) -> Option<Waker> {
        let mut flag = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        flag.raised = true;
        flag.waker.take()
    }

    /// Waits until it is raised, and lowers it. The future may be dropped at any time.
    pub(super) async fn raised(&self) {
        poll_fn(|cx| self.poll_raised(cx)).await;
    }

    /// Whether it is raised. If so, it is lowered.
    pub(super) fn is_raised(&self) -> bool {
        mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner).raised)
    }

    /// The same as [`raised`](Self::raised), for those who wait for something else as well.
    pub(super) fn poll_raised(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut flag = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if mem::take(&mut flag.raised) {
            return Poll::Ready(());
        }
        match &mut flag.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

/// The tasks that have something to do, and the answers that requests wait for. They go on once the lock is free, which they all want.
#[derive(Debug, Default)]
pub(super) struct Woken {
    wakers: Few<Waker>,
    answers: Few<(oneshot::Sender<Answer>, Answer)>,
}

impl Woken {
    pub(super) fn add(&mut self, waker: Option<Waker>) {
        if let Some(waker) = waker {
            self.wakers.push(waker);
        }
    }

    /// A request that waits is answered.
    pub(super) fn answer(&mut self, waits: oneshot::Sender<Answer>, answer: Answer) {
        self.answers.push((waits, answer));
    }

    pub(super) fn wake(self) {
        self.wakers.into_iter().for_each(Waker::wake);
        // Whoever waited may be gone.
        self.answers.into_iter().for_each(|(waits, answer)| drop(waits.send(answer)));
    }
}
