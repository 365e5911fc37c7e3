//! The table: medians, and the ratios of what was measured in the same round.

use crate::machine;
use crate::rows::{Measured, Row};

/// What is written in the end.
pub struct Report {
    head: String,
    rows: String,
    missed: Vec<String>,
}

impl Report {
    pub fn begin(rounds: usize) -> Self {
        let (today, machine) = (machine::today(), machine::described());
        let head = format!(
            "# The same clients against sockless-socketio and against socketioxide\n\n\
             Made by `crates/sockless-socketio/versus/run.sh` on {today}: do not edit.\n\n\
             - {machine}\n- {rounds} rounds of each load, the servers in turns; socketioxide {}\n\n\
             Processor time of the server's process for an event, and, for broadcasts, for each socket that an event reaches; its own memory in use for \
             a socket. Both stand on the same axum and the same tokio. The floor is a server on tokio, for polling on hyper, that makes the same system \
             calls and knows no protocol: what is above it is what a crate can answer for. A cell has the median; the ratios are the medians of those of \
             the rounds, the first with the middle half of them. Above 1, the other takes more.\n\n\
             | load | sockless-socketio | socketioxide | floor | ratio | above the floor | asked |\n|---|---:|---:|---:|---:|---:|---:|\n",
            env!("SOCKETIOXIDE")
        );
        Self { head, rows: String::new(), missed: Vec::new() }
    }

    pub fn add(&mut self, row: &Row, measured: Measured) {
        self.rows.push_str(&line(row, &measured));
        self.rows.push('\n');
        let [_, ratio, _] = quartiles(measured.iter().map(|[ours, theirs, _]| theirs / ours));
        if ratio < row.aim {
            self.missed.push(format!("- {}: {ratio:.2}", row.name()));
        }
    }

    pub fn text(&self) -> String {
        let missed = match self.missed.is_empty() {
            true => "Every aim is reached.\n".to_owned(),
            false => format!("Below what is asked:\n\n{}\n", self.missed.join("\n")),
        };
        format!("{}{}\n{missed}", self.head, self.rows)
    }
}

/// A line of the table.
pub fn line(row: &Row, measured: &Measured) -> String {
    let column = |which: usize| {
        let [_, middle, _] = quartiles(measured.iter().map(|times| times[which]));
        if middle.is_nan() { "".to_owned() } else { row.shown(middle) }
    };
    let [low, ratio, high] = quartiles(measured.iter().map(|[ours, theirs, _]| theirs / ours));
    let above = measured.iter().map(|[ours, theirs, floor]| (theirs - floor) / (ours - floor));
    let above = match quartiles(above) {
        [_, above, _] if above.is_nan() => String::new(),
        [_, above, _] => format!("{above:.2}"),
    };
    let [ours, theirs, floor] = [0, 1, 2].map(column);
    format!(
        "| {} | {ours} | {theirs} | {floor} | **{ratio:.2}** <sub>{low:.2}–{high:.2}</sub> | {above} | {:.1} |",
        row.name(),
        row.aim
    )
}

/// The middle, and what is a quarter below and above.
fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1);
    [last / 4, last / 2, last - last / 4].map(|at| values.get(at).copied().unwrap_or(f64::NAN))
}
