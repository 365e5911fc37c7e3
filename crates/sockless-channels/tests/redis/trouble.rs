//! What a program sees of channels on Redis when something is broken.

use std::time::Duration;

use sockless_channels::redis::{Channels, Settings};
use sockless_channels::{Delivery, Loss, Position, Recovery, Retention, Start};

use crate::proxy::{Mode, Proxy};
use crate::server::{Server, url};
use crate::stories::{Test, nothing, numbers, open, publish, quick, started, text};

pub(crate) fn tests() -> Vec<Test> {
    vec![
        ("killed_and_restarted_empty_is_another_epoch", || Box::pin(restarted_empty())),
        ("old_snapshot_published_past_the_old_position_is_another_epoch", || {
            Box::pin(old_snapshot())
        }),
        ("restart_that_lost_nothing_is_no_loss_where_the_server_confirms_it", || {
            Box::pin(durable())
        }),
        (
            "connections_that_are_killed_all_the_time_lose_nothing",
            || Box::pin(killed_connections()),
        ),
        ("subscription_lost_on_reconnect_is_found_by_audits", || Box::pin(lost_subscription())),
        ("stalled_connection_shows_and_is_given_up", || Box::pin(stalled())),
        ("retry_after_a_timeout_publishes_once", || Box::pin(retried())),
        ("trimmed_stream_is_reported_with_both_ends", || Box::pin(trimmed())),
        ("evicted_keys_are_reported_as_what_they_are", || Box::pin(evicted())),
        ("offset_that_goes_back_in_the_same_run_is_another_epoch", || Box::pin(went_back())),
        ("channel_that_may_not_be_used_waits_for_the_permission", || Box::pin(forbidden())),
        ("scripts_that_the_server_forgot_are_loaded_again", || Box::pin(forgotten_scripts())),
    ]
}

/// The next thing has to be another epoch; the position where it goes on.
async fn another_epoch(subscription: &mut sockless_channels::redis::Subscription) -> Position {
    match subscription.next().await {
        Delivery::Gap { after, position, loss: Loss::Epoch } => {
            assert_ne!(after.epoch(), position.epoch());
            position
        }
        other => panic!("not another epoch: {other:?}"),
    }
}

