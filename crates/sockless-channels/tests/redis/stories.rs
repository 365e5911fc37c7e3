//! What a program does with channels on Redis when nothing is broken.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sockless_channels::redis::{Channels, PublishError, Settings, Subscription};
use sockless_channels::{
    Change, Config, Delivery, Epoch, Fate, Loss, Memory, Misuse, Position, Recovery, Retention,
    Start,
};

use crate::server::Server;

pub(crate) type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

pub(crate) fn tests() -> Vec<Test> {
    vec![
        ("client_recovers_on_another_node_after_the_death_of_its_own", || Box::pin(recovers())),
        ("what_redis_keeps_and_answers_is_what_the_memory_form_does", || Box::pin(agrees())),
        ("huge_range_is_read_in_pages", || Box::pin(huge_range())),
        ("busy_node_gets_what_it_publishes", || Box::pin(busy())),
        ("forged_position_changes_nothing_for_others", || Box::pin(forged())),
        ("presence_is_seen_across_nodes_and_ends_with_them", || Box::pin(presence())),
        ("server_without_memory_refuses_and_the_publisher_hears_of_it", || Box::pin(refuses())),
        ("wrong_password_shows_in_the_health", || Box::pin(password())),
        ("address_that_is_none_is_an_error_at_once", || Box::pin(address())),
    ]
}

/// Short waits, so that what has to be noticed is noticed soon.
pub(crate) fn quick() -> Config {
    Config::default()
        .with_patience(Duration::from_millis(1_500))
        .with_audit(Duration::from_millis(600))
        .with_grace(Duration::from_millis(100))
        .with_lifetime(Duration::from_millis(2_400))
        .with_backoff(Duration::from_millis(20), Duration::from_millis(200))
}

pub(crate) fn open(url: &str) -> Channels {
    Channels::open(Settings::new(url).with_config(quick())).expect("the address is right")
}

/// The start of a subscription.
pub(crate) async fn started(subscription: &mut Subscription) -> (Position, Recovery) {
    match subscription.next().await {
        Delivery::Started { position, recovery } => (position, recovery),
        other => panic!("not the start: {other:?}"),
    }
}

/// The next publication, as text.
pub(crate) async fn text(subscription: &mut Subscription) -> (Position, String) {
    match subscription.next().await {
        Delivery::Publication { position, payload } => {
            (position, String::from_utf8(payload.to_vec()).expect("text"))
        }
        other => panic!("not a publication: {other:?}"),
    }
}

/// The next publications have to be these numbers.
pub(crate) async fn numbers(subscription: &mut Subscription, range: std::ops::Range<u32>) {
    for number in range {
        assert_eq!(text(subscription).await.1, number.to_string());
    }
}

/// Publishes numbers, one after another.
pub(crate) async fn publish(channels: &Channels, range: std::ops::Range<u32>) -> Option<Position> {
    let mut last = None;
    for number in range {
        let published = channels.publish("room", None, number.to_string().into()).await;
        last = Some(published.expect("it is published").position);
    }
    last
}

/// Nothing comes within a moment.
pub(crate) async fn nothing(subscription: &mut Subscription) {
    let moment = Duration::from_millis(150);
    if let Ok(delivery) = tokio::time::timeout(moment, subscription.next()).await {
        panic!("something came: {delivery:?}");
    }
}

async fn recovers() {
    let server = Server::start("recovers", &[]);
    let (first, second) = (open(&server.url()), open(&server.url()));
    let mut ann = first.subscribe("room", Start::Now).expect("there is room");
    let (position, recovery) = started(&mut ann).await;
    assert_eq!(recovery, Recovery::Fresh);
    publish(&second, 0..3).await;
    numbers(&mut ann, 0..2).await;
    let position = Position::new(position.epoch(), position.offset() + 2);
    // The node dies, and with it everything that it knew.
    drop((ann, first));
    publish(&second, 3..6).await;
    let third = open(&server.url());
    let mut ann = third.subscribe("room", Start::After(position)).expect("there is room");
    assert_eq!(started(&mut ann).await, (position, Recovery::Recovered));
    numbers(&mut ann, 2..6).await;
    nothing(&mut ann).await;
}

