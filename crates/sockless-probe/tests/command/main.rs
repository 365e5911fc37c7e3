//! The program as its user meets it: what it says of an address that is wrong, exit statuses, files, replay.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

#[path = "../../src/wire/head.rs"]
#[allow(dead_code, reason = "base64 is what is needed of it")]
mod head;
mod recipes;
mod run;
mod tls;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use run::{PROBE, file, opening, probe, said, server};

/// One that says this, whatever it is asked, and closes.
fn saying(answer: &'static [u8]) -> String {
    server(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
    })
}

#[test]
fn an_address_that_is_wrong_is_told_in_a_sentence_with_status_2() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, named) in [
        (format!("ws://{nobody}/"), "Is the server started"),
        (saying(b"\x15\x03\x03\x00\x02\x02\x28"), "speaks TLS"),
        (saying(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), "no HTTP server"),
        (saying(b"220 mail.example ESMTP\r\n"), "no HTTP server"),
        (saying(b""), "TLS"),
        (saying(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "Is the path right"),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), "did not open a WebSocket"),
        (saying(b"HTTP/1.1 302 Found\r\nLocation: ws://elsewhere/\r\n\r\n"), "ws://elsewhere/"),
        (saying(b"HTTP/1.1 401 Unauthorized\r\n\r\n"), "--field"),
    ] {
        let output = probe(&["server", &url, "--timeout", "0.3"]);
        assert_eq!(output.status.code(), Some(2), "{named}: {}", said(&output));
        assert!(said(&output).contains(named), "{named}: {}", said(&output));
        assert_eq!(said(&output).trim_end().lines().count(), 1, "{}", said(&output));
    }
}