async fn restarted_empty() {
    let mut server = Server::start("empty", &[]);
    let (first, second) = (open(&server.url()), open(&server.url()));
    let mut ann = first.subscribe("room", Start::Now).expect("there is room");
    let (old, _) = started(&mut ann).await;
    publish(&second, 0..3).await;
    numbers(&mut ann, 0..3).await;
    server.kill();
    // What is published meanwhile waits.
    let waiting = tokio::spawn({
        let second = second.clone();
        async move { publish(&second, 3..5).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!first.health().connected);
    server.erase();
    server.start_again();
    waiting.await.expect("it ends");
    let position = another_epoch(&mut ann).await;
    assert_eq!(position.offset(), 0);
    numbers(&mut ann, 3..5).await;
    let mut bob = second.subscribe("room", Start::After(old)).expect("there is room");
    assert_eq!(started(&mut bob).await, (position, Recovery::NotRecovered(Loss::Epoch)));
    numbers(&mut bob, 3..5).await;
}

async fn old_snapshot() {
    let mut server = Server::start("snapshot", &[]);
    let proxy = Proxy::start(server.port).await;
    let follower = open(&url(proxy.port));
    let publisher = open(&server.url());
    let mut ann = follower.subscribe("room", Start::Now).expect("there is room");
    let (old, _) = started(&mut ann).await;
    publish(&publisher, 0..2).await;
    server.ask(&["SAVE"]);
    publish(&publisher, 2..5).await;
    numbers(&mut ann, 0..5).await;
    proxy.set(Mode::Closed);
    drop(publisher);
    server.kill();
    server.start_again();
    assert_eq!(server.number(&["XLEN", "sockless:s:room"]), 2, "it is the old snapshot");
    // Others publish past the position that was reached before.
    let others = open(&server.url());
    publish(&others, 100..110).await;
    proxy.set(Mode::Pass);
    let position = another_epoch(&mut ann).await;
    assert_eq!(position.offset(), 2, "where the snapshot ended");
    numbers(&mut ann, 100..110).await;
    // A client that comes back with the old position hears of it, too.
    let reached = Position::new(old.epoch(), old.offset() + 5);
    let mut bob = others.subscribe("room", Start::After(reached)).expect("there is room");
    assert_eq!(started(&mut bob).await, (position, Recovery::NotRecovered(Loss::Epoch)));
    numbers(&mut bob, 100..110).await;
}

async fn durable() {
    for (fsync, survives) in [("always", true), ("everysec", false)] {
        let arguments = ["--appendonly", "yes", "--appendfsync", fsync];
        let mut server = Server::start(&format!("durable-{fsync}"), &arguments);
        let settings = Settings::new(&server.url()).with_config(quick()).with_durable(true);
        let channels = Channels::open(settings).expect("the address is right");
        let mut ann = channels.subscribe("room", Start::Now).expect("there is room");
        started(&mut ann).await;
        publish(&channels, 0..3).await;
        numbers(&mut ann, 0..3).await;
        // So that everysec has written it, too: what counts is what can be proven.
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        server.kill();
        server.start_again();
        publish(&channels, 3..5).await;
        if !survives {
            another_epoch(&mut ann).await;
        }
        numbers(&mut ann, 3..5).await;
        nothing(&mut ann).await;
    }
}

async fn killed_connections() {
    let server = Server::start("killed", &[]);
    let (first, second) = (open(&server.url()), open(&server.url()));
    let mut ann = first.subscribe("room", Start::Now).expect("there is room");
    started(&mut ann).await;
    let publisher = tokio::spawn({
        let second = second.clone();
        async move {
            for start in (0..300).step_by(10) {
                publish(&second, start..start + 10).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    });
    while !publisher.is_finished() {
        server.ask(&["CLIENT", "KILL", "TYPE", "normal"]);
        server.ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    publisher.await.expect("everything is published");
    numbers(&mut ann, 0..300).await;
    nothing(&mut ann).await;
    assert!(first.health().losses > 3, "{:?}", first.health());
    assert_eq!(server.number(&["XLEN", "sockless:s:room"]), 300, "nothing is there twice");
}

async fn lost_subscription() {
    let server = Server::start("lost", &[]);
    let proxy = Proxy::start(server.port).await;
    let (first, second) = (open(&url(proxy.port)), open(&server.url()));
    let mut ann = first.subscribe("room", Start::Now).expect("there is room");
    started(&mut ann).await;
    publish(&second, 0..2).await;
    numbers(&mut ann, 0..2).await;
    // After the reconnect the server says that it pushes, and nothing is pushed.
    proxy.set(Mode::Deaf);
    proxy.cut();
    let reconnected = async {
        while proxy.connections() < 2 || !first.health().connected {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    reconnected.await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    publish(&second, 2..5).await;
    numbers(&mut ann, 2..5).await;
    assert_eq!(first.health().losses, 1, "its health is well");
    nothing(&mut ann).await;
}

async fn stalled() {
    let server = Server::start("stalled", &[]);
    let proxy = Proxy::start(server.port).await;
    let (first, second) = (open(&url(proxy.port)), open(&server.url()));
    let mut ann = first.subscribe("room", Start::Now).expect("there is room");
    started(&mut ann).await;
    proxy.set(Mode::Stall);
    publish(&second, 0..5).await;
    let shows = async {
        while first.health().waiting.is_none_or(|wait| wait < Duration::from_millis(300)) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(first.health().connected, "it still seems well");
        while first.health().losses == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(15), shows).await.expect("it shows");
    proxy.set(Mode::Pass);
    numbers(&mut ann, 0..5).await;
    nothing(&mut ann).await;
}

async fn retried() {
    let server = Server::start("retried", &[]);
    let proxy = Proxy::start(server.port).await;
    let channels = open(&url(proxy.port));
    publish(&channels, 0..1).await;
    proxy.set(Mode::Stall);
    let publishing = tokio::spawn({
        let channels = channels.clone();
        async move { channels.publish("room", None, "once".into()).await }
    });
    // The server has it; its answer never comes.
    while server.number(&["XLEN", "sockless:s:room"]) < 2 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    while channels.health().losses == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    proxy.set(Mode::Pass);
    let published = publishing.await.expect("it ends").expect("it is published");
    assert!(published.repeated, "the second try finds the first");
    assert_eq!(published.position.offset(), 2);
    assert_eq!(server.number(&["XLEN", "sockless:s:room"]), 2);
}

async fn trimmed() {
    let server = Server::start("trimmed", &[]);
    let retention = Retention::default().with_count(100);
    let copied = Retention::default().with_count(2);
    let settings = Settings::new(&server.url())
        .with_config(quick())
        .with_retention(retention)
        .with_copied(copied);
    let channels = Channels::open(settings).expect("the address is right");
    let mut ann = channels.subscribe("room", Start::Now).expect("there is room");
    let (begin, _) = started(&mut ann).await;
    publish(&channels, 0..10).await;
    let at = |offset| Position::new(begin.epoch(), offset);
    // Somebody else trims the stream while a subscriber is slow, and another one is away.
    server.ask(&["XTRIM", "sockless:s:room", "MAXLEN", "4"]);
    let gap = Delivery::Gap { after: at(0), position: at(6), loss: Loss::Trimmed };
    assert_eq!(ann.next().await, gap);
    numbers(&mut ann, 6..10).await;
    let mut bob = channels.subscribe("room", Start::After(at(3))).expect("there is room");
    assert_eq!(started(&mut bob).await, (at(6), Recovery::NotRecovered(Loss::Trimmed)));
    numbers(&mut bob, 6..10).await;
    let mut cat = channels.subscribe("room", Start::After(at(6))).expect("there is room");
    assert_eq!(started(&mut cat).await, (at(6), Recovery::Recovered));
    // The limits of the retention hold, whatever others did.
    publish(&channels, 10..150).await;
    assert_eq!(server.number(&["XLEN", "sockless:s:room"]), 100);
}

async fn evicted() {
    let server = Server::start("evicted", &[]);
    let copied = Retention::default().with_count(1);
    let settings = || Settings::new(&server.url()).with_config(quick()).with_copied(copied);
    let channels = Channels::open(settings()).expect("the address is right");
    let mut ann = channels.subscribe("room", Start::Now).expect("there is room");
    let (begin, _) = started(&mut ann).await;
    publish(&channels, 0..3).await;
    numbers(&mut ann, 0..3).await;
    // The stream is gone: what follows goes on, and who has everything has lost nothing.
    server.ask(&["DEL", "sockless:s:room"]);
    publish(&channels, 3..5).await;
    numbers(&mut ann, 3..5).await;
    let at = |offset| Start::After(Position::new(begin.epoch(), offset));
    let other = Channels::open(settings()).expect("the address is right");
    let mut bob = other.subscribe("room", at(2)).expect("there is room");
    let expected = (Position::new(begin.epoch(), 3), Recovery::NotRecovered(Loss::Trimmed));
    assert_eq!(started(&mut bob).await, expected);
    numbers(&mut bob, 3..5).await;
    let mut cat = other.subscribe("room", at(5)).expect("there is room");
    assert_eq!(started(&mut cat).await.1, Recovery::Recovered);
    // The channel's hash is gone, and its stream is left over: nobody knows what its offsets were.
    server.ask(&["DEL", "sockless:h:room"]);
    publish(&channels, 5..6).await;
    let position = another_epoch(&mut ann).await;
    assert_eq!(position.offset(), 0);
    assert_eq!(text(&mut ann).await.1, "5");
    another_epoch(&mut bob).await;
    numbers(&mut bob, 5..6).await;
}

async fn forgotten_scripts() {
    let server = Server::start("scripts", &[]);
    let channels = open(&server.url());
    publish(&channels, 0..1).await;
    server.ask(&["SCRIPT", "FLUSH"]);
    publish(&channels, 1..2).await;
    assert_eq!(channels.health().losses, 1);
}

async fn went_back() {
    let server = Server::start("back", &[]);
    let channels = open(&server.url());
    let mut ann = channels.subscribe("room", Start::Now).expect("there is room");
    started(&mut ann).await;
    publish(&channels, 0..5).await;
    numbers(&mut ann, 0..5).await;
    // Somebody restores the channel as it was before, under a server that goes on.
    server.ask(&["HSET", "sockless:h:room", "o", "2"]);
    server.ask(&["DEL", "sockless:s:room"]);
    let position = another_epoch(&mut ann).await;
    assert_eq!(position.offset(), 2);
    publish(&channels, 5..8).await;
    numbers(&mut ann, 5..8).await;
    // The same, and others, who have seen nothing, publish before the one who has seen more looks again.
    server.ask(&["HSET", "sockless:h:room", "o", "1"]);
    let others = open(&server.url());
    let published = publish(&others, 100..102).await.expect("there are two");
    assert_eq!((published.epoch(), published.offset()), (position.epoch(), 3));
    let position = another_epoch(&mut ann).await;
    assert_eq!(position.offset(), 3, "what was published between is part of the gap");
    publish(&others, 102..104).await;
    numbers(&mut ann, 102..104).await;
}

async fn forbidden() {
    let server = Server::start("forbidden", &[]);
    server.ask(&["ACL", "SETUSER", "eve", "on", ">secret", "~*", "+@all", "resetchannels"]);
    let address = format!("redis://eve:secret@127.0.0.1:{}/", server.port);
    let channels = open(&address);
    let mut ann = channels.subscribe("room", Start::Now).expect("there is room");
    nothing(&mut ann).await;
    server.ask(&["ACL", "SETUSER", "eve", "allchannels"]);
    started(&mut ann).await;
    publish(&channels, 0..2).await;
    numbers(&mut ann, 0..2).await;
    assert_eq!(channels.health().losses, 0, "a refusal is no reason to connect again");
}
