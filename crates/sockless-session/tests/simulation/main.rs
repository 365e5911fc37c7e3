//! Both ends of sessions on a simulated wire: it is cut at any octet, any number of times, and either side dies and is restored from
//! its latest export, or from a journal that was cut at any octet after its last sync.
//!
//! Everything is drawn from one seed. In about three of four runs everything that was promised can be recovered: there, a message
//! that is lost, doubled, out of order, "undelivered" or "unknown" is a failure. In the others states go back, grace times pass and
//! sessions are ended in the middle: there, what the sender learns has to be true.
//!
//! A failure names its seed, and `SOCKLESS_SEED=N` runs that one alone. `SOCKLESS_SEEDS=N` says how many are run, and
//! `SOCKLESS_FIRST=N` which is the first:
//!
//! ```sh
//! SOCKLESS_SEEDS=1000000 cargo test --release -p sockless-session --test simulation
//! ```
#![allow(clippy::print_stdout, reason = "a test tells its figures and its seed")]

mod app;
mod judge;
mod pipe;
mod random;
mod store;
mod world;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use world::World;

/// How many seeds are run unless `SOCKLESS_SEEDS` says otherwise.
const USUAL: u64 = 1000;

/// What the runs came to, so that it can be seen that they came to everything.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    runs: u64,
    recoverable: u64,
    messages: u64,
    cuts: u64,
    deaths: u64,
    resumed: u64,
    superseded: u64,
    taken_twice: u64,
    refused: u64,
    asked_again: u64,
    ended_early: u64,
    undelivered: u64,
    unknown: u64,
}

impl Tally {
    fn add(&mut self, world: &World) {
        self.runs += 1;
        self.recoverable += u64::from(world.recoverable);
        self.cuts += world.cuts;
        self.resumed += world.resumed;
        self.superseded += world.superseded;
        self.ended_early += world.ended.saturating_sub(1);
        for side in [&world.client, &world.server] {
            self.deaths += side.deaths;
            self.messages += side.app.ledger.len() as u64;
            self.refused += side.app.refused;
            self.asked_again += side.app.asked_again;
            self.taken_twice += side.app.replayable.len() as u64;
            for sent in &side.app.ledger {
                self.undelivered += u64::from(sent.end == Some(app::Learnt::Undelivered));
                self.unknown += u64::from(sent.end == Some(app::Learnt::Unknown));
            }
        }
    }

    /// The runs must not be one-sided: a simulation in which nothing ever goes wrong, or well, shows little.
    fn check(&self) {
        assert!(self.recoverable * 2 >= self.runs, "too little was recoverable: {self:?}");
        let seen = [
            self.messages / 10,
            self.cuts,
            self.deaths,
            self.resumed,
            self.superseded * 4,
            self.taken_twice,
            self.refused,
            self.asked_again,
            self.ended_early * 10,
            self.undelivered * 10,
            self.unknown * 10,
        ];
        assert!(seen.iter().all(|count| *count > self.runs / 4), "hardly seen: {self:?}");
    }
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} has to be a number, not {value:?}")))
}

/// Says something at once, past the test's captured output.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

#[test]
fn nothing_is_lost_or_doubled_whatever_the_seed() {
    if let Some(seed) = number("SOCKLESS_SEED") {
        judge::judge(&World::run(seed));
        return;
    }
    let seeds = number("SOCKLESS_SEEDS").unwrap_or(USUAL);
    let first = number("SOCKLESS_FIRST").unwrap_or(0);
    let started = std::time::Instant::now();
    let mut tally = Tally::default();
    for seed in first..first + seeds {
        let done = seed - first;
        if done > 0 && done.is_multiple_of(10_000) {
            let rate = done as f64 / started.elapsed().as_secs_f64();
            say(&format!("{done} of {seeds} seeds, {rate:.0} a second: {tally:?}"));
        }
        let run = catch_unwind(AssertUnwindSafe(|| {
            let world = World::run(seed);
            judge::judge(&world);
            world
        }));
        match run {
            Ok(world) => tally.add(&world),
            Err(panic) => {
                say(&format!("SOCKLESS_SEED={seed} runs the one alone that failed"));
                resume_unwind(panic);
            }
        }
    }
    let share = 100.0 * tally.recoverable as f64 / tally.runs.max(1) as f64;
    println!(
        "{seeds} seeds from {first} on in {:?}, {share:.1} % recoverable: {tally:?}",
        started.elapsed()
    );
    if seeds >= USUAL {
        tally.check();
    }
}
