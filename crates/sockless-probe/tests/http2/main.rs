//! Whether the probe catches wrong servers of RFC 8441, and leaves a right one in peace.

#![cfg(feature = "http2")]
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod server;

use std::process::Command;

use serde_json::Value;
use server::Fault;

const PROBE: &str = env!("CARGO_BIN_EXE_sockless-probe");

/// The probe's exit status, what it said, and the cases that failed.
type Ended = (Option<i32>, String, Vec<String>);

fn run(fault: Option<Fault>, filter: &str, timeout: &str) -> Ended {
    let port = server::start(fault, None);
    run_at(port, &["ws"], filter, timeout)
}

/// The same with a server that is there: how it is asked, and options.
fn run_at(port: u16, by: &[&str], filter: &str, timeout: &str) -> Ended {
    let path =
        std::env::temp_dir().join(format!("sockless-probe-h2-{}-{port}.json", std::process::id()));
    let output = Command::new(PROBE)
        .args([
            "server",
            &format!("{}://127.0.0.1:{port}/", by[0]),
            "--http2",
            "--quick",
            "--quiet",
        ])
        .args(&by[1..])
        .args(["--timeout", timeout, "--filter", filter, "--json"])
        .arg(&path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let Ok(text) = std::fs::read_to_string(&path) else {
        return (output.status.code(), said, Vec::new());
    };
    let _ = std::fs::remove_file(path);
    let report: Value = serde_json::from_str(&text).unwrap();
    let cases = report["cases"].as_array().unwrap();
    assert!(!cases.is_empty());
    let failed = cases.iter().filter(|case| {
        case["behavior"] == "FAILED"
            || !matches!(case["close"].as_str(), Some("OK" | "INFORMATIONAL"))
    });
    let failed = failed.map(|case| format!("{}: {}", case["id"].as_str().unwrap(), case["reason"]));
    (output.status.code(), said, failed.collect())
}

/// A right server: what fails among much else has to be right alone, as a machine may be busy.
fn is_right(port: u16, by: &[&str], filter: &str) {
    let (mut ended, mut tries) = (run_at(port, by, filter, "5"), 0);
    while !ended.2.is_empty() && tries < 2 {
        let ids: Vec<&str> = ended.2.iter().filter_map(|case| case.split(':').next()).collect();
        ended = run_at(port, by, &ids.join(","), "10");
        tries += 1;
    }
    assert_eq!(ended, (Some(0), String::new(), Vec::new()));
}

#[test]
fn no_case_fails_a_right_server() {
    let port = server::start(None, None);
    is_right(port, &["ws"], "http2,1.*,2.*,5.*,6.4.*,7.*,closing,control");
}

#[test]
fn by_tls_it_is_http2_that_was_chosen_or_nothing() {
    let by = ["wss", "--insecure"];
    let port = server::start(None, Some(server::tls("h2")));
    is_right(port, &by, "http2,1.*,5.*,7.*,closing");
    let port = server::start(None, Some(server::tls("http/1.1")));
    let (status, said, _) = run_at(port, &by, "http2", "1");
    assert_eq!(status, Some(2));
    assert!(said.contains("HTTP/2 did not come about"), "{said}");
}

#[test]
fn every_wrong_server_is_caught_by_the_case_for_it() {
    for (fault, id) in server::ALL {
        let (status, said, failed) = run(Some(fault), "http2", "0.5");
        assert_eq!(status, Some(1), "{fault:?}: {said}");
        let caught = failed.iter().any(|case| case.split(':').next() == Some(id));
        assert!(caught, "{fault:?} fails in {failed:?}");
    }
}

#[test]
fn who_opens_no_stream_is_told_so_in_a_sentence() {
    let (status, said, _) = run(Some(Fault::NoSetting), "http2", "0.5");
    assert_eq!(status, Some(2));
    assert!(said.contains("extended CONNECT"), "{said}");
    let (status, said, _) = run(Some(Fault::Refuses), "http2", "0.5");
    assert_eq!(status, Some(2));
    assert!(said.contains("403") && said.contains("--field"), "{said}");
    let (status, said, _) = run(Some(Fault::NoHttp2), "http2", "0.5");
    assert_eq!(status, Some(2));
    assert!(said.contains("Without --http2"), "{said}");
    assert_eq!(said.trim_end().lines().count(), 1, "{said}");
}
