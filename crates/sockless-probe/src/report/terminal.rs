//! A report on the terminal: progress while it runs, then a table of the chapters, then what is not OK.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::{Report, Result};
use crate::model::Behavior;
use crate::wire::log::Line;

/// How many cases are shown one by one.
const SHOWN: usize = 60;

/// The progress of a run, on one line of the terminal.
#[derive(Debug)]
pub(crate) struct Progress {
    total: usize,
    done: usize,
    failed: usize,
    shown: Option<Instant>,
    live: bool,
}

impl Progress {
    pub(crate) fn new(total: usize, quiet: bool) -> Self {
        let live = !quiet && std::io::stderr().is_terminal();
        Self { total, done: 0, failed: 0, shown: None, live }
    }

    pub(crate) fn add(&mut self, result: &Result) {
        self.done += 1;
        self.failed += usize::from(result.finding.is_failure());
        let due = self.shown.is_none_or(|at| at.elapsed() > Duration::from_millis(100));
        if self.live && (due || self.done == self.total) {
            self.shown = Some(Instant::now());
            let (done, total, failed) = (self.done, self.total, self.failed);
            eprint!("\r\x1b[K{done} of {total} cases, {failed} failed; last {}", result.id);
            let _ = std::io::stderr().flush();
        }
    }

    pub(crate) fn end(&self) {
        if self.live {
            eprint!("\r\x1b[K");
        }
    }
}

/// A line of a log.
pub(super) fn line(line: &Line) -> String {
    format!("{:>9.3} ms {} {}", line.at as f64 / 1000.0, line.way.sign(), line.text)
}

pub(super) fn show(report: &Report, log: bool) {
    print!("{}", text(report, log));
}

/// What an id belongs to: Autobahn's group, or the chapter.
fn section(result: &Result) -> String {
    let group = result.id.split('.').next().unwrap_or_default();
    if result.chapter == "autobahn" { format!("autobahn {group}") } else { result.chapter.clone() }
}

fn text(report: &Report, log: bool) -> String {
    let mut sections: Vec<(String, [usize; 6])> = Vec::new();
    for result in &report.results {
        let name = section(result);
        let row = match sections.iter_mut().find(|(own, _)| *own == name) {
            Some((_, row)) => row,
            None => {
                sections.push((name, [0; 6]));
                let last = sections.len() - 1;
                &mut sections[last].1
            }
        };
        let at = Behavior::ALL.iter().position(|b| *b == result.finding.behavior).unwrap_or(0);
        row[at] += 1;
        let closed = !matches!(
            result.finding.closing,
            crate::model::Closing::Ok | crate::model::Closing::Informational
        );
        row[5] += usize::from(closed);
    }
    let mut out = String::new();
    let heads = ["OK", "non-strict", "info", "unimpl.", "FAILED", "closed wrongly"];
    out.push_str(&format!("{:<24}", ""));
    for head in heads {
        out.push_str(&format!("{head:>15}"));
    }
    out.push('\n');
    let mut sum = [0; 6];
    for (name, row) in &sections {
        out.push_str(&row_text(name, row));
        for (sum, value) in sum.iter_mut().zip(row) {
            *sum += value;
        }
    }
    out.push_str(&row_text("all", &sum));

    let quick = if report.quick { ", quick: 20 messages a compressed case" } else { "" };
    out.push_str(&format!(
        "\n{} {}: {} cases in {:.2} s, seed {}{quick}\n",
        report.testee.name(),
        report.agent,
        report.results.len(),
        report.took.as_secs_f64(),
        report.seed,
    ));
    let worth = |result: &&Result| result.finding.is_failure();
    let failures: Vec<&Result> = report.results.iter().filter(worth).collect();
    for result in failures.iter().take(SHOWN) {
        out.push_str(&case_text(result, log));
    }
    if failures.len() > SHOWN {
        out.push_str(&format!(
            "\n... and {} more; a report has them all\n",
            failures.len() - SHOWN
        ));
    }
    if log {
        let others =
            report.results.iter().filter(|r| !worth(r) && r.finding.behavior != Behavior::Ok);
        for result in others.take(SHOWN) {
            out.push_str(&case_text(result, true));
        }
    }
    if log && report.results.len() == 1 && failures.is_empty() {
        out.push_str(&case_text(&report.results[0], true));
    }
    out
}

fn row_text(name: &str, row: &[usize; 6]) -> String {
    let cells: String = row
        .iter()
        .map(|value| if *value == 0 { format!("{:>15}", ".") } else { format!("{value:>15}") })
        .collect();
    format!("{name:<24}{cells}\n")
}

fn case_text(result: &Result, log: bool) -> String {
    let finding = &result.finding;
    let known = if result.known { " (known)" } else { "" };
    let mut out = format!(
        "\n{} {} / {}{known}: {}\n    {} {}\n    {}: {}\n",
        result.id,
        finding.behavior.name(),
        finding.closing.name(),
        result.says,
        finding.reason,
        finding.closing_reason,
        result.rule.place,
        result.rule.sentence,
    );
    if log {
        for entry in &result.log {
            out.push_str(&format!("    {}\n", line(entry)));
        }
    }
    out
}
