//! The program dies, stops and comes back.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use sockless_tokio::session::{Event, SUBPROTOCOL};
use sockless_tokio::{ClientOptions, connect_with};

use crate::client::{Client, in_time, lobby};
use crate::directory::Directory;
use crate::program::{Program, token_for};

/// `kill -9` while two talk, again and again: what the server has said to be stored is there once, and in order; what it hasn't is there
/// at most once, and is said again.
#[tokio::test]
async fn what_was_said_survives_kill_9_once_and_in_order() {
    in_time(async {
        let directory = Directory::new();
        let mut program = Program::start(directory.path(), &[]);
        let address = program.address.clone();
        // What a page keeps: how far it has come, what it knows, what it has said.
        let (mut after, mut known, mut said) = (0, BTreeMap::new(), 0u64);
        let mut next = 1u64;
        for round in 0..6 {
            let mut ann = Client::open(&program, "ann", 0).await;
            let mut bob = Client::open(&program, "bob", after).await;
            bob.event("welcome").await;
            // Again from the first that isn't known to be stored.
            let (from, mut on_the_way) = (said + 1, 0);
            for number in from..from + 60 {
                ann.say(&format!("k{number}"), lobby(), &format!("{number}")).await;
                next = next.max(number + 1);
                on_the_way += 1;
                if on_the_way > 15 {
                    said = said.max(
                        ann.event("said").await["key"].as_str().expect("a key")[1..]
                            .parse()
                            .expect("a number"),
                    );
                    on_the_way -= 1;
                }
                if number == from + 20 + round * 5 {
                    break;
                }
            }
            // What has come until now, without waiting for all of it.
            let _ = tokio::time::timeout(Duration::from_millis(50), async {
                loop {
                    take(&mut bob, &mut after, &mut known).await;
                }
            })
            .await;
            program.kill();
            program = Program::start_at(&address, directory.path(), &[]);
        }
        let mut ann = Client::open(&program, "ann", 0).await;
        for number in said + 1..next {
            ann.say(&format!("k{number}"), lobby(), &format!("{number}")).await;
        }
        let mut bob = Client::open(&program, "bob", after).await;
        while said + 1 < next {
            said = said.max(
                ann.event("said").await["key"].as_str().expect("a key")[1..]
                    .parse()
                    .expect("a number"),
            );
        }
        while (known.len() as u64) + 1 < next {
            take(&mut bob, &mut after, &mut known).await;
        }
        let texts: Vec<u64> = known.values().copied().collect();
        assert_eq!(texts, (1..next).collect::<Vec<_>>());
        assert!(next > 100, "{next}");
    })
    .await;
}

/// The next event of a client that keeps what it gets.
async fn take(bob: &mut Client, after: &mut u64, known: &mut BTreeMap<u64, u64>) {
    let message = bob.message().await;
    let event: serde_json::Value =
        serde_json::from_str(message.as_text().expect("text")).expect("JSON");
    let list = match event["ev"].as_str() {
        Some("message") => vec![event["message"].clone()],
        Some("messages") => event["list"].as_array().expect("a list").clone(),
        _ => return,
    };
    for message in list {
        let id = message["id"].as_u64().expect("an id");
        assert!(id > *after, "{id} after {after}");
        *after = id;
        let text = message["text"].as_str().expect("text").parse().expect("a number");
        assert!(known.insert(id, text).is_none());
    }
    if event["more"] == true {
        bob.send(json!({ "do": "more", "after": *after })).await;
    }
}

#[tokio::test]
async fn a_stop_says_1012_and_when_to_come_back() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &["--spread", "30"]);
        let options = ClientOptions::new().with_subprotocols([SUBPROTOCOL]);
        let mut sockets = Vec::new();
        for number in 0..4 {
            let url = format!("ws://{}/chat?token={}", program.address, token_for("ann", 60));
            let mut socket = connect_with(&url, options.clone()).await.expect("open");
            socket.send(format!("\u{10}h{number:032x} 1 64 65536")).await.expect("sent");
            socket.send(r#"{"do":"hello","after":0}"#).await.expect("sent");
            while !socket
                .recv()
                .await
                .expect("open")
                .expect("open")
                .as_text()
                .is_some_and(|text| text.contains("welcome"))
            {}
            sockets.push(socket);
        }
        program.terminate();
        let mut delays = Vec::new();
        for mut socket in sockets {
            while let Some(Ok(_)) = socket.recv().await {}
            let frame = socket.close_frame().expect("a close");
            assert_eq!(frame.code.get(), 1012);
            let delay = frame.reason.strip_prefix("retry-after=").expect("a delay");
            delays.push(delay.parse::<u64>().expect("seconds"));
        }
        delays.sort_unstable();
        assert_eq!(delays, [1, 8, 16, 23]);
        let output = tokio::task::spawn_blocking(|| program.wait()).await.expect("its end");
        assert!(output.status.success());
    })
    .await;
}

#[tokio::test]
async fn a_session_that_is_lost_goes_on_with_nothing_missed() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let mut ann = Client::open(&program, "ann", 0).await;
        let mut bob = Client::open(&program, "bob", 0).await;
        bob.event("messages").await;
        ann.event("messages").await;
        for number in 0..50 {
            ann.say(&format!("{number}"), lobby(), &format!("{number}")).await;
        }
        for number in 0..50 {
            let event = bob.event("message").await;
            assert_eq!(event["message"]["text"], format!("{number}"));
        }
        let Some(Event::Ended { .. }) = bob.session.end().await else { panic!("it ends") };
        ann.say("while", lobby(), "while you were away").await;
        let mut bob = Client::open(&program, "bob", 50).await;
        let missed = bob.event("messages").await;
        let texts: Vec<_> = missed["list"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|message| message["text"].clone())
            .collect();
        // What was on its way when he came is the next thing that he hears.
        if texts.is_empty() {
            assert_eq!(bob.event("message").await["message"]["text"], "while you were away");
        } else {
            assert_eq!(texts, ["while you were away"]);
        }
    })
    .await;
}
