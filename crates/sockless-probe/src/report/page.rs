//! One self-contained page about any number of testees: the matrix, and for each cell the wire log and the RFC's sentence.
//!
//! The page itself is `page.html`; here its data is put into it.

use serde_json::{Value, json};

const PAGE: &str = include_str!("page.html");

/// How many lines of the log of a case that is OK are on the page; the JSON has them all.
const LINES: usize = 24;

/// The page for these reports, as JSON.
pub(super) fn text(reports: &[Value]) -> String {
    let (mut reports, mut rules) = (reports.to_vec(), Vec::new());
    for case in reports.iter_mut().filter_map(|report| report["cases"].as_array_mut()).flatten() {
        case["log"] = log(case).into();
        // Every rule is there once, and cases have its number.
        let rule = case["rule"].take();
        let at = rules.iter().position(|own| *own == rule).unwrap_or_else(|| {
            rules.push(rule);
            rules.len() - 1
        });
        case["rule"] = at.into();
    }
    // Inside a script nothing but the end of the script means anything to HTML.
    let data = json!({"rules": rules, "reports": reports}).to_string().replace('<', "\\u003c");
    PAGE.replacen("@DATA@", &data, 1)
}

/// A case's log as one text, which a browser reads faster than lists of lists: a line each of the time, the way and the text.
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
    use super::text;
    use serde_json::json;

    #[test]
    fn a_long_log_of_a_good_case_is_cut_in_its_middle() {
        let log: Vec<_> = (0..100).map(|i| json!([i, ">", format!("line {i}")])).collect();
        let case = |behavior| json!({"behavior": behavior, "close": "OK", "log": log});
        let page = text(&[json!({"cases": [case("OK")]})]);
        assert!(page.contains("line 0") && page.contains("line 99") && !page.contains("line 50"));
        assert!(page.contains("76 lines are left out here"));
        assert!(text(&[json!({"cases": [case("FAILED")]})]).contains("line 50"));
    }

    #[test]
    fn what_a_testee_sends_stays_data() {
        let page = text(&[json!({"agent": "</script><script>alert(1)</script>"})]);
        assert!(!page.contains("</script><script>alert"));
        let end = super::PAGE.matches("</script>").count();
        assert_eq!(page.matches("</script>").count(), end);
    }
}
