//! What fuzzing checks: for each subject a function that takes any bytes, and panics where Sockless breaks a promise.
//!
//! The fuzzers in `fuzz_targets/` call these functions, and so do the tests that replay the corpus and past crashes on stable
//! Rust: a finding is the same everywhere.

#![allow(dead_code, reason = "of the modules shared with the library's tests, a part is used")]

#[path = "../../tests/allocations/mod.rs"]
mod allocations;
#[path = "../../tests/heads/mod.rs"]
mod heads;
#[path = "../../tests/inflation/mod.rs"]
mod inflation;
#[path = "../../tests/reference/mod.rs"]
mod reference;
#[path = "../../tests/wire/seen.rs"]
mod seen;
#[path = "../../tests/wire/frames.rs"]
mod wire;

mod case;
mod cuts;
mod differences;
mod edits;
mod endpoint;
mod frames;
mod inflated;
mod items;
mod model;
mod operations;
mod peer;
mod run;

pub mod close_body;
pub mod connection;
pub mod corpus;
pub mod engineio_payload;
pub mod extension_header;
pub mod halves;
pub mod handshake_client;
pub mod handshake_server;
pub mod header;
pub mod inflate;
pub mod joined;
pub mod receive;
pub mod replay;
pub mod socketio_packet;
pub mod socketio_server;
pub mod utf8;

/// Counts what each thread holds, for the bounds on memory.
#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

/// What holds for any bytes: it returns, or it panics.
pub type Check = fn(&[u8]);

/// All targets, by the names of their files in `fuzz_targets/`.
pub const TARGETS: [(&str, Check); 15] = [
    ("header", header::check),
    ("receive_server", receive::as_server),
    ("receive_client", receive::as_client),
    ("connection", connection::check),
    ("halves", halves::check),
    ("handshake_server", handshake_server::check),
    ("handshake_client", handshake_client::check),
    ("extension_header", extension_header::check),
    ("inflate", inflate::check),
    ("close_body", close_body::check),
    ("utf8", utf8::check),
    ("joined", joined::check),
    ("engineio_payload", engineio_payload::check),
    ("socketio_packet", socketio_packet::check),
    ("socketio_server", socketio_server::check),
];

/// The structured input that these bytes stand for; none if they are too few to stand for one.
fn input<'a, T: arbitrary::Arbitrary<'a> + std::fmt::Debug>(data: &'a [u8]) -> Option<T> {
    let input = T::arbitrary_take_rest(arbitrary::Unstructured::new(data)).ok()?;
    replay::show(&input);
    Some(input)
}

/// The program of a target: a fuzzer under `cargo fuzz`, otherwise a program that replays the files it is given.
#[macro_export]
macro_rules! target {
    ($check:path) => {
        #[cfg(fuzzing)]
        libfuzzer_sys::fuzz_target!(|data: &[u8]| $check(data));

        #[cfg(not(fuzzing))]
        fn main() {
            $crate::replay::arguments($check);
        }
    };
}
