//! Naive drivers: they do only what `want` says, in the obvious order, and are right and never stuck.
//!
//! A naive driver polls until `None`, writes, and does what the connection wants. It has no case for congestion, for input that is left
//! over, or for deadlines. Two of them talk to each other, or one talks to a hostile peer that is written by hand; whole connections and
//! halves in two tasks; under a virtual clock, everything drawn from one seed. It is a failure
//!
//! - if two turns in a row at one time come to nothing: no byte moves, no event comes, no deadline advances;
//! - if nothing will ever happen again, and not everybody has ended;
//! - if an end outlives its deadlines;
//! - if something is lost, doubled or out of order between two ends of ours.
//!
//! `SOCKLESS_SEED=N` runs one seed alone, `SOCKLESS_SEEDS=N` says how many are run:
//!
//! ```sh
//! SOCKLESS_SEEDS=1000000 cargo test --release --test live
//! ```
#![allow(clippy::print_stdout, reason = "a test tells its figures and its seed")]
#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod application;
mod halves;
mod hostile;
#[cfg(feature = "deflate")]
#[path = "../inflation/mod.rs"]
mod inflation;
mod intake;
mod large;
#[allow(dead_code, reason = "the wire of other tests ends in more ways")]
#[path = "../simulation/pipe.rs"]
mod pipe;
#[path = "../simulation/random.rs"]
mod random;
mod turns;
mod whole;
#[path = "../wire/mod.rs"]
mod wire;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::thread;

use world::Tally;

/// How many seeds are run unless `SOCKLESS_SEEDS` says otherwise.
const USUAL: u64 = 2000;

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} has to be a number, not {value:?}")))
}

#[test]
fn naive_drivers_are_never_stuck_whatever_the_seed() {
    if let Some(seed) = number("SOCKLESS_SEED") {
        println!("{:?}", world::run(seed));
        return;
    }
    let seeds = number("SOCKLESS_SEEDS").unwrap_or(USUAL);
    let (next, stop, total) =
        (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Tally::default()));
    let lock = |total| -> MutexGuard<'_, Tally> { Mutex::lock(total).unwrap() };
    let shard = || {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                break;
            }
            match catch_unwind(AssertUnwindSafe(|| world::run(seed))) {
                Ok(run) => tally.add(&run),
                Err(panic) => {
                    stop.store(true, Ordering::Relaxed);
                    eprint(seed);
                    resume_unwind(panic);
                }
            }
        }
        lock(&total).add(&tally);
    };
    thread::scope(|scope| {
        let shards = thread::available_parallelism().map_or(1, |count| count.get());
        let shards: Vec<_> = (0..shards).map(|_| scope.spawn(shard)).collect();
        for shard in shards {
            if let Err(panic) = shard.join() {
                resume_unwind(panic);
            }
        }
    });
    let total = total.into_inner().unwrap();
    println!("{seeds} seeds: {total:?}");
    total.check(seeds);
}

#[allow(clippy::print_stderr, reason = "a test tells the seed that failed")]
fn eprint(seed: u64) {
    eprintln!("SOCKLESS_SEED={seed} runs the one alone that failed");
}
