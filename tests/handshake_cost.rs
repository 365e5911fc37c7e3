//! The cost of the handshake, counted: allocations, memory, and the octets that are scanned and parsed.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(all(feature = "alloc", feature = "handshake"))]

mod heads;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::{Duration, Instant};

use heads::{Head, NONCE, REQUESTS, arriving};
use sockless::Input;
use sockless::handshake::{
    Acceptance, Acceptor, Answered, Asked, Connector, Field, HeadLimits, Offer, Refusal, Url,
};

const NOW: Duration = Duration::ZERO;

/// Counts what each thread allocates, so that tests can run side by side.
struct Counting;

#[derive(Clone, Copy, Default)]
struct Heap {
    allocations: usize,
    live: usize,
    peak: usize,
}

thread_local! {
    static HEAP: Cell<Heap> = const { Cell::new(Heap { allocations: 0, live: 0, peak: 0 }) };
}

fn note(allocations: usize, taken: usize, given: usize) {
    // The thread may be ending.
    let _ = HEAP.try_with(|heap| {
        let mut now = heap.get();
        now.allocations += allocations;
        now.live = (now.live + taken).saturating_sub(given);
        now.peak = now.peak.max(now.live);
        heap.set(now);
    });
}

// SAFETY: every call goes to the system's allocator unchanged.
#[allow(unsafe_code, reason = "an allocator that counts can't be written without it")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(1, layout.size(), 0);
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        note(0, 0, layout.size());
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // While the contents are moved, both blocks may exist.
        note(1, size, 0);
        note(0, 0, layout.size());
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// What `run` allocates: how often, the most at any time, and what is left.
fn count<T>(run: impl FnOnce() -> T) -> (T, Heap) {
    HEAP.set(Heap::default());
    let result = run();
    (result, HEAP.get())
}

#[test]
fn whole_server_handshake_allocates_once() {
    for (program, head) in REQUESTS {
        let cookie = [Field::new("Set-Cookie", "a=1")];
        let mut input = arriving(head.as_bytes());
        let (answer, heap) = count(|| {
            let mut acceptor = Acceptor::new(&HeadLimits::default(), NOW);
            let Some(Asked::WebSocket(request)) = acceptor.poll(&mut input, NOW) else {
                panic!("{program}");
            };
            let acceptance = Acceptance::new()
                .with_subprotocol(request.choose_subprotocol(&["chat"]))
                .with_fields(&cookie);
            request.accept(&acceptance).unwrap().to_vec()
        });
        assert_eq!(heap.allocations, 1, "{program}");
        assert_eq!(heap.peak, answer.len(), "{program}: the answer has no room to spare");
    }
}

#[test]
fn server_handshake_into_a_buffer_allocates_nothing() {
    let mut out = [0; 512];
    let mut input = arriving(heads::CHROMIUM.as_bytes());
    let ((), heap) = count(|| {
        let mut acceptor = Acceptor::new(&HeadLimits::default(), NOW);
        let Some(Asked::WebSocket(request)) = acceptor.poll(&mut input, NOW) else {
            panic!();
        };
        request.accept(&Acceptance::new()).unwrap().encode(&mut out).unwrap();
    });
    assert_eq!(heap.allocations, 0);
}

#[test]
fn refusals_allocate_nothing_but_themselves() {
    let mut input = arriving(b"GET / HTTP/1.0\r\n\r\n");
    let (_, heap) = count(|| {
        let mut acceptor = Acceptor::new(&HeadLimits::default(), NOW);
        let Some(Asked::Refused(error)) = acceptor.poll(&mut input, NOW) else {
            panic!();
        };
        error.answer()
    });
    assert_eq!(heap.allocations, 0);
    let (_, heap) = count(|| Refusal::new(404, &[], b"no such room").unwrap().to_vec());
    assert_eq!(heap.allocations, 1);
}

#[test]
fn client_handshake_allocates_only_its_request() {
    let answer = Head::response().with("Sec-WebSocket-Protocol", "chat").bytes();
    let mut input = arriving(&answer);
    let (_, heap) = count(|| {
        let url = Url::parse("wss://server.example.com/chat?room=7").unwrap();
        let offer = Offer::new(url).with_subprotocols(&["v2.chat", "chat"]);
        let mut client = Connector::with_nonce(offer, NONCE, &HeadLimits::default(), NOW).unwrap();
        let request = client.request().to_vec();
        assert!(matches!(client.poll(&mut input, NOW), Some(Answered::Open { .. })));
        request
    });
    assert_eq!(heap.allocations, 1);
}

#[test]
fn lent_buffer_needs_no_allocation_at_any_split() {
    let mut buffer = vec![0; 1024];
    let mut head = heads::CHROMIUM.as_bytes().to_vec();
    let ((), heap) = count(|| {
        let mut acceptor = Acceptor::with_buffer(&HeadLimits::default(), NOW, &mut buffer);
        let asked = head.chunks_mut(1).find_map(|byte| acceptor.poll(&mut Input::new(byte), NOW));
        assert!(matches!(asked, Some(Asked::WebSocket(_))));
    });
    assert_eq!(heap.allocations, 0);
}

#[test]
fn head_in_pieces_stays_within_the_limit() {
    for (limit, sent) in [(16 * 1024, 1 << 20), (1000, 5000), (100, 101), (600, 600)] {
        for cut in [1, 7, 100, 4096] {
            let limits = HeadLimits::default().with_head(limit);
            let mut bytes = vec![b'x'; sent];
            let (_, heap) = count(|| {
                let mut acceptor = Acceptor::new(&limits, NOW);
                let refused = bytes
                    .chunks_mut(cut)
                    .find_map(|piece| acceptor.poll(&mut Input::new(piece), NOW));
                (acceptor, refused.is_some())
            });
            // Twice while it grows: the old block exists until it has been copied.
            assert!(heap.peak <= 2 * limit, "{limit} {cut}: {}", heap.peak);
            if sent > limit {
                assert_eq!(heap.live, 0, "what a refused head took is given back");
            } else {
                assert!(heap.live <= limit);
            }
            assert!(heap.allocations <= 8, "{limit} {cut}: {}", heap.allocations);
        }
    }
}

