//! The client of this crate against another server, which `peers/run.py` starts: `cargo run -p sockless-socketio --features
//! client,msgpack --example talk URL [msgpack]`. Its last line says how many checks there were. When it writes `restart`, the server is to be killed and started
//! again.

#![allow(clippy::print_stdout, reason = "a program talks to its user")]

use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;

use serde_json::json;
use sockless_session::reconnect::{Backoff, Settings};
use sockless_socketio::client::{Client, ConnectError, Event, Received};
use sockless_socketio::socket::client::{DisconnectReason, Repeat};
use sockless_socketio::socket::{Config, Parser, Payload};
use tokio::time::{sleep, timeout};

type Failure = Box<dyn Error + Send + Sync>;

const LONG: Duration = Duration::from_secs(10);

/// Counts what was compared.
#[derive(Default)]
struct Checks(u32);

impl Checks {
    fn same<T: PartialEq + Debug>(
        &mut self,
        actual: T,
        expected: T,
        what: &str,
    ) -> Result<(), Failure> {
        if actual != expected {
            return Err(format!("{what}: {actual:?} is not {expected:?}").into());
        }
        self.0 += 1;
        Ok(())
    }
}

async fn next(client: &mut Client) -> Result<Event, Failure> {
    timeout(LONG, client.recv()).await?.ok_or_else(|| "no more events".into())
}

/// The next event of the server, which has this name.
async fn message(client: &mut Client, name: &str) -> Result<Received, Failure> {
    match next(client).await? {
        Event::Message(message) if message.name() == name => Ok(message),
        other => Err(format!("{name} was expected, and {other:?} came").into()),
    }
}

fn builder(url: &str, (polling, websocket): (bool, bool)) -> sockless_socketio::client::Builder {
    let backoff = Backoff::new(Duration::from_millis(50), 100, Duration::from_millis(50));
    let parser = match std::env::args().nth(2).as_deref() {
        Some("msgpack") => Parser::MessagePack,
        _ => Parser::Json,
    };
    Client::builder(url)
        .with_sockets(Config::default().with_parser(parser))
        .with_transports(polling, websocket)
        .with_reconnect(Settings::default().with_backoff(backoff))
        .with_auth(|namespace| async move { json!({ "token": "é😀", "for": &*namespace }) })
}

