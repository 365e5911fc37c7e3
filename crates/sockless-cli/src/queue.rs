//! Lines and messages on their way between a thread that may block and loops that may not.
//!
//! The limit is one that each side keeps by itself: whoever may wait waits for room, whoever may not asks whether it [is full](Queue::is_full).

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use mio::Waker;

use crate::bell::Bell;

/// What an item is taken to need beside its bytes, so that empty ones don't pile up either.
const BESIDE: usize = 64;

/// A queue.
#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Something has changed, for the threads that wait.
    changed: Condvar,
    /// The same for the loops.
    bell: Bell,
    limit: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Nothing more will come.
    ended: bool,
    /// Nobody takes anything any more.
    abandoned: bool,
    /// It was full, and something had to be left out.
    overrun: bool,
}

/// What can be taken out of a queue now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Item(Vec<u8>),
    Nothing,
    /// Nothing will come any more.
    End,
}

impl Queue {
    /// A queue that is full when it holds this much.
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        let (state, changed, bell) = (Mutex::default(), Condvar::new(), Bell::default());
        Arc::new(Self { state, changed, bell, limit })
    }

    /// Wakes this loop as well when something has changed.
    pub(crate) fn wakes(&self, waker: &Arc<Waker>) {
        self.bell.wakes(waker);
    }

    /// Appends something as soon as there is room; whether anybody will take it.
    pub(crate) fn push_waiting(&self, item: Vec<u8>) -> bool {
        let mut state = self.lock();
        while state.bytes >= self.limit && !state.abandoned {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        self.append(state, item)
    }

    /// Appends something at once; whether anybody will take it.
    pub(crate) fn push(&self, item: Vec<u8>) -> bool {
        let state = self.lock();
        self.append(state, item)
    }

    /// Appends something if there is room; if not, the queue is overrun.
    pub(crate) fn push_if_room(&self, item: Vec<u8>) {
        let mut state = self.lock();
        if state.bytes >= self.limit {
            state.overrun = true;
            drop(state);
            self.tell();
        } else {
            self.append(state, item);
        }
    }

    fn append(&self, mut state: MutexGuard<'_, State>, item: Vec<u8>) -> bool {
        if state.abandoned {
            return false;
        }
        state.bytes += item.len() + BESIDE;
        state.items.push_back(item);
        drop(state);
        self.tell();
        true
    }

    /// Takes what there is.
    pub(crate) fn next(&self) -> Next {
        let mut state = self.lock();
        match self.take(&mut state) {
            Some(item) => Next::Item(item),
            None if state.ended => Next::End,
            None => Next::Nothing,
        }
    }

    /// Takes the next thing as soon as there is one; `None` at the end.
    pub(crate) fn next_waiting(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        loop {
            let was_full = state.bytes >= self.limit;
            match self.take(&mut state) {
                Some(item) => {
                    let has_room = was_full && state.bytes < self.limit;
                    drop(state);
                    if has_room {
                        self.bell.ring();
                    }
                    return Some(item);
                }
                None if state.ended => return None,
                None => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn take(&self, state: &mut State) -> Option<Vec<u8>> {
        let item = state.items.pop_front()?;
        state.bytes -= item.len() + BESIDE;
        self.changed.notify_all();
        Some(item)
    }

    /// Nothing more will come.
    pub(crate) fn end(&self) {
        self.lock().ended = true;
        self.tell();
    }

    /// Nobody takes anything any more.
    pub(crate) fn abandon(&self) {
        self.lock().abandoned = true;
        self.tell();
    }

    pub(crate) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    /// Whether something had to be left out, because what came before it was not taken in time.
    pub(crate) fn is_overrun(&self) -> bool {
        self.lock().overrun
    }

    /// Whether whoever may not wait should come later. An abandoned queue keeps nobody waiting.
    pub(crate) fn is_full(&self) -> bool {
        let state = self.lock();
        state.bytes >= self.limit && !state.abandoned
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().items.is_empty()
    }

    fn tell(&self) {
        self.changed.notify_all();
        self.bell.ring();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn what_goes_in_comes_out_in_order_and_then_the_end() {
        let queue = Queue::new(1000);
        assert_eq!(queue.next(), Next::Nothing);
        assert!(queue.push(b"one".to_vec()) && queue.push(b"two".to_vec()));
        queue.end();
        assert_eq!(queue.next(), Next::Item(b"one".to_vec()));
        assert_eq!(queue.next_waiting(), Some(b"two".to_vec()));
        assert_eq!((queue.next(), queue.next_waiting()), (Next::End, None));
    }

    #[test]
    fn who_may_wait_waits_for_room() {
        let queue = Queue::new(1);
        let fill = Arc::clone(&queue);
        let filling = thread::spawn(move || {
            let all = (0..100u8).all(|byte| fill.push_waiting(vec![byte]));
            fill.end();
            all
        });
        for byte in 0..100 {
            assert!(queue.lock().items.len() <= 1);
            assert_eq!(queue.next_waiting(), Some(vec![byte]));
        }
        assert_eq!(queue.next_waiting(), None);
        assert!(filling.join().expect("it ends"));
    }

    #[test]
    fn an_abandoned_queue_takes_nothing_and_keeps_nobody_waiting() {
        let queue = Queue::new(1);
        assert!(queue.push(vec![1]) && queue.is_full());
        let wait = Arc::clone(&queue);
        let waiting = thread::spawn(move || wait.push_waiting(vec![2]));
        queue.abandon();
        assert!(!waiting.join().expect("it ends") && !queue.push(vec![3]));
        assert!(!queue.is_full());
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_that_is_seen() {
        let queue = Queue::new(1);
        queue.push_if_room(vec![1]);
        assert_eq!(queue.next(), Next::Item(vec![1]));
        queue.push_if_room(vec![2]);
        assert!(!queue.is_overrun());
        queue.push_if_room(vec![3]);
        assert!(queue.is_overrun());
        assert_eq!((queue.next(), queue.next()), (Next::Item(vec![2]), Next::Nothing));
    }
}
