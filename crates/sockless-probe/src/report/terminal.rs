//! A report on the terminal: progress while it runs, then a table of the chapters, then what is not OK.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use super::result::{Report, Result};
use crate::verdict::Behavior;
use crate::wire::log::Line;

/// How many cases are shown with their logs.
const SHOWN: usize = 60;
/// How many cases of one broken rule are shown without.
const SHOWN_OF_A_RULE: usize = 5;

/// How often progress is shown: on a terminal, and in a log.
const OFTEN: Duration = Duration::from_millis(100);
const SELDOM: Duration = Duration::from_secs(10);

/// The progress of a run: on one line of the terminal, or a line now and then where there is none.
#[derive(Debug)]
pub(crate) struct Progress {
    total: usize,
    done: usize,
    failed: usize,
    shown: Instant,
    live: bool,
    quiet: bool,
}

impl Progress {
    pub(crate) fn new(total: usize, quiet: bool) -> Self {
        let live = !quiet && std::io::stderr().is_terminal();
        Self { total, done: 0, failed: 0, shown: Instant::now(), live, quiet }
    }

    pub(crate) fn add(&mut self, result: &Result) {
        self.done += 1;
        self.failed += usize::from(result.finding.is_failure());
        let Self { done, total, failed, .. } = *self;
        let due = self.shown.elapsed() > if self.live { OFTEN } else { SELDOM };
        if self.quiet || !(due || self.live && (done == 1 || done == total)) {
            return;
        }
        self.shown = Instant::now();
        let (before, after) = if self.live { ("\r\x1b[K", "") } else { ("", "\n") };
        eprint!("{before}{done} of {total} cases, {failed} failed; last {}{after}", result.id);
        let _ = std::io::stderr().flush();
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

/// Prints. A reader that has gone, such as `head`, has seen what it wanted.
pub(super) fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}

pub(super) fn show(report: &Report, log: bool) {
    say(&text(report, log));
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
            crate::verdict::Closing::Ok | crate::verdict::Closing::Informational
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
    out.push_str(&failures_text(report, log));
    if log {
        let others = report.results.iter().filter(|result| {
            !result.finding.is_failure()
                && (result.finding.behavior != Behavior::Ok || report.results.len() == 1)
        });
        for result in others.take(SHOWN) {
            out.push_str(&case_text(result));
            out.push_str(&log_text(result));
        }
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

/// What failed, by the rules that were broken: each rule's sentence once.
fn failures_text(report: &Report, log: bool) -> String {
    let mut rules: Vec<(crate::verdict::Rule, Vec<&Result>)> = Vec::new();
    for result in report.results.iter().filter(|result| result.finding.is_failure()) {
        match rules.iter_mut().find(|(rule, _)| *rule == result.rule) {
            Some((_, results)) => results.push(result),
            None => rules.push((result.rule, vec![result])),
        }
    }
    let mut out = String::new();
    for (rule, results) in &rules {
        out.push_str(&format!("\n{} ({}): {}\n", rule.name, rule.place, rule.sentence));
        let shown = if log { SHOWN } else { SHOWN_OF_A_RULE };
        for result in results.iter().take(shown) {
            out.push_str(&case_text(result));
            if log {
                out.push_str(&log_text(result));
            }
        }
        if results.len() > shown {
            let more = results.len() - shown;
            out.push_str(&format!("  and {more} more cases of this rule\n"));
        }
    }
    out
}

fn case_text(result: &Result) -> String {
    let finding = &result.finding;
    let known = if result.known { ", known" } else { "" };
    let closing = match finding.closing {
        crate::verdict::Closing::Ok => String::new(),
        closing => format!(", closing {}", closing.name()),
    };
    let mut reasons = finding.reason.clone();
    if finding.closing_reason != finding.reason && !closing.is_empty() {
        reasons.push(' ');
        reasons.push_str(&finding.closing_reason);
    }
    format!(
        "  {} {}{closing}{known}: {}\n      {}\n",
        result.id,
        finding.behavior.name(),
        result.says,
        reasons.trim_end(),
    )
}

fn log_text(result: &Result) -> String {
    result.log.iter().map(|entry| format!("      {}\n", line(entry))).collect()
}
