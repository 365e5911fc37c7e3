//! Who is woken when a socket's two sides are polled by two tasks, as `futures`' `split` does it.
//!
//! A stream wakes only the task that asked last. If that task has meanwhile turned to something else, because its future was dropped, the
//! other one would sleep for ever: so as soon as there are two, whatever happens wakes both.

use std::sync::Arc;
use std::task::{Context, Wake, Waker};

/// Which side of a socket a task works on.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Side {
    Receives,
    Sends,
}

/// The tasks that have waited, by side.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    waits: [Option<Waker>; 2],
    /// What wakes both, once there are two.
    both: Option<Waker>,
}

struct Both([Waker; 2]);

impl Wake for Both {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.iter().for_each(Waker::wake_by_ref);
    }
}

impl Wakers {
    /// Remembers the task that works on this side, and says what has to be woken if there is another one on the other side; `None` if
    /// it is the task itself.
    pub(crate) fn join(&mut self, side: Side, cx: &Context<'_>) -> Option<Waker> {
        let place = &mut self.waits[side as usize];
        if !place.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *place = Some(cx.waker().clone());
            self.both = None;
        }
        let [Some(receives), Some(sends)] = &self.waits else { return None };
        if receives.will_wake(sends) {
            return None;
        }
        let make = || Waker::from(Arc::new(Both([receives.clone(), sends.clone()])));
        Some(self.both.get_or_insert_with(make).clone())
    }

    /// Wakes the task on the other side, if there is one.
    pub(crate) fn wake_other(&self, side: Side) {
        let other = match side {
            Side::Receives => Side::Sends,
            Side::Sends => Side::Receives,
        };
        if let Some(waker) = &self.waits[other as usize] {
            waker.wake_by_ref();
        }
    }
}