async fn talk(url: &str, way: (bool, bool), checks: &mut Checks) -> Result<(), Failure> {
    let mut client = builder(&format!("{url}/?token=a%20b"), way).connect().await?;
    let said = message(&mut client, "auth").await?;
    let (auth, token): (serde_json::Value, String) = said.read()?;
    checks.same(auth, json!({ "token": "é😀", "for": "/" }), "the authentication")?;
    checks.same(&*token, "a b", "the query")?;

    // A burst, which goes on while the transport changes.
    for number in 0..1_000_u32 {
        client.emit("say", Payload::new().with(&number)?)?;
        if number % 100 == 0 {
            sleep(Duration::from_millis(5)).await;
        }
    }
    for number in 0..1_000_u32 {
        let (heard,): (u32,) = message(&mut client, "said").await?.read()?;
        checks.same(heard, number, "a burst, in order")?;
    }
    if way == (true, true) {
        timeout(LONG, async {
            while !client.is_websocket() {
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await?;
    }
    checks.same(client.is_websocket(), way.1, "the transport")?;

    let mut payload =
        Payload::new().with("日本語 \u{1e} \"")?.with(&json!({ "deep": [1, null] }))?;
    payload.push_binary(vec![1, 2, 3]);
    payload.push_binary(Vec::new());
    client.emit("say", payload.clone())?;
    let (text, deep, first, last): (String, serde_json::Value, _, _) =
        message(&mut client, "said").await?.read()?;
    checks.same(
        (&*text, &deep),
        ("日本語 \u{1e} \"", &json!({ "deep": [1, null] })),
        "text and JSON",
    )?;
    let bytes = |place| payload.attachment(place).map(|bytes| bytes.to_vec());
    checks.same((bytes(first), bytes(last)), (Some(vec![1, 2, 3]), Some(Vec::new())), "bytes")?;

    // More than fits in one body.
    let long = "x".repeat(60_000);
    for _ in 0..3 {
        client.emit("say", Payload::new().with(&long)?)?;
    }
    for _ in 0..3 {
        let (heard,): (String,) = message(&mut client, "said").await?.read()?;
        checks.same(heard.len(), long.len(), "long messages")?;
    }

    let answer = client.emit_with_ack("ask", payload.clone(), LONG).await?;
    checks.same(answer, payload.clone(), "an acknowledgement")?;
    client.emit("ask me", Payload::new().with(&41)?)?;
    let mut question = message(&mut client, "question").await?;
    let (number,): (u32,) = question.read()?;
    question.reply(Payload::new().with(&(number + 1))?)?;
    let (number,): (u32,) = message(&mut client, "answered").await?.read()?;
    checks.same(number, 42, "an acknowledgement of the client's")?;

    let mut news = client.join("/news").await?;
    let (auth, _): (serde_json::Value, String) = message(&mut news, "auth").await?.read()?;
    checks.same(auth, json!({ "token": "é😀", "for": "/news" }), "a second namespace")?;
    let refused = client.join("/closed").await;
    let Err(ConnectError::Refused(refused)) = refused else { return Err("not refused".into()) };
    checks.same(refused.message(), "not you", "a refusal")?;
    checks.same(refused.data::<serde_json::Value>()?, json!({ "code": 7 }), "its data")?;
    let Err(ConnectError::Refused(refused)) = client.join("/nowhere").await else {
        return Err("not refused".into());
    };
    checks.same(refused.message(), "Invalid namespace", "a namespace that isn't there")?;
    news.emit("leave me", Payload::new())?;
    let gone = next(&mut news).await?;
    let by_server = matches!(gone, Event::Disconnected(DisconnectReason::Server));
    checks.same(by_server, true, "disconnected by the server")?;
    checks.same(timeout(LONG, news.recv()).await?.is_none(), true, "and not connected again")?;

    // Several pings.
    sleep(Duration::from_millis(1_000)).await;
    checks.same(client.is_connected(), true, "the heartbeat")?;

    let id = client.id();
    client.emit("cut me", Payload::new())?;
    let gone = next(&mut client).await?;
    checks.same(matches!(gone, Event::Disconnected(_)), true, "cut")?;
    let back = next(&mut client).await?;
    checks.same(matches!(back, Event::Connected { recovered: true }), true, "recovered")?;
    for number in 0..3_u32 {
        let (missed,): (u32,) = message(&mut client, "missed").await?.read()?;
        checks.same(missed, number, "what was missed")?;
    }
    message(&mut client, "auth").await?;
    checks.same(client.id(), id, "the same id")?;

    println!("restart");
    let gone = next(&mut client).await?;
    checks.same(matches!(gone, Event::Disconnected(_)), true, "the server was killed")?;
    let sender = client.sender();
    let repeated = async move {
        let repeat = Repeat::new(100, Duration::from_secs(5));
        sender
            .emit_repeatedly("ask", Payload::new().with("again")?, repeat)
            .await
            .map_err(Failure::from)
    };
    let returned = async {
        loop {
            match next(&mut client).await? {
                Event::Failed(_) => {}
                Event::Connected { recovered } => return Ok::<_, Failure>(recovered),
                other => return Err(format!("{other:?}").into()),
            }
        }
    };
    let (answer, recovered) = tokio::join!(repeated, returned);
    checks.same(recovered?, false, "a new server knows nothing")?;
    checks.same(answer?.json(), r#"["again"]"#, "what was repeated")?;
    message(&mut client, "auth").await?;
    client.close().await;
    checks.same(client.recv().await.is_none(), true, "closed")
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let url = std::env::args().nth(1).ok_or("which URL?")?;
    let mut checks = Checks::default();
    for (name, way) in [
        ("long-polling", (true, false)),
        ("WebSocket", (false, true)),
        ("long-polling, then WebSocket", (true, true)),
    ] {
        let before = checks.0;
        talk(&url, way, &mut checks).await.map_err(|error| format!("{name}: {error}"))?;
        println!("{name}: {} checks", checks.0 - before);
    }
    println!("{} checks hold", checks.0);
    Ok(())
}
