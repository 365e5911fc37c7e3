//! The report as one page of HTML, with everything in it: nothing is fetched, nothing is run. What comes from a server or a scenario is escaped.

use std::fmt::Write as _;

use super::chart::{Line, chart};
use super::{Latency, Report};

const STYLE: &str = include_str!("style.css");

/// The report as a page.
pub fn html(report: &Report) -> String {
    let mut page = String::new();
    // A string takes everything.
    let _ = write(&mut page, report);
    page
}

fn write(page: &mut String, report: &Report) -> std::fmt::Result {
    let (setting, connections, messages) = (&report.setting, &report.connections, &report.messages);
    let url = escape(&setting.url);
    write!(
        page,
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\"/>\
         <title>Load on {url}</title><style>{STYLE}</style></head><body><main>\n<h1>Load on {url}</h1>\n"
    )?;
    let (class, verdict) = match (report.held, report.thresholds.is_empty()) {
        (_, true) => ("", "No thresholds were set."),
        (true, false) => ("ok", "All thresholds held."),
        (false, false) => ("fail", "Not all thresholds held."),
    };
    let interrupted = if setting.interrupted { " It was stopped early." } else { "" };
    writeln!(
        page,
        "<p class=\"verdict {class}\">{verdict}{interrupted}</p>\n<p>{} connections in {} groups of {}, {}; measured for {:.1} s, of which {:.1} s warm-up; scenario {}; {} UTC; sockless-load {}.</p>",
        connections.wanted,
        setting.groups,
        setting.group,
        setting.protocol,
        setting.measured_seconds,
        setting.warmup_seconds,
        escape(&setting.scenario),
        date(setting.started),
        env!("CARGO_PKG_VERSION")
    )?;
    if !report.thresholds.is_empty() {
        page.push_str("<table><caption>Thresholds</caption><thead><tr><th>threshold</th><th>wanted</th><th>measured</th><th></th></tr></thead><tbody>");
        for it in &report.thresholds {
            let (class, word) = if it.held { ("ok", "held") } else { ("fail", "not held") };
            write!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{class}\">{word}</td></tr>",
                it.name,
                escape(&it.wanted),
                escape(&it.measured)
            )?;
        }
        page.push_str("</tbody></table>\n");
    }
    page.push_str("<table><caption>Times in milliseconds</caption><thead><tr><th></th><th>count</th><th>mean</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th><th>max</th></tr></thead><tbody>");
    row(page, "opening a connection", &connections.opening)?;
    if setting.measures {
        row(page, "planned to received", &report.latency)?;
        row(page, "sent to received", &report.from_sending)?;
        row(page, "planned to sent", &report.lateness)?;
    }
    page.push_str("</tbody></table>\n");
    if report.is_late() {
        page.push_str("<p class=\"fail\">Messages went out late: the generator was short of processor time, or the server didn't read. Latencies have that in them.</p>\n");
    }
    counts(
        page,
        "Connections",
        &[
            ("wanted", connections.wanted),
            ("opened", connections.opened),
            ("failed", connections.failed),
            ("dropped", connections.dropped),
        ],
    )?;
    if setting.measures {
        counts(
            page,
            "Messages",
            &[
                ("planned", messages.planned),
                ("sent", messages.sent),
                ("unsent", messages.unsent),
                ("arrived", messages.delivered),
                ("lost", messages.lost),
                ("missed by dropped connections", messages.missed),
                ("doubled", messages.doubled),
                ("out of order", messages.reordered),
                ("that nobody waited for", messages.stray),
            ],
        )?;
    }
    if !connections.reasons.is_empty() {
        page.push_str("<table><caption>Why connections failed or were dropped</caption><thead><tr><th>count</th><th></th><th>why</th></tr></thead><tbody>");
        for it in &connections.reasons {
            let why = escape(&it.why);
            write!(page, "<tr><td>{}</td><td>{}</td><td>{why}</td></tr>", it.count, it.what)?;
        }
        page.push_str("</tbody></table>\n");
    }
    if !report.senders.is_empty() {
        write!(
            page,
            "<table><caption>Senders whose messages were lost, doubled or out of order: {} of {}</caption><thead><tr><th>sender</th><th>connection</th><th>lost</th><th>doubled</th><th>out of order</th></tr></thead><tbody>",
            report.senders.len(),
            messages.senders_in_trouble
        )?;
        for it in &report.senders {
            write!(
                page,
                "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
                escape(&it.user),
                it.number,
                it.lost,
                it.doubled,
                it.reordered
            )?;
        }
        page.push_str("</tbody></table>\n");
    }
    charts(page, report);
    page.push_str("</main></body></html>\n");
    Ok(())
}

