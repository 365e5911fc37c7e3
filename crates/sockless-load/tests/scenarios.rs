//! Scenarios: those that are given out, and everything that can be wrong with one.

use std::path::Path;
use std::time::Duration;

use sockless_load::scenario::{EXAMPLE, Overrides, Place, Protocol, Scenario};

fn parse(text: &str) -> Result<Scenario, sockless_load::scenario::Fault> {
    Scenario::parse(text, &Overrides::default())
}

const GOOD: &str = r#"url = "ws://localhost/"
connections = 10
group = 5
duration = "10s"
[message]
send = '{"a":"{mark}","n":{sequence}}'
every = "1s"
to = "others"
[thresholds]
p99 = "50ms"
lost = 0
"#;

#[test]
fn a_scenario_is_read_as_it_is_written() {
    let scenario = parse(GOOD).expect("good");
    assert_eq!((scenario.pattern.connections, scenario.pattern.group), (10, 5));
    assert_eq!(scenario.duration, Duration::from_secs(10));
    assert_eq!(scenario.protocol, Protocol::WebSocket);
    assert_eq!(scenario.thresholds.latency[2], Some(Duration::from_millis(50)));
    assert_eq!(scenario.thresholds.counts[2], Some(0));
    assert_eq!(scenario.receivers(5), 4);
    let fault = parse(&GOOD.replace("url", "uri")).expect_err("no url");
    assert_eq!(fault.shown("a.toml"), format!("a.toml:1: {}", fault.what));
}

#[test]
fn the_scenarios_that_are_given_out_are_good() {
    parse(EXAMPLE).expect("the example");
    let secret = std::env::temp_dir().join(format!("sockless-load-secret-{}", std::process::id()));
    std::fs::write(&secret, "a secret").expect("written");
    let overrides = Overrides { secret_file: Some(secret.clone()), ..Overrides::default() };
    let mut count = 0;
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        if let Err(fault) = Scenario::parse(&text, &overrides) {
            panic!("{}", fault.shown(&path.display().to_string()));
        }
        count += 1;
    }
    assert!(count >= 4);
    std::fs::remove_file(secret).expect("removed");
}

/// The whole example with everything that is commented out in it.
#[test]
fn what_the_example_comments_out_is_good_as_well() {
    let text: Vec<&str> = EXAMPLE
        .lines()
        .map(|line| {
            let rest = line.strip_prefix("# ").unwrap_or(line);
            let is_code = rest.starts_with('[') || rest.contains(" = ");
            let socketio = rest.starts_with("transports") || rest.starts_with("event");
            if is_code && !socketio { rest } else { line }
        })
        .collect();
    let text = text.join("\n").replace("secret_file = \"secret\"", "secret = \"secret\"");
    let scenario = parse(&text).unwrap_or_else(|fault| panic!("{fault}\n{text}"));
    assert_eq!((scenario.opening.len(), scenario.subprotocols.len()), (1, 1));
    assert!(scenario.signing.is_some());
}

