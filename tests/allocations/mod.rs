//! A global allocator that counts, for each thread by itself, so that tests can run side by side.

#![allow(
    unsafe_code,
    reason = "an allocator is unsafe to implement; this one forwards to the system's"
)]
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// Counts what goes through the system's allocator.
#[derive(Debug)]
pub(crate) struct Counting;

/// What one thread has done so far.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    /// Calls that obtained or resized memory.
    calls: u64,
    /// Bytes that resizing would have had to copy, had it never succeeded in place.
    moved: u64,
    live: i64,
    peak: i64,
}

thread_local! {
    static TOTALS: Cell<Totals> = const {
        Cell::new(Totals { calls: 0, moved: 0, live: 0, peak: 0 })
    };
}

fn count(freed: usize, obtained: usize) {
    // The thread may be ending; then nobody measures any more.
    let _ = TOTALS.try_with(|totals| {
        let mut now = totals.get();
        now.calls += u64::from(obtained > 0);
        if freed > 0 && obtained > 0 {
            now.moved += freed.min(obtained) as u64;
        }
        now.live += obtained as i64 - freed as i64;
        now.peak = now.peak.max(now.live);
        totals.set(now);
    });
}

// SAFETY: every call is forwarded unchanged to the system's allocator, which keeps the contract; counting touches only
// plain cells of the thread's own, which neither allocate nor unwind.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.realloc(place, layout, size) }
    }
}

/// What the thread has done since a point in time.
#[derive(Debug)]
pub(crate) struct Meter(Totals);

impl Meter {
    /// Measures from now on.
    pub(crate) fn start() -> Self {
        TOTALS.with(|totals| {
            let mut now = totals.get();
            now.peak = now.live;
            totals.set(now);
            Self(now)
        })
    }

    /// Calls that obtained or resized memory.
    pub(crate) fn calls(&self) -> u64 {
        TOTALS.get().calls - self.0.calls
    }

    /// Bytes that resizing would have had to copy.
    pub(crate) fn moved(&self) -> u64 {
        TOTALS.get().moved - self.0.moved
    }

    /// Bytes held now that were not held at the start.
    pub(crate) fn live(&self) -> i64 {
        TOTALS.get().live - self.0.live
    }

    /// The most bytes held at any point since the start. Only the latest meter knows it.
    pub(crate) fn peak(&self) -> i64 {
        TOTALS.get().peak - self.0.live
    }
}
