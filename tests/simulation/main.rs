//! A client and a server joined by a simulated wire, under a virtual clock, from the opening handshake to the end.
//!
//! Everything is drawn from one seed: what the endpoints want of the handshake, what the applications send and when, how the
//! drivers read, poll and write, how the wire cuts, delays and stalls what it carries, who closes, which timers are short, and
//! where the stream ends, falls silent or is reset. [`judge`] says what has to be true of every run.
//!
//! A failure names its seed, and `SOCKLESS_SEED=N` runs that one alone. `SOCKLESS_SEEDS=N` says how many are run, on all cores:
//!
//! ```sh
//! SOCKLESS_SEEDS=1000000 cargo test --release --features deflate --test simulation
//! ```
#![allow(clippy::print_stdout, reason = "a test tells its figures and its seed")]

mod application;
mod endpoint;
mod judge;
mod opening;
mod pipe;
mod random;
mod tap;
mod tested;
mod world;

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use endpoint::End;
use world::{Class, World};

/// How many seeds are run unless `SOCKLESS_SEEDS` says otherwise.
const USUAL: u64 = 1000;

/// What the runs came to, so that it can be seen that they came to everything.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    clean: u64,
    broken: u64,
    unopened: u64,
    half_opened: u64,
    compressed: u64,
    subprotocols: u64,
    messages: u64,
}

impl Tally {
    fn add(&mut self, world: &World) {
        match (world.client.end, world.server.end) {
            (Some(End::Closed(client)), Some(End::Closed(server))) => {
                let clean = client.clean() && server.clean();
                self.clean += u64::from(clean);
                self.broken += u64::from(!clean);
            }
            (Some(End::Unopened(_)), Some(End::Unopened(_))) => self.unopened += 1,
            _ => self.half_opened += 1,
        }
        if let Some(established) = world.server.established {
            self.compressed += u64::from(!established.extensions.is_empty());
            self.subprotocols += u64::from(established.subprotocol.is_some());
        }
        self.messages += world.client.application.heard.len() as u64;
        self.messages += world.server.application.heard.len() as u64;
    }

    fn join(&mut self, other: Self) {
        self.clean += other.clean;
        self.broken += other.broken;
        self.unopened += other.unopened;
        self.half_opened += other.half_opened;
        self.compressed += other.compressed;
        self.subprotocols += other.subprotocols;
        self.messages += other.messages;
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
fn endpoints_end_and_agree_whatever_the_seed() {
    if let Some(seed) = number("SOCKLESS_SEED") {
        let world = World::run(seed);
        println!("{:?}: client {:?}", world.class, world.client.end);
        println!("{:?}: server {:?}", world.class, world.server.end);
        judge::judge(&world);
        return;
    }
    let seeds = number("SOCKLESS_SEEDS").unwrap_or(USUAL);
    let (next, stop, total) =
        (AtomicU64::new(0), AtomicBool::new(false), Mutex::new(Tally::default()));
    let started = Instant::now();
    let shard = || {
        let mut tally = Tally::default();
        while !stop.load(Ordering::Relaxed) {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds {
                break;
            }
            if seed > 0 && seed % 50_000 == 0 {
                let rate = seed as f64 / started.elapsed().as_secs_f64();
                say(&format!("{seed} of {seeds} seeds, {rate:.0} a second"));
            }
            let run = AssertUnwindSafe(|| {
                let world = World::run(seed);
                judge::judge(&world);
                world
            });
            match catch_unwind(run) {
                Ok(world) => tally.add(&world),
                Err(panic) => {
                    stop.store(true, Ordering::Relaxed);
                    say(&format!("SOCKLESS_SEED={seed} runs the one alone that failed"));
                    resume_unwind(panic);
                }
            }
        }
        total.lock().expect("no shard has failed").join(tally);
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
    println!("{seeds} seeds in {:?}: {total:?}", started.elapsed());
    if seeds >= USUAL {
        total.check(seeds);
    }
}

impl Tally {
    /// The runs must not be one-sided: a simulation in which nothing ever goes wrong, or well, shows little.
    fn check(&self, seeds: u64) {
        let at_least = |count: u64, share: u64, what: &str| {
            assert!(count * share > seeds, "{what}: {count} of {seeds}, {self:?}");
        };
        at_least(self.clean, 4, "clean");
        at_least(self.broken, 5, "broken");
        at_least(self.unopened, 100, "unopened");
        at_least(self.half_opened, 200, "half opened");
        at_least(self.subprotocols, 10, "with a subprotocol");
        at_least(self.messages, 1, "messages");
        if cfg!(feature = "deflate") {
            at_least(self.compressed, 10, "compressed");
        }
    }
}

#[test]
fn run_is_decided_by_its_seed() {
    let story = |seed| {
        let world = World::run(seed);
        let said =
            [&world.client.application.said, &world.server.application.said].map(Clone::clone);
        let heard =
            [&world.client.application.heard, &world.server.application.heard].map(Clone::clone);
        let counters = [
            world.client.connection.as_ref().map(|connection| connection.counters()),
            world.server.connection.as_ref().map(|connection| connection.counters()),
        ];
        (world.class, world.client.end, world.server.end, said, heard, counters)
    };
    let mut classes = Vec::new();
    for seed in 0..60 {
        let (first, again) = (story(seed), story(seed));
        assert!(first == again, "seed {seed} runs in two ways");
        classes.push(first.0);
    }
    for class in [Class::Calm, Class::Hurried, Class::Cut, Class::Reset, Class::Mute] {
        assert!(classes.contains(&class));
    }
}