#[test]
fn faults_name_the_line_and_what_is_wrong() {
    let change = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replace(from, to)
    };
    let cases: &[(String, usize, &str)] = &[
        (change("duration = \"10s\"", "duration = \"10 parsecs\""), 4, "a length of time"),
        (change("duration = \"10s\"", "duration = \"0s\""), 4, "more than nothing"),
        (change("duration = \"10s\"", "duration = \"48h\""), 4, "at most 24h"),
        (change("duration = \"10s\"", "duration = \"10s\"\nwarmup = 10"), 5, "warmup"),
        (change("connections = 10", "connections = 0"), 2, "from 1 to"),
        (change("connections = 10", "connections = \"ten\""), 2, "expected u32"),
        (change("connections = 10", "conections = 10"), 2, "unknown field `conections`"),
        (change("connections = 10", "connections = 10,"), 2, ""),
        (change("group = 5", "group = 0"), 3, "group"),
        (change("group = 5", "group = 1"), 8, "nobody else"),
        (change("ws://localhost/", "gopher://localhost/"), 1, "url"),
        (change("ws://localhost/", "ws://localhost/{usr}"), 1, "{usr} is no placeholder here"),
        (change("ws://localhost/", "ws://localhost/{jwt}"), 1, "{jwt} is no placeholder here"),
        (change("{mark}", "{member}"), 6, "{mark} has to be in it"),
        (change("{sequence}", "{nothing}"), 6, "{nothing} is no placeholder"),
        (change("every = \"1s\"", "every = \"11s\""), 7, "longer than the duration"),
        (change("every = \"1s\"", "every = \"1us\""), 7, "at least"),
        (change("every = \"1s\"", "every = \"1s\"\nsenders = 6"), 8, "from 1 to 5"),
        (change("every = \"1s\"", "every = \"1s\"\nfrom = \"all\""), 8, "\"turns\""),
        (change("every = \"1s\"", "every = \"1s\"\nevent = \"x\""), 8, "socketio"),
        (change("every = \"1s\"", "every = \"1s\"\npadding = 5"), 8, "{padding}"),
        (change("\"others\"", "\"everybody\""), 8, "\"others\""),
        (change("p99 = \"50ms\"", "p98 = \"50ms\""), 10, "no such threshold"),
        (change("p99 = \"50ms\"", "p99 = 50"), 10, "such as \"50ms\""),
        (change("lost = 0", "lost = -1"), 11, ""),
        (change("lost = 0", "lost = \"none\""), 11, "a number from 0 on"),
        (change("group = 5", "protocol = \"smtp\""), 3, "\"socketio\""),
        (change("group = 5", "transports = \"both\""), 3, "socketio"),
        (change("group = 5", "group = 5\nprotocol = \"socketio\""), 7, "`event`"),
        (change("group = 5", "group = 5\nsubprotocols = [\"a b\"]"), 4, ""),
        (change("[message]", "[headers]\nHost = \"x\"\n[message]"), 6, "Host"),
        (change("[message]", "[headers]\nX = \"a\\r\\nb\"\n[message]"), 6, "X"),
        (change("[message]", "[[open]]\nevent = \"x\"\n[message]"), 6, "send or to await"),
        (change("[message]", "[[open]]\nawait = \"\"\n[message]"), 6, "await"),
        (
            change("[message]", "[[open]]\nsend = '{mark}'\n[message]"),
            6,
            "{mark} is no placeholder",
        ),
        (change("[message]", "[[open]]\nsend = '''\na\n{b}'''\n[message]"), 8, "{b}"),
        (change("[message]", "[jwt]\nsecret = \"x\"\nclaims = '[]'\n[message]"), 7, "claims"),
        (change("[message]", "[jwt]\nclaims = '{}'\n[message]"), 6, "secret"),
        (
            change("[message]", "[jwt]\nsecret_file = \"/nowhere\"\nclaims = '{}'\n[message]"),
            6,
            "/nowhere",
        ),
        (
            change("connections = 10\ngroup = 5", "connections = 90000\ngroup = 90000"),
            2,
            "can't be followed",
        ),
        ("url = \"ws://a/\"\nconnections = 1\n".into(), 1, "duration"),
        (
            "url = \"ws://a/\"\nconnections = 1\nduration = 1\n[thresholds]\np99 = \"1s\"\n".into(),
            5,
            "[message]",
        ),
    ];
    let mut others = Vec::new();
    for (text, line, what) in cases {
        let fault = parse(text).expect_err(text);
        if fault.place != Place::Line(*line) || !fault.what.contains(what) {
            others.push(format!("{fault}; in line {line} there is to be {what:?}\n{text}"));
        }
    }
    assert!(others.is_empty(), "{}", others.join("\n\n"));
}

#[test]
fn arguments_of_an_event_are_json() {
    let text = GOOD
        .replace("ws://localhost/", "https://localhost/chat")
        .replace("group = 5", "group = 5\nprotocol = \"socketio\"")
        .replace("every = \"1s\"", "every = \"1s\"\nevent = \"say\"");
    let fault = parse(&text).expect_err("an object");
    assert_eq!(fault.place, Place::Line(7));
    assert!(fault.what.contains("JSON array"), "{fault}");
    let text = text.replace("'{\"a\":\"{mark}\",\"n\":{sequence}}'", "'[{\"a\":\"{mark}\"}]'");
    parse(&text).expect("an array");
}

#[test]
fn flags_come_before_the_file_and_faults_name_them() {
    let overrides = Overrides {
        url: Some("ws://elsewhere/".into()),
        connections: Some(20),
        duration: Some(Duration::from_secs(3)),
        ..Overrides::default()
    };
    let scenario = Scenario::parse(GOOD, &overrides).expect("good");
    assert_eq!(scenario.pattern.connections, 20);
    assert_eq!(scenario.duration, Duration::from_secs(3));
    assert_eq!(scenario.url.fill(|_| String::new()), "ws://elsewhere/");
    let wrong = [
        (Overrides { url: Some("x".into()), ..Overrides::default() }, "--url"),
        (Overrides { connections: Some(0), ..Overrides::default() }, "--connections"),
        (Overrides { duration: Some(Duration::ZERO), ..Overrides::default() }, "--duration"),
    ];
    for (overrides, flag) in wrong {
        let fault = Scenario::parse(GOOD, &overrides).expect_err(flag);
        assert_eq!(fault.place, Place::Flag(flag));
    }
}
