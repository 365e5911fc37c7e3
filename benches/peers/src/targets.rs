//! What is aimed at, and how near a run has come.

use crate::contender::{LIMIT, OURS, VALIDATED};
use crate::decode::{BINARY_TITLE, CLIENT_TITLE, TEXT_TITLE};
use crate::echo::field::{EACH_TITLE, TASKS_2_TITLE, TASKS_TITLE, TOKIO_2_TITLE, TOKIO_TITLE};
use crate::echo::servers::{BARE_EPOLL, BARE_TOKIO, MIO, STREAM};
use crate::echo::{ALONE, LARGE, MIDDLE, SMALL};
use crate::race::Row;
use crate::report::{Table, is_mark};

/// One of them: a ratio that is to be at most so much.
pub struct Target {
    pub work: String,
    pub aim: f64,
    pub now: f64,
}

impl Target {
    pub fn is_met(&self) -> bool {
        // Two digits are shown.
        (self.now * 100.0).round() <= (self.aim * 100.0).round()
    }
}

/// All of those whose tables were measured.
pub fn of(tables: &[Table]) -> Vec<Target> {
    let run = Run(tables);
    let mut targets = Vec::new();
    let mut aim = |work: String, aim: f64, now: Option<f64>| {
        targets.extend(now.map(|now| Target { work, aim, now }));
    };
    for (size, bound) in [
        ("16 B", 1.35),
        ("125 B", 1.15),
        ("1 KiB", 1.15),
        ("16 KiB", 1.15),
        ("64 KiB", 1.15),
        ("1 MiB", 1.15),
    ] {
        let now = run.ratio(BINARY_TITLE, &format!("binary {size}"), OURS, LIMIT);
        aim(format!("decode binary {size}: of the practical limit"), bound, now);
    }
    for size in ["16 B", "125 B", "16 KiB", "64 KiB", "1 MiB"] {
        let text = run.time(TEXT_TITLE, &format!("ASCII {size}"), OURS);
        let binary = run.time(BINARY_TITLE, &format!("binary {size}"), OURS);
        aim(format!("decode ASCII {size}: of binary"), 1.10, of_both(text, binary));
    }
    for size in ["16 B", "125 B", "16 KiB", "64 KiB", "1 MiB"] {
        let now = run.ratio(TEXT_TITLE, &format!("CJK {size}"), OURS, VALIDATED);
        aim(format!("decode CJK {size}: of {VALIDATED}"), 1.05, now);
    }
    for row in ["binary 16 B", "binary 1 KiB", "binary 64 KiB"] {
        let client = run.time(CLIENT_TITLE, row, OURS);
        let now = of_both(client, run.time(BINARY_TITLE, row, OURS));
        aim(format!("decode {row} as a client: of a server's"), 1.0, now);
    }
    let handshake = run.ratio("Opening handshake", "server, a request of Chromium", OURS, LIMIT);
    aim("opening handshake: of the practical limit".into(), 1.3, handshake);
    for row in [ALONE, SMALL, MIDDLE, LARGE] {
        for (name, form) in [(OURS, "`recv` and `feed`"), (STREAM, "stream and sink")] {
            let (bound, now) = run.excess(row, name).unzip();
            let work =
                format!("echo on tokio, {row}, {form}: of bare tokio, as `echo_mio` of bare epoll");
            aim(work, bound.unwrap_or_default(), now);
        }
    }
    for title in [TOKIO_TITLE, TOKIO_2_TITLE] {
        for (row, bound) in [(ALONE, 1.0), (SMALL, 1.0 / 1.5), (MIDDLE, 1.0 / 1.5), (LARGE, 1.0)] {
            aim(
                format!("{title}, {row}: of the fastest peer"),
                bound,
                run.of_best_peer(title, row),
            );
        }
    }
    for title in [EACH_TITLE, TASKS_TITLE, TASKS_2_TITLE] {
        for row in [ALONE, SMALL, MIDDLE, LARGE] {
            aim(format!("{title}, {row}: of the fastest peer"), 1.0, run.of_best_peer(title, row));
        }
    }
    targets
}

fn of_both(one: Option<f64>, other: Option<f64>) -> Option<f64> {
    Some(one? / other?)
}

/// The tables of a run.
struct Run<'a>(&'a [Table]);

impl Run<'_> {
    fn row(&self, table: &str, row: &str) -> Option<&Row> {
        let table = self.0.iter().find(|found| found.title == table)?;
        table.rows.iter().find(|found| found.title == row)
    }

    /// The median time.
    fn time(&self, table: &str, row: &str, name: &str) -> Option<f64> {
        Some(self.row(table, row)?.entry(name)?.spread()?.median)
    }

    /// The median of the ratios of the same rounds.
    fn ratio(&self, table: &str, row: &str, name: &str, to: &str) -> Option<f64> {
        Some(self.row(table, row)?.ratio(name, to)?.median)
    }

    /// Of the bare server on tokio: how much is allowed, and how much it is. What `echo_mio` takes beyond the bare server on epoll may be taken 1.25 times
    /// beyond the one on tokio, and at least 5 % of it.
    fn excess(&self, row: &str, name: &str) -> Option<(f64, f64)> {
        let time = |name| self.time(TOKIO_TITLE, row, name);
        let bare = time(BARE_TOKIO)?;
        let beyond = 1.25 * (time(MIO)? - time(BARE_EPOLL)?);
        Some((1.0 + (beyond / bare).max(0.05), self.ratio(TOKIO_TITLE, row, name, BARE_TOKIO)?))
    }

    /// How much of the time of the fastest peer ours takes.
    fn of_best_peer(&self, table: &str, row: &str) -> Option<f64> {
        let found = self.row(table, row)?;
        let peers = found.entries.iter().filter(|entry| !is_mark(entry.name));
        let ratios = peers.filter_map(|peer| Some(found.ratio(OURS, peer.name)?.median));
        ratios.max_by(f64::total_cmp)
    }
}
