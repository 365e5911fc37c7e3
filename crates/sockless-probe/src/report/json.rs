//! A report as JSON: everything that is known, for programs and for the page.

use serde_json::{Value, json};

use super::result::{Report, Result};

pub(super) fn value(report: &Report) -> Value {
    json!({
        "format": "sockless-probe 1",
        "agent": report.agent,
        "testee": report.testee.name(),
        "address": report.address,
        "seed": report.seed,
        "quick": report.quick,
        "milliseconds": report.took.as_millis() as u64,
        "stopped": report.stopped,
        "cases": report.results.iter().map(case).collect::<Vec<_>>(),
    })
}

fn case(result: &Result) -> Value {
    let finding = &result.finding;
    let line =
        |line: &crate::wire::log::Line| json!([line.at, line.way.sign().to_string(), line.text]);
    json!({
        "id": result.id,
        "chapter": result.chapter,
        "level": result.level.name(),
        "says": result.says,
        "rule": {
            "name": result.rule.name,
            "place": result.rule.place,
            "sentence": result.rule.sentence,
        },
        "behavior": finding.behavior.name(),
        "reason": finding.reason,
        "close": finding.closing.name(),
        "closeReason": finding.closing_reason,
        "remoteCloseCode": finding.remote_code,
        "known": result.known,
        "microseconds": result.took.as_micros() as u64,
        "log": result.log.iter().map(line).collect::<Vec<_>>(),
    })
}

pub(super) fn text(report: &Report) -> String {
    format!("{:#}\n", value(report))
}
