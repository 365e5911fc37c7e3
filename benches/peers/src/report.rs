//! The report in Markdown.

use std::fmt::Write as _;

use crate::contender::{COPIED, Contender, LIMIT, OURS, VALIDATED, version};
use crate::decode::READ;
use crate::encode::BATCH;
use crate::heap::Account;
use crate::machine::Machine;
use crate::race::{Effort, Entry, Row};
use crate::statistics::Spread;
use crate::targets;

/// A table, and what it is about.
pub struct Table {
    pub title: &'static str,
    pub text: &'static str,
    pub rows: Vec<Row>,
    /// Ours, which ratios are taken to.
    pub ours: &'static str,
    /// What one is measured against beside ours, and what that is called.
    pub limit: &'static str,
}

/// From this ratio on, one is ahead.
const AHEAD: f64 = 0.95;

/// All of it.
pub fn write(
    tables: &[Table],
    accounts: &[Account],
    contenders: &[Box<dyn Contender>],
    effort: Effort,
    machine: &Machine,
) -> String {
    let mut out = String::new();
    head(&mut out, effort, machine);
    out.push_str("\n## Where another is ahead\n\n");
    ahead(&mut out, tables);
    aims(&mut out, tables);
    for table in tables {
        section(&mut out, table);
    }
    heap(&mut out, accounts);
    out.push_str("\n## Who takes part, and how\n\n");
    for contender in contenders {
        let version = contender.package().map(|package| format!(" {}", version(package)));
        let (name, version) = (contender.name(), version.unwrap_or_default());
        let _ = writeln!(out, "- **{name}**{version}: {}", contender.settings());
    }
    out
}

fn head(out: &mut String, effort: Effort, machine: &Machine) {
    let _ = write!(
        out,
        "# The same work through sockless and through others\n\n\
         Made by `benches/peers/run.sh{}` on {}: do not edit.\n\n\
         ![Time relative to sockless]({}.svg)\n\n\
         - Processor: {} ({} cores), {}; SIMD: {}; load before the run: {}\n\
         - {}; profile: `opt-level = 3`, thin LTO, one codegen unit; no `target-cpu`: SIMD is chosen at run time\n\
         - {} rounds of {} ms for each contender in each row, in an order that rotates; processor time of the thread\n\n\
         **Read the ratios.** They compare what was measured in the same round of one run; times drift with the machine, and another run \
         on another machine gives other ones. A cell has the median time for a message, then the median of the ratios to \
         sockless, and between which ratios the middle half of the rounds lies. Above 1 is slower than sockless.\n\n\
         Everything that is timed is checked before: every decoded payload, the first encoded frame, every inflated message.\n",
        if effort.is_quick() { " --quick" } else { "" },
        machine.date,
        machine.name(),
        machine.processor,
        machine.cores,
        machine.system,
        machine.level,
        machine.load,
        machine.compiler,
        effort.rounds,
        effort.slice.as_millis(),
    );
}

/// The rows in which a peer takes less than 95 % of our time: for the same work, and for less.
fn ahead(out: &mut String, tables: &[Table]) {
    out.push_str(
        "Rows in which a library takes less than 95 % of the time of sockless (medians of ratios).\n\n",
    );
    let mut lines = (Vec::new(), Vec::new());
    for table in tables {
        for row in &table.rows {
            for entry in row.entries.iter().filter(|entry| !is_mark(entry.name)) {
                let lines = if entry.unchecked { &mut lines.1 } else { &mut lines.0 };
                lines.extend(ahead_of_ours(table, row, entry));
            }
        }
    }
    let (same, less) = lines;
    out.push_str(if same.is_empty() { "None.\n" } else { "" });
    same.iter().for_each(|line| out.push_str(line));
    if !less.is_empty() {
        out.push_str(
            "\nFor less work, because they accept text that isn't UTF-8, which RFC 6455 forbids: some leave it to the caller, some look \
             at text only where it lies whole in a read.\n\n",
        );
        less.iter().for_each(|line| out.push_str(line));
    }
}

/// The line about one that takes less time than ours.
fn ahead_of_ours(table: &Table, row: &Row, entry: &Entry) -> Option<String> {
    let ratio = row.ratio(entry.name, table.ours)?;
    let Spread { lower, median, upper } = ratio;
    let is_ahead = median < AHEAD;
    let (table, row) = (table.title, &row.title);
    is_ahead
        .then(|| format!("- {table}, {row}: {} {median:.2} ({lower:.2}–{upper:.2})\n", entry.name))
}

/// What is aimed at, and how near this run has come.
fn aims(out: &mut String, tables: &[Table]) {
    let targets = targets::of(tables);
    let met = targets.iter().filter(|target| target.is_met()).count();
    let _ = write!(
        out,
        "\n## What is aimed at\n\nRatios of this run, in the form that programs have; {met} of {} are met.\n\n| | at most | now | |\n|---|---:|---:|---|\n",
        targets.len()
    );
    for target in &targets {
        let verdict = if target.is_met() { "met" } else { "**not met**" };
        let _ = writeln!(
            out,
            "| {} | {:.2} | {:.2} | {verdict} |",
            target.work, target.aim, target.now
        );
    }
}