fn charts(page: &mut String, report: &Report) {
    let seconds = &report.seconds;
    let times: Vec<f64> = seconds.iter().map(|second| second.at).collect();
    let latency = |value: fn(&Latency) -> f64| {
        let of = |latency: &Latency| (latency.count > 0).then(|| value(latency));
        seconds.iter().map(|second| of(&second.latency)).collect()
    };
    let rate = |count: fn(&super::Second) -> u64| {
        let of = |second: &super::Second| Some(count(second) as f64 / second.long.max(0.001));
        seconds.iter().map(of).collect()
    };
    let count = |count: fn(&super::Second) -> u64| {
        seconds.iter().map(|second| Some(count(second) as f64)).collect()
    };
    if report.setting.measures {
        let lines = [
            Line { name: "max", class: "c", values: latency(|latency| latency.max_ms) },
            Line { name: "p99", class: "b", values: latency(|latency| latency.p99_ms) },
            Line { name: "p50", class: "a", values: latency(|latency| latency.p50_ms) },
        ];
        page.push_str(&chart("Latency, planned to received", "ms", &times, &lines));
        let lines = [
            Line { name: "received", class: "a", values: rate(|second| second.delivered) },
            Line { name: "sent", class: "b", values: rate(|second| second.sent) },
        ];
        page.push_str(&chart("Messages", "per second", &times, &lines));
    }
    let lines = [
        Line { name: "open", class: "a", values: count(|second| second.open) },
        Line { name: "failed", class: "b", values: count(|second| second.failed) },
        Line { name: "dropped", class: "c", values: count(|second| second.dropped) },
    ];
    page.push_str(&chart("Connections", "count", &times, &lines));
}

fn row(page: &mut String, name: &str, latency: &Latency) -> std::fmt::Result {
    write!(page, "<tr><td>{name}</td><td>{}</td><td>{:.2}</td>", latency.count, latency.mean_ms)?;
    latency.shown().iter().try_for_each(|value| write!(page, "<td>{value}</td>"))?;
    page.write_str("</tr>")
}

fn counts(page: &mut String, caption: &str, rows: &[(&str, u64)]) -> std::fmt::Result {
    write!(page, "<table><caption>{caption}</caption><tbody>")?;
    for (name, count) in rows {
        write!(page, "<tr><td>{name}</td><td>{count}</td></tr>")?;
    }
    page.push_str("</tbody></table>\n");
    Ok(())
}

/// Text as text. What no document may have, control characters above all, is replaced.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// The day and the time of seconds since 1970 (the calendar of Howard Hinnant's "days from civil", the other way round).
fn date(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = era * 400 + year + later;
    format!("{year}-{month:02}-{day:02} {:02}:{:02}", rest / 3600, rest % 3600 / 60)
}

#[cfg(test)]
mod tests {
    #[test]
    fn dates_are_those_of_the_calendar() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00"),
            (951_782_400, "2000-02-29 00:00"),
            (1_709_251_199, "2024-02-29 23:59"),
            (4_102_444_800, "2100-01-01 00:00"),
        ] {
            assert_eq!(super::date(seconds), shown);
        }
    }
}
