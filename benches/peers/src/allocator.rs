//! The system's allocator, counted: how many bytes are held, and how often memory was asked for.
//!
//! It counts only while it is told to, so that what is timed pays for no more than a look at a flag.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};

static COUNTING: AtomicBool = AtomicBool::new(false);
static HELD: AtomicI64 = AtomicI64::new(0);
static REQUESTS: AtomicU64 = AtomicU64::new(0);

/// What happened while something ran.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Bytes held afterwards that were not held before.
    pub held: i64,
    /// Allocations, and reallocations.
    pub requests: u64,
}

/// Counts what `work` allocates.
pub fn count<T>(work: impl FnOnce() -> T) -> (T, Usage) {
    HELD.store(0, Relaxed);
    REQUESTS.store(0, Relaxed);
    COUNTING.store(true, Relaxed);
    let result = work();
    COUNTING.store(false, Relaxed);
    (result, Usage { held: HELD.load(Relaxed), requests: REQUESTS.load(Relaxed) })
}

fn note(held: i64, requests: u64) {
    if COUNTING.load(Relaxed) {
        HELD.fetch_add(held, Relaxed);
        REQUESTS.fetch_add(requests, Relaxed);
    }
}

struct Counted;

#[global_allocator]
static ALLOCATOR: Counted = Counted;

// SAFETY: every call is handed on to `System` as it is; counting allocates nothing.
#[allow(unsafe_code, reason = "an allocator can't be counted otherwise")]
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64, 1);
        // SAFETY: the caller's promises are those of `System`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size() as i64, 1);
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size as i64 - layout.size() as i64, 1);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        note(-(layout.size() as i64), 0);
        // SAFETY: as above.
        unsafe { System.dealloc(place, layout) }
    }
}
