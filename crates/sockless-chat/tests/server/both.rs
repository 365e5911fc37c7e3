//! Clients of sessions and clients of Socket.IO in the same rooms.

use serde_json::{Value, json};
use sockless_socketio::client::{Client as SocketIo, Event};
use sockless_socketio::socket::Payload;

use crate::client::{Client, in_time, lobby};
use crate::directory::Directory;
use crate::program::{Program, token_for};

async fn emit(client: &mut SocketIo, action: Value) {
    client.emit("do", Payload::new().with(&action).expect("JSON")).expect("sent");
}

/// The next event of the chat with this name.
async fn event(client: &mut SocketIo, name: &str) -> Value {
    loop {
        let Some(Event::Message(message)) = client.recv().await else { continue };
        let (event,): (Value,) = message.read().expect("JSON");
        if event["ev"] == name {
            return event;
        }
    }
}

#[tokio::test]
async fn they_hear_each_other_once() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &[]);
        let mut ann = Client::open(&program, "ann", 0).await;
        ann.event("messages").await;
        let url = format!("http://{}/?token={}", program.address, token_for("bob", 60));
        let mut bob = SocketIo::connect(&url).await.expect("open");
        emit(&mut bob, json!({ "do": "hello", "after": 0 })).await;
        assert_eq!(event(&mut bob, "welcome").await["you"], "bob");
        event(&mut bob, "messages").await;
        ann.say("1", lobby(), "to Socket.IO").await;
        assert_eq!(event(&mut bob, "message").await["message"]["text"], "to Socket.IO");
        let say = json!({ "do": "say", "key": "k", "to": lobby(), "text": "from Socket.IO" });
        emit(&mut bob, say.clone()).await;
        emit(&mut bob, say).await;
        assert_eq!(event(&mut bob, "said").await["id"], 2);
        assert_eq!(ann.event("message").await["message"]["text"], "from Socket.IO");
        emit(&mut bob, json!({ "do": "fly" })).await;
        assert_eq!(event(&mut bob, "refused").await["error"], "malformed");
        bob.close().await;
        assert_eq!(ann.event("presence").await["online"], false);
    })
    .await;
}

#[tokio::test]
async fn the_same_refusals_hold_for_both() {
    in_time(async {
        let directory = Directory::new();
        let program = Program::start(directory.path(), &["--requests-a-minute", "10"]);
        let open = "GET /socket.io/?EIO=4&transport=polling";
        let answer = program.ask(&format!("{open}\nOrigin: http://evil.example"), "");
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        for query in ["", "?token=x"] {
            let url = format!("http://{}/{query}", program.address);
            assert!(SocketIo::connect(&url).await.is_err());
        }
        let answers: Vec<_> = (0..12).map(|_| program.ask(open, "")).collect();
        assert!(answers.iter().any(|answer| answer.starts_with("HTTP/1.1 429 ")));
        assert!(program.ask("GET /socket.io.js", "").starts_with("HTTP/1.1 404 "));
    })
    .await;
}
