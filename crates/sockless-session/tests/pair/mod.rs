//! A client and a server joined by nothing but a test: what one says the other hears, at once.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;
use std::time::Duration;

use sockless_session::reliable::{
    Config, Incoming, Kind, Link, LinkError, Message, Opening, Output, Received, Session, SessionId,
};

pub(crate) const ID: SessionId =
    SessionId::from_bytes(*b"\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff");

/// A point in time.
pub(crate) fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A client and a server, and the connection between them.
#[derive(Debug)]
pub(crate) struct Pair {
    pub(crate) client: Session<Message>,
    pub(crate) server: Session<Message>,
    pub(crate) up: Link,
    pub(crate) down: Link,
    pub(crate) now: Duration,
    /// Everything that was said, `>` by the client and `<` by the server.
    pub(crate) trace: Vec<String>,
}

/// The message as the session takes it.
pub(crate) fn incoming(kind: Kind, bytes: &[u8]) -> Incoming<'_> {
    match kind {
        Kind::Text => Incoming::Text(std::str::from_utf8(bytes).expect("text is UTF-8")),
        Kind::Binary => Incoming::Binary(bytes),
    }
}

fn show(arrow: char, kind: Kind, bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes).replace('\u{10}', "␐");
    match kind {
        Kind::Text => format!("{arrow} {text}"),
        Kind::Binary => format!("{arrow} (binary) {text}"),
    }
}

/// A client and its opening.
pub(crate) fn hello(config: &Arc<Config>) -> (Session<Message>, Link, String) {
    let mut client = Session::client_with_id(config.clone(), ID);
    let link = client.connect(at(0)).expect("it is new");
    let Some(Output::Text(text)) = client.poll_output(link, at(0)) else { panic!("no opening") };
    (client, link, text)
}

/// What a session wants to say now.
pub(crate) fn says(session: &mut Session<Message>, link: Link, now: Duration) -> Vec<String> {
    let mut said = Vec::new();
    while let Some(output) = session.poll_output(link, now) {
        if let Output::Close(reason) = output {
            said.push(format!("close {}", reason.code()));
            break;
        }
        let mut bytes = Vec::new();
        let kind = output.write_to(&mut bytes).expect("a message");
        said.push(show(' ', kind, &bytes)[2..].to_string());
    }
    said
}

impl Pair {
    /// Both are open.
    pub(crate) fn open(client: Config, server: Config) -> Self {
        let (client, server) = (Arc::new(client), Arc::new(server));
        let (mut client, up, first) = hello(&client);
        let opening = Opening::parse(Incoming::Text(&first)).expect("an opening");
        let (mut server, down) = Session::server(server, &opening, at(0));
        let Some(Output::Text(welcome)) = server.poll_output(down, at(0)) else { panic!() };
        let opened = client.receive(up, Incoming::Text(&welcome), at(0));
        assert!(matches!(opened, Ok(Received::Opened { resumed: false, .. })));
        let trace = vec![
            show('>', Kind::Text, first.as_bytes()),
            show('<', Kind::Text, welcome.as_bytes()),
        ];
        Self { client, server, up, down, now: at(0), trace }
    }

    pub(crate) fn usual() -> Self {
        Self::open(Config::default(), Config::default())
    }

    /// One message, from the client or from the server, if it has one: what the other makes of it.
    pub(crate) fn one(&mut self, from_client: bool) -> Option<Result<String, LinkError>> {
        let (from, to, link, other, arrow) = if from_client {
            (&mut self.client, &mut self.server, self.up, self.down, '>')
        } else {
            (&mut self.server, &mut self.client, self.down, self.up, '<')
        };
        let output = from.poll_output(link, self.now)?;
        if let Output::Close(reason) = output {
            self.trace.push(format!("{arrow} close {}", reason.code()));
            return None;
        }
        let mut bytes = Vec::new();
        let kind = output.write_to(&mut bytes).expect("a message");
        self.trace.push(show(arrow, kind, &bytes));
        let received = to.receive(other, incoming(kind, &bytes), self.now);
        Some(received.map(|received| format!("{received:?}")))
    }

    /// Everything that both have to say, until nobody says anything.
    pub(crate) fn talk(&mut self) {
        loop {
            let client = self.one(true);
            let server = self.one(false);
            for said in [&client, &server].into_iter().flatten() {
                assert!(said.is_ok(), "{said:?} after {:#?}", self.trace);
            }
            if client.is_none() && server.is_none() {
                return;
            }
        }
    }

    /// The time at which every ack is due has come.
    pub(crate) fn later(&mut self) {
        self.now += Duration::from_secs(1);
        self.talk();
    }

    /// The connection is lost, and another one takes its place.
    pub(crate) fn reconnect(&mut self) {
        self.client.lost(self.up);
        self.server.lost(self.down);
        self.trace.push("(the connection is lost)".into());
        self.resume();
    }

    /// The client connects, and the server answers.
    pub(crate) fn resume(&mut self) {
        self.up = self.client.connect(self.now).expect("it hasn't ended");
        let first = self.client.poll_output(self.up, self.now);
        let Some(Output::Text(first)) = first else { panic!("no opening") };
        self.trace.push(show('>', Kind::Text, first.as_bytes()));
        let opening = Opening::parse(Incoming::Text(&first)).expect("an opening");
        match self.server.resume(&opening, self.now) {
            Ok(link) => self.down = link,
            Err(refusal) => {
                let text = refusal.text();
                self.trace.push(show('<', Kind::Text, text.as_bytes()));
                let received = self.client.receive(self.up, Incoming::Text(&text), self.now);
                if let Ok(Received::Retried(link)) = received {
                    self.up = link;
                }
            }
        }
    }
}
