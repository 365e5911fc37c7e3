//! Sessions over real TCP: connections that are cut, servers and clients that die and come back from their journals, feeds.

#[path = "session/cutter.rs"]
mod cutter;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cutter::Cutter;
use sockless_tokio::session::{
    Delivered, End, Event, Fate, FeedEvent, JoinError, Options, Overflow, Reconnecting, Reliable,
    RequestError, Room, RoomSettings, SUBPROTOCOL, SessionConfig, Sessions, SessionsServer, Status,
    Window,
};
use sockless_tokio::{Message, Prepared, ServerOptions, accept};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Delays that suit a test.
fn options() -> Options {
    let backoff = sockless_session::reconnect::Backoff::new(
        Duration::from_millis(20),
        200,
        Duration::from_millis(50),
    );
    let settings = sockless_session::reconnect::Settings::default().with_backoff(backoff);
    let config = SessionConfig::default().with_ack_delay(Duration::from_millis(10));
    Options::new().with_reconnect(settings).with_config(config)
}

/// Serves connections to its sessions until it is dropped, and all connections with it.
struct Serving {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

async fn serve(server: SessionsServer, address: &str) -> Serving {
    let listener = TcpListener::bind(address).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let task = tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            let server = server.clone();
            connections.spawn(async move {
                let options = ServerOptions::new().with_subprotocols([SUBPROTOCOL]);
                if let Ok(socket) = accept(stream, options).await {
                    server.serve(socket).await;
                }
            });
        }
    });
    Serving { address, task }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Sends back what arrives; replies to requests, and rejects those that say `fail`.
async fn echo(mut session: Reliable) {
    while let Some(event) = session.recv().await {
        match event {
            Event::Message { message, .. } if message.as_text() == Some("end") => {
                session.end().await;
                return;
            }
            Event::Message { message, .. } => {
                session.send(message).await.expect("it goes on");
            }
            Event::Request { number, message } if message.as_text() == Some("fail") => {
                session.reject(number, "no").expect("there is room");
            }
            Event::Request { number, message } if message.as_text() != Some("wait") => {
                session.reply(number, message).expect("there is room");
            }
            _ => {}
        }
    }
}

fn echoes(mut sessions: Sessions) -> SessionsServer {
    let server = sessions.clone_server();
    tokio::spawn(async move {
        while let Some(session) = sessions.accept().await {
            tokio::spawn(echo(session));
        }
    });
    server
}

