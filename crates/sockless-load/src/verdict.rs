//! Whether what was measured is what the scenario asks for.

use crate::report::{Judgement, Report};
use crate::scenario::{COUNTS, PERCENTILES, Thresholds};
use crate::span::milliseconds;

/// Judges each threshold, and that something was measured at all: nothing is no success.
pub fn judge(thresholds: &Thresholds, report: &Report) -> Vec<Judgement> {
    let mut judgements = Vec::new();
    if report.connections.opened == 0 {
        judgements.push(Judgement {
            name: "connections",
            wanted: "at least 1".into(),
            measured: "0".into(),
            held: false,
        });
    }
    if report.setting.measures && report.latency.count == 0 {
        judgements.push(Judgement {
            name: "received",
            wanted: "at least 1".into(),
            measured: "0".into(),
            held: false,
        });
    }
    for ((name, _), (limit, measured)) in
        PERCENTILES.iter().zip(thresholds.latency.iter().zip(report.latency.all()))
    {
        let Some(limit) = limit else { continue };
        judgements.push(Judgement {
            name,
            wanted: format!("at most {} ms", milliseconds(*limit)),
            measured: format!("{} ms", milliseconds(measured)),
            held: report.latency.count > 0 && measured <= *limit,
        });
    }
    let messages = &report.messages;
    let counts = [
        report.connections.failed,
        report.connections.dropped,
        messages.lost,
        messages.doubled,
        messages.reordered,
        messages.unsent,
    ];
    for (name, (limit, measured)) in COUNTS.iter().zip(thresholds.counts.iter().zip(counts)) {
        let Some(limit) = limit else { continue };
        judgements.push(Judgement {
            name,
            wanted: format!("at most {limit}"),
            measured: measured.to_string(),
            held: measured <= *limit,
        });
    }
    judgements
}
