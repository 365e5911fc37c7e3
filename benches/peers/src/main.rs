//! The same work through sockless and through other WebSocket crates, side by side in one run.
//!
//! `benches/peers/run.sh` builds and runs it. Here lives the command line.

mod allocator;
mod broadcast;
mod chart;
mod contender;
mod decode;
mod deflate;
mod echo;
mod encode;
mod executor;
#[path = "../../../tests/wire/frames.rs"]
mod frames;
mod handshake;
mod heap;
mod index;
mod machine;
mod race;
mod report;
mod request;
mod statistics;
mod targets;
mod wire;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use std::{env, fs};

use echo::field::{Field, Ground};
use machine::Machine;
use race::Effort;
use report::Table;

const USAGE: &str = "usage: sockless-peers [--quick] [--only decode|encode|handshake|deflate|memory|echo|epoll|broadcast] --out DIRECTORY\n\n\
    Writes results/PROCESSOR.md and its chart into the directory, and RESULTS.md, which lists them. With --only the one part is measured, \
    and the report has no more; `epoll` is the first table of `echo`.";

fn main() -> ExitCode {
    let mut arguments = env::args().skip(1);
    let (mut effort, mut only, mut out) = (Effort::FULL, None, None);
    while let Some(argument) = arguments.next() {
        match (&argument[..], arguments.next_if_value(&argument)) {
            ("--quick", _) => effort = Effort::QUICK,
            ("--only", Some(part)) => only = Some(part),
            ("--out", Some(directory)) => out = Some(PathBuf::from(directory)),
            ("serve", Some(name)) => {
                // A server of this run, in a process of its own.
                let server = arguments.next().unwrap_or_default();
                let length = arguments.next().and_then(|length| length.parse().ok());
                let served = broadcast::serve(&name, &server)
                    .unwrap_or_else(|| Ground::serve(&name, &server, length.unwrap_or(0)));
                return match served {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => failed(&format!("{server}: {error}")),
                };
            }
            ("--help" | "-h", _) => {
                println!("{USAGE}");
                return ExitCode::SUCCESS;
            }
            _ => {
                eprintln!("sockless-peers: what is {argument}?\n\n{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let Some(out) = out else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(effort, only.as_deref(), &out) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

fn failed(error: &str) -> ExitCode {
    eprintln!("sockless-peers: {error}");
    ExitCode::FAILURE
}

/// Those who could not take part on this machine, each once, with the reason.
fn skips(tables: &[Table]) -> BTreeSet<String> {
    let here = broadcast::SKIPS.into_iter().chain([echo::NO_URING]);
    let reasons: Vec<_> = here.collect();
    let rows = tables.iter().flat_map(|table| &table.rows);
    let entries = rows.flat_map(|row| &row.entries);
    let skipped = entries.filter_map(|entry| match &entry.rounds {
        Err(reason) if reasons.contains(reason) => Some(format!("{} {reason}", entry.name)),
        _ => None,
    });
    skipped.collect()
}

/// Options that have a value.
trait Values: Iterator<Item = String> {
    fn next_if_value(&mut self, option: &str) -> Option<String> {
        ["--only", "--out", "serve"].contains(&option).then(|| self.next())?
    }
}

impl<I: Iterator<Item = String>> Values for I {}

fn run(effort: Effort, only: Option<&str>, out: &Path) -> Result<(), String> {
    let start = Instant::now();
    let machine = Machine::look();
    let contenders = contender::all();
    let wanted = |part: &str| {
        let wanted = only.is_none_or(|only| only == part);
        if wanted {
            eprintln!("{part}");
        }
        wanted
    };
    let mut tables = Vec::new();
    let mut table = |title, text, rows| {
        tables.push(Table { title, text, rows, ours: contender::OURS, limit: contender::LIMIT });
    };
    if wanted("decode") {
        let rows = decode::measure(&contenders, effort);
        table(
            decode::BINARY_TITLE,
            "A server decodes masked messages in memory, in the form that a driver has: reads copy into a buffer from a stream that was made before, of 4 MiB and \
             more, longer than the second cache; none gives more than 16 KiB. The practical limit keeps no rule.",
            rows.binary,
        );
        table(
            decode::TEXT_TITLE,
            "The same with text, whose UTF-8 all have to check; the practical limit doesn't. A short CJK text is filled up with spaces.",
            rows.text,
        );
        table(
            "Decoding fragments",
            "The same with binary messages of four frames, and with a ping after each frame but the last.",
            rows.fragmented,
        );
        table(
            "Decoding, each at its best size of reads",
            "Binary messages at the size with which each was fastest, of 4, 8, 16, 64 and 256 KiB; the practical limit reads 16 KiB \
             at most.",
            rows.best,
        );
        table(
            decode::CLIENT_TITLE,
            "What a server sends isn't masked. Reads of 16 KiB.",
            rows.client,
        );
    }
    if wanted("encode") {
        table(
            "Encoding",
            "Binary messages are encoded, and written whenever 16 KiB of payload wait. What is written is thrown away: a \
             write takes all at once and copies nothing, the same for all; who hands over the caller's own memory spares \
             a copy, and 64 KiB from a server are little more than a header then. The payload is intact afterwards, but where \
             the row says that it is masked in place.",
            encode::measure(&contenders, effort),
        );
    }
    if wanted("handshake") {
        table(
            "Opening handshake",
            "A server's, in memory: from the head of a request as Chromium sends it to the answer, written, and a connection \
             made. The practical limit is `httparse`, SHA-1 and base64 over the same head.",
            handshake::measure(&contenders, effort),
        );
    }
    if wanted("deflate") {
        table(
            "Compression",
            "A server echoes JSON messages of 1 KiB over permessage-deflate in memory. The practical limit is `zlib-rs`, \
             bare.",
            deflate::measure(&contenders, effort),
        );
    }
    if only == Some("epoll") || wanted("echo") {
        let first = |field: &&Field| only != Some("epoll") || field.ground == Ground::Epoll;
        for field in echo::field::FIELDS.iter().filter(first) {
            eprintln!(" {}", field.title);
            tables.push(Table {
                title: field.title,
                text: field.text,
                rows: echo::measure(field, effort)?,
                ours: contender::OURS,
                limit: field.limit,
            });
        }
    }
    if wanted("broadcast") {
        for field in &broadcast::FIELDS {
            eprintln!(" {}", field.title);
            tables.push(Table {
                title: field.title,
                text: field.text,
                rows: broadcast::measure(field, effort)?,
                ours: contender::OURS,
                limit: broadcast::BARE,
            });
        }
    }
    let accounts = if wanted("memory") { heap::measure(&contenders) } else { Vec::new() };

    let report = report::write(&tables, &accounts, &contenders, effort, &machine);
    let save = |name: &str, text: String| {
        let path = out.join(name);
        fs::write(&path, text).map_err(|error| format!("can't write {}: {error}", path.display()))
    };
    let results = out.join("results");
    fs::create_dir_all(&results)
        .map_err(|error| format!("can't make {}: {error}", results.display()))?;
    let name = machine.name();
    save(&format!("results/{name}.md"), report)?;
    save(&format!("results/{name}.svg"), chart::draw(&tables))?;
    let index = index::write(&results).map_err(|error| format!("the list of reports: {error}"))?;
    save("RESULTS.md", index)?;
    for skip in skips(&tables) {
        eprintln!("left out: {skip}");
    }
    eprintln!(
        "done in {:.0} s, {} left out: {}",
        start.elapsed().as_secs_f64(),
        skips(&tables).len(),
        out.join(format!("results/{name}.md")).display()
    );
    Ok(())
}
