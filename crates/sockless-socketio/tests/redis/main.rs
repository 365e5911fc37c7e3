//! Server processes that are one through a real Redis: killed, and their clients recovered by others; Redis killed and restarted empty.
//!
//! The tests start the system's `redis-server` themselves, on free ports, and this program again as the servers. Where there is no Redis, and apt
//! can't install it, they are skipped, which is said and counted. Words on the command line choose the tests whose names contain one of them.
#![allow(clippy::print_stdout, reason = "a test tells what it has done")]

mod broker;
mod process;
mod serving;
mod stories;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// No test takes as long.
const LONGEST: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if let [role, port, url] = &words[..]
        && role == "serve"
    {
        return serving::serve(port.parse().expect("a port"), url);
    }
    let tests = stories::tests().into_iter();
    let chosen: Vec<_> = tests
        .filter(|(name, _)| words.is_empty() || words.iter().any(|word| name.contains(&**word)))
        .collect();
    if std::env::args().any(|word| word == "--list") {
        chosen.iter().for_each(|(name, _)| println!("{name}: test"));
        return ExitCode::SUCCESS;
    }
    if !broker::is_there() {
        let count = chosen.len();
        println!("SKIPPED: {count} tests: redis-server is missing, and apt can't install it");
        return ExitCode::SUCCESS;
    }
    let (mut passed, mut failed) = (0, Vec::new());
    for (name, test) in chosen {
        let started = Instant::now();
        let run = AssertUnwindSafe(|| {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .expect("there is a runtime");
            runtime.block_on(async {
                let ended = tokio::time::timeout(LONGEST, test()).await;
                assert!(ended.is_ok(), "it takes longer than {LONGEST:?}");
            });
        });
        let well = catch_unwind(run).is_ok();
        let verdict = if well { "ok" } else { "FAILED" };
        println!("test {name} ... {verdict} ({:.1} s)", started.elapsed().as_secs_f32());
        if well {
            passed += 1;
        } else {
            failed.push(name);
        }
    }
    println!("{passed} passed; {} failed; 0 skipped {failed:?}", failed.len());
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
