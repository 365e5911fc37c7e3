//! One self-contained page about any number of testees: the matrix, and for each cell the wire log and the RFC's sentence.
//!
//! The page itself is `page.html`; here its data is put into it, so that a browser has little to do before it shows the matrix: what
//! many cases share is there once, and the logs are packed until somebody looks at one.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::wire::head::base64;

const PAGE: &str = include_str!("page.html");

/// How many lines of the log of a case that is OK are on the page; the JSON has them all.
const LINES: usize = 24;

/// Values that are there once, and are spoken of by their numbers.
#[derive(Default)]
struct Table {
    values: Vec<Value>,
    numbers: HashMap<String, usize>,
}

impl Table {
    fn number(&mut self, value: Value) -> usize {
        let count = self.values.len();
        let number = *self.numbers.entry(value.to_string()).or_insert(count);
        if number == count {
            self.values.push(value);
        }
        number
    }
}

/// The page for these reports, as JSON.
pub(super) fn text(reports: &[Value]) -> String {
    let (mut rules, mut cases, mut texts) = (Table::default(), Table::default(), Table::default());
    let (mut shown, mut logs) = (Vec::new(), String::new());
    for (number, report) in reports.iter().enumerate() {
        let results = report["cases"].as_array().map_or(&[][..], Vec::as_slice);
        let packed: Vec<String> = results.iter().map(log).collect();
        let packed = miniz_oxide::deflate::compress_to_vec(json!(packed).to_string().as_bytes(), 6);
        logs.push_str(&format!(
            "<script type=\"application/octet-stream\" id=\"log{number}\">{}</script>\n",
            base64(&packed)
        ));
        let results: Vec<Value> = results
            .iter()
            .map(|result| {
                let rule = rules.number(result["rule"].clone());
                let of = |name: &str| result[name].clone();
                let case = json!([of("id"), of("chapter"), of("level"), of("says"), rule]);
                json!([
                    cases.number(case),
                    texts.number(of("behavior")),
                    texts.number(of("close")),
                    texts.number(of("reason")),
                    texts.number(of("closeReason")),
                    of("remoteCloseCode"),
                    of("microseconds"),
                    u8::from(result["known"] == true),
                ])
            })
            .collect();
        let of = |name: &str| report[name].clone();
        shown.push(json!({
            "agent": of("agent"), "testee": of("testee"), "address": of("address"), "seed": of("seed"),
            "quick": of("quick"), "milliseconds": of("milliseconds"), "stopped": of("stopped"), "results": results,
        }));
    }
    let (rules, cases, texts) = (rules.values, cases.values, texts.values);
    let data = json!({"rules": rules, "cases": cases, "texts": texts, "reports": shown});
    // Inside a script nothing but the end of the script means anything to HTML.
    let data = data.to_string().replace('<', "\\u003c");
    let (before, rest) = PAGE.split_once("@DATA@").unwrap_or((PAGE, ""));
    let (between, after) = rest.split_once("@LOGS@").unwrap_or((rest, ""));
    [before, &data, between, &logs, after].concat()
}

/// A case's log as one text: a line each of the time, the way and the text.
fn log(case: &Value) -> String {
    let fine = case["behavior"] == "OK" && case["close"] == "OK";
    let lines = case["log"].as_array().map_or(&[][..], Vec::as_slice);
    let cut = if fine && lines.len() > LINES + 4 { LINES / 2 } else { lines.len() };
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        if i == cut {
            let left_out = lines.len() - LINES;
            out.push_str(&format!("{} - {left_out} lines are left out here\n", line[0]));
        }
        if i < cut || i + LINES / 2 >= lines.len() {
            let (way, text) = (line[1].as_str(), line[2].as_str());
            let text = text.unwrap_or_default().replace('\n', " ");
            out.push_str(&format!("{} {} {text}\n", line[0], way.unwrap_or_default()));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{log, text};
    use serde_json::json;

    #[test]
    fn a_long_log_of_a_good_case_is_cut_in_its_middle() {
        let lines: Vec<_> = (0..100).map(|i| json!([i, ">", format!("line {i}")])).collect();
        let case = |behavior| json!({"behavior": behavior, "close": "OK", "log": lines});
        let short = log(&case("OK"));
        assert!(short.contains("line 0\n") && short.contains("line 99") && !short.contains("50"));
        assert!(short.contains("76 lines are left out here"));
        assert!(log(&case("FAILED")).contains("line 50"));
    }

    #[test]
    fn what_cases_share_is_there_once() {
        let rule = json!({"name": "a", "place": "b", "sentence": "only one of these"});
        let case = |id: &str| json!({"id": id, "rule": rule, "reason": "and of those"});
        let report = json!({"agent": "x", "cases": [case("1"), case("2")]});
        let page = text(&[report.clone(), report]);
        assert_eq!(page.matches("only one of these").count(), 1);
        assert_eq!(page.matches("and of those").count(), 1);
        assert_eq!(page.matches("id=\"log").count(), 2);
        assert!(!page.contains("@LOGS@") && !page.contains("@DATA@"));
    }

    #[test]
    fn what_a_testee_sends_stays_data() {
        let page = text(&[json!({"agent": "</script><script>alert(1)</script>@LOGS@"})]);
        assert!(!page.contains("</script><script>alert"));
        let end = super::PAGE.matches("</script>").count();
        assert_eq!(page.matches("</script>").count(), end + 1);
    }
}