/// The next message.
async fn message(session: &mut Reliable) -> Message {
    loop {
        match session.recv().await.expect("it goes on") {
            Event::Message { message, .. } => return message,
            Event::Ended { end, .. } => panic!("{end:?}"),
            _ => {}
        }
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    // For machines that are busy with something else.
    tokio::time::timeout(Duration::from_secs(240), future).await.expect("within four minutes")
}

#[tokio::test]
async fn messages_replies_and_the_end() {
    in_time(async {
        let serving = serve(echoes(Sessions::new(options())), "127.0.0.1:0").await;
        let url = format!("ws://{}/", serving.address);
        let mut client = Reliable::connect(&url, (), options());
        let delivery = client.send("\u{10}one").await.expect("taken");
        assert_eq!(delivery.clone().await, Delivered::Yes);
        assert_eq!(delivery.status(), Status::Delivered);
        assert_eq!(message(&mut client).await.as_text(), Some("\u{10}one"));
        client.send(vec![7; 100_000]).await.expect("taken");
        assert_eq!(message(&mut client).await.as_bytes(), &[7; 100_000]);
        let wait = Duration::from_secs(20);
        let reply = client.request(vec![0x10, 1], wait).await.expect("a reply");
        assert_eq!(reply, Message::binary(vec![0x10, 1]));
        let rejected = client.request("fail", wait).await;
        assert_eq!(rejected, Err(RequestError::Rejected("no".into())));
        let late = client.request("wait", Duration::from_millis(30)).await;
        assert_eq!(late, Err(RequestError::TimedOut));
        let last = client.send("end").await.expect("taken");
        let ended = loop {
            if let Some(Event::Ended { end, failed }) = client.recv().await {
                break (end, failed.len());
            }
        };
        assert_eq!(ended, (End::Remote, 0));
        assert_eq!(last.await, Delivered::Yes);
        assert!(client.recv().await.is_none());
        assert!(client.send("late").await.is_err());
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_delivered_comes_back() {
    in_time(async {
        // Nobody listens there.
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        drop(listener);
        let client = Reliable::connect(&url, (), options());
        let delivery = client.send("one").await.expect("taken");
        assert_eq!(delivery.status(), Status::Pending);
        match client.end().await {
            Some(Event::Ended { end: End::Local, failed }) => {
                assert_eq!(failed.len(), 1);
                assert_eq!(failed[0].message, Some("one".into()));
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(delivery.await, Delivered::No(Fate::Undelivered));
    })
    .await;
}

/// Wires that are cut at any octet, in both directions: each message and each echo arrives once, in order, and the sender learns so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cut_connections() {
    in_time(async {
        let serving = serve(echoes(Sessions::new(options())), "127.0.0.1:0").await;
        let cutter = Cutter::start(serving.address, 5000).await;
        let window = SessionConfig::default()
            .with_window(Window::new(32, 1 << 20))
            .with_ack_delay(Duration::from_millis(5));
        let options = options().with_config(window);
        let mut client =
            Reliable::connect(&format!("ws://127.0.0.1:{}/", cutter.port()), (), options);
        let sender = client.sender().clone();
        let total = 1000;
        let sending = tokio::spawn(async move {
            let mut deliveries = Vec::new();
            for number in 0..total {
                deliveries.push(sender.send(format!("message {number}")).await.expect("taken"));
            }
            for delivery in deliveries {
                assert_eq!(delivery.await, Delivered::Yes);
            }
        });
        let (mut connected, mut lost) = (0, 0);
        let mut next = 0;
        while next < total {
            match client.recv().await.expect("it goes on") {
                Event::Message { message, .. } => {
                    assert_eq!(message.as_text(), Some(&*format!("message {next}")));
                    next += 1;
                }
                Event::Connected { resumed } => {
                    assert_eq!(resumed, connected > 0);
                    connected += 1;
                }
                Event::Lost => lost += 1,
                Event::Ended { end, .. } => panic!("{end:?}"),
                _ => {}
            }
        }
        sending.await.expect("all delivered");
        assert!(connected > 4 && lost >= connected - 1, "{connected} connections, {lost} lost");
    })
    .await;
}

/// What isn't taken isn't acknowledged, and no more than a window of it is sent.
#[tokio::test]
async fn a_slow_application_slows_its_peer_down() {
    in_time(async {
        let mut sessions = Sessions::new(options());
        let serving = serve(sessions.clone_server(), "127.0.0.1:0").await;
        let config = SessionConfig::default().with_queue(2000, 1 << 24);
        let client = Reliable::connect(
            &format!("ws://{}/", serving.address),
            (),
            options().with_config(config),
        );
        for number in 0..1500 {
            client.send(format!("{number}")).await.expect("taken");
        }
        let mut slow = sessions.accept().await.expect("a session");
        tokio::time::sleep(Duration::from_millis(200)).await;
        // Nothing was taken, so nothing is acknowledged, and no more than the window is out.
        assert_eq!(client.status(1), Status::Sent);
        assert_eq!(client.status(1024), Status::Sent);
        assert_eq!(client.status(1025), Status::Pending);
        for number in 0..1500 {
            assert_eq!(message(&mut slow).await.as_text(), Some(&*format!("{number}")));
        }
        slow.accept();
        let until = tokio::time::Instant::now() + Duration::from_secs(20);
        while client.status(1500) != Status::Delivered {
            assert!(tokio::time::Instant::now() < until, "{:?}", client.status(1500));
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
}

/// What is said in a room reaches all members but the speaker, once and in order, on wires that are cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_of_sessions() {
    in_time(async {
        let mut sessions = Sessions::new(options());
        let serving = serve(sessions.clone_server(), "127.0.0.1:0").await;
        let cutter = Cutter::start(serving.address, 4000).await;
        let url = format!("ws://127.0.0.1:{}/", cutter.port());
        let room = Room::new(RoomSettings::default().with_overflow(Overflow::Gap));
        let (mut clients, mut ends) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            let client = Reliable::connect(&url, (), options());
            let session = sessions.accept().await.expect("a session");
            assert_eq!(session.id(), client.id());
            room.join(session.sender()).expect("there is room");
            assert_eq!(room.join(session.sender()), Err(JoinError::Already));
            clients.push(client);
            ends.push(session);
        }
        let speaker = clients.pop().expect("the last");
        let mut told = 0;
        for number in 0..300 {
            // The first octet of some is the protocol's own.
            let text = if number % 7 == 0 { format!("\u{10}{number}") } else { number.to_string() };
            told += room.send(Prepared::text(&text), Some(speaker.id())).queued;
            if number % 50 == 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        assert_eq!(told, 600);
        for client in &mut clients {
            for number in 0..300 {
                let message = message(client).await;
                assert_eq!(
                    message.as_text().map(|text| text.trim_start_matches('\u{10}')),
                    Some(&*number.to_string())
                );
            }
        }
        // Who ends leaves by himself.
        assert!(room.leave(speaker.id()));
        clients.pop().expect("one of two").end().await;
        while room.len() > 1 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert_eq!(room.send(Prepared::binary(b"last"), None).queued, 1);
        assert_eq!(message(&mut clients[0]).await.as_bytes(), b"last");
    })
    .await;
}

/// A member whose queue is full learns of the gap as soon as there is room, or is closed with 1013 and comes back.
#[tokio::test]
async fn slow_members_of_a_room() {
    in_time(async {
        let small = SessionConfig::default()
            .with_queue(3, 1 << 20)
            .with_ack_delay(Duration::from_millis(1));
        let mut sessions = Sessions::new(options().with_config(small));
        let serving = serve(sessions.clone_server(), "127.0.0.1:0").await;
        let url = format!("ws://{}/", serving.address);
        for overflow in [Overflow::Gap, Overflow::Close] {
            let room = Room::new(RoomSettings::default().with_overflow(overflow));
            let mut client = Reliable::connect(&url, (), options());
            let session = sessions.accept().await.expect("a session");
            room.join(session.sender()).expect("there is room");
            // By a thread that knows of no runtime, before anything can be delivered.
            let speaker = room.clone();
            let say = move |number: u8| speaker.send(Prepared::text(&number.to_string()), None);
            let speaking = std::thread::spawn(move || Vec::from_iter((0..5).map(say)));
            let told = speaking.join().expect("nothing in it waits for anybody");
            assert!(told[..3].iter().all(|told| told.queued == 1));
            let (missed, closed) = match overflow {
                Overflow::Gap => (1, vec![]),
                Overflow::Close => (0, vec![session.id()]),
            };
            assert_eq!((told[3].queued, told[3].missed, &told[3].closed), (0, missed, &closed));
            assert_eq!(room.len(), missed);
            let (mut seen, mut resumed, mut left_out) = (Vec::new(), false, 0);
            while left_out < 2 * missed as u64 || seen.len() < 3 || resumed == (missed > 0) {
                match client.recv().await.expect("it goes on") {
                    Event::Message { message, .. } => {
                        assert_eq!(left_out, 0);
                        seen.push(message.as_text().unwrap_or("?").to_owned());
                    }
                    Event::Gap { count, .. } => left_out += count,
                    Event::Connected { resumed: again } => resumed |= again,
                    _ => {}
                }
            }
            assert_eq!((seen.join(" "), left_out), ("0 1 2".into(), 2 * missed as u64));
        }
    })
    .await;
}

/// A feed is subscribed to again on each connection, and says what happens.
#[tokio::test]
async fn a_feed_subscribes_again() {
    in_time(async {
        let listener = Arc::new(TcpListener::bind("127.0.0.1:0").await.expect("a free port"));
        let url = format!("ws://{}/", listener.local_addr().expect("an address"));
        let server = tokio::spawn(async move {
            for round in 0..4 {
                let (stream, _) = listener.accept().await.expect("a client");
                let mut socket = accept(stream, ()).await.expect("a WebSocket");
                let first = socket.recv().await.expect("a message").expect("a message");
                socket.send(format!("{} {round}", first.as_text().unwrap_or("?"))).await.ok();
                match round {
                    // Gone without a word, then with one.
                    0 => socket.flush().await.expect("written"),
                    1 => drop(socket.close(sockless_tokio::CloseCode::new(1012), "").await),
                    2 => drop(socket.close(sockless_tokio::CloseCode::new(1001), "").await),
                    _ => drop(socket.close(sockless_tokio::CloseCode::new(1008), "").await),
                }
            }
        });
        let backoff = sockless_session::reconnect::Backoff::new(
            Duration::from_millis(10),
            100,
            Duration::from_millis(10),
        );
        let settings = sockless_session::reconnect::Settings::default().with_backoff(backoff);
        let mut subscribed = 0;
        let mut feed = Reconnecting::with_settings(&url, (), settings, move || {
            subscribed += 1;
            vec![format!("subscription {subscribed}").into()]
        });
        let mut told = Vec::new();
        while let Some(event) = feed.recv().await {
            match event {
                FeedEvent::Message(message) => {
                    told.push(message.as_text().unwrap_or("").to_owned())
                }
                FeedEvent::Lost => told.push("lost".into()),
                FeedEvent::GaveUp(_) => told.push("gave up".into()),
                _ => {}
            }
        }
        let expected = [
            "subscription 1 0",
            "lost",
            "subscription 2 1",
            "lost",
            "subscription 3 2",
            "lost",
            "subscription 4 3",
            "lost",
            "gave up",
        ];
        assert_eq!(told, expected);
        server.await.expect("four connections");
    })
    .await;
}
