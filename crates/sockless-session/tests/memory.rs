//! What sleeping sessions cost, counted at the allocator.

#![allow(
    unsafe_code,
    reason = "an allocator is unsafe to implement; this one forwards to the system's"
)]
#![allow(clippy::print_stdout, reason = "a test tells its figures")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use sockless_session::limit::{Limiter, Rate};
use sockless_session::reliable::{
    Admission, Config, Incoming, Message, Opening, SessionId, Table, TableLimits, Window,
};

/// Counts the octets that are live. The tests of this file run one after the other, in one.
struct Counting;

static LIVE: AtomicI64 = AtomicI64::new(0);

// SAFETY: every call is forwarded unchanged to the system's allocator, which keeps the contract; counting touches an atomic alone.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size() as i64, Ordering::Relaxed);
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

const SESSIONS: u64 = 100_000;

/// An id like a random one.
fn id(index: u64) -> SessionId {
    let mixed = u128::from(index + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    SessionId::from_bytes((mixed ^ mixed >> 61).to_be_bytes())
}

#[test]
fn sleeping_sessions_cost_256_octets_at_most() {
    let config = Arc::new(Config::default().with_storage());
    let before = LIVE.load(Ordering::Relaxed);
    let mut table = Table::<Message>::new(config, TableLimits::new(SESSIONS as usize, 100));
    for index in 0..SESSIONS {
        let now = Duration::from_millis(index);
        let opening = Opening {
            hello: true,
            id: id(index),
            attempt: 1,
            received: 0,
            seen: 0,
            window: Window::new(64, 65536),
        };
        let Admission::Opened(link) = table.admit(&opening, now) else { panic!("no room") };
        let served = table.with(opening.id, now, |session| {
            let batch = session.take_batch().expect("a new session is stored");
            session.synced(batch.mark);
            assert!(session.poll_output(link, now).is_some(), "a welcome");
            // One message each way, so that none counts as unused.
            session.receive(link, Incoming::Text("hello"), now).expect("within the window");
            session.send("hello".into()).expect("the queue has room");
            let batch = session.take_batch().expect("they are stored");
            session.synced(batch.mark);
            assert!(session.poll_output(link, now).is_some(), "the message");
            session.receive(link, Incoming::Text("\u{10}a1"), now).expect("an ack");
            session.lost(link);
        });
        assert!(served.is_some());
    }
    assert_eq!(table.len(), SESSIONS as usize);
    let each = (LIVE.load(Ordering::Relaxed) - before) as f64 / SESSIONS as f64;
    println!("{each:.1} octets of heap for each of {SESSIONS} sleeping sessions");
    assert!(each <= 256.0, "{each} octets for each sleeping session");
    // They can still be resumed.
    let opening = Opening {
        hello: false,
        id: id(5),
        attempt: 2,
        received: 1,
        seen: 1,
        window: Window::new(1, 1),
    };
    let now = Duration::from_millis(SESSIONS);
    assert!(matches!(table.admit(&opening, now), Admission::Resumed { superseded: None, .. }));
    drop(table);

    // A limiter keeps what it was told to keep, whatever comes.
    let before = LIVE.load(Ordering::Relaxed);
    let mut limiter = Limiter::new(Rate::new(2, Duration::from_secs(3600)), 1000);
    for key in 0..100_000_u32 {
        // Most are refused: that is what is tested.
        let _ = limiter.take(&key, 1, Duration::from_secs(1));
    }
    assert_eq!(limiter.len(), 1000);
    let octets = LIVE.load(Ordering::Relaxed) - before;
    assert!(octets < 100_000, "{octets} octets for 1000 keys");
}