#[test]
fn a_server_that_never_answers_is_given_up() {
    let url = server(|stream| {
        thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    let output = probe(&["server", &url, "--timeout", "0.1"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("doesn't answer a handshake"), "{}", said(&output));
}

#[test]
fn a_server_that_floods_neither_stops_the_probe_nor_fills_its_memory() {
    let url = server(|mut stream| {
        opening(&mut stream);
        let flood =
            [0x82, 0x7E, 0x40, 0x00].iter().copied().chain([7; 0x4000]).collect::<Vec<u8>>();
        while stream.write_all(&flood).is_ok() {}
    });
    let path = file("flood.json");
    let output = probe(&[
        "server",
        &url,
        "--timeout",
        "0.3",
        "--filter",
        "control",
        "--json",
        path.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let report = std::fs::read_to_string(&path).unwrap();
    assert!(report.len() < 2 << 20, "the report has {} B", report.len());
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_server_that_sends_without_an_end_and_reads_nothing_does_not_hold_a_case_beyond_its_deadline() {
    let url = server(|mut stream| {
        opening(&mut stream);
        let flood = [&[0x82, 0x7E, 0x40, 0x00][..], &[7; 0x4000]].concat();
        while stream.write_all(&flood).is_ok() {}
    });
    let args = ["server", &*url, "--timeout", "0.3", "--filter", "limits.fragments", "--quiet"];
    let mut run =
        Command::new(PROBE).args(args).stdout(std::process::Stdio::null()).spawn().unwrap();
    // The case writes for five seconds at most.
    let until = Instant::now() + Duration::from_secs(60);
    while run.try_wait().unwrap().is_none() {
        if Instant::now() > until {
            run.kill().unwrap();
            run.wait().unwrap();
            panic!("the probe does not end");
        }
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_server_that_dies_in_the_middle_leaves_a_report_of_what_was_done() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok).take(6) {
            opening(&mut stream);
        }
    });
    let path = file("died.json");
    let output = probe(&[
        "server",
        &url,
        "--jobs",
        "1",
        "--timeout",
        "0.2",
        "--filter",
        "closing",
        "--json",
        path.to_str().unwrap(),
    ]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("Did it die"), "{}", said(&output));
    let report: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let count = report["cases"].as_array().unwrap().len();
    assert!((1..10).contains(&count), "{count} cases are in the report");
    let _ = std::fs::remove_file(path);
}

#[test]
fn a_client_that_never_asks_for_its_reports_has_them_all_the_same() {
    use std::io::BufRead;
    let mut run = Command::new(PROBE)
        .args(["client", "--listen", "127.0.0.1:0", "--filter", "1.1.1", "--quiet"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(run.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    let address = first.split("ws://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    // What is no request, and what is none that is served, disturbs nobody.
    for request in [
        &b"\x16\x03\x01\x02\x00"[..],
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET /runCase?case=9&agent=a HTTP/1.1\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(&address).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 404"));
    }
    // Who is refused and sends without an end is left.
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while stream.write_all(&[b'x'; 0x4000]).is_ok() {
        assert!(Instant::now() < until, "the probe reads on");
    }
    assert!(most_memory(run.id()) < 48 << 10, "the probe has kept {} KiB", most_memory(run.id()));
    let mut stream = TcpStream::connect(&address).unwrap();
    let request = "GET /updateReports?agent=a HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: a\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    assert_eq!(run.wait().unwrap().code(), Some(2));
}

/// The most memory that a process has used, in KiB; 0 where the system doesn't say.
fn most_memory(process: u32) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn a_reader_that_goes_early_is_no_trouble() {
    let mut run = Command::new(PROBE)
        .arg("cases")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // The list is longer than what a pipe holds.
    drop(run.stdout.take());
    let output = run.wait_with_output().unwrap();
    assert_eq!((output.status.code(), said(&output)), (Some(0), String::new()));
}

#[test]
fn a_report_that_could_not_be_written_is_refused_before_the_run() {
    // Nobody listens there: what is said first is about the file.
    let folder = file("folder");
    let inside = folder.join("report.html");
    let here = std::env::temp_dir();
    for (option, path, named) in [
        ("--html", &inside, "no folder"),
        ("--json", &here, "is a folder"),
        ("--baseline", &inside, "report.html"),
    ] {
        let output = probe(&["server", "ws://127.0.0.1:1/", option, path.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(2));
        assert!(said(&output).contains(named), "{option}: {}", said(&output));
    }
    // What can't be foreseen costs no other report.
    let (url, page) = (silent(), file("page.html"));
    let blocked = file("blocked");
    std::fs::write(&blocked, "").unwrap();
    let folder = blocked.join("reports");
    let args = ["server", &*url, "--timeout", "0.1", "--filter", "control.ping-1", "--autobahn"];
    let output =
        probe(&[&args[..], &[folder.to_str().unwrap(), "--html", page.to_str().unwrap()]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("blocked"), "{}", said(&output));
    assert!(std::fs::exists(&page).unwrap());
    let _ = std::fs::remove_file(page);
    let _ = std::fs::remove_file(blocked);
}

/// A server that opens every connection and does nothing more: cases fail, the same in every run.
fn silent() -> String {
    server(|mut stream| {
        opening(&mut stream);
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
    })
}

#[test]
fn a_failing_case_replays_alone_octet_by_octet() {
    let url = silent();
    let log = |filter: &str, seed: &str| -> Vec<String> {
        let path = file("log.json");
        probe(&[
            "server",
            &url,
            "--timeout",
            "0.1",
            "--filter",
            filter,
            "--seed",
            seed,
            "--json",
            path.to_str().unwrap(),
        ]);
        let report: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let _ = std::fs::remove_file(path);
        let cases = report["cases"].as_array().unwrap();
        let case = cases.iter().find(|case| case["id"] == "control.ping-64").unwrap();
        assert_eq!(case["behavior"], "FAILED");
        let sent = case["log"].as_array().unwrap().iter().filter(|line| line[1] == ">");
        sent.map(|line| line[2].as_str().unwrap().to_owned()).collect()
    };
    let among_others = log("control.ping*", "7");
    assert!(among_others.len() > 5);
    assert_eq!(log("control.ping-64", "7"), among_others);
    assert_ne!(log("control.ping-64", "8"), among_others);
}

/// How often a server whose first Pings go unanswered fails in two cases about one Ping each.
fn late_server(unanswered: usize, jobs: &str) -> (Option<i32>, usize) {
    let pings = AtomicUsize::new(0);
    let url = server(move |mut stream| {
        opening(&mut stream);
        run::answering(&mut stream, || pings.fetch_add(1, Ordering::Relaxed) >= unanswered);
    });
    let filter = ["--filter", "control.ping-1,control.ping-125", "--jobs", jobs];
    let output = probe(&[&["server", &*url, "--timeout", "3"], &filter[..]].concat());
    let shown = String::from_utf8_lossy(&output.stdout).matches("  control.ping-").count();
    (output.status.code(), shown)
}

#[test]
fn what_was_late_among_others_runs_once_more_alone_and_what_was_late_alone_has_failed() {
    assert_eq!(late_server(2, "2"), (Some(0), 0));
    assert_eq!(late_server(3, "2"), (Some(1), 1));
    assert_eq!(late_server(1, "1"), (Some(1), 1));
}

#[test]
fn a_baseline_makes_known_failures_pass_and_no_others() {
    let (url, path) = (silent(), file("baseline"));
    let path = path.to_str().unwrap();
    let run = |more: &[&str]| {
        let args =
            [&["server", &*url, "--timeout", "0.1", "--filter", "control.ping-1*"][..], more]
                .concat();
        probe(&args).status.code()
    };
    assert_eq!(run(&["--write-baseline", path]), Some(1));
    assert_eq!(run(&["--baseline", path]), Some(0));
    let text = std::fs::read_to_string(path).unwrap();
    let shorter: Vec<&str> =
        text.lines().filter(|line| !line.starts_with("control.ping-1 ")).collect();
    std::fs::write(path, shorter.join("\n")).unwrap();
    assert_eq!(run(&["--baseline", path]), Some(1));
    std::fs::write(path, "nonsense").unwrap();
    assert_eq!(run(&["--baseline", path]), Some(2));
    let _ = std::fs::remove_file(path);
}

#[test]
fn every_report_is_written_and_says_the_same() {
    let url = silent();
    let names = ["r.json", "r.xml", "r.tap", "r.html", "folder"];
    let paths: Vec<String> = names.map(|name| file(name).to_str().unwrap().to_owned()).into();
    let [json, junit, tap, html, folder] = &paths[..] else { panic!() };
    let output = probe(&[
        "server",
        &url,
        "--timeout",
        "0.1",
        "--filter",
        "1.1.1,7.3.1,control.pings",
        "--agent",
        "An Agent",
        "--json",
        json,
        "--junit",
        junit,
        "--tap",
        tap,
        "--html",
        html,
        "--autobahn",
        folder,
    ]);
    assert_eq!(output.status.code(), Some(1));
    let read = |path: &str| std::fs::read_to_string(path).unwrap();
    let report: serde_json::Value = serde_json::from_str(&read(json)).unwrap();
    assert_eq!(report["cases"].as_array().unwrap().len(), 3);
    assert!(read(junit).contains("tests=\"3\" failures=\"3\""));
    assert_eq!(read(tap).matches("\nnot ok ").count(), 3);
    assert!(read(html).contains("An Agent") && !read(html).contains("@DATA@"));
    let index: serde_json::Value =
        serde_json::from_str(&read(&format!("{folder}/index.json"))).unwrap();
    let case = &index["An Agent"]["7.3.1"];
    assert_eq!(case["behavior"], report["cases"][1]["behavior"]);
    assert!(std::fs::exists(format!("{folder}/{}", case["reportfile"].as_str().unwrap())).unwrap());
    let merged = file("merged.html");
    let output = probe(&["merge", json, json, "--html", merged.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(probe(&["merge", tap, "--html", merged.to_str().unwrap()]).status.code(), Some(2));
    for path in &paths[..4] {
        let _ = std::fs::remove_file(path);
    }
    let _ = std::fs::remove_file(merged);
    let _ = std::fs::remove_dir_all(folder);
}
