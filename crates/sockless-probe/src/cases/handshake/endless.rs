//! A head without an end, which either testee has to give up.

use std::time::{Duration, Instant};

use crate::stage::Stage;
use crate::wire::link::{Link, Turn};

/// How much of an endless head is sent.
pub(super) const ENDLESS: u64 = 16 << 20;

/// Sends lines of a head without an end: how much was sent when the testee ended the stream; `None` if it took all.
pub(super) fn endless(stage: &Stage<'_>, link: &mut Link) -> Option<u64> {
    let line = format!("X-Endless: {}\r\n", "e".repeat(1000)).repeat(64);
    let line: std::sync::Arc<[u8]> = line.into_bytes().into();
    stage.note("sends fields without an end");
    let until = stage.within(Duration::from_secs(25));
    while link.ended().is_none() && link.sent() < ENDLESS && Instant::now() < until {
        link.queue(std::sync::Arc::clone(&line), usize::MAX);
        while !link.is_flushed() && link.ended().is_none() {
            // Slow is not the same as deaf.
            let wait = (Instant::now() + Duration::from_secs(5)).min(until);
            if link.turn(wait, true) == Turn::TimedOut {
                return Some(link.sent());
            }
            if !link.take_arrived().is_empty() {
                // It has answered, which is an end too.
                return Some(link.sent());
            }
        }
        if link.is_deaf() {
            return Some(link.sent());
        }
    }
    // Who takes no more of it has ended it as well as who closes.
    (link.ended().is_some() || link.sent() < ENDLESS).then(|| link.sent())
}
