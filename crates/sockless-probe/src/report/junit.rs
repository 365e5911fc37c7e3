//! A report in JUnit's XML, which continuous integration reads.

use std::fmt::Write as _;

use super::result::Report;
use crate::verdict::Behavior;

/// A text for an attribute or an element: what XML can't hold is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn text(report: &Report) -> String {
    let skipped = |behavior| behavior == Behavior::Unimplemented;
    let failures = report.results.iter().filter(|result| result.is_failure()).count();
    let skips = report.results.iter().filter(|r| !r.is_failure() && skipped(r.finding.behavior));
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(
        out,
        "<testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" skipped=\"{}\" errors=\"{}\" time=\"{:.3}\">",
        escaped(&format!("sockless-probe {} {}", report.testee.name(), report.agent)),
        report.results.len(),
        skips.count(),
        u8::from(report.stopped.is_some()),
        report.took.as_secs_f64(),
    );
    for result in &report.results {
        let _ = write!(
            out,
            "  <testcase classname=\"{}\" name=\"{}\" time=\"{:.6}\"",
            escaped(&result.chapter),
            escaped(&format!("{}: {}", result.id, result.says)),
            result.took.as_secs_f64(),
        );
        let finding = &result.finding;
        if result.is_failure() {
            let message = format!("{} {}", finding.reason, finding.closing_reason);
            let _ = write!(
                out,
                ">\n    <failure type=\"{} / {}\" message=\"{}\">{}\n{}\n",
                finding.behavior.name(),
                finding.closing.name(),
                escaped(message.trim()),
                escaped(result.rule.place),
                escaped(result.rule.sentence),
            );
            for line in &result.log {
                let _ = writeln!(out, "{}", escaped(&super::terminal::line(line)));
            }
            out.push_str("</failure>\n  </testcase>\n");
        } else if skipped(finding.behavior) {
            let _ = write!(
                out,
                ">\n    <skipped message=\"{}\"/>\n  </testcase>\n",
                escaped(&finding.reason)
            );
        } else {
            out.push_str("/>\n");
        }
    }
    if let Some(why) = &report.stopped {
        let _ = writeln!(out, "  <system-err>{}</system-err>", escaped(why));
    }
    out.push_str("</testsuite>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn nothing_that_a_testee_sends_breaks_the_xml() {
        assert_eq!(
            escaped("<a href=\"&\">\u{1}\u{FFFF}"),
            "&lt;a href=&quot;&amp;&quot;&gt;\u{FFFD}\u{FFFD}"
        );
    }
}
