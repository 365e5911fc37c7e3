//! Handlers by the names of events, with arguments that are taken from them; the client of this crate sends.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sockless_socketio::client::{AckError, Client, Event};
use sockless_socketio::service::{
    Auth, Builder, Connecting, Data, Events, Extension, Refuse, Reply, Sender, Socket, SocketIo,
    Unfit,
};
use sockless_socketio::socket::{DisconnectReason, Payload, Target};
use tokio::sync::mpsc;

type Done = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const LONG: Duration = Duration::from_secs(20);

async fn serving(builder: Builder) -> String {
    let io = builder.build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router: Router = Router::new()
        .route_service("/socket.io/", io)
        .layer(axum::Extension(Arc::new("the application's".to_owned())));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
}

#[derive(Deserialize)]
struct Token {
    token: String,
}

/// Answers with what the handler has got.
async fn answer<T: Serialize>(reply: Reply, what: T) -> Done {
    assert!(reply.is_wanted());
    Ok(reply.send(Payload::new().with(&what)?)?)
}

async fn asked(client: &Client, name: &str, payload: Payload) -> Result<String, AckError> {
    let timeout = Duration::from_secs(5);
    Ok(client.emit_with_ack(name, payload, timeout).await?.json().to_owned())
}

#[tokio::test]
async fn handlers_get_what_their_arguments_name() -> Done {
    let (unfit, mut unfits) = mpsc::unbounded_channel();
    let connected = move |_: &Socket| {
        let unfit = unfit.clone();
        Events::new()
            .on("one", |Data(text): Data<String>, reply: Reply| answer(reply, text))
            .on("point", |Data(point): Data<Point>, reply: Reply| answer(reply, point.x))
            .on("two", |Data((a, b)): Data<(u32, u32)>, reply: Reply| answer(reply, a + b))
            .on("many", |Data(all): Data<Vec<u32>>, reply: Reply| answer(reply, all.len()))
            .on("bytes", |payload: Payload, reply: Reply| async move { reply.send(payload) })
            .on("who", |socket: Sender, Auth(auth): Auth<Token>, asks: Connecting, reply: Reply| {
                answer(reply, (socket.namespace().as_str().to_owned(), auth.token, asks.query("q")))
            })
            .on("app", |Extension(app): Extension<Arc<String>>, reply: Reply| {
                answer(reply, app.to_string())
            })
            .on("no app", |Extension(_): Extension<u8>, reply: Reply| answer(reply, 0))
            .on("nothing", || async {})
            .on_other(|payload: Payload, reply: Reply| {
                answer(reply, format!("? {}", payload.json()))
            })
            .on_unfit(move |call, why: Unfit| drop(unfit.send((call.name().to_owned(), why))))
    };
    let url = serving(SocketIo::builder().on("/chat", connected)).await;
    let client = Client::builder(&format!("{url}/chat?q=7"))
        .with_auth(|_| async { json!({ "token": "t" }) })
        .connect()
        .await?;
    let mut bytes = Payload::new().with(&1)?;
    bytes.push_binary(vec![1, 2]);
    for (name, payload, expected) in [
        ("one", Payload::new().with("a")?, r#"["a"]"#),
        ("point", Payload::new().with(&Point { x: 3 })?, "[3]"),
        ("two", Payload::new().with(&1)?.with(&2)?, "[3]"),
        ("many", Payload::new().with(&1)?.with(&2)?.with(&3)?, "[3]"),
        ("many", Payload::new(), "[0]"),
        ("bytes", bytes, r#"[1,{"_placeholder":true,"num":0}]"#),
        ("who", Payload::new(), r#"[["/chat","t","7"]]"#),
        ("app", Payload::new(), r#"["the application's"]"#),
        ("unknown", Payload::new().with(&1)?, r#"["? [1]"]"#),
    ] {
        assert_eq!(asked(&client, name, payload).await?, expected, "{name}");
    }
    // What doesn't fit is handled by nobody, and said.
    client.emit("nothing", Payload::new())?;
    client.emit("two", Payload::new().with(&1)?)?;
    client.emit("no app", Payload::new())?;
    let (name, why) = unfits.recv().await.expect("said");
    assert_eq!((&*name, matches!(why, Unfit::Data(_))), ("two", true));
    let (name, why) = unfits.recv().await.expect("said");
    assert_eq!((&*name, matches!(why, Unfit::Extension("u8"))), ("no app", true));
    Ok(())
}

#[tokio::test]
async fn events_are_handled_one_after_the_other_and_the_end_is_said() -> Done {
    let (ended, mut ends) = mpsc::unbounded_channel();
    let connected = move |socket: &Socket| {
        let ended = ended.clone();
        assert!(socket.join("all"));
        Events::new()
            .on("slow", |socket: Sender, Data(number): Data<u32>| async move {
                // The acknowledgement comes, although this waits.
                let answer = socket.emit_with_ack("ready", Payload::new(), LONG).await?;
                tokio::time::sleep(Duration::from_millis(u64::from(10 - number))).await;
                let target = Target::all(socket.namespace().clone()).to("all");
                let said = Payload::new().with(&number)?.with(&answer.read::<(u32,)>()?.0)?;
                socket.io().broadcast(&target, "done", said)?;
                Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
            })
            .on_end(move |socket, reason: DisconnectReason| async move {
                let _ = ended.send((socket.id().to_owned(), reason));
            })
    };
    let check = |asks: Connecting| async move {
        match asks.query("token").as_deref() {
            Some("good") => Ok(()),
            _ => Err(Refuse::new("no token")),
        }
    };
    let url = serving(SocketIo::builder().on_if("/", check, connected)).await;
    assert!(Client::connect(&url).await.is_err());
    let mut client = Client::connect(&format!("{url}/?token=good")).await?;
    for number in 0..5_u32 {
        client.emit("slow", Payload::new().with(&number)?)?;
    }
    for number in 0..5_u32 {
        for name in ["ready", "done"] {
            let event = tokio::time::timeout(LONG, client.recv()).await?;
            let Some(Event::Message(mut message)) = event else { panic!("{event:?}") };
            assert_eq!(message.name(), name);
            match name {
                "ready" => message.reply(Payload::new().with(&(number * 2))?)?,
                _ => assert_eq!(message.read::<(u32, u32)>()?, (number, number * 2)),
            }
        }
    }
    let id = client.id().expect("an id");
    client.close().await;
    let end = tokio::time::timeout(LONG, ends.recv()).await?;
    let (ended, reason) = end.expect("said");
    assert_eq!(ended, id);
    assert!(matches!(reason, DisconnectReason::Engine(_)), "{reason}");
    Ok(())
}
