//! The other protocols: sessions and Socket.IO.

use axum::Router;
use sockless_socketio::service::{Socket, SocketIo};
use sockless_socketio::socket::{Namespace, Payload, Target};
use sockless_tokio::session::{Event, Options, SUBPROTOCOL, Sessions};
use sockless_tokio::{ServerOptions, accept};
use tokio::net::TcpListener;

use super::{measure, scenario};

/// A server of sessions that echoes, and ends each session after this number of messages.
async fn sessions(most: usize) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut sessions = Sessions::new(Options::new());
    let server = sessions.clone_server();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let server = server.clone();
            tokio::spawn(async move {
                let options = ServerOptions::new().with_subprotocols([SUBPROTOCOL]);
                if let Ok(socket) = accept(stream, options).await {
                    server.serve(socket).await;
                }
            });
        }
    });
    tokio::spawn(async move {
        while let Some(mut session) = sessions.accept().await {
            tokio::spawn(async move {
                let mut count = 0;
                while let Some(event) = session.recv().await {
                    if let Event::Message { message, .. } = event {
                        if count == most {
                            return;
                        }
                        count += 1;
                        session.send(message).await.expect("it goes on");
                    }
                }
            });
        }
    });
    format!("ws://{address}/")
}

#[tokio::test]
async fn sessions_carry_messages() {
    let url = sessions(usize::MAX).await;
    let head = "connections = 5\nprotocol = \"session\"";
    let report = measure(scenario(&url, head, "every = \"20ms\"\nbinary = true")).await;
    assert_eq!((report.connections.opened, report.connections.dropped), (5, 0));
    assert_eq!((report.messages.sent, report.messages.delivered), (125, 125));
    assert_eq!((report.messages.lost, report.messages.doubled), (0, 0));
}

#[tokio::test]
async fn a_session_that_ends_is_a_connection_that_is_dropped() {
    let url = sessions(5).await;
    let head = "connections = 2\nprotocol = \"session\"";
    let mut scenario = scenario(&url, head, "every = \"20ms\"");
    scenario.drain = std::time::Duration::from_millis(300);
    let report = measure(scenario).await;
    assert_eq!((report.connections.dropped, report.messages.delivered), (2, 10));
    assert!(!report.connections.reasons.is_empty());
}

#[tokio::test]
async fn a_server_of_something_else_refuses_sessions() {
    let url = super::servers::serve(super::servers::Habit::Echo).await;
    let head = "connections = 2\nprotocol = \"session\"";
    let report = measure(scenario(&url, head, "every = \"20ms\"")).await;
    assert_eq!((report.connections.failed, report.connections.opened), (2, 0));
}

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// It echoes `echo`, and says `say` to all others of the room that `join` names.
async fn handle(mut socket: Socket) -> Ended {
    let mut room = String::new();
    while let Some(event) = socket.recv().await {
        match event.name() {
            "echo" => socket.emit("echo", event.payload().clone())?,
            "join" => {
                (room,) = event.read()?;
                socket.join(&room);
                socket.emit("joined", Payload::new())?;
            }
            _ => {
                let target = Target::all(Namespace::main()).to(&room);
                socket.io().broadcast(&target, "said", event.payload().clone())?;
            }
        }
    }
    Ok(())
}

async fn socketio() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let io = SocketIo::builder().namespace("/", handle).build();
    let router = Router::new().route_service("/socket.io/", io);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/")
}

#[tokio::test]
async fn events_of_socket_io_are_echoed_on_each_transport() {
    let url = socketio().await;
    for transports in ["websocket", "polling", "both"] {
        let head = format!("connections = 3\nprotocol = \"socketio\"\ntransports = {transports:?}");
        let message = "event = \"echo\"\nevery = \"50ms\"";
        let text = format!(
            "url = {url:?}\nramp = \"50ms\"\nduration = \"500ms\"\n{head}\n[message]\nsend = '[\"{{mark}}\",{{\"n\":{{sequence}}}}]'\n{message}\n"
        );
        let scenario = sockless_load::scenario::Scenario::parse(&text, &Default::default());
        let report = measure(scenario.expect("good")).await;
        assert_eq!(report.connections.opened, 3, "{:?}", report.connections.reasons);
        assert_eq!((report.messages.sent, report.messages.delivered), (30, 30), "{transports}");
        assert_eq!((report.messages.lost, report.messages.doubled), (0, 0));
    }
}

#[tokio::test]
async fn rooms_of_socket_io_are_joined_first() {
    let url = socketio().await;
    let text = format!(
        "url = {url:?}\nramp = \"50ms\"\nduration = \"500ms\"\nconnections = 8\ngroup = 4\nprotocol = \"socketio\"\n\
         [[open]]\nevent = \"join\"\nsend = '[\"room-{{group}}\"]'\nawait = \"joined\"\n\
         [message]\nevent = \"say\"\nsend = '[\"{{mark}}\"]'\nevery = \"50ms\"\nfrom = \"turns\"\nto = \"group\"\n"
    );
    let scenario = sockless_load::scenario::Scenario::parse(&text, &Default::default());
    let report = measure(scenario.expect("good")).await;
    assert_eq!(report.connections.opened, 8, "{:?}", report.connections.reasons);
    assert_eq!((report.messages.sent, report.messages.delivered), (20, 80));
    assert_eq!((report.messages.lost, report.messages.stray), (0, 0));
}
