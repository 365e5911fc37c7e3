//! What a server says of a session, and of the namespace that it accepts a client in.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use sockless_socketio::client::ConnectError;
use sockless_socketio::engine::client::Reason;
use sockless_socketio::socket::client::DisconnectReason;
use sockless_socketio::socket::{self as sockets, EmitError, Payload};

use super::{connect, failure, named, patient, server, ways};

#[tokio::test]
async fn a_session_of_which_nonsense_is_said_is_not_opened() {
    let good = json!({ "sid": "s1", "upgrades": [], "pingInterval": 1000, "pingTimeout": 1000 });
    let with = |name: &str, value: serde_json::Value| {
        let mut hello = good.clone();
        hello[name] = value;
        format!("0{hello}")
    };
    let without = |name: &str| {
        let mut hello = good.clone();
        hello.as_object_mut().expect("an object").remove(name);
        format!("0{hello}")
    };
    let hellos = [
        String::new(),
        "0".into(),
        "0{".into(),
        "0[]".into(),
        "0null".into(),
        r#"0["s1",[],1000,1000,1000]"#.into(),
        "1".into(),
        "2".into(),
        r#"40{"sid":"c1"}"#.into(),
        r#"0{"sid":"s1","sid":"s2","pingInterval":1,"pingTimeout":1}"#.into(),
        format!("0{}", "[".repeat(100_000)),
        format!(r#"0{{"a":{}"#, "[".repeat(100_000)),
        without("sid"),
        without("pingInterval"),
        without("pingTimeout"),
        with("sid", json!("")),
        with("sid", json!(1)),
        with("sid", json!(null)),
        with("sid", json!("x".repeat(1_025))),
        with("pingInterval", json!(-1)),
        with("pingInterval", json!(1.5)),
        with("pingInterval", json!(1e300)),
        with("pingInterval", json!("1000")),
        with("pingTimeout", json!(-25_000)),
        with("pingTimeout", json!({})),
        with("maxPayload", json!(-1)),
        with("maxPayload", json!("1e6")),
        with("maxPayload", json!([1])),
        with("upgrades", json!("websocket")),
        with("upgrades", json!([1, 2])),
        with("upgrades", json!({ "websocket": true })),
        with("upgrades", json!(vec!["websocket"; 10_000])),
        with("more", json!("x".repeat(20_000))),
    ];
    for hello in hellos {
        let said = hello.clone();
        let at = server::start(move |mut talk| {
            let hello = said.clone();
            async move {
                talk.say(hello).await;
                talk.stay().await;
            }
        })
        .await;
        for (name, builder) in ways(at, &patient()) {
            let reason = failure(name, builder).await;
            let expected = DisconnectReason::Engine(Reason::ParseError);
            assert_eq!(reason, expected, "{name}: {:.80}", hello);
        }
    }
}

#[tokio::test]
async fn a_server_that_may_never_be_silent_is_given_up_and_one_that_may_be_for_ages_is_not() {
    let at = server::start(|mut talk| async move {
        talk.say(r#"0{"sid":"s1","pingInterval":0,"pingTimeout":0}"#).await;
        talk.stay().await;
    })
    .await;
    for (name, builder) in ways(at, &patient()) {
        let expected = DisconnectReason::Engine(Reason::PingTimeout);
        assert_eq!(failure(name, builder).await, expected, "{name}");
    }
    let most = u64::MAX;
    // The sum of the two times is no short one, either.
    for (timeout, max_payload) in [(most, 0), (most, most), (1, most)] {
        let hello = format!(
            r#"0{{"sid":"s1","pingInterval":{most},"pingTimeout":{timeout},"maxPayload":{max_payload}}}"#
        );
        let at = server::start(move |mut talk| {
            let hello = hello.clone();
            async move {
                talk.say(hello).await;
                talk.hear().await;
                talk.say(r#"40{"sid":"c1"}"#).await;
                talk.hear().await;
                talk.say(r#"42["well"]"#).await;
                talk.stay().await;
            }
        })
        .await;
        for (name, builder) in ways(at, &patient()) {
            let mut client = connect(builder).await.expect(name);
            client.emit("hello", Payload::new()).expect(name);
            assert_eq!(named(&mut client).await, "well", "{name}");
        }
    }
}

#[tokio::test]
async fn a_namespace_that_cannot_be_asked_for_is_no_endless_wait() {
    let at = server::start(|mut talk| async move {
        talk.say(r#"0{"sid":"s1","pingInterval":600000,"pingTimeout":1,"maxPayload":10}"#).await;
        talk.stay().await;
    })
    .await;
    let refused = async |name: &str, builder, reason| match connect(builder).await {
        Err(ConnectError::Unsent(its)) => assert_eq!(its, reason, "{name}"),
        other => panic!("{name}: {other:?}"),
    };
    for (name, builder) in ways(at, &patient()) {
        let builder = builder.with_auth(|_| async { json!({ "token": "longer than ten bytes" }) });
        refused(name, builder, EmitError::TooLarge).await;
    }
    for (name, builder) in ways(at, &patient()) {
        refused(name, builder.with_auth(|_| async { json!([1]) }), EmitError::Auth).await;
    }
    for (name, builder) in ways(at, &patient()) {
        let builder = builder.with_auth(|_| async { BTreeMap::from([((), "not a name")]) });
        refused(name, builder, EmitError::Auth).await;
    }
}

#[tokio::test]
async fn an_acceptance_that_names_nobody_ends_the_session() {
    for answer in [
        "40",
        "40[]",
        r#"40["c1"]"#,
        "40null",
        r#"40{"sid":1}"#,
        r#"40{"sid":""}"#,
        r#"40{"sid":"c1""#,
        r#"40{"pid":"c1"}"#,
    ] {
        let at = server::start(move |mut talk| async move {
            talk.greet().await;
            talk.say(answer).await;
            talk.stay().await;
        })
        .await;
        for (name, builder) in ways(at, &patient()) {
            let reason = failure(name, builder).await;
            assert_eq!(reason, DisconnectReason::ParseError, "{name}: {answer}");
        }
    }
}

#[tokio::test]
async fn a_server_that_never_answers_for_the_namespace_is_left() {
    let at = server::start(|mut talk| async move {
        talk.greet().await;
        talk.stay().await;
    })
    .await;
    for (name, builder) in ways(at, &patient()) {
        let soon = Duration::from_millis(200);
        let builder = builder.with_sockets(sockets::Config::default().with_connect_timeout(soon));
        assert_eq!(failure(name, builder).await, DisconnectReason::ConnectTimeout, "{name}");
    }
}
