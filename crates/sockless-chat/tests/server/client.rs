//! A client that talks through the program.

use std::time::Duration;

use serde_json::{Value, json};
use sockless_tokio::Message;
use sockless_tokio::session::{Event, Options, Reliable};

use crate::program::{Program, token_for};

pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    // For machines that are busy with something else.
    tokio::time::timeout(Duration::from_secs(240), future).await.expect("within four minutes")
}

/// Somebody's session.
pub(crate) struct Client {
    pub(crate) session: Reliable,
}

impl Client {
    /// A session that has said hello.
    pub(crate) async fn open(program: &Program, who: &str, after: u64) -> Self {
        let url = format!("ws://{}/chat?token={}", program.address, token_for(who, 3600));
        let session = Reliable::connect(&url, (), Options::new());
        let client = Self { session };
        client.send(json!({ "do": "hello", "after": after })).await;
        client
    }

    pub(crate) async fn send(&self, action: Value) {
        self.session.send(action.to_string()).await.expect("it goes on");
    }

    pub(crate) async fn say(&self, key: &str, to: Value, text: &str) {
        self.send(json!({ "do": "say", "key": key, "to": to, "text": text })).await;
    }

    pub(crate) async fn message(&mut self) -> Message {
        loop {
            match self.session.recv().await.expect("it goes on") {
                Event::Message { message, .. } => return message,
                Event::Ended { end, .. } => panic!("{end:?}"),
                _ => {}
            }
        }
    }

    /// The next event with this name.
    pub(crate) async fn event(&mut self, name: &str) -> Value {
        loop {
            let message = self.message().await;
            let Some(text) = message.as_text() else { continue };
            let event: Value = serde_json::from_str(text).expect("JSON");
            if event["ev"] == name {
                return event;
            }
        }
    }
}

pub(crate) fn lobby() -> Value {
    json!({ "room": "lobby" })
}
