//! The least that runs a future: polls it where it stands. Nothing in memory ever waits for anything but its end.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// The result of a future that doesn't wait.
#[inline]
pub fn run<T>(future: impl Future<Output = T>) -> T {
    match poll_once(future) {
        Some(result) => result,
        None => panic!("a future waits, for which there is nothing to wait"),
    }
}

/// The result of a future, unless it waits.
#[inline]
pub fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => Some(result),
        Poll::Pending => None,
    }
}
