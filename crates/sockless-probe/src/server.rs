//! Runs the cases against a server: many connections at once, the light cases first.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use crate::case::{Case, Weight};
use crate::cases;
use crate::greeting::greet;
use crate::options::Run;
use crate::report::{Progress, Report, Result, check, publish};
use crate::setting::Setting;
use crate::stage::Stage;
use crate::verdict::Testee;

/// How many cases that move megabytes run at a time.
const HEAVY: usize = 3;
/// How many cases that were late run once more at most. Where more are late, it is not for what ran beside them.
const LATE: usize = 8;

/// Runs them: whether all is well.
///
/// # Errors
///
/// What to tell the user, if the run was not possible or not complete.
pub(crate) fn run(run: &Run) -> std::result::Result<bool, String> {
    let setting = &run.setting;
    let cases: Vec<Case> =
        cases::all(Testee::Server).into_iter().filter(|case| run.choice.takes(case)).collect();
    if cases.is_empty() {
        return Err("no case matches; sockless-probe cases lists them all".to_owned());
    }
    check(&run.wanted)?;
    let found = greet(setting, &run.address)?;
    let started = Instant::now();
    let (mut results, stopped) = run_all(setting, &cases, run.jobs, run.wanted.quiet);
    if !stopped && run.jobs > 1 {
        run_late_again(setting, &cases, &mut results);
    }
    let order = |id: &str| cases.iter().position(|case| case.id == id);
    results.sort_by_key(|result| order(&result.id));
    let stopped = stopped.then(|| {
        format!(
            "the server at {} can't be reached any more; {} of {} cases are in the report. Did it die? The cases that failed last say with what",
            run.address,
            results.len(),
            cases.len()
        )
    });
    let mut report = Report {
        agent: run.wanted.agent.clone().or(found).unwrap_or_else(|| run.address.clone()),
        testee: Testee::Server,
        address: run.address.clone(),
        seed: setting.seed,
        quick: run.quick,
        took: started.elapsed(),
        results,
        stopped,
    };
    publish(&mut report, &run.wanted)
}

/// Runs the cases on many threads: the results, and whether the server went away.
fn run_all(setting: &Setting, cases: &[Case], jobs: usize, quiet: bool) -> (Vec<Result>, bool) {
    let mut order: Vec<&Case> = cases.iter().collect();
    order.sort_by_key(|case| case.weight);
    let next = AtomicUsize::new(0);
    let heavies: Vec<Mutex<()>> = (0..HEAVY).map(|_| Mutex::new(())).collect();
    let gone = AtomicBool::new(false);
    let (send, receive) = mpsc::channel();
    thread::scope(|scope| {
        for worker in 0..jobs.min(order.len()) {
            let (send, next, order, gone) = (send.clone(), &next, &order, &gone);
            let slot = &heavies[worker % HEAVY];
            scope.spawn(move || {
                while !gone.load(Ordering::Relaxed) {
                    let Some(case) = order.get(next.fetch_add(1, Ordering::Relaxed)) else { break };
                    let guard = (case.weight == Weight::Heavy)
                        .then(|| slot.lock().unwrap_or_else(PoisonError::into_inner));
                    if gone.load(Ordering::Relaxed) {
                        break;
                    }
                    let result = run_case(setting, case, gone);
                    drop(guard);
                    if let Some(result) = result
                        && send.send(result).is_err()
                    {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut progress = Progress::new(cases.len(), quiet);
        let mut results = Vec::new();
        for result in receive {
            progress.add(&result);
            results.push(result);
        }
        progress.end();
        (results, gone.load(Ordering::Relaxed))
    })
}

/// Runs those that failed because something did not come in time once more, each alone: many connections at once keep a slow server busy,
/// and that breaks no rule. What is found then counts.
fn run_late_again(setting: &Setting, cases: &[Case], results: &mut [Result]) {
    let is_late = |result: &Result| {
        let finding = &result.finding;
        let reasons = [&finding.reason, &finding.closing_reason];
        finding.is_failure() && reasons.iter().any(|reason| reason.contains("in time"))
    };
    if results.iter().filter(|result| is_late(result)).count() > LATE {
        return;
    }
    for result in results.iter_mut().filter(|result| is_late(result)) {
        let case = cases.iter().find(|case| case.id == result.id);
        let again = case.and_then(|case| run_case(setting, case, &AtomicBool::new(false)));
        // A server that is gone by now has ended after the run.
        if let Some(again) = again {
            *result = again;
        }
    }
}

/// Runs one case. `None` if the server can't be reached any more.
fn run_case(setting: &Setting, case: &Case, gone: &AtomicBool) -> Option<Result> {
    let mut tries = 0;
    loop {
        let mut stage = Stage::new(setting, &case.id, case.limit, None);
        let finding = case.run(&mut stage);
        if !stage.unreachable {
            let (log, took) = stage.into_log();
            return Some(Result::new(case, finding, log, took));
        }
        // A full backlog passes; a server that is gone doesn't.
        tries += 1;
        if tries == 3 {
            gone.store(true, Ordering::Relaxed);
            return None;
        }
        thread::sleep(Duration::from_millis(100 << tries));
    }
}
