//! The traces in the specification are what two sessions really say. `SOCKLESS_TRACES=1` prints them anew.

#![allow(clippy::print_stdout, reason = "a test tells its traces")]

mod pair;

use pair::{Pair, at};
use sockless_session::reliable::{Acceptance, Config, Window};

const SPECIFICATION: &str = include_str!("../src/reliable/spec.md");

fn config() -> Config {
    Config::default().with_window(Window::new(64, 65536))
}

fn usual() -> Pair {
    Pair::open(config(), config())
}

/// A session from its beginning to its end.
fn ordinary() -> Vec<String> {
    let mut pair = usual();
    for message in ["one", "two"] {
        pair.client.send(message.into()).expect("there is room");
    }
    pair.client.send("\u{10}x".into()).expect("there is room");
    pair.server.send(b"data".to_vec().into()).expect("there is room");
    pair.talk();
    pair.later();
    pair.client.end().expect("it is open");
    pair.talk();
    pair.trace
}

/// What was sent and not received is sent again on the next connection.
fn resumed() -> Vec<String> {
    let mut pair = usual();
    for message in ["one", "two", "three"] {
        pair.client.send(message.into()).expect("there is room");
    }
    assert!(pair.one(true).is_some_and(|said| said.is_ok()));
    // The second message is lost on its way.
    assert!(pair.client.poll_output(pair.up, pair.now).is_some());
    pair.trace.push("> two (lost)".into());
    pair.reconnect();
    pair.talk();
    pair.later();
    pair.trace
}

/// A request, its reply, and one that is rejected; a gap; a message that isn't numbered; a probe.
fn others() -> Vec<String> {
    let mut pair = Pair::open(config().with_probe(at(5000), at(1000)), config());
    let request = pair.client.request("sum 1 2".into(), at(9000)).expect("there is room");
    pair.talk();
    pair.server.reply(request, "3".into()).expect("there is room");
    let request = pair.client.request("sum 1 x".into(), at(9000)).expect("there is room");
    pair.talk();
    pair.server.reject(request, "not a number".into()).expect("there is room");
    pair.server.skip(3).expect("there is room");
    pair.talk();
    let output = pair.server.unnumbered("tick".into()).expect("it is open");
    let mut bytes = Vec::new();
    output.write_to(&mut bytes).expect("a message");
    pair.trace.push(format!("< {}", String::from_utf8_lossy(&bytes).replace('\u{10}', "␐")));
    pair.now = at(8000);
    assert_eq!(pair.client.poll(pair.now), None);
    pair.talk();
    pair.trace
}

/// The application of the server wants a message once more.
fn again() -> Vec<String> {
    let mut pair = Pair::open(config(), config().with_acceptance(Acceptance::ByApplication));
    for message in ["one", "two", "three"] {
        pair.client.send(message.into()).expect("there is room");
    }
    pair.talk();
    pair.server.accept(1, pair.now).expect("it is there");
    pair.server.again(2).expect("it was received");
    pair.talk();
    pair.server.accept(3, pair.now).expect("it is there again");
    pair.later();
    pair.trace
}

/// A client that was restored doesn't know its last attempt.
fn stale() -> Vec<String> {
    let mut pair = usual();
    let records = pair.client.export();
    pair.reconnect();
    pair.talk();
    let saved = sockless_session::reliable::Saved::apply(None, &records).expect("it was saved");
    let config = pair.client.config().clone();
    pair.client = sockless_session::reliable::Session::restore(config, saved);
    pair.trace.push("(the client is restored from a copy of its state)".into());
    pair.resume();
    let first = pair::says(&mut pair.client, pair.up, pair.now);
    pair.trace.extend(first.iter().map(|text| format!("> {text}")));
    pair.trace
}

#[test]
fn the_specification_shows_what_is_said() {
    let traces = [
        ("a session from its beginning to its end", ordinary()),
        ("a connection is lost", resumed()),
        ("requests, a gap, an unnumbered message, a probe", others()),
        ("a message is wanted again", again()),
        ("a client that doesn't know its last attempt", stale()),
    ];
    let mut expected = String::new();
    for (title, trace) in traces {
        expected += &format!("### {title}\n\n```text\n{}\n```\n\n", trace.join("\n"));
    }
    if std::env::var("SOCKLESS_TRACES").is_ok() {
        println!("{expected}");
    }
    let (_, section) = SPECIFICATION.split_once("## 16. Traces").expect("a section of traces");
    let shown = &section[section.find("###").expect("the first trace")..];
    assert_eq!(shown.trim_end(), expected.trim_end());
}
