//! The change to a WebSocket that comes to nothing: long-polling goes on, and nothing is lost.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use sockless_socketio::client::{Builder, Client};
use sockless_socketio::socket::Payload;
use sockless_tokio::ClientOptions;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::server::{HELLO, Probe, start_with};
use super::{AGES, PATIENCE, connect, named, patient};

#[tokio::test]
async fn long_polling_goes_on_whatever_the_server_makes_of_the_probe() {
    let probes = [
        Probe::Unanswered,
        Probe::Silent,
        Probe::Says("3"),
        Probe::Says("3other"),
        Probe::Says("2probe"),
        Probe::Says(r#"42["early"]"#),
        Probe::Says(HELLO),
        Probe::Says(""),
        Probe::Sends(b"3probe"),
        Probe::Closes,
    ];
    for probe in probes {
        let left = Arc::new(Notify::new());
        let at = start_with(probe, Arc::clone(&left), |mut talk| async move {
            talk.say(HELLO.replace("[]", r#"["websocket"]"#)).await;
            talk.hear().await;
            talk.say(r#"40{"sid":"c1"}"#).await;
            while let Some(heard) = talk.hear().await {
                talk.say(heard).await;
            }
        })
        .await;
        // Only for what doesn't come does it need the time.
        let time = match probe {
            Probe::Unanswered | Probe::Silent => Duration::from_millis(300),
            _ => AGES,
        };
        let mut client = connect(changing(at, time)).await.expect("connected");
        // Before the time for the change is up, and after that.
        for number in 0..8 {
            let name = format!("event {number}");
            client.emit(&name, Payload::new()).expect("sent");
            assert_eq!(named(&mut client).await, name, "{probe:?}");
            assert!(!client.is_websocket(), "{probe:?}");
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
        timeout(PATIENCE, left.notified()).await.expect("the WebSocket is left");
    }
}

/// A client that changes to a WebSocket, for which it has this long. The WebSocket itself has ages.
fn changing(at: SocketAddr, time: Duration) -> Builder {
    Client::builder(&format!("http://{at}"))
        .with_engine(patient().with_upgrade_timeout(time))
        .with_options(ClientOptions::default().with_timeout(AGES))
        .without_reconnect()
}

#[tokio::test]
async fn a_change_that_the_server_agrees_to_and_holds_up_is_given_up() {
    let left = Arc::new(Notify::new());
    let at = start_with(Probe::Says("3probe"), Arc::clone(&left), |mut talk| async move {
        talk.say(HELLO.replace("[]", r#"["websocket"]"#)).await;
        talk.hear().await;
        // The poll is answered when the time is up.
        tokio::time::sleep(Duration::from_millis(600)).await;
        talk.say(r#"40{"sid":"c1"}"#).await;
        while let Some(heard) = talk.hear().await {
            talk.say(heard).await;
        }
    })
    .await;
    // The namespace is asked for while requests are held up, and without a further cause when they go on.
    let builder = changing(at, Duration::from_millis(300)).with_auth(|_| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        json!({})
    });
    let mut client = connect(builder).await.expect("connected");
    assert!(!client.is_websocket());
    client.emit("event", Payload::new()).expect("sent");
    assert_eq!(named(&mut client).await, "event");
    timeout(PATIENCE, left.notified()).await.expect("the WebSocket is left");
}

#[tokio::test]
async fn whoever_closes_a_client_does_not_wait_for_a_websocket_that_does_not_open() {
    let at = start_with(Probe::Unanswered, Arc::default(), |mut talk| async move {
        talk.say(HELLO.replace("[]", r#"["websocket"]"#)).await;
        talk.hear().await;
        talk.say(r#"40{"sid":"c1"}"#).await;
        talk.stay().await;
    })
    .await;
    let client = connect(changing(at, AGES)).await.expect("connected");
    timeout(PATIENCE, client.close()).await.expect("it is closed");
}