/// One random story, told to both.
async fn agrees() {
    let server = Server::start("agrees", &[]);
    let mut state = 7_u64;
    let mut below = move |bound: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for round in 0..12 {
        let retention = Retention::default()
            .with_count(1 + below(12) as usize)
            .with_bytes(20 + below(200) as usize);
        let settings = Settings::new(&server.url())
            .with_prefix(&format!("round {round} "))
            .with_config(quick())
            .with_retention(retention)
            .with_copied(Retention::default().with_count(1 + below(4) as usize));
        let channels = Channels::open(settings).expect("the address is right");
        let mut number = 0;
        let mut memory = Memory::new(Config::default(), retention, 10, move || {
            number += 1;
            number
        });
        let now = Duration::ZERO;
        for _ in 0..40 {
            let key = format!("key {}", below(30));
            let payload = "x".repeat(below(40) as usize);
            let real = channels.publish("room", Some(key.as_bytes()), payload.clone().into()).await;
            let real = real.expect("it is published");
            memory
                .publish("room", Some(key.as_bytes()), payload.into(), now)
                .expect("there is room");
            let Some(sockless_channels::Event::Published { position, repeated, .. }) =
                memory.event()
            else {
                panic!("the memory form publishes at once");
            };
            assert_eq!((real.position.offset(), real.repeated), (position.offset(), repeated));
            let offset = below(position.offset() + 3);
            let after = |epoch| Start::After(Position::new(epoch, offset));
            let (real_from, from) = match below(6) {
                0 => (Start::Oldest, Start::Oldest),
                1 => (after(Epoch::new(1)), after(Epoch::new(1 << 60))),
                _ => (after(real.position.epoch()), after(position.epoch())),
            };
            let mut follower = channels.subscribe("room", real_from).expect("there is room");
            let subscriber = memory.subscribe("room", from, now).expect("there is room");
            while let Some(delivery) = memory.delivery(subscriber, now) {
                let shown = |delivery: &Delivery| match delivery {
                    Delivery::Started { position, recovery } => {
                        format!("{} {recovery:?}", position.offset())
                    }
                    Delivery::Publication { position, payload } => {
                        format!("{} {}", position.offset(), payload.len())
                    }
                    Delivery::Gap { position, loss, .. } => {
                        format!("{} {loss:?}", position.offset())
                    }
                };
                assert_eq!(shown(&follower.next().await), shown(&delivery));
            }
            memory.unsubscribe(subscriber, now);
        }
        let (_, first) = memory.broker().kept("room").expect("it is there");
        let kept = memory.broker().held().publications as i64;
        let stream = format!("round {round} s:room");
        assert_eq!(server.number(&["XLEN", &stream]), kept, "from {first}");
    }
}

async fn huge_range() {
    let server = Server::start("huge", &[]);
    let retention = Retention::default().with_count(20_000);
    let settings = |copied: usize| {
        Settings::new(&server.url())
            .with_config(quick().with_page(50, 100))
            .with_retention(retention)
            .with_copied(Retention::default().with_count(copied))
    };
    let channels = Channels::open(settings(20_000)).expect("the address is right");
    let mut publishing = Vec::new();
    for number in 0..5_000_u32 {
        let channels = channels.clone();
        let one = async move { channels.publish("room", None, number.to_string().into()).await };
        publishing.push(tokio::spawn(one));
        if publishing.len() == 200 {
            for one in publishing.drain(..) {
                one.await.expect("it ends").expect("it is published");
            }
        }
    }
    let reader = Channels::open(settings(10)).expect("the address is right");
    let mut ann = reader.subscribe("room", Start::Oldest).expect("there is room");
    started(&mut ann).await;
    let mut seen = BTreeSet::new();
    for _ in 0..5_000 {
        assert!(seen.insert(text(&mut ann).await.1), "nothing comes twice");
        let held = reader.health().held;
        assert!(held.read <= 50 && held.read_bytes <= 100 && held.copied <= 10, "{held:?}");
    }
    nothing(&mut ann).await;
}

/// As much at once as a node lets through, and all of it comes back to it.
async fn busy() {
    let server = Server::start("busy", &[]);
    let settings = Settings::new(&server.url()).with_pushes(2_000);
    let channels = Channels::open(settings).expect("the address is right");
    let mut ann = channels.subscribe("room", Start::Now).expect("there is room");
    started(&mut ann).await;
    let publishers: Vec<_> = (0..400_u32)
        .map(|publisher| {
            let channels = channels.clone();
            tokio::spawn(async move {
                for number in 0..10 {
                    let payload = format!("{publisher} {number}").into();
                    channels.publish("room", None, payload).await.expect("it is published");
                }
            })
        })
        .collect();
    let mut last = BTreeMap::new();
    for _ in 0..4_000 {
        let (_, text) = text(&mut ann).await;
        let (publisher, number) = text.split_once(' ').expect("two numbers");
        let number: i32 = number.parse().expect("a number");
        let before = last.insert(publisher.to_owned(), number).unwrap_or(-1);
        assert_eq!(number, before + 1, "{publisher}");
    }
    for publisher in publishers {
        publisher.await.expect("it ends");
    }
    assert_eq!(channels.health().losses, 0, "the connection was never given up");
}

