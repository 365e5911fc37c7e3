//! Sessions over Socket.IO's polling, for pages where no WebSocket passes. What the page does with them is in `browser/run.py`.

use serde_json::{Value, json};
use sockless_socketio::client::{Client as SocketIo, ConnectError, Event};
use sockless_socketio::socket::Payload;

use crate::client::{Client, in_time, lobby};
use crate::directory::Directory;
use crate::program::{Program, token_for};

/// A client that can do nothing but poll.
async fn poll(program: &Program, query: &str, origin: &str) -> Result<SocketIo, ConnectError> {
    let url = format!("http://{}/session{query}", program.address);
    let builder = SocketIo::builder(&url).with_transports(true, false).without_reconnect();
    builder.with_field("Origin", origin).connect().await
}

async fn poll_as(program: &Program, who: &str) -> SocketIo {
    let query = format!("?token={}", token_for(who, 3600));
    poll(program, &query, &format!("http://{}", program.address)).await.expect("open")
}

/// Sends a message of the session.
fn send(client: &SocketIo, text: &str) {
    client.emit("text", Payload::new().with(text).expect("JSON")).expect("sent");
}

/// The next event: its name, and what it has.
async fn next(client: &mut SocketIo) -> (String, Vec<Value>) {
    loop {
        match client.recv().await.expect("it goes on") {
            Event::Message(event) => {
                return (event.name().to_owned(), event.read().expect("JSON"));
            }
            Event::Disconnected(_) => return ("disconnected".into(), Vec::new()),
            _ => {}
        }
    }
}

/// The next message of the session.
async fn text(client: &mut SocketIo) -> String {
    let (name, arguments) = next(client).await;
    assert_eq!(name, "text", "{arguments:?}");
    arguments[0].as_str().expect("text").to_owned()
}

/// The next event of the chat with this name.
async fn event(client: &mut SocketIo, name: &str) -> Value {
    loop {
        let text = text(client).await;
        // Others are the session's own.
        let event: Value = serde_json::from_str(&text).unwrap_or_default();
        if event["ev"] == name {
            return event;
        }
    }
}

const ID: &str = "000102030405060708090a0b0c0d0e0f";

/// Opens a session with an id of its own.
async fn open(client: &mut SocketIo) {
    send(client, &format!("\u{10}h{ID} 1 64 65536"));
    let welcome = text(client).await;
    assert!(welcome.starts_with("\u{10}w"), "{welcome:?}");
}

#[tokio::test]
async fn a_session_is_carried_for_those_alone_who_have_a_token_and_the_right_origin() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let own = format!("http://{}", program.address);
        for (query, origin) in [("", own.as_str()), ("?token=x", &own)] {
            let refused = poll(&program, query, origin).await;
            assert!(matches!(refused, Err(ConnectError::Refused(_))), "{refused:?}");
        }
        let query = format!("?token={}", token_for("ann", 60));
        assert!(poll(&program, &query, "http://evil.example").await.is_err());

        let mut ann = poll_as(&program, "ann").await;
        open(&mut ann).await;
        send(&ann, &json!({ "do": "hello", "after": 0 }).to_string());
        assert_eq!(event(&mut ann, "welcome").await["you"], "ann");
        let mut bob = Client::open(&program, "bob", 0).await;
        bob.event("messages").await;
        bob.say("1", lobby(), "to who polls").await;
        assert_eq!(event(&mut ann, "message").await["message"]["text"], "to who polls");
        let say = json!({ "do": "say", "key": "k", "to": lobby(), "text": "by polling" });
        send(&ann, &say.to_string());
        while bob.event("message").await["message"]["text"] != "by polling" {}

        // Her session is hers on this way, too.
        let mut eve = poll_as(&program, "eve").await;
        send(&eve, &format!("\u{10}r{ID} 2 0 0 64 65536"));
        let answer = text(&mut eve).await;
        assert!(!answer.starts_with("\u{10}w"), "{answer:?}");
    })
    .await;
}

#[tokio::test]
async fn why_a_connection_ends_is_said() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let mut ann = poll_as(&program, "ann").await;
        open(&mut ann).await;
        (0..3).for_each(|_| send(&ann, "{}"));
        let closed = loop {
            let (name, arguments) = next(&mut ann).await;
            if name != "text" {
                break (name, arguments);
            }
        };
        assert_eq!(closed, ("close".into(), vec![json!(1008), json!("no hello")]));
        assert_eq!(next(&mut ann).await.0, "disconnected");
    })
    .await;
}

#[tokio::test]
async fn an_event_that_carries_no_message_ends_its_own_connection_alone() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let mut bob = Client::open(&program, "bob", 0).await;
        bob.event("messages").await;
        for (name, payload) in [
            ("text", Payload::new()),
            ("text", Payload::new().with(&1).expect("JSON")),
            ("binary", Payload::new().with("text").expect("JSON")),
            ("do", Payload::new().with("text").expect("JSON")),
        ] {
            let mut ann = poll_as(&program, "ann").await;
            ann.emit(name, payload).expect("sent");
            assert_eq!(next(&mut ann).await.0, "disconnected", "{name}");
        }
        bob.say("1", lobby(), "still here").await;
        assert_eq!(bob.event("said").await["id"], 1);
    })
    .await;
}
