//! Time: the engine counts it from an origin of the caller's, tokio has sleeps.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// The origin of all times of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn now(self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn at(self, time: Duration) -> Instant {
        // A time that is too far away to be told is never reached.
        self.0.checked_add(time).unwrap_or_else(|| self.0 + Duration::from_secs(86_400 * 365 * 30))
    }

    /// Sleeps until a deadline; for ever if there is none.
    pub(crate) async fn sleep_until(self, deadline: Option<Duration>) {
        match deadline {
            Some(deadline) => tokio::time::sleep_until(self.at(deadline)).await,
            None => std::future::pending().await,
        }
    }
}

/// A sleep that is made with the first deadline, and moved only when it has to end earlier: a deadline that moves on with every
/// byte costs nothing.
#[derive(Debug, Default)]
pub(crate) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ready once the deadline has passed.
    pub(crate) fn poll(
        &mut self,
        clock: Clock,
        deadline: Duration,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        let at = clock.at(deadline);
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if at < sleep.deadline() {
            sleep.as_mut().reset(at);
        }
        loop {
            match sleep.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) if sleep.deadline() >= at => return Poll::Ready(()),
                Poll::Ready(()) => sleep.as_mut().reset(at),
            }
        }
    }
}