/// Whether it is no library, but what libraries are measured against; or ours.
pub fn is_mark(name: &str) -> bool {
    [LIMIT, COPIED, VALIDATED, "memcpy", "bare epoll", "bare tokio"].contains(&name)
        || name.starts_with(OURS)
}

fn section(out: &mut String, table: &Table) {
    let _ = write!(out, "\n## {}\n\n{}\n\n", table.title, table.text);
    columns(out, table);
    let names = names(table);
    let mut reasons = Vec::new();
    for name in &names {
        let _ = write!(out, "| {name} |");
        for row in &table.rows {
            let _ = write!(out, " {} |", cell(table, row, name, &mut reasons));
        }
        out.push('\n');
    }
    let mut notes: Vec<String> = reasons
        .iter()
        .enumerate()
        .map(|(number, reason)| format!("{}) {reason}", number + 1))
        .collect();
    if table.rows.iter().any(|row| row.entries.iter().any(|entry| entry.unchecked)) {
        notes.push("†) accepts text that isn't UTF-8: it does less".into());
    }
    if !notes.is_empty() {
        let _ = writeln!(out, "\n{}", notes.join("; "));
    }
    let _ = write!(out, "\nRatios to {}:\n\n", table.limit);
    columns(out, table);
    for name in names.iter().filter(|name| **name != table.limit) {
        let ratio = |row: &Row| match row.ratio(name, table.limit) {
            Some(ratio) => format!("{:.2}", ratio.median),
            None => "–".into(),
        };
        let ratios: Vec<String> = table.rows.iter().map(ratio).collect();
        if ratios.iter().any(|ratio| ratio != "–") {
            let _ = writeln!(out, "| {name} | {} |", ratios.join(" | "));
        }
    }
}

fn columns(out: &mut String, table: &Table) {
    let titles: Vec<&str> = table.rows.iter().map(|row| &row.title[..]).collect();
    let _ = writeln!(out, "| | {} |", titles.join(" | "));
    let _ = writeln!(out, "|---|{}", "---:|".repeat(titles.len()));
}

/// All libraries, and those marks that have a figure in any row.
fn names(table: &Table) -> Vec<&'static str> {
    let has_figure = |name: &str| {
        let mut entries = table.rows.iter().filter_map(|row| row.entry(name));
        entries.any(|entry| entry.rounds.is_ok())
    };
    let names = table.rows[0].entries.iter().map(|entry| entry.name);
    names.filter(|name| !is_mark(name) || has_figure(name)).collect()
}

fn cell(table: &Table, row: &Row, name: &str, reasons: &mut Vec<&'static str>) -> String {
    let Some(entry) = row.entry(name) else { return "–".into() };
    let (time, ratio) = match (&entry.rounds, entry.spread(), row.ratio(name, table.ours)) {
        (Err(reason), ..) => {
            let place = reasons.iter().position(|known| known == reason).unwrap_or(reasons.len());
            if place == reasons.len() {
                reasons.push(reason);
            }
            return format!("– {})", place + 1);
        }
        (_, Some(time), Some(ratio)) => (time, ratio),
        _ => return "–".into(),
    };
    let mut cell = duration(time.median);
    if name != table.ours {
        let _ = write!(
            cell,
            " · **{:.2}** <sub>{:.2}–{:.2}</sub>",
            ratio.median, ratio.lower, ratio.upper
        );
    }
    if let Some(read) = entry.choice {
        let _ = write!(cell, " <sub>{} KiB</sub>", read >> 10);
    }
    if entry.unchecked {
        cell.push_str(" †");
    }
    cell
}

/// With three digits that count.
fn duration(nanoseconds: f64) -> String {
    let (value, unit) = match nanoseconds {
        0.0..1e3 => (nanoseconds, "ns"),
        1e3..1e6 => (nanoseconds / 1e3, "µs"),
        _ => (nanoseconds / 1e6, "ms"),
    };
    let digits = if value < 10.0 { 2 } else { usize::from(value < 100.0) };
    format!("{value:.digits$} {unit}")
}

fn heap(out: &mut String, accounts: &[Account]) {
    let _ = write!(
        out,
        "\n## Memory\n\n\
         What a server's connection holds on the heap while it is idle, after the echo of one message of 16 B, and the size of the value \
         itself; how often memory is asked for to receive and to send a message of 125 B (reads of {} KiB, batches of {} KiB). \
         Counted, not timed; buffers as each has them by default.\n\n\
         | | idle, heap | the value | allocations, received | allocations, sent |\n|---|---:|---:|---:|---:|\n",
        READ >> 10,
        BATCH >> 10,
    );
    for account in accounts {
        let Ok((heap, size)) = account.idle else { continue };
        let mean = |count: &Result<f64, _>| match count {
            Ok(count) => format!("{count:.3}"),
            Err(_) => "–".into(),
        };
        let (received, sent) = (mean(&account.received), mean(&account.sent));
        let _ =
            writeln!(out, "| {} | {heap:.0} B | {size} B | {received} | {sent} |", account.name);
    }
}