async fn forged() {
    let server = Server::start("forged", &[]);
    let channels = open(&server.url());
    let mut ann = channels.subscribe("room", Start::Now).expect("there is room");
    let (position, _) = started(&mut ann).await;
    publish(&channels, 0..2).await;
    for offset in [3, 1 << 40, 1 << 53, u64::MAX - 1, u64::MAX] {
        let forged = Start::After(Position::new(position.epoch(), offset));
        let mut eve = channels.subscribe("room", forged).expect("there is room");
        let start = started(&mut eve).await;
        let top = Position::new(position.epoch(), 2);
        assert_eq!(start, (top, Recovery::NotRecovered(Loss::Ahead)), "{offset}");
    }
    numbers(&mut ann, 0..2).await;
    publish(&channels, 2..3).await;
    assert_eq!(text(&mut ann).await.0, Position::new(position.epoch(), 3), "the epoch goes on");
}

async fn presence() {
    let server = Server::start("presence", &[]);
    let (first, second) = (open(&server.url()), open(&server.url()));
    let mut watch = first.watch("room").expect("there is room");
    assert_eq!(first.watch("room").err(), Some(Misuse::Watched));
    first.enter("room", "ann", "awake".into()).expect("there is room");
    let present =
        |name: &str, info: &'static str| Change::Present { member: name.into(), info: info.into() };
    assert_eq!(watch.next().await, present("ann", "awake"));
    second.enter("room", "bob", "".into()).expect("there is room");
    assert_eq!(watch.next().await, present("bob", ""));
    second.enter("room", "cat", "".into()).expect("there is room");
    assert_eq!(watch.next().await, present("cat", ""));
    second.leave("room", "cat");
    assert_eq!(watch.next().await, Change::Absent { member: "cat".into() });
    first.enter("room", "ann", "asleep".into()).expect("there is room");
    assert_eq!(watch.next().await, present("ann", "asleep"));
    // Both outlive their lifetime while their nodes live; then one node dies.
    let quiet = tokio::time::timeout(Duration::from_millis(4_000), watch.next()).await;
    assert!(quiet.is_err(), "somebody is refreshed too late: {quiet:?}");
    drop(second);
    assert_eq!(watch.next().await, Change::Absent { member: "bob".into() });
    for words in [["ZCARD", "sockless:t:room"], ["HLEN", "sockless:i:room"]] {
        assert_eq!(server.number(&words), 1, "{words:?}: it isn't kept any longer");
    }
}

async fn refuses() {
    let server = Server::start("refuses", &[]);
    let channels = open(&server.url());
    publish(&channels, 0..1).await;
    server.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    let refused = channels.publish("room", None, "text".into()).await;
    assert_eq!(refused, Err(PublishError::GivenUp(Fate::Refused)));
    server.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    publish(&channels, 1..2).await;
    assert_eq!(channels.health().losses, 0, "the connection is well");
}

async fn password() {
    let server = Server::start("password", &[]);
    server.ask(&["ACL", "SETUSER", "eve", "on", ">secret", "~*", "+@all", "allchannels"]);
    let channels = open(&format!("redis://eve:guess@127.0.0.1:{}/", server.port));
    let trouble = async {
        loop {
            if let Some(trouble) = channels.health().trouble {
                break trouble;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let trouble = tokio::time::timeout(Duration::from_secs(5), trouble).await.expect("it shows");
    assert!(!trouble.contains("guess"), "{trouble}");
    assert!(!channels.health().connected);
    // Nothing is sent meanwhile, and that is said.
    let settings = Settings::new(&format!("redis://eve:guess@127.0.0.1:{}/", server.port));
    let settings = settings.with_config(quick().with_persistence(Duration::from_millis(300)));
    let channels = Channels::open(settings).expect("the address is right");
    let published = channels.publish("room", None, "text".into()).await;
    assert_eq!(published, Err(PublishError::GivenUp(Fate::Unsent)));
}

async fn address() {
    for address in ["", "http://127.0.0.1/", "redis://127.0.0.1:99999/"] {
        assert!(Channels::open(Settings::new(address)).is_err(), "{address:?}");
    }
}
