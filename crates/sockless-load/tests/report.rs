//! The page: whatever is in the report, it is well-formed, runs nothing, fetches nothing, and shows text as text.

use proptest::prelude::*;
use sockless_load::report::{Latency, Reason, Report, Second, Sender, Setting, html, table};

/// The elements of a page, checked: every one that is opened is closed in its turn, and attributes are quoted. What is between them is returned.
fn texts(page: &str) -> Result<String, String> {
    let page = page.strip_prefix("<!DOCTYPE html>\n").ok_or("no document type")?;
    let (mut rest, mut open, mut texts) = (page, Vec::new(), String::new());
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        check_text(before)?;
        texts.push_str(before);
        let end = tag.find('>').ok_or("a tag that isn't closed")?;
        let inside = &tag[1..end];
        rest = &tag[end + 1..];
        if let Some(name) = inside.strip_prefix('/') {
            let last = open.pop();
            if last.as_deref() != Some(name) {
                return Err(format!("</{name}> closes {last:?}"));
            }
            continue;
        }
        let (inside, closed) = match inside.strip_suffix('/') {
            Some(inside) => (inside, true),
            None => (inside, false),
        };
        let name = inside.split(' ').next().unwrap_or_default().to_owned();
        if matches!(name.as_str(), "script" | "link" | "img" | "iframe" | "object" | "a") {
            return Err(format!("<{name}>"));
        }
        if inside.matches('"').count() % 2 != 0 || inside.contains('<') {
            return Err(format!("<{inside}>"));
        }
        let parts = inside.split('"').step_by(2);
        if parts.clone().any(|part| part.contains(" on") || part.contains("href")) {
            return Err(format!("<{inside}> does something"));
        }
        if !closed {
            open.push(name);
        }
    }
    check_text(rest)?;
    if open.is_empty() { Ok(texts) } else { Err(format!("{open:?} are open")) }
}

fn check_text(text: &str) -> Result<(), String> {
    if let Some(c) = text.chars().find(|c| *c == '>' || (c.is_control() && *c != '\n')) {
        return Err(format!("{c:?} in {text:?}"));
    }
    for part in text.split('&').skip(1) {
        let name = part.split(';').next().unwrap_or_default();
        if !matches!(name, "amp" | "lt" | "gt" | "quot" | "#39") {
            return Err(format!("&{name} in {text:?}"));
        }
    }
    Ok(())
}

fn report(text: &str, seconds: Vec<Second>) -> Report {
    let mut report = Report {
        setting: Setting {
            scenario: text.into(),
            url: text.into(),
            protocol: "websocket",
            measures: true,
            ..Setting::default()
        },
        seconds,
        ..Report::default()
    };
    report.connections.reasons.push(Reason { what: "failed", why: text.into(), count: 1 });
    let user = text.into();
    report.senders.push(Sender { number: 1, user, lost: 1, doubled: 2, reordered: 3 });
    report
}

fn seconds() -> impl Strategy<Value = Vec<Second>> {
    let second =
        (0_u64..5, 0_u64..u64::MAX / 2, 0.0..1e9).prop_map(|(count, sent, max_ms)| Second {
            at: 0.0,
            long: if count == 0 { 0.0 } else { 1.0 },
            open: sent,
            failed: 0,
            dropped: count,
            sent,
            delivered: sent,
            latency: Latency {
                count,
                p50_ms: max_ms / 2.0,
                p99_ms: max_ms,
                max_ms,
                ..Latency::default()
            },
        });
    prop::collection::vec(second, 0..1000).prop_map(|mut seconds| {
        for (at, second) in seconds.iter_mut().enumerate() {
            second.at = at as f64 + 1.0;
        }
        seconds
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_page_is_well_formed_whatever_a_server_says(
        text in "([<>&\"'/=a-z ]|\\PC|[\\x00-\\x20]|<script>|<svg onload=\"x\">){0,20}",
        seconds in seconds(),
    ) {
        let page = html(&report(&text, seconds));
        let shown = match texts(&page) {
            Ok(shown) => shown,
            Err(fault) => return Err(TestCaseError::fail(format!("{fault}: {text:?}"))),
        };
        prop_assert!(!page.contains("NaN") && !page.contains("inf\""), "{}", page);
        // What can be read in it can be read on the page.
        let is_letter = |c: char| c.is_ascii_lowercase();
        let word = text.split(|c| !is_letter(c)).find(|word| !word.is_empty());
        prop_assert!(word.is_none_or(|word| shown.contains(word)));
        // And a terminal gets no control characters.
        let table = table(&report(&text, Vec::new()));
        let why = table.lines().find(|line| line.contains("failed: ")).unwrap_or_default();
        prop_assert!(!why.contains(char::is_control));
    }
}

#[test]
fn the_check_of_pages_finds_what_it_is_for() {
    let page = |inside: &str| texts(&format!("<!DOCTYPE html>\n<p>{inside}</p>"));
    assert_eq!(page("a &amp; b").as_deref(), Ok("a &amp; b"));
    for wrong in [
        "<b>",
        "</b>",
        "<b><i></b></i>",
        "<script>x</script>",
        "a & b",
        "a > b",
        "<b c=\"d>x</b>",
        "<svg onload=\"x\"></svg>",
        "\u{0}",
    ] {
        assert!(page(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_report_of_a_day_is_no_large_page() {
    let second = |at: u64| Second {
        at: at as f64,
        long: 1.0,
        open: 10_000,
        failed: 0,
        dropped: 0,
        sent: 100,
        delivered: 10_000,
        latency: Latency { count: 1, max_ms: 5.0, ..Latency::default() },
    };
    let page = html(&report("x", (1..=86_400).map(second).collect()));
    assert!(page.len() < 200_000, "{}", page.len());
    texts(&page).expect("well-formed");
}
