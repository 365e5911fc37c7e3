//! Names, rooms, presence and files over several servers, and what doesn't belong into their log.

use std::time::Duration;

use serde_json::json;
use sockless_tokio::Message;

use crate::client::{Client, in_time, lobby};
use crate::servers::{Redis, Server, is_missing};

fn login(server: &Server, name: &str) -> String {
    let body = json!({ "name": name }).to_string();
    server.program().ask("POST /login", &body).lines().next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_name_is_taken_once_on_whichever_server() {
    if is_missing() {
        return;
    }
    let redis = Redis::start(false);
    let servers = [Server::start(&redis), Server::start(&redis)];
    for round in 0..10 {
        let names = [format!("Ann{round}"), format!("ann{round}")];
        let answers: Vec<String> = std::thread::scope(|scope| {
            let ask = |at: usize| {
                let (server, name) = (&servers[at], &names[at]);
                scope.spawn(move || login(server, name))
            };
            let asked = [ask(0), ask(1)];
            asked.into_iter().map(|it| it.join().expect("an answer")).collect()
        });
        let taken = answers.iter().filter(|answer| answer.contains("409")).count();
        let given = answers.iter().filter(|answer| answer.contains("200")).count();
        assert_eq!((given, taken), (1, 1), "{answers:?}");
    }
}

#[tokio::test]
async fn rooms_presence_files_and_typing_go_over_servers() {
    if is_missing() {
        return;
    }
    in_time(async {
        let redis = Redis::start(false);
        let first = Server::start_with(&redis, &["--lobby", "lobby"]);
        let second = Server::start_with(&redis, &["--lobby", "lobby"]);
        let mut ann = Client::open(first.program(), "ann", 0).await;
        ann.event("messages").await;
        let mut bob = Client::open(second.program(), "bob", 0).await;
        bob.event("messages").await;
        assert_eq!(ann.event("joined").await["user"], "bob");
        assert_eq!(ann.event("presence").await["online"], true);
        ann.send(json!({ "do": "typing", "to": lobby() })).await;
        assert_eq!(bob.event("typing").await["user"], "ann");
        let file: Vec<u8> = (0..200_000_u32).map(|at| (at * 7) as u8).collect();
        ann.send(json!({ "do": "offer", "key": "2", "to": { "user": "bob" }, "name": "a.png", "kind": "image/png", "size": file.len(), "upload": 5 })).await;
        for part in file.chunks(64 << 10) {
            let part = [&5u32.to_be_bytes(), part].concat();
            ann.session.send(part).await.expect("it goes on");
        }
        let message = bob.event("message").await;
        let id = message["message"]["id"].as_u64().expect("an id");
        assert_eq!(ann.event("said").await["id"], id);
        let mut come = Vec::new();
        while come.len() < file.len() {
            bob.send(json!({ "do": "fetch", "n": 9, "of": { "user": "ann" }, "id": id, "from": come.len() })).await;
            let part = loop {
                if let Message::Binary(part) = bob.message().await {
                    break part;
                }
            };
            come.extend_from_slice(&part[4..]);
        }
        assert!(come == file);
        ann.send(json!({ "do": "join", "n": 3, "room": "tea" })).await;
        ann.event("done").await;
        // A server that comes later knows of it, and has what was said.
        let third = Server::start_with(&redis, &["--lobby", "lobby"]);
        tokio::time::sleep(Duration::from_secs(1)).await;
        let mut ann_too = Client::open(third.program(), "ann", 0).await;
        let welcome = ann_too.event("welcome").await;
        assert_eq!(welcome["rooms"].as_array().expect("rooms").len(), 2, "{welcome}");
        assert_eq!(ann_too.event("messages").await["list"][0]["id"], id);
        drop(bob.session.end().await);
        while ann.event("presence").await != json!({ "ev": "presence", "user": "bob", "online": false }) {}
    })
    .await;
}

#[tokio::test]
async fn rubbish_in_the_log_is_a_gap_and_nothing_breaks() {
    if is_missing() {
        return;
    }
    in_time(async {
        let redis = Redis::start(false);
        let server = Server::start_with(&redis, &["--lobby", "lobby"]);
        let mut ann = Client::open(server.program(), "ann", 0).await;
        ann.event("messages").await;
        let channels =
            sockless_channels::redis::Settings::new(&redis.url(0)).with_prefix("sockless-chat:");
        let channels = sockless_channels::redis::Channels::open(channels).expect("channels");
        for rubbish in ["", "x", "\0\0\0\u{2}{}", "\0\0\0\u{1}"] {
            channels.publish("log", None, rubbish.into()).await.expect("published");
            ann.event("incomplete").await;
        }
        ann.say("1", lobby(), "all is well").await;
        assert!(ann.event("said").await["id"].as_u64().expect("an id") > 0);
    })
    .await;
}
