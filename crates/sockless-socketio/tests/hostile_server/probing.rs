//! The change to a WebSocket that comes to nothing: long-polling goes on, and nothing is lost.

use std::time::Duration;

use sockless_socketio::client::Client;
use sockless_socketio::socket::Payload;
use sockless_tokio::ClientOptions;
use tokio::time::timeout;

use super::server::{HELLO, Probe, start_with};
use super::{PATIENCE, connect, named, patient};

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
        let at = start_with(probe, |mut talk| async move {
            talk.say(HELLO.replace("[]", r#"["websocket"]"#)).await;
            talk.hear().await;
            talk.say(r#"40{"sid":"c1"}"#).await;
            while let Some(heard) = talk.hear().await {
                talk.say(heard).await;
            }
        })
        .await;
        let config = patient().with_upgrade_timeout(Duration::from_millis(300));
        let builder = Client::builder(&format!("http://{at}")).with_engine(config);
        let mut client = connect(builder.without_reconnect()).await.expect("connected");
        // Before the time for the change is up, and after that.
        for number in 0..8 {
            let name = format!("event {number}");
            client.emit(&name, Payload::new()).expect("sent");
            assert_eq!(named(&mut client).await, name, "{probe:?}");
            assert!(!client.is_websocket(), "{probe:?}");
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    }
}

#[tokio::test]
async fn a_websocket_that_nobody_answers_keeps_no_client_from_closing() {
    let at = start_with(Probe::Unanswered, |mut talk| async move {
        talk.say(HELLO.replace("[]", r#"["websocket"]"#)).await;
        talk.hear().await;
        talk.say(r#"40{"sid":"c1"}"#).await;
        talk.stay().await;
    })
    .await;
    let config = patient().with_upgrade_timeout(PATIENCE);
    let options = ClientOptions::new().with_timeout(PATIENCE);
    let builder = Client::builder(&format!("http://{at}")).with_engine(config);
    let builder = builder.with_options(options).without_reconnect();
    let client = connect(builder).await.expect("connected");
    // The WebSocket is being opened by now.
    tokio::time::sleep(Duration::from_millis(100)).await;
    timeout(PATIENCE / 4, client.close()).await.expect("it is closed");
}