#[test]
fn head_in_pieces_reserves_by_what_has_arrived() {
    let cases: &[(usize, &[usize], &[usize])] = &[
        (16 * 1024, &[1, 511, 1], &[512, 512, 1024]),
        (16 * 1024, &[513, 513, 1022, 1], &[513, 1026, 2052, 2052]),
        (16 * 1024, &[100, 900, 100], &[512, 1024, 2048]),
        (16 * 1024, &[100, 2000], &[512, 2100]),
        (1500, &[600, 600, 300], &[600, 1200, 1500]),
        (1500, &[700, 100, 700], &[700, 1400, 1500]),
        (300, &[1, 299], &[300, 300]),
    ];
    for (limit, pieces, held) in cases {
        let mut acceptor = Acceptor::new(&HeadLimits::default().with_head(*limit), NOW);
        let mut bytes = vec![b'x'; *limit];
        HEAP.set(Heap::default());
        for (piece, held) in pieces.iter().zip(*held) {
            assert!(acceptor.poll(&mut Input::new(&mut bytes[..*piece]), NOW).is_none());
            assert_eq!(HEAP.get().live, *held, "{limit} {pieces:?}");
        }
    }
}

#[test]
fn interim_answers_do_not_pile_up() {
    let mut interim = Head::new("HTTP/1.1 103 Early Hints").with("X", &"y".repeat(10_000)).bytes();
    interim = interim.repeat(8);
    let url = Url::parse("ws://a").unwrap();
    let (_, heap) = count(|| {
        let mut client =
            Connector::with_nonce(Offer::new(url), NONCE, &HeadLimits::default(), NOW).unwrap();
        for piece in interim.chunks_mut(100) {
            assert!(client.poll(&mut Input::new(piece), NOW).is_none());
        }
        client
    });
    assert!(heap.peak <= 2 * 16 * 1024, "{}", heap.peak);
    assert_eq!(heap.live, 0);
    for cut in [interim.len(), 100, 1] {
        let mut client =
            Connector::with_nonce(Offer::new(url), NONCE, &HeadLimits::default(), NOW).unwrap();
        assert!(
            interim.chunks_mut(cut).all(|piece| client.poll(&mut Input::new(piece), NOW).is_none())
        );
        assert_eq!(client.work(), 2 * interim.len() as u64);
    }
}

#[test]
fn every_octet_is_scanned_and_parsed_once_at_any_split() {
    // A head of exactly 16 KiB in one piece, in halves, and octet by octet: the scan sees each octet once, and the parser is called
    // once, on the whole head.
    let filler = 16 * 1024 - Head::request().with("X", "").bytes().len();
    let mut head = Head::request().with("X", &"y".repeat(filler)).bytes();
    assert_eq!(head.len(), 16 * 1024);
    for cut in [head.len(), head.len() / 2, 100, 1] {
        let mut acceptor = Acceptor::new(&HeadLimits::default(), NOW);
        let asked =
            head.chunks_mut(cut).find_map(|piece| acceptor.poll(&mut Input::new(piece), NOW));
        assert!(matches!(asked, Some(Asked::WebSocket(_))));
        assert_eq!(acceptor.work(), 2 * 16 * 1024, "{cut}");
    }
}

/// Eight times the octets take eight times as long, or a little more; 64 times would be noticed.
#[test]
fn head_octet_by_octet_takes_linear_time() {
    // The test above relies on the handshake's own count. This one measures everything, by the clock.
    let long = |head: Head, len: usize| head.with("X", &"y".repeat(len)).bytes();
    let server = |len| {
        let mut head = long(Head::request(), len);
        let start = Instant::now();
        let mut acceptor = Acceptor::new(&HeadLimits::default(), NOW);
        let asked = head.chunks_mut(1).find_map(|piece| acceptor.poll(&mut Input::new(piece), NOW));
        assert!(matches!(asked, Some(Asked::WebSocket(_))));
        start.elapsed()
    };
    let client = |len| {
        let mut head = long(Head::response(), len);
        let start = Instant::now();
        let offer = Offer::new(Url::parse("ws://a").unwrap());
        let mut connector =
            Connector::with_nonce(offer, NONCE, &HeadLimits::default(), NOW).unwrap();
        let answered =
            head.chunks_mut(1).find_map(|piece| connector.poll(&mut Input::new(piece), NOW));
        assert!(matches!(answered, Some(Answered::Open { .. })));
        start.elapsed()
    };
    let (part, whole) = (15 << 7, 15 << 10);
    // One try of a few is enough: other programs may disturb the others.
    let slack = Duration::from_millis(5);
    assert!((0..8).any(|_| server(whole) < 24 * server(part) + slack), "server");
    assert!((0..8).any(|_| client(whole) < 24 * client(part) + slack), "client");
}

#[test]
fn head_that_is_refused_is_not_parsed_again() {
    let mut acceptor = Acceptor::new(&HeadLimits::default(), NOW);
    let mut head = *b"GET / HTTP/1.0\r\n\r\n";
    assert!(
        head.chunks_mut(1).find_map(|piece| acceptor.poll(&mut Input::new(piece), NOW)).is_some()
    );
    for _ in 0..100 {
        assert!(acceptor.poll(&mut Input::new(&mut head), NOW).is_none());
    }
    assert_eq!(acceptor.work(), 2 * head.len() as u64);
}
