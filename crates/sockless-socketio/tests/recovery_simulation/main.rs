//! Servers and clients that are cut, delayed and doubled while their transports change, over many seeds.
//!
//! The server is the machine itself, the client a model of the official one. A judge knows what was sent to whom, and what was recoverable: a
//! client that misses anything, gets it twice or in another order fails the run, and so does one that is not recovered where it could be.
//! `SOCKLESS_SEEDS` says how many runs there are, or which (`1000..2000`); `SOCKLESS_SEED` chooses one.
#![allow(clippy::print_stdout, reason = "a simulation tells what it has seen")]

mod client;
mod judge;
#[path = "../seeds/mod.rs"]
mod seeds;
mod world;

use world::{Seen, World};

#[test]
fn nothing_is_lost_unsaid_nothing_comes_twice_and_all_runs_end() {
    let mut all = Seen::default();
    let seeds = seeds::run(1_000, |seed| World::new(seed).run(), |seen: Seen| all.add(&seen));
    let Some(seeds) = seeds else { return };
    println!("{seeds} runs: {all:?}");
    assert!(all.recoverable_runs * 2 >= seeds, "too few runs have anything to recover");
    assert!(
        all.upgrades > seeds / 2 && all.lost > seeds / 20 && all.full > 0,
        "the runs have too little in them"
    );
}
