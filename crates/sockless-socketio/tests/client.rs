//! The client for tokio against the server for tokio, over real TCP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use serde_json::json;
use sockless_session::reconnect::{Backoff, Settings};
use sockless_socketio::client::{AckError, Builder, Client, ConnectError, Event};
use sockless_socketio::engine::{self, client as engine_client};
use sockless_socketio::service::{Connecting, Refuse, Socket, SocketIo};
use sockless_socketio::socket::client::{DisconnectReason, Repeat};
use sockless_socketio::socket::{EmitError, Payload, Target};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const LONG: Duration = Duration::from_secs(20);

/// Says things back, asks, and does as it is asked.
async fn echo(mut socket: Socket) -> Ended {
    while let Some(mut event) = socket.recv().await {
        let payload = event.payload().clone();
        match event.name() {
            "say" => socket.emit("said", payload)?,
            "ask" => event.reply(payload)?,
            "ask me" => {
                let answer = socket.emit_with_ack("question", payload, LONG).await?;
                socket.emit("answered", answer)?;
            }
            "count" => {
                let (count,): (u32,) = event.read()?;
                for number in 0..count {
                    socket.emit("number", Payload::new().with(&number)?)?;
                }
            }
            "who" => {
                let auth: serde_json::Value = socket.connecting().auth()?;
                let token = socket.connecting().query("token");
                let field = socket.connecting().headers().get("x-field").cloned();
                let field = field.and_then(|field| field.to_str().map(str::to_owned).ok());
                event.reply(Payload::new().with(&auth)?.with(&token)?.with(&field)?)?;
            }
            "leave me" => socket.disconnect(),
            "cut me" => socket.close(),
            "ask all" => {
                let all = Target::all(socket.namespace().clone());
                let soon = Duration::from_millis(500);
                let asked = socket.io().broadcast_with_ack(&all, "here?", payload, soon)?;
                let (answers, missing) = asked.all().await;
                let mut said = Vec::new();
                for (id, answer) in answers {
                    let (number,): (u32,) = answer.read()?;
                    said.push((id.to_string(), number));
                }
                said.sort();
                let missing: Vec<_> = missing.iter().map(|id| id.to_string()).collect();
                socket.emit("answers", Payload::new().with(&said)?.with(&missing)?)?;
            }
            _ => {}
        }
    }
    Ok(())
}

async fn check(_: Connecting) -> Result<(), Refuse> {
    Err(Refuse::new("not you").with_data(&json!({ "code": 7 })).expect("JSON"))
}

/// A server that can be killed, and started again at the same place.
struct Server {
    at: SocketAddr,
    io: SocketIo,
    serving: JoinHandle<()>,
}

