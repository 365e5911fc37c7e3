//! The service over real TCP: on axum, with clients that speak HTTP by hand, and WebSockets of `sockless-tokio`.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use sockless_socketio::engine::{self, Cors};
use sockless_socketio::service::{AckError, Builder, Refuse, Socket, SocketIo};
use sockless_socketio::socket::{DisconnectReason, EmitError, Namespace, Payload, Target};
use sockless_tokio::{Client, ClientOptions, Message, NetStream, WebSocket};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a port of its own, and its address.
async fn serving(builder: Builder) -> (SocketIo, SocketAddr) {
    let io = builder.build();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router: Router = Router::new().route_service("/socket.io/", io.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (io, address)
}

/// A client on a WebSocket, connected to the main namespace.
struct Talker(WebSocket<NetStream, Client>);

impl Talker {
    async fn open(address: SocketAddr, query: &str) -> Self {
        let url = format!("ws://{address}/socket.io/?EIO=4&transport=websocket{query}");
        let socket = sockless_tokio::connect_with(&url, ClientOptions::new()).await;
        let mut talker = Self(socket.expect("a WebSocket"));
        assert!(talker.hears().await.starts_with("0{"));
        talker
    }

    async fn connected(address: SocketAddr) -> Self {
        let mut talker = Self::open(address, "").await;
        talker.says("40").await;
        assert!(talker.hears().await.starts_with("40{"));
        talker
    }

    async fn says(&mut self, text: &str) {
        self.0.send(text).await.expect("sent");
    }

    /// The next message that is no ping; `closed` at the end.
    async fn hears(&mut self) -> String {
        loop {
            match timeout(PATIENCE, self.0.recv()).await.expect("in time") {
                Some(Ok(Message::Text(text))) if &*text == "2" => self.says("3").await,
                Some(Ok(Message::Text(text))) => return text.to_string(),
                Some(Ok(Message::Binary(data))) => return format!("{:?}", &data[..]),
                _ => return "closed".into(),
            }
        }
    }
}

/// Sends a request by hand: the whole answer.
async fn request(address: SocketAddr, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let length = body.len();
    let text =
        format!("{head}\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).await.expect("written");
    let mut answer = String::new();
    timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("in time").expect("text");
    answer
}

async fn poll(address: SocketAddr, query: &str) -> String {
    request(address, &format!("GET /socket.io/?EIO=4&transport=polling{query} HTTP/1.1"), "").await
}

async fn post(address: SocketAddr, sid: &str, body: &str) -> String {
    let head = format!("POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1");
    request(address, &head, body).await
}

/// The body of an answer.
fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("an answer").1
}

async fn opened(address: SocketAddr) -> String {
    let answer = poll(address, "").await;
    let hello: serde_json::Value = serde_json::from_str(&body(&answer)[1..]).expect("JSON");
    hello["sid"].as_str().expect("an id").to_owned()
}

/// Somebody may send a byte a second and never come to the end of a body.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_ends_is_given_up_with_its_session() {
    let (interval, wait) = (Duration::from_millis(200), Duration::from_millis(200));
    let config = engine::Config::default().with_ping(interval, wait);
    let (_, address) = serving(SocketIo::builder().with_engine(config).namespace("/", echo)).await;
    let sid = opened(address).await;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = format!(
        "POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("written");
    let (mut answer, mut writes) = stream.into_split();
    let dripping = tokio::spawn(async move {
        while writes.write_all(b"4").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let mut first = [0; 12];
    let answered = timeout(10 * wait, answer.read_exact(&mut first)).await;
    dripping.abort();
    answered.expect("in time").expect("an answer");
    assert_eq!(&first, b"HTTP/1.1 400");
    let answer = poll(address, &format!("&sid={sid}")).await;
    assert!(answer.contains(r#""code":1"#), "the session is still there: {answer}");
}

/// Sends back what it receives, with an acknowledgement for those who ask.
async fn echo(mut socket: Socket) {
    while let Some(mut event) = socket.recv().await {
        let payload = event.payload().clone();
        event.reply(payload.clone()).expect("sent");
        socket.emit("back", payload).expect("sent");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_and_attachments_go_both_ways() {
    let (_, address) = serving(SocketIo::builder().namespace("/", echo)).await;
    let mut talker = Talker::connected(address).await;
    talker.says(r#"427["a",{"b":"é"}]"#).await;
    assert_eq!(talker.hears().await, r#"437[{"b":"é"}]"#);
    assert_eq!(talker.hears().await, r#"42["back",{"b":"é"}]"#);
    talker.says(r#"451-["a",{"_placeholder":true,"num":0}]"#).await;
    talker.0.send(vec![1, 2, 3]).await.expect("sent");
    assert_eq!(talker.hears().await, r#"451-["back",{"_placeholder":true,"num":0}]"#);
    assert_eq!(talker.hears().await, "[1, 2, 3]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn polling_serves_the_same() {
    let (_, address) = serving(SocketIo::builder().namespace("/", echo)).await;
    let sid = opened(address).await;
    assert_eq!(body(&post(address, &sid, "40").await), "ok");
    let query = format!("&sid={sid}");
    assert!(body(&poll(address, &query).await).starts_with("40{"));
    assert_eq!(body(&post(address, &sid, "421[\"a\",1]\x1e42[\"b\"]").await), "ok");
    let mut packets = Vec::new();
    while packets.len() < 3 {
        let answer = poll(address, &query).await;
        packets.extend(body(&answer).split('\x1e').map(str::to_owned));
    }
    assert_eq!(packets, ["431[1]", "42[\"back\",1]", "42[\"back\"]"]);
    let answer = post(address, &sid, "1").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    // The poll that may have been on its way, and no other.
    assert_eq!(body(&poll(address, &query).await), "6");
    assert!(poll(address, &query).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_is_too_long_is_413_and_not_read() {
    let config = engine::Config::default().with_max_payload(1_000);
    let builder = SocketIo::builder().with_engine(config).namespace("/", echo);
    let (_, address) = serving(builder).await;
    let sid = opened(address).await;
    let answer = post(address, &sid, &"4".repeat(1_001)).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    assert!(poll(address, &format!("&sid={sid}")).await.starts_with("HTTP/1.1 400"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_gives_a_poll_up_has_ended_its_session() {
    let (_, address) = serving(SocketIo::builder().namespace("/", echo)).await;
    let sid = opened(address).await;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head =
        format!("GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n\r\n");
    stream.write_all(head.as_bytes()).await.expect("written");
    // The server has begun the poll once a second one is an error.
    let second = poll(address, &format!("&sid={sid}")).await;
    assert!(second.starts_with("HTTP/1.1 400") || body(&second) == "1", "{second}");
    drop(stream);
    assert!(poll(address, &format!("&sid={sid}")).await.starts_with("HTTP/1.1 400"));

    let sid = opened(address).await;
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    let head = head.replace("GET", "POST").replace("Host: x", "Host: x\r\nContent-Length: 10");
    let old = head.split("sid=").nth(1).and_then(|rest| rest.split(' ').next()).expect("an id");
    stream.write_all(head.replace(old, &sid).as_bytes()).await.expect("written");
    stream.write_all(b"40").await.expect("written");
    drop(stream);
    // Either the lost body has ended it, or it does so now.
    timeout(PATIENCE, async {
        while post(address, &sid, "40").await.starts_with("HTTP/1.1 200") {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await
    .expect("in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn origins_are_checked_and_told() {
    let builder = SocketIo::builder().namespace("/", echo);
    let cors = Cors::these(["https://ours.example"]).with_credentials();
    let (_, address) = serving(builder.with_cors(cors)).await;
    let ask = |method: &str, origin: &str, more: &str| {
        format!("{method} /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nOrigin: {origin}{more}")
    };
    let answer = request(address, &ask("GET", "https://ours.example", ""), "").await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("access-control-allow-origin: https://ours.example"), "{answer}");
    assert!(answer.contains("access-control-allow-credentials: true"), "{answer}");
    let answer = request(address, &ask("GET", "https://other.example", ""), "").await;
    assert!(answer.starts_with("HTTP/1.1 403"), "{answer}");
    assert_eq!(body(&answer), r#"{"code":4,"message":"Forbidden"}"#);
    let more = "\r\nAccess-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-a";
    let answer = request(address, &ask("OPTIONS", "https://ours.example", more), "").await;
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.contains("access-control-allow-headers: x-a"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_is_checked_before_it_is_accepted() {
    let check = |connecting: sockless_socketio::service::Connecting| async move {
        #[derive(serde::Deserialize)]
        struct Auth {
            token: String,
        }
        match connecting.auth::<Auth>() {
            Ok(auth) if Some(&auth.token) == connecting.query("token").as_ref() => Ok(()),
            Ok(_) => Err(Refuse::new("wrong")
                .with_data(&serde_json::json!({ "try": "again" }))
                .expect("JSON")),
            Err(_) => Err("no token".into()),
        }
    };
    let builder = SocketIo::builder().namespace_if("/", check, echo).others_if(
        |connecting| async move {
            match connecting.namespace().starts_with("/room-") {
                true => Ok(()),
                false => Err(Refuse::new("Invalid namespace")),
            }
        },
        echo,
    );
    let (io, address) = serving(builder).await;
    let mut talker = Talker::open(address, "&token=a%20b").await;
    talker.says("40").await;
    assert_eq!(talker.hears().await, r#"44{"message":"no token"}"#);
    talker.says(r#"40{"token":"x"}"#).await;
    assert_eq!(talker.hears().await, r#"44{"message":"wrong","data":{"try":"again"}}"#);
    talker.says(r#"40{"token":"a b"}"#).await;
    assert!(talker.hears().await.starts_with("40{"));
    talker.says("40/room-1").await;
    assert!(talker.hears().await.starts_with("40/room-1,{"));
    talker.says("40/hall").await;
    assert_eq!(talker.hears().await, r#"44/hall,{"message":"Invalid namespace"}"#);
    assert_eq!(io.sockets(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_asks_and_sends_to_many() {
    let (sends, mut sockets) = mpsc::unbounded_channel();
    let handler = move |mut socket: Socket| {
        let sends = sends.clone();
        async move {
            sends.send(socket.sender()).expect("the test waits");
            while socket.recv().await.is_some() {}
        }
    };
    let (io, address) = serving(SocketIo::builder().namespace("/", handler)).await;
    let mut ann = Talker::connected(address).await;
    let anns = sockets.recv().await.expect("a socket");
    let mut bob = Talker::connected(address).await;
    let bobs = sockets.recv().await.expect("a socket");

    let asking = tokio::spawn({
        let anns = anns.clone();
        async move { anns.emit_with_ack("q", Payload::new(), PATIENCE).await }
    });
    assert_eq!(ann.hears().await, r#"420["q"]"#);
    ann.says("430[42]").await;
    let answer = asking.await.expect("no panic").expect("an answer");
    assert_eq!(answer.read::<(u8,)>().expect("a number"), (42,));
    let unanswered = anns.emit_with_ack("q", Payload::new(), Duration::from_millis(20)).await;
    assert_eq!(unanswered, Err(AckError::Unanswered));
    assert_eq!(ann.hears().await, r#"421["q"]"#);

    assert_eq!(io.broadcast(&anns.others(), "hi", Payload::new()), Ok((1, 0)));
    assert_eq!(bob.hears().await, r#"42["hi"]"#);
    assert!(bobs.join("news"));
    let news = Target::all(Namespace::main()).to("news");
    assert_eq!(io.find(&news).iter().map(|sender| sender.id()).collect::<Vec<_>>(), [bobs.id()]);
    assert_eq!(bobs.rooms().len(), 2);

    bobs.disconnect();
    assert_eq!(bob.hears().await, "41");
    assert!(!bobs.is_connected());
    assert_eq!(bobs.emit("x", Payload::new()), Err(EmitError::Disconnected));
    anns.close();
    assert_eq!(ann.hears().await, "closed");
}

/// A server that receives numbers of each client once that is allowed, and says which, and that the client has gone.
async fn counting(
    open: &Arc<Notify>,
    sends: mpsc::UnboundedSender<Result<usize, Option<DisconnectReason>>>,
) -> SocketAddr {
    let open = Arc::clone(open);
    let handler = move |mut socket: Socket| {
        let (open, sends) = (Arc::clone(&open), sends.clone());
        async move {
            open.notified().await;
            while let Some(event) = socket.recv().await {
                let (number,): (usize,) = event.read().expect("a number");
                let _ = sends.send(Ok(number));
            }
            // The test may be over.
            let _ = sends.send(Err(socket.reason()));
        }
    };
    let (_, address) = serving(SocketIo::builder().namespace("/", handler)).await;
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_whose_events_nobody_receives_waits_and_loses_nothing() {
    let open = Arc::new(Notify::new());
    let (sends, mut received) = mpsc::unbounded_channel();
    let address = counting(&open, sends).await;
    let sid = opened(address).await;
    post(address, &sid, "40").await;
    let numbers: Vec<_> = (0..1_000).map(|number| format!("42[\"n\",{number}]")).collect();
    let posting = tokio::spawn(async move { post(address, &sid, &numbers.join("\x1e")).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!posting.is_finished(), "it is answered once all was taken");
    open.notify_one();
    for expected in 0..1_000 {
        assert_eq!(timeout(PATIENCE, received.recv()).await.expect("in time"), Some(Ok(expected)));
    }
    assert_eq!(body(&posting.await.expect("no panic")), "ok");

    // The same on a WebSocket.
    let mut talker = Talker::connected(address).await;
    for number in 0..1_000 {
        talker.says(&format!("42[\"n\",{number}]")).await;
    }
    talker.0.flush().await.expect("written");
    open.notify_one();
    for expected in 0..1_000 {
        assert_eq!(timeout(PATIENCE, received.recv()).await.expect("in time"), Some(Ok(expected)));
    }
}

/// How a client goes right behind its events.
#[derive(Clone, Copy, Debug)]
enum Going {
    Namespace,
    Session,
    CloseFrame,
    Vanishing,
    RuleBreaking,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_arrive_together_with_the_end_are_all_received_before_it() {
    const EVENTS: usize = 200;
    let open = Arc::new(Notify::new());
    let (sends, mut received) = mpsc::unbounded_channel();
    let address = counting(&open, sends).await;
    let goings = [
        Going::Namespace,
        Going::Session,
        Going::CloseFrame,
        Going::Vanishing,
        Going::RuleBreaking,
    ];
    for going in goings {
        for waits in [false, true] {
            let mut talker = Talker::connected(address).await;
            if !waits {
                open.notify_one();
            }
            for number in 0..EVENTS {
                talker.0.feed(format!("42[\"n\",{number}]")).await.expect("queued");
            }
            let last = match going {
                Going::Namespace => Some("41"),
                Going::Session => Some("1"),
                Going::RuleBreaking => Some("4?"),
                Going::CloseFrame | Going::Vanishing => None,
            };
            if let Some(last) = last {
                talker.0.feed(last).await.expect("queued");
            }
            if let Going::CloseFrame = going {
                talker.0.start_close(None, "").expect("open");
            }
            talker.0.flush().await.expect("written");
            if let Going::Vanishing = going {
                drop(talker);
            }
            if waits {
                tokio::time::sleep(Duration::from_millis(50)).await;
                open.notify_one();
            }
            for expected in 0..EVENTS {
                let next = timeout(PATIENCE, received.recv()).await.expect("in time");
                assert_eq!(next, Some(Ok(expected)), "{going:?}, waits: {waits}");
            }
            let end = timeout(PATIENCE, received.recv()).await.expect("in time");
            assert!(matches!(end, Some(Err(Some(_)))), "{going:?}: {end:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handler_learns_why_its_client_has_gone_and_ends_it_by_returning() {
    let (sends, mut reasons) = mpsc::unbounded_channel();
    let handler = move |mut socket: Socket| {
        let sends = sends.clone();
        async move {
            while let Some(event) = socket.recv().await {
                if event.name() == "bye" {
                    return;
                }
            }
            sends.send(socket.reason()).expect("the test waits");
        }
    };
    let (io, address) = serving(SocketIo::builder().namespace("/", handler)).await;
    let mut talker = Talker::connected(address).await;
    talker.says("41").await;
    let reason = timeout(PATIENCE, reasons.recv()).await.expect("in time").flatten();
    assert_eq!(reason, Some(DisconnectReason::ClientNamespaceDisconnect));
    let mut talker = Talker::connected(address).await;
    talker.says("42[\"bye\"]").await;
    assert_eq!(talker.hears().await, "41");
    let mut talker = Talker::connected(address).await;
    io.stop();
    assert_eq!(talker.hears().await, "closed");
    let reason = timeout(PATIENCE, reasons.recv()).await.expect("in time").flatten();
    assert_eq!(reason, Some(DisconnectReason::ServerShuttingDown));
    assert!(poll(address, "").await.starts_with("HTTP/1.1 503"));
    assert_eq!(io.sockets(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_is_given_up_by_the_heartbeat() {
    let (sends, mut reasons) = mpsc::unbounded_channel();
    let handler = move |mut socket: Socket| {
        let sends = sends.clone();
        async move {
            let mut large = Payload::new();
            large.push_binary(vec![0; 100_000]);
            while socket.emit("large", large.clone()).is_ok() {}
            while socket.recv().await.is_some() {}
            sends.send(socket.reason()).expect("the test waits");
        }
    };
    let config = engine::Config::default()
        .with_ping(Duration::from_millis(200), Duration::from_millis(200))
        .with_queue(1_000, 20_000_000);
    let builder = SocketIo::builder().with_engine(config).namespace("/", handler);
    let (io, address) = serving(builder).await;
    let mut talker = Talker::open(address, "").await;
    talker.says("40").await;
    let reason = timeout(PATIENCE, reasons.recv()).await.expect("in time").flatten();
    assert_eq!(reason, Some(DisconnectReason::Engine(engine::Reason::PingTimeout)));
    assert_eq!(io.sockets(), 0);
}
