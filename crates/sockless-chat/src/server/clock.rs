//! The time, as the chat gets it: since 1970 at the start of the program, and from then on by a clock that never goes back.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    start: Instant,
    at_start: Duration,
}

impl Clock {
    pub(crate) fn start() -> Self {
        let at_start = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: Instant::now(), at_start }
    }

    pub(crate) fn now(self) -> Duration {
        self.at_start + self.start.elapsed()
    }
}
