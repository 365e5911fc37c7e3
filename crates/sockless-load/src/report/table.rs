//! The report for a terminal.

use std::fmt::Write as _;

use super::{Latency, Report};

/// The report as text.
pub fn table(report: &Report) -> String {
    let mut text = String::new();
    // A string takes everything.
    let _ = write(&mut text, report);
    text
}

fn write(text: &mut String, report: &Report) -> std::fmt::Result {
    let (setting, connections, messages) = (&report.setting, &report.connections, &report.messages);
    writeln!(text, "{}  {}", plain(&setting.url), setting.protocol)?;
    writeln!(
        text,
        "connections  {} wanted, {} opened in {:.1} s, {} failed, {} dropped",
        connections.wanted,
        connections.opened,
        setting.opening_seconds,
        connections.failed,
        connections.dropped
    )?;
    for reason in &connections.reasons {
        writeln!(text, "  {:>9} {}: {}", reason.count, reason.what, plain(&reason.why))?;
    }
    let interrupted = if setting.interrupted { ", stopped early" } else { "" };
    writeln!(text, "measured     {:.1} s{interrupted}", setting.measured_seconds)?;
    if setting.measures {
        writeln!(
            text,
            "messages     {} planned, {} sent, {} unsent",
            messages.planned, messages.sent, messages.unsent
        )?;
        writeln!(
            text,
            "arrivals     {} in all, {} lost, {} doubled, {} out of order",
            messages.delivered, messages.lost, messages.doubled, messages.reordered
        )?;
        if messages.missed + messages.stray > 0 {
            writeln!(
                text,
                "             {} missed by dropped connections, {} that nobody waited for",
                messages.missed, messages.stray
            )?;
        }
    }
    for sender in &report.senders {
        writeln!(
            text,
            "  {:>9} lost, {} doubled, {} out of order: sent by {} (connection {})",
            sender.lost,
            sender.doubled,
            sender.reordered,
            plain(&sender.user),
            sender.number
        )?;
    }
    writeln!(text, "\n{:24}{:>9}{:>9}{:>9}{:>9}{:>9}", "ms", "p50", "p90", "p99", "p99.9", "max")?;
    row(text, "opening a connection", &connections.opening)?;
    if setting.measures {
        row(text, "planned to received", &report.latency)?;
        row(text, "sent to received", &report.from_sending)?;
        row(text, "planned to sent", &report.lateness)?;
    }
    if report.is_late() {
        writeln!(
            text,
            "\nMessages went out late: the generator was short of processor time, or the server didn't read. Latencies have that in them."
        )?;
    }
    if !report.thresholds.is_empty() {
        writeln!(text)?;
    }
    for judgement in &report.thresholds {
        let mark = if judgement.held { "ok  " } else { "FAIL" };
        writeln!(text, "{mark} {}: {}, {}", judgement.name, judgement.measured, judgement.wanted)?;
    }
    Ok(())
}

fn row(text: &mut String, name: &str, latency: &Latency) -> std::fmt::Result {
    if latency.count == 0 {
        return writeln!(text, "{name:24}{:>9}", "none");
    }
    write!(text, "{name:24}")?;
    latency.shown().iter().try_for_each(|value| write!(text, "{value:>9}"))?;
    writeln!(text)
}

/// What a server has said may have anything in it: a terminal gets no control characters.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
