//! Servers that share a broker, and clients that go from one to another, while servers die, connections are cut, and the broker loses pushes,
//! is slow, trims, forgets, is restored and fails over.
//!
//! A judge reads what the broker has written and knows from that what each client has to get, and whether it could have been recovered: a
//! client that misses anything unsaid, gets it twice or in another order fails the run, and so does one that isn't recovered where it could be.
//! `SOCKLESS_SEEDS` says how many runs there are, or which (`1000..2000`); `SOCKLESS_SEED` chooses one.
#![allow(clippy::print_stdout, reason = "a simulation tells what it has seen")]

mod client;
mod entry;
mod judge;
mod link;
#[path = "../seeds/mod.rs"]
mod seeds;
mod world;

use world::{Seen, World};

#[test]
fn nothing_is_lost_unsaid_over_the_deaths_of_servers_and_the_faults_of_the_broker() {
    let mut all = Seen::default();
    let seeds = seeds::run(60, |seed| World::new(seed).run(), |seen: Seen| all.add(&seen));
    let Some(seeds) = seeds else { return };
    println!("{seeds} runs: {all:?}");
    assert!(all.recoverable_runs * 2 >= seeds, "too few runs have anything to recover");
    assert!(all.elsewhere * 4 >= all.recovered, "too few are recovered by another server");
    assert!(all.deaths > seeds && all.lost > 0, "the runs have too little in them");
}
