//! What a peer's own task is to do: a list that takes memory only while something is on it, since nearly all peers have nothing to do nearly always.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::chat::Read;

/// What is to be done.
#[derive(Debug)]
pub(super) enum Task {
    Read(Read),
    /// The peer was ended.
    Leave,
}

/// The tasks of a peer, which one task of the runtime takes. They are few: all of them are done before the peer's next message is taken.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    list: Mutex<VecDeque<Task>>,
    more: Notify,
}

impl Tasks {
    pub(super) fn push(&self, task: Task) {
        self.lock().push_back(task);
        self.more.notify_one();
    }

    /// The next one. The future may be dropped at any time.
    pub(super) async fn next(&self) -> Task {
        loop {
            if let Some(task) = self.pop() {
                return task;
            }
            // What is pushed before this leaves a permit.
            self.more.notified().await;
        }
    }

    fn pop(&self) -> Option<Task> {
        let mut list = self.lock();
        let task = list.pop_front();
        if list.is_empty() {
            *list = VecDeque::new();
        }
        task
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Task>> {
        self.list.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
