//! A report in the Test Anything Protocol.

use std::fmt::Write as _;

use super::result::Report;
use crate::verdict::Behavior;

pub(super) fn text(report: &Report) -> String {
    let mut out = format!("TAP version 13\n1..{}\n", report.results.len());
    for (number, result) in (1..).zip(&report.results) {
        let finding = &result.finding;
        let not = if result.is_failure() { "not " } else { "" };
        let says = result.says.replace('#', "\\#");
        let _ = write!(out, "{not}ok {number} - {} {says}", result.id);
        if finding.is_failure() && result.known {
            out.push_str(" # TODO known deviation");
        } else if finding.behavior == Behavior::Unimplemented && !finding.is_failure() {
            let _ = write!(out, " # SKIP {}", finding.reason.replace('#', ""));
        }
        out.push('\n');
        if finding.behavior != Behavior::Ok || finding.is_failure() {
            let _ = writeln!(out, "# {} / {}", finding.behavior.name(), finding.closing.name());
            for reason in [&finding.reason, &finding.closing_reason] {
                let _ = writeln!(out, "# {}", reason.replace(['\n', '\r'], " "));
            }
        }
    }
    if let Some(why) = &report.stopped {
        let _ = writeln!(out, "Bail out! {}", why.replace('\n', " "));
    }
    out
}
