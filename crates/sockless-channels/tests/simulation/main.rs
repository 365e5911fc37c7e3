//! Nodes, clients that come and go, and a broker that forgets, under a virtual clock.
//!
//! Everything is drawn from one seed: who publishes, follows and leaves when, what links lose, double, delay and cut, which
//! nodes die, what the broker trims and forgets, and what it is restored from. Every delivery is held against a record of what the broker
//! has accepted, and against what it still has: a loss that is said while the broker has what is said to be lost is a failure, as
//! is one that isn't said.
//!
//! A failure names its seed, and `SOCKLESS_SEED=N` runs that one alone. `SOCKLESS_SEEDS=N` says how many are run, on all cores:
//!
//! ```sh
//! SOCKLESS_SEEDS=200000 cargo test --profile checked -p sockless-channels --test simulation
//! ```
#![allow(clippy::print_stdout, reason = "a test tells its figures and its seed")]

mod client;
mod events;
mod judge;
mod link;
mod random;
mod record;
mod world;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use client::Tally;
use world::{Class, World};

/// How many seeds are run unless `SOCKLESS_SEEDS` says otherwise.
const USUAL: u64 = 250;

/// What the runs came to, so that it can be seen that they came to everything.
#[derive(Clone, Debug, Default)]
struct Total {
    recoverable: u64,
    trimmed_runs: u64,
    forgetful_runs: u64,
    published: u64,
    epochs: u64,
    turns: u64,
    told: Tally,
    fates: BTreeMap<&'static str, u64>,
}

impl Total {
    fn add(&mut self, world: &World) {
        self.recoverable += u64::from(world.class.is_recoverable());
        self.trimmed_runs += u64::from(world.class == Class::Trimmed);
        self.forgetful_runs += u64::from(world.class == Class::Forgetful);
        self.published += world.record.len() as u64;
        self.epochs += world.record.epochs() as u64;
        self.turns += world.turns as u64;
        self.told.join(world.tally);
        for (fate, count) in &world.fates {
            *self.fates.entry(fate).or_default() += count;
        }
    }

    fn join(&mut self, other: Self) {
        self.recoverable += other.recoverable;
        self.trimmed_runs += other.trimmed_runs;
        self.forgetful_runs += other.forgetful_runs;
        self.published += other.published;
        self.epochs += other.epochs;
        self.turns += other.turns;
        self.told.join(other.told);
        for (fate, count) in other.fates {
            *self.fates.entry(fate).or_default() += count;
        }
    }

    /// The runs must not be one-sided: a simulation in which nothing ever goes wrong, or well, shows little.
    fn check(&self, seeds: u64) {
        assert!(self.recoverable * 2 >= seeds, "half of the runs lose nothing: {self:?}");
        let at_least = |count: u64, each: u64, what: &str| {
            assert!(count >= seeds * each, "{what}: {count} in {seeds} runs, {self:?}");
        };
        at_least(self.published, 50, "publications");
        at_least(self.told.publications, 50, "deliveries");
        at_least(self.told.recovered, 5, "recoveries");
        at_least(self.trimmed_runs * 10, 1, "runs with a short history");
        at_least(self.forgetful_runs * 10, 1, "runs with a forgetful broker");
        at_least(self.told.trimmed * 2, 1, "losses by trimming");
        at_least(self.told.renewed * 2, 1, "losses by another epoch");
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
fn nothing_is_lost_in_silence_whatever_the_seed() {
    if let Some(seed) = number("SOCKLESS_SEED") {
        let world = World::run(seed);
        println!("{:?}: {:?} {:?}", world.class, world.tally, world.fates);
        return;
    }
    let seeds = number("SOCKLESS_SEEDS").unwrap_or(USUAL);
    let (next, stop, total) =
        (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Total::default()));
    let started = Instant::now();
    let shard = || {
        let mut mine = Total::default();
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                break;
            }
            if seed > 0 && seed % 20_000 == 0 {
                let rate = seed as f64 / started.elapsed().as_secs_f64();
                say(&format!("{seed} of {seeds} seeds, {rate:.0} a second"));
            }
            match catch_unwind(AssertUnwindSafe(|| World::run(seed))) {
                Ok(world) => mine.add(&world),
                Err(panic) => {
                    stop.store(true, Ordering::Relaxed);
                    say(&format!("SOCKLESS_SEED={seed} runs the one alone that failed"));
                    resume_unwind(panic);
                }
            }
        }
        total.lock().expect("no shard has failed").join(mine);
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
    let total = total.into_inner().expect("no shard has failed");
    say(&format!(
        "{seeds} seeds in {:?}, {} of them recoverable: {total:?}",
        started.elapsed(),
        total.recoverable
    ));
    if seeds >= USUAL {
        total.check(seeds);
    }
}

#[test]
fn run_is_decided_by_its_seed() {
    let story = |seed| {
        let world = World::run(seed);
        let told: Vec<_> = world.clients.iter().map(|client| client.position).collect();
        (world.class, told, world.record.len(), world.fates, world.turns)
    };
    let mut classes = Vec::new();
    for seed in 0..24 {
        let (first, again) = (story(seed), story(seed));
        assert!(first == again, "seed {seed} runs in two ways");
        classes.push(first.0);
    }
    for class in [Class::Calm, Class::Whole, Class::Trimmed, Class::Forgetful] {
        assert!(classes.contains(&class));
    }
}
