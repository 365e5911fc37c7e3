//! Servers that go at every moment of a session.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use sockless_socketio::client::{ConnectError, Event};
use sockless_socketio::socket::Payload;

use super::server::{HELLO, Talk};
use super::{connect, next, patient, quickly, server, ways};

/// How many moments there are.
const MOMENTS: usize = 12;

/// Goes at this moment.
async fn go(talk: &mut Talk, moment: usize) {
    match moment {
        0 => {}
        1 => talk.say("1").await,
        2 => talk.say(HELLO).await,
        3 => talk.say(format!("{HELLO}\x1e1")).await,
        4 => talk.greet().await,
        5 => {
            talk.greet().await;
            close(talk).await;
        }
        6 => {
            talk.greet().await;
            talk.say(r#"44{"message":"later"}"#.replace("44", "44/other,")).await;
        }
        7 => talk.accept().await,
        8 => {
            talk.accept().await;
            close(talk).await;
        }
        9 => {
            talk.accept().await;
            talk.say(r#"42["an event"]"#).await;
        }
        10 => {
            // The client ends that session by itself.
            talk.accept().await;
            talk.say("47").await;
            talk.stay().await;
        }
        _ => {
            // An attachment was announced.
            talk.accept().await;
            talk.say(r#"451-["file",{"_placeholder":true,"num":0}]"#).await;
        }
    }
}

/// Closes the session, and leaves it to the client to go.
async fn close(talk: &mut Talk) {
    talk.say("1").await;
    talk.stay().await;
}

#[tokio::test]
async fn a_session_that_is_cut_at_any_moment_has_ended() {
    for moment in 0..MOMENTS {
        let at = server::start(move |mut talk| async move { go(&mut talk, moment).await }).await;
        for (name, builder) in ways(at, &patient()) {
            let mut client = match connect(builder).await {
                Err(ConnectError::Session { .. }) if moment < 9 => continue,
                Ok(client) if moment >= 7 => client,
                other => panic!("{name}, moment {moment}: {other:?}"),
            };
            // What is sent now comes to nothing.
            let _ = client.emit("hello", Payload::new());
            let mut last = None;
            while let Some(event) = next(&mut client).await {
                last = Some(event);
            }
            assert!(
                matches!(last, Some(Event::Disconnected(_))),
                "{name}, moment {moment}: {last:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_client_comes_back_until_its_server_stays() {
    for way in 0..2 {
        let sessions = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sessions);
        let at = server::start(move |mut talk| {
            counted.fetch_add(1, Ordering::SeqCst);
            async move {
                match talk.number {
                    // The first one is connected, and cut.
                    0 => talk.accept().await,
                    number if number <= MOMENTS => go(&mut talk, number - 1).await,
                    _ => {
                        talk.accept().await;
                        talk.say(r#"42["welcome"]"#).await;
                        talk.stay().await;
                    }
                }
            }
        })
        .await;
        let [polling, websocket] = ways(at, &patient());
        let (name, builder) = if way == 0 { polling } else { websocket };
        let mut client = connect(builder.with_reconnect(quickly())).await.expect(name);
        loop {
            let event = next(&mut client).await.expect(name);
            assert!(sessions.load(Ordering::SeqCst) <= MOMENTS + 2, "{name}: {event:?}");
            match event {
                Event::Message(message) if message.name() == "welcome" => break,
                Event::Message(message) => assert_eq!(message.name(), "an event", "{name}"),
                Event::Connected { recovered } => assert!(!recovered, "{name}"),
                Event::Disconnected(_) | Event::Failed(_) => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(sessions.load(Ordering::SeqCst), MOMENTS + 2, "{name}");
    }
}
