//! Whether the probe catches who is wrong, and leaves in peace who is right: endpoints with one rule broken each, in both roles.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../src/wire/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the endpoints use a part of it")]
mod wire;

mod endpoint;
mod fault;
mod opening;

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use fault::{Fault, In};
use serde_json::Value;

const PROBE: &str = env!("CARGO_BIN_EXE_sockless-probe");

/// A case that failed: its id, its rule's name, the verdicts.
type Failed = (String, String, String);

fn failed(path: &std::path::Path) -> Vec<Failed> {
    let text = std::fs::read_to_string(path).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let _ = std::fs::remove_file(path);
    let cases = report["cases"].as_array().expect("cases");
    assert!(!cases.is_empty());
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    cases
        .iter()
        .filter(|case| {
            case["behavior"] == "FAILED"
                || !matches!(case["close"].as_str(), Some("OK" | "INFORMATIONAL"))
        })
        .map(|case| {
            let verdicts = format!("{} / {}: {}", case["behavior"], case["close"], case["reason"]);
            (word(&case["id"]), word(&case["rule"]["name"]), verdicts)
        })
        .collect()
}

fn report() -> std::path::PathBuf {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    std::env::temp_dir().join(format!("sockless-probe-{}-{number}.json", std::process::id()))
}

/// Which cases of these a server with this fault fails.
fn server_fails(fault: Option<Fault>, filter: &str, timeout: &str) -> Vec<Failed> {
    let (port, path) = (opening::server(fault), report());
    let status = Command::new(PROBE)
        .args(["server", &format!("ws://127.0.0.1:{port}/"), "--quick", "--quiet"])
        .args(["--timeout", timeout, "--filter", filter, "--json"])
        .arg(&path)
        .stdout(Stdio::null())
        .status()
        .expect("the probe runs");
    let failed = failed(&path);
    assert_eq!(status.code(), Some(i32::from(!failed.is_empty())), "{fault:?}");
    failed
}

/// Which cases of these a client with this fault fails.
fn client_fails(fault: Option<Fault>, filter: &str, timeout: &str) -> Vec<Failed> {
    let path = report();
    let mut probe = Command::new(PROBE)
        .args(["client", "--listen", "127.0.0.1:0", "--quick", "--quiet"])
        .args(["--timeout", timeout, "--filter", filter, "--json"])
        .arg(&path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the probe runs");
    let mut lines = BufReader::new(probe.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let port = first.split("127.0.0.1:").nth(1).unwrap().split(' ').next().unwrap();
    opening::client(port.parse().unwrap(), fault);
    lines.for_each(drop);
    let status = probe.wait().unwrap();
    let failed = failed(&path);
    assert_eq!(status.code(), Some(i32::from(!failed.is_empty())), "{fault:?}");
    failed
}

/// How often a fault is tried before it counts as uncaught. Some show themselves only if octets arrive apart, which no sender decides:
/// who reads the head once reads all of it where the machine is busy, and who sends early may be late.
const TRIES: usize = 5;

/// Runs every fault of a role, some at a time: those that nobody caught, with what was found instead.
fn uncaught(role: In, fails: fn(Option<Fault>, &str, &str) -> Vec<Failed>) -> Vec<String> {
    let faults: Vec<_> =
        fault::ALL.iter().filter(|(_, who, ..)| *who == role || *who == In::Both).collect();
    let (next, uncaught) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..12 {
            scope.spawn(|| {
                while let Some((fault, _, filter, rules)) =
                    faults.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let tries: Vec<_> = (0..TRIES)
                        .map(|_| fails(Some(*fault), filter, "0.3"))
                        .take_while(|found| {
                            !found.iter().any(|(_, rule, _)| rules.contains(&&**rule))
                        })
                        .collect();
                    if tries.len() == TRIES {
                        uncaught.lock().unwrap().push(format!("{fault:?}: {tries:?}"));
                    }
                }
            });
        }
    });
    uncaught.into_inner().unwrap()
}

#[test]
fn every_wrong_server_is_caught_by_a_case_that_names_the_rule() {
    assert_eq!(uncaught(In::Server, server_fails), [""; 0]);
}

#[test]
fn every_wrong_client_is_caught_by_a_case_that_names_the_rule() {
    assert_eq!(uncaught(In::Client, client_fails), [""; 0]);
}

/// What a build without optimisation can do in time.
const ALL: &str = "!9,!12,!13,!limits*,!deflate.bomb,!hostile.slow-reader,!hostile.ping-flood";

#[test]
fn no_case_fails_a_right_server() {
    assert_eq!(server_fails(None, ALL, "5"), []);
}

#[test]
fn no_case_fails_a_right_client() {
    assert_eq!(client_fails(None, ALL, "5"), []);
}

#[test]
fn there_are_forty_faults_and_more() {
    assert!(fault::ALL.len() >= 40);
}
