//! How much memory this process has asked for, at most, since it was last looked at. It counts the server's as well.

#![allow(
    unsafe_code,
    reason = "an allocator is unsafe to implement; this one forwards to the system's"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicI64, Ordering};

struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);
static MOST: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call is forwarded unchanged to the system's allocator, which keeps the contract; counting touches atomics alone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size() as i64;
        MOST.fetch_max(LIVE.fetch_add(size, Ordering::Relaxed) + size, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size() as i64, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of this very function.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What was in use when this was made.
pub(crate) struct Mark(i64);

impl Mark {
    pub(crate) fn now() -> Self {
        let live = LIVE.load(Ordering::Relaxed);
        MOST.store(live, Ordering::Relaxed);
        Self(live)
    }

    /// How many bytes more there were at most.
    pub(crate) fn grown(&self) -> i64 {
        MOST.load(Ordering::Relaxed) - self.0
    }
}
