//! The chart: for a choice of rows, the time of each contender relative to sockless, on a logarithmic scale.

use std::fmt::Write as _;

use crate::contender::OURS;
use crate::report::{Table, is_mark};

/// Rows by the titles of table and row, where they were measured.
const ROWS: [(&str, &str, &str); 18] = [
    ("Decoding", "binary 16 B", "decode 16 B"),
    ("Decoding", "binary 125 B", "decode 125 B"),
    ("Decoding", "binary 1 KiB", "decode 1 KiB"),
    ("Decoding", "binary 16 KiB", "decode 16 KiB"),
    ("Decoding", "binary 64 KiB", "decode 64 KiB"),
    ("Decoding", "binary 1 MiB", "decode 1 MiB"),
    ("Decoding text", "ASCII 16 KiB", "decode ASCII 16 KiB"),
    ("Decoding text", "CJK 16 KiB", "decode CJK 16 KiB"),
    ("Encoding", "server 16 B", "encode 16 B, server"),
    ("Encoding", "client 16 B", "encode 16 B, client"),
    ("Encoding", "client 64 KiB", "encode 64 KiB, client"),
    ("Opening handshake", "server, a request of Chromium", "server handshake"),
    ("Compression", "level 6, context takeover", "deflate echo, 1 KiB"),
    ("Echo on tokio", "16 B, 50 connections x 1", "tokio echo 16 B, 50 x 1"),
    ("Echo on tokio", "16 B, 10 connections x 64", "tokio echo 16 B, 10 x 64"),
    ("Echo on tokio", "1 KiB, 10 connections x 16", "tokio echo 1 KiB, 10 x 16"),
    ("Echo on tokio", "64 KiB, 10 connections x 1", "tokio echo 64 KiB, 10 x 1"),
    (
        "Echo on tokio, two tasks for each client",
        "16 B, 10 connections x 64",
        "two tasks, 16 B, 10 x 64",
    ),
];
/// Colours that are told apart on white and on black.
const COLOURS: [&str; 12] = [
    "#e6553a", "#3b8eea", "#35a36b", "#b565d9", "#d99a1c", "#18a5b5", "#d9519d", "#8a8f3c",
    "#7b6ff0", "#a8683f", "#5f9ea0", "#c23b5a",
];
const WIDTH: f64 = 960.0;
const LEFT: f64 = 190.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 92.0;
const STEP: f64 = 26.0;
/// The scale: from an eighth to 64 times.
const FROM: f64 = -3.0;
const TO: f64 = 6.0;

fn place(ratio: f64) -> f64 {
    let part = (ratio.log2().clamp(FROM, TO) - FROM) / (TO - FROM);
    LEFT + part * (WIDTH - LEFT - RIGHT)
}

pub fn draw(tables: &[Table]) -> String {
    let rows: Vec<_> = ROWS
        .iter()
        .filter_map(|(table, title, label)| {
            let table = tables.iter().find(|found| found.title == *table)?;
            Some((table.rows.iter().find(|row| row.title == *title)?, *label))
        })
        .collect();
    let mut peers: Vec<&str> = Vec::new();
    for (row, _) in &rows {
        for entry in row.entries.iter().filter(|entry| entry.rounds.is_ok()) {
            if !is_mark(entry.name) && !peers.contains(&entry.name) {
                peers.push(entry.name);
            }
        }
    }
    let bottom = TOP + STEP * rows.len() as f64;
    let mut out = String::new();
    let _ = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {}\" role=\"img\" \
         font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <title>Time for a message relative to sockless</title>\n\
         <style>text {{ fill: #57606a }} .line {{ stroke: #8b949e }} .limit {{ stroke: #57606a }}\n\
         @media (prefers-color-scheme: dark) {{ text {{ fill: #b1bac4 }} .limit {{ stroke: #b1bac4 }} }}</style>\n\
         <text x=\"10\" y=\"20\" font-weight=\"600\">Time for a message relative to sockless; further right is slower. \
         Reads of 16 KiB in memory; over TCP the processor time of a server on tokio.</text>\n",
        bottom + 44.0,
    );
    legend(&mut out, &peers);
    for power in FROM as i32..=TO as i32 {
        let (x, ratio) = (place(2_f64.powi(power)), 2_f64.powi(power));
        let (width, opacity) = if power == 0 { (2.0, 1.0) } else { (1.0, 0.35) };
        let _ = write!(
            out,
            "<line class=\"line\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" \
             stroke-width=\"{width}\" opacity=\"{opacity}\"/>\n\
             <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n",
            bottom + 18.0,
            if power == 0 { OURS.to_owned() } else { format!("{ratio}×") },
        );
    }
    for (at, (row, label)) in rows.iter().enumerate() {
        let y = TOP + STEP * (at as f64 + 0.5);
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{label}</text>",
            LEFT - 12.0,
            y + 4.5
        );
        for entry in &row.entries {
            let Some(ratio) = row.ratio(entry.name, OURS) else { continue };
            let x = place(ratio.median);
            let tip = format!("{}, {label}: {:.2}", entry.name, ratio.median);
            if ["practical limit", "bare tokio"].contains(&entry.name) {
                let _ = writeln!(
                    out,
                    "<line class=\"limit\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{:.1}\" y2=\"{:.1}\" \
                     stroke-width=\"3\"><title>{tip}</title></line>",
                    y - 8.0,
                    y + 8.0
                );
            }
            let Some(peer) = peers.iter().position(|peer| *peer == entry.name) else { continue };
            let colour = COLOURS[peer % COLOURS.len()];
            // One that leaves out a check is a ring.
            let fill = if entry.unchecked { "none" } else { colour };
            let _ = writeln!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{fill}\" fill-opacity=\"0.85\" \
                 stroke=\"{colour}\" stroke-width=\"1.5\"><title>{tip}</title></circle>"
            );
        }
    }
    out.push_str("</svg>\n");
    out
}

fn legend(out: &mut String, peers: &[&str]) {
    let (mut x, mut y) = (16.0, 42.0);
    for (at, peer) in peers.iter().enumerate() {
        let width = 26.0 + 7.4 * peer.len() as f64;
        if x + width > WIDTH {
            (x, y) = (16.0, y + 20.0);
        }
        let colour = COLOURS[at % COLOURS.len()];
        let _ = writeln!(
            out,
            "<circle cx=\"{x}\" cy=\"{}\" r=\"5\" fill=\"{colour}\"/><text x=\"{}\" y=\"{y}\">{peer}</text>",
            y - 4.5,
            x + 10.0
        );
        x += width;
    }
    if x + 330.0 > WIDTH {
        (x, y) = (16.0, y + 20.0);
    }
    let _ = writeln!(
        out,
        "<line class=\"limit\" x1=\"{x}\" x2=\"{x}\" y1=\"{}\" y2=\"{}\" stroke-width=\"3\"/>\
         <text x=\"{}\" y=\"{y}\">practical limit; a ring: leaves out a check</text>",
        y - 12.0,
        y + 2.0,
        x + 8.0
    );
}
