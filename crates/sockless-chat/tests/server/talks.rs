//! Clients that talk through the program.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::json;
use sockless_tokio::session::SUBPROTOCOL;
use sockless_tokio::{ClientOptions, Message, connect_with};

use crate::client::{Client, in_time, lobby};
use crate::directory::Directory;
use crate::program::{Program, token_for};

#[tokio::test]
async fn two_talk_and_share_a_file() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let mut ann = Client::open(&program, "ann", 0).await;
        let mut bob = Client::open(&program, "bob", 0).await;
        assert_eq!(ann.event("welcome").await["you"], "ann");
        bob.event("messages").await;
        ann.say("1", lobby(), "hello 🦀").await;
        assert_eq!(bob.event("message").await["message"]["text"], "hello 🦀");
        assert_eq!(ann.event("said").await["id"], 1);
        let file: Vec<u8> = (0..200_000_u32).map(|at| (at * 7) as u8).collect();
        ann.send(json!({ "do": "offer", "key": "2", "to": { "user": "bob" }, "name": "a.png", "kind": "image/png", "size": file.len(), "upload": 5 })).await;
        for part in file.chunks(64 << 10) {
            let part = [&5u32.to_be_bytes(), part].concat();
            ann.session.send(part).await.expect("it goes on");
        }
        let message = bob.event("message").await;
        assert_eq!(message["message"]["file"]["size"], 200_000);
        let mut come = Vec::new();
        while come.len() < file.len() {
            bob.send(json!({ "do": "fetch", "n": 9, "of": { "user": "ann" }, "id": 2, "from": come.len() })).await;
            let part = loop {
                if let Message::Binary(part) = bob.message().await {
                    break part;
                }
            };
            assert_eq!(part[..4], 9u32.to_be_bytes());
            come.extend_from_slice(&part[4..]);
        }
        assert!(come == file);
        ann.send(json!({ "do": "search", "n": 3, "of": lobby(), "words": "HELLO", "before": 100 })).await;
        assert_eq!(ann.event("history").await["list"][0]["id"], 1);
        let metrics = program.ask("GET /metrics", "");
        assert!(metrics.contains("\nsockless_chat_users_online 2\n") && metrics.contains("\nsockless_chat_connections 2\n"), "{metrics}");
        assert!(program.ask("GET /healthz", "").ends_with("ok\n"));
        ann.session.end().await;
        let gone = bob.event("presence").await;
        assert_eq!(gone, json!({ "ev": "presence", "user": "ann", "online": false }));
    })
    .await;
}

/// A connection without a client's help: the close code is what counts.
async fn close_code(program: &Program, query: &str, says: &[String]) -> (u16, String) {
    let options = ClientOptions::new().with_subprotocols([SUBPROTOCOL]);
    let url = format!("ws://{}/chat{query}", program.address);
    let mut socket = connect_with(&url, options).await.expect("open");
    static NEXT: AtomicU64 = AtomicU64::new(1);
    let id = NEXT.fetch_add(1, Ordering::Relaxed);
    socket.send(format!("\u{10}h{id:032x} 1 64 65536")).await.expect("sent");
    for text in says {
        socket.send(text.as_str()).await.expect("sent");
    }
    while let Some(message) = socket.recv().await {
        message.expect("a close");
    }
    let frame = socket.close_frame().expect("a close");
    (frame.code.get(), frame.reason.to_string())
}

#[tokio::test]
async fn after_the_upgrade_a_refusal_is_1008() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let hello =
            |token: &str| vec![json!({ "do": "hello", "token": token, "after": 0 }).to_string()];
        let wrong = (1008, "the token is wrong".to_owned());
        assert_eq!(close_code(&program, "", &hello("x")).await, wrong);
        assert_eq!(close_code(&program, "", &hello(&token_for("ann", 0))).await, wrong);
        let none = vec![json!({ "do": "hello", "after": 0 }).to_string()];
        assert_eq!(close_code(&program, "", &none).await, wrong);
        // A token for another user than the one the connection is for.
        let query = format!("?token={}", token_for("ann", 60));
        assert_eq!(close_code(&program, &query, &hello(&token_for("bob", 60))).await, wrong);
        let rooms = vec![json!({ "do": "rooms", "n": 1 }).to_string(); 3];
        assert_eq!(close_code(&program, &query, &rooms).await, (1008, "no hello".into()));
        let nonsense = vec!["[".into(), "{}".into(), "\u{0}".into()];
        assert_eq!(close_code(&program, "", &nonsense).await, (1008, "no hello".into()));
        // A token that ends while its user is there.
        let ends = close_code(&program, "", &hello(&token_for("ann", 2))).await;
        assert_eq!(ends, (1008, "the token has ended".into()));
    })
    .await;
}

#[tokio::test]
async fn nobody_notices_what_others_do_wrong() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let mut ann = Client::open(&program, "ann", 0).await;
        let mut bob = Client::open(&program, "bob", 0).await;
        let mut eve = Client::open(&program, "eve", 0).await;
        bob.event("messages").await;
        eve.event("messages").await;
        for text in [
            "{",
            "{}",
            r#"{"do":"say"}"#,
            r#"{"do":"say","key":"k","to":{"room":"secret"},"text":"x"}"#,
        ] {
            eve.session.send(text).await.expect("it goes on");
            assert_eq!(eve.event("refused").await["ev"], "refused");
        }
        eve.session.send(vec![1, 2]).await.expect("it goes on");
        assert_eq!(eve.event("refused").await["error"], "malformed");
        assert!(eve.session.request("what?", Duration::from_secs(60)).await.is_err());
        // Too long for any message: its connection is closed, and its session is of no use any more.
        eve.session.send("x".repeat(200_000)).await.expect("taken");
        ann.event("messages").await;
        ann.say("1", lobby(), "all is well").await;
        assert_eq!(bob.event("message").await["message"]["text"], "all is well");
    })
    .await;
}

/// The answer to an opening of a connection that comes with somebody's token.
async fn answer_to(program: &Program, token: &str, opening: &str) -> String {
    let options = ClientOptions::new().with_subprotocols([SUBPROTOCOL]);
    let url = format!("ws://{}/chat?token={token}", program.address);
    let mut socket = connect_with(&url, options).await.expect("open");
    socket.send(opening).await.expect("sent");
    let answer = socket.recv().await.expect("an answer").expect("an answer");
    answer.as_text().expect("text").to_owned()
}

#[tokio::test]
async fn a_session_is_of_no_use_with_another_token() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let ann = token_for("ann", 60);
        let hello = "\u{10}habcdefabcdefabcdefabcdefabcdefab 1 64 65536";
        let resume = "\u{10}rabcdefabcdefabcdefabcdefabcdefab 2 0 0 64 65536";
        assert!(answer_to(&program, &ann, hello).await.starts_with("\u{10}w"));
        let unknown = "\u{10}xunknown 0";
        assert_eq!(answer_to(&program, &token_for("eve", 60), resume).await, unknown);
        assert_eq!(answer_to(&program, &token_for("ann", 61), resume).await, unknown);
        assert!(answer_to(&program, &ann, resume).await.starts_with("\u{10}w"));
    })
    .await;
}
