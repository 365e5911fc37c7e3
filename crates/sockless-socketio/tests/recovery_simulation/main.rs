//! Servers and clients that are cut, delayed and doubled while their transports change, over many seeds.
//!
//! The server is the machine itself, the client a model of the official one. A judge knows what was sent to whom, and what was recoverable: a
//! client that misses anything, gets it twice or in another order fails the run, and so does one that is not recovered where it could be.
//! `SOCKLESS_SEEDS` says how many runs there are, `SOCKLESS_SEED` chooses one.
#![allow(clippy::print_stdout, reason = "a simulation tells what it has seen")]

mod client;
mod judge;
mod random;
mod world;

use world::{Seen, World};

#[test]
fn nothing_is_lost_unsaid_nothing_comes_twice_and_all_runs_end() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    if let Some(seed) = number("SOCKLESS_SEED") {
        println!("{:?}", World::new(seed).run());
        return;
    }
    let seeds = number("SOCKLESS_SEEDS").unwrap_or(1_000);
    let mut all = Seen::default();
    for seed in 0..seeds {
        let run = std::panic::catch_unwind(|| World::new(seed).run());
        match run {
            Ok(seen) => all.add(&seen),
            Err(panic) => {
                println!("it was SOCKLESS_SEED={seed}");
                std::panic::resume_unwind(panic);
            }
        }
    }
    println!("{seeds} runs: {all:?}");
    assert!(all.recoverable_runs * 2 >= seeds, "too few runs have anything to recover");
    assert!(
        all.upgrades > seeds / 2 && all.lost > seeds / 20 && all.full > 0,
        "the runs have too little in them"
    );
}
