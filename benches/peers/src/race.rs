//! Timing of contenders against each other: all of them in every round, each for a short while, in an order that rotates. What else
//! the machine does falls on all alike, and a ratio compares what was measured in the same round.
//!
//! What counts is the processor time of the thread, which is the only one that works: the time that other programs take isn't in it.

use std::time::{Duration, Instant};

use nix::time::{ClockId, clock_gettime};

use crate::statistics::Spread;

/// How much is measured.
#[derive(Clone, Copy)]
pub struct Effort {
    pub rounds: usize,
    /// How long one contender runs in one round.
    pub slice: Duration,
}

impl Effort {
    /// Two or three minutes.
    pub const QUICK: Self = Self { rounds: 10, slice: Duration::from_millis(2) };
    /// What is published.
    pub const FULL: Self = Self { rounds: 40, slice: Duration::from_millis(3) };

    pub fn is_quick(&self) -> bool {
        self.rounds == Self::QUICK.rounds
    }
}

/// How often contenders are made anew in a row.
const SETS: usize = 8;

/// A cell of a table: the work, or why there is none.
pub type Cell<T> = Result<T, &'static str>;

/// Does its work so many times.
pub type Runner = Box<dyn FnMut(u64)>;

/// A contender in a row.
pub struct Entry {
    pub name: &'static str,
    /// Nanoseconds for a message, one value for each round; or why there are none.
    pub rounds: Cell<Vec<f64>>,
    /// The size of reads, where it was chosen.
    pub choice: Option<usize>,
    /// Whether it leaves out a check that the row is about.
    pub unchecked: bool,
}

impl Entry {
    pub fn spread(&self) -> Option<Spread> {
        self.rounds.as_ref().ok().map(|rounds| Spread::of(rounds.iter().copied()))
    }
}

/// A row of a table.
pub struct Row {
    pub title: String,
    pub entries: Vec<Entry>,
}

impl Row {
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// How much longer one takes than another.
    pub fn ratio(&self, name: &str, to: &str) -> Option<Spread> {
        let rounds = |name| self.entry(name)?.rounds.as_ref().ok();
        Some(Spread::of_ratios(rounds(name)?, rounds(to)?))
    }
}

/// Runs them. Returns nanoseconds for a message, by runner and by round.
fn one_set(runners: &mut [Runner], messages: u64, effort: Effort) -> Vec<Vec<f64>> {
    let times: Vec<u64> =
        runners.iter_mut().map(|runner| calibrate(runner, effort.slice)).collect();
    let mut found = vec![Vec::with_capacity(effort.rounds); runners.len()];
    for round in 0..effort.rounds {
        for place in 0..runners.len() {
            let which = (round + place) % runners.len();
            let start = busy();
            runners[which](times[which]);
            let elapsed = (busy() - start).as_nanos() as f64;
            found[which].push(elapsed / (times[which] * messages) as f64);
        }
    }
    found
}

/// The processor time of this thread.
fn busy() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).expect("a clock of every system").into()
}

/// How often one has to run to take about so long. Warms it up as well.
fn calibrate(runner: &mut Runner, slice: Duration) -> u64 {
    let mut times = 1;
    loop {
        let start = busy();
        runner(times);
        let elapsed = busy() - start;
        if elapsed * 2 >= slice || times >= 1 << 30 {
            let more = slice.as_secs_f64() / elapsed.as_secs_f64().max(1e-9);
            return ((times as f64 * more) as u64).max(1);
        }
        times *= 2;
    }
}

/// Those who take part in a row: a name, the work, and the size of reads where it was chosen.
pub type Field = Vec<(&'static str, Cell<Runner>, Option<usize>)>;

/// A race as a row.
pub fn row(title: String, field: impl Fn() -> Field, messages: u64, effort: Effort) -> Row {
    eprint!("  {title} ...");
    let start = Instant::now();
    let entries = race(field, messages, effort);
    eprintln!(" {:.1} s", start.elapsed().as_secs_f64());
    Row { title, entries }
}

/// Races those who take part; `messages` are those of one repetition. They are made anew several times, at other addresses: where a
/// buffer lies can make a large difference, by chance.
pub fn race(field: impl Fn() -> Field, messages: u64, effort: Effort) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let effort = Effort { rounds: effort.rounds.div_ceil(SETS), ..effort };
    for set in 0..SETS {
        let _elsewhere = vec![1_u8; set * 1040 + 16];
        let (mut runners, mut places) = (Vec::new(), Vec::new());
        for (place, (name, runner, choice)) in field().into_iter().enumerate() {
            let rounds = runner.map(|runner| {
                runners.push(runner);
                places.push(place);
                Vec::new()
            });
            if set == 0 {
                entries.push(Entry { name, rounds, choice, unchecked: false });
            }
        }
        for (place, found) in places.into_iter().zip(one_set(&mut runners, messages, effort)) {
            let rounds = entries[place].rounds.as_mut();
            rounds.expect("the same ones in each set").extend(found);
        }
    }
    entries
}