impl Server {
    async fn start(at: &str) -> Self {
        let io = SocketIo::builder()
            .with_engine(
                engine::Config::default()
                    .with_ping(Duration::from_millis(500), Duration::from_secs(10)),
            )
            .namespace("/", echo)
            .namespace("/news", echo)
            .namespace_if("/closed", check, echo)
            .build();
        let listener = loop {
            match TcpListener::bind(at).await {
                Ok(listener) => break listener,
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        };
        let at = listener.local_addr().expect("an address");
        let router = Router::new().route_service("/socket.io/", io.clone());
        let serving =
            tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        Self { at, io, serving }
    }

    fn url(&self) -> String {
        format!("http://{}", self.at)
    }

    /// Ends all sessions, and listens no more.
    async fn kill(self) -> String {
        self.serving.abort();
        let _ = self.serving.await;
        self.io.stop();
        self.at.to_string()
    }
}

/// Every way to reach a server.
fn ways(url: &str) -> [(&'static str, Builder); 3] {
    let way = |polling, websocket| Client::builder(url).with_transports(polling, websocket);
    [("polling", way(true, false)), ("websocket", way(false, true)), ("upgrade", way(true, true))]
}

fn quickly() -> Settings {
    let backoff = Backoff::new(Duration::from_millis(50), 100, Duration::from_millis(50));
    Settings::default().with_backoff(backoff)
}

async fn next(client: &mut Client) -> Event {
    let event = tokio::time::timeout(LONG, client.recv()).await;
    event.expect("in time").expect("an event")
}

async fn message(client: &mut Client) -> sockless_socketio::client::Received {
    match next(client).await {
        Event::Message(message) => message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn events_acknowledgements_and_bytes_go_both_ways_on_every_transport() -> Ended {
    let server = Server::start("127.0.0.1:0").await;
    for (name, builder) in ways(&server.url()) {
        let mut client = builder.connect().await?;
        assert!(client.is_connected() && client.id().is_some(), "{name}");
        let mut payload = Payload::new().with("text")?;
        payload.push_binary(vec![1, 2, 3]);
        client.emit("say", payload.clone())?;
        let said = message(&mut client).await;
        assert_eq!((said.name(), said.payload()), ("said", &payload), "{name}");
        assert_eq!(client.emit_with_ack("ask", payload.clone(), LONG).await?, payload, "{name}");
        client.emit("ask me", payload.clone())?;
        let mut question = message(&mut client).await;
        assert_eq!(question.name(), "question");
        question.reply(payload.clone())?;
        let answered = message(&mut client).await;
        assert_eq!((answered.name(), answered.payload()), ("answered", &payload), "{name}");
        client.emit("count", Payload::new().with(&500)?)?;
        for number in 0..500_u32 {
            assert_eq!(message(&mut client).await.read::<(u32,)>()?, (number,), "{name}");
        }
        let late = client.emit_with_ack("silence", Payload::new(), Duration::from_millis(10)).await;
        assert_eq!(late, Err(AckError::Unanswered));
        client.close().await;
        assert!(client.recv().await.is_none(), "{name}");
        assert_eq!(client.emit("say", Payload::new()), Err(EmitError::Disconnected));
    }
    Ok(())
}

#[tokio::test]
async fn a_session_changes_to_a_websocket_while_it_is_used() -> Ended {
    let server = Server::start("127.0.0.1:0").await;
    let mut client = Client::connect(&server.url()).await?;
    let mut heard = 0_u32;
    for number in 0..200_u32 {
        client.emit("say", Payload::new().with(&number)?)?;
        if number % 7 == 0 {
            assert_eq!(message(&mut client).await.read::<(u32,)>()?, (heard,));
            heard += 1;
        }
    }
    while heard < 200 {
        assert_eq!(message(&mut client).await.read::<(u32,)>()?, (heard,));
        heard += 1;
    }
    let upgraded = async {
        while !client.is_websocket() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, upgraded).await?;
    Ok(())
}

#[tokio::test]
async fn namespaces_share_a_connection_and_have_their_own_authentication() -> Ended {
    let server = Server::start("127.0.0.1:0").await;
    let url = format!("{}/?token=a%20b", server.url());
    let main = Client::builder(&url)
        .with_auth(|namespace| async move { json!({ "for": &*namespace }) })
        .with_field("x-field", "c")
        .connect()
        .await?;
    let news = main.join("/news").await?;
    let who = |client: &Client| {
        let client = client.sender();
        async move { client.emit_with_ack("who", Payload::new(), LONG).await }
    };
    assert_eq!(who(&main).await?.json(), r#"[{"for":"/"},"a b","c"]"#);
    assert_eq!(who(&news).await?.json(), r#"[{"for":"/news"},"a b","c"]"#);
    assert!(matches!(main.join("/news").await, Err(ConnectError::Taken)));
    // One of them goes, and the other doesn't notice.
    drop(news);
    assert!(main.is_connected());
    assert_eq!(who(&main).await?.json(), r#"[{"for":"/"},"a b","c"]"#);
    main.join("/news").await?;
    Ok(())
}

#[tokio::test]
async fn what_is_refused_says_why() -> Ended {
    let server = Server::start("127.0.0.1:0").await;
    for (path, message) in [("/closed", "not you"), ("/nowhere", "Invalid namespace")] {
        let connected = Client::connect(&format!("{}{path}", server.url())).await;
        let Err(ConnectError::Refused(refused)) = connected else { panic!("{connected:?}") };
        assert_eq!(refused.message(), message);
        if path == "/closed" {
            assert_eq!(refused.data::<serde_json::Value>()?, json!({ "code": 7 }));
        }
    }
    // Another path: there is nothing.
    for (name, builder) in ways(&server.url()) {
        let connected = builder.with_path("/elsewhere/").connect().await;
        let Err(ConnectError::Session { reason, .. }) = connected else { panic!("{connected:?}") };
        let refused = engine_client::Reason::Refused(404);
        assert_eq!(reason, DisconnectReason::Engine(refused), "{name}");
    }
    let url = format!("http://{}", server.kill().await);
    for (name, builder) in ways(&url) {
        let connected = builder.connect().await;
        let Err(ConnectError::Session { reason, detail }) = connected else { panic!("{name}") };
        assert_eq!(reason, DisconnectReason::Engine(engine_client::Reason::Unreachable), "{name}");
        assert!(detail.is_some_and(|detail| detail.contains("refused")), "{name}");
    }
    assert!(matches!(Client::connect("nowhere").await, Err(ConnectError::Url)));
    let field = Client::builder(&url).with_field("a b", "c").connect().await;
    assert!(matches!(field, Err(ConnectError::Field)));
    Ok(())
}

#[tokio::test]
async fn a_client_reconnects_when_its_server_is_killed_and_repeats_what_has_to_arrive() -> Ended {
    let calls = Arc::new(AtomicUsize::new(0));
    for number in 0..3 {
        let mut server = Server::start("127.0.0.1:0").await;
        let (name, builder) = ways(&server.url()).into_iter().nth(number).expect("a way");
        let counted = Arc::clone(&calls);
        let mut client = builder
            .with_reconnect(quickly())
            .with_auth(move |_| {
                let count = counted.fetch_add(1, Ordering::SeqCst);
                async move { json!({ "count": count }) }
            })
            .connect()
            .await?;
        let first = client.id();
        let at = server.kill().await;
        let Event::Disconnected(reason) = next(&mut client).await else { panic!("{name}") };
        assert!(matches!(reason, DisconnectReason::Engine(_)), "{name}: {reason}");
        assert_eq!(client.emit("say", Payload::new()), Err(EmitError::Disconnected), "{name}");
        // It waits for the next session.
        let sender = client.sender();
        let repeated = tokio::spawn(async move {
            let repeat = Repeat::new(10, Duration::from_secs(5));
            sender.emit_repeatedly("ask", Payload::new().with("again").expect("JSON"), repeat).await
        });
        tokio::time::sleep(Duration::from_millis(120)).await;
        server = Server::start(&at).await;
        loop {
            match next(&mut client).await {
                Event::Failed(_) => {}
                Event::Connected { recovered: false } => break,
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(repeated.await??.json(), r#"["again"]"#, "{name}");
        assert_ne!(client.id(), first, "{name}");
        let who = client.emit_with_ack("who", Payload::new(), LONG).await?;
        let (auth, ..): (serde_json::Value, Option<String>, Option<String>) = who.read()?;
        assert_eq!(auth["count"], calls.load(Ordering::SeqCst) - 1, "{name}");
        drop(client);
        server.kill().await;
    }
    Ok(())
}

#[tokio::test]
async fn a_client_that_the_server_disconnects_does_not_come_back() -> Ended {
    let server = Server::start("127.0.0.1:0").await;
    for (name, builder) in ways(&server.url()) {
        let mut client = builder.with_reconnect(quickly()).connect().await?;
        client.emit("leave me", Payload::new())?;
        let gone = next(&mut client).await;
        assert!(matches!(gone, Event::Disconnected(DisconnectReason::Server)), "{name}: {gone:?}");
        let end = tokio::time::timeout(LONG, client.recv()).await?;
        assert!(end.is_none(), "{name}: {end:?}");
    }
    // One whose session is closed does.
    let mut client = Client::builder(&server.url()).with_reconnect(quickly()).connect().await?;
    client.emit("cut me", Payload::new())?;
    assert!(matches!(next(&mut client).await, Event::Disconnected(DisconnectReason::Engine(_))));
    assert!(matches!(next(&mut client).await, Event::Connected { .. }));
    // And not if it mustn't.
    let mut client = Client::builder(&server.url()).without_reconnect().connect().await?;
    client.emit("cut me", Payload::new())?;
    assert!(matches!(next(&mut client).await, Event::Disconnected(_)));
    assert!(tokio::time::timeout(LONG, client.recv()).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn what_nobody_receives_holds_the_server_up_and_loses_nothing() -> Ended {
    let server = Server::start("127.0.0.1:0").await;
    for (name, builder) in ways(&server.url()) {
        let config = engine_client::Config::default().with_backlog(16, 1 << 20);
        let (polling, websocket) = (name != "websocket", name != "polling");
        let builder = builder.with_engine(config.with_transports(polling, websocket));
        let mut client = builder.connect().await?;
        client.emit("count", Payload::new().with(&3_000)?)?;
        tokio::time::sleep(Duration::from_millis(300)).await;
        for number in 0..3_000_u32 {
            assert_eq!(message(&mut client).await.read::<(u32,)>()?, (number,), "{name}");
        }
        // An acknowledgement waits in the same line.
        client.emit_with_ack("ask", Payload::new(), LONG).await?;
    }
    Ok(())
}

#[tokio::test]
async fn sessions_end_with_their_clients() -> Ended {
    let server = Server::start("127.0.0.1:0").await;
    for (name, builder) in ways(&server.url()) {
        let client = builder.connect().await?;
        client.emit("say", Payload::new())?;
        drop(client);
        let gone = async {
            while server.io.sockets() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(LONG, gone).await.is_ok(), "{name}");
    }
    Ok(())
}

#[tokio::test]
async fn an_event_for_many_is_acknowledged_by_those_who_answer() -> Ended {
    let server = Server::start("127.0.0.1:0").await;
    let (mut clients, mut ids) = (Vec::new(), Vec::new());
    for (_, builder) in ways(&server.url()) {
        let client = builder.connect().await?;
        ids.push(client.id().expect("connected"));
        clients.push(client);
    }
    // The last one asks, and doesn't answer itself.
    clients[2].emit("ask all", Payload::new().with("all")?)?;
    for (number, client) in (0_u32..).zip(&mut clients) {
        let mut question = message(client).await;
        assert_eq!((question.name(), question.payload().json()), ("here?", r#"["all"]"#));
        if number < 2 {
            question.reply(Payload::new().with(&number)?)?;
        }
    }
    let answers = message(&mut clients[2]).await;
    let (answered, missing): (Vec<(String, u32)>, Vec<String>) = answers.read()?;
    let mut expected = vec![(ids[0].clone(), 0), (ids[1].clone(), 1)];
    expected.sort();
    assert_eq!((answered, missing), (expected, vec![ids[2].clone()]));
    Ok(())
}
