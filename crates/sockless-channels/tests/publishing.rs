//! Publishing: once under each key, within limits, and always with an answer.

use std::time::Duration;

use sockless_channels::{
    Config, Event, Fate, LONGEST_KEY, LONGEST_NAME, Memory, Misuse, Retention,
};

const NOW: Duration = Duration::ZERO;

fn memory(config: Config, retention: Retention, channels: usize) -> Memory<impl FnMut() -> u64> {
    let mut number = 0;
    Memory::new(config, retention, channels, move || {
        number += 1;
        number
    })
}

fn offset(event: Option<Event>) -> (u64, bool) {
    match event {
        Some(Event::Published { position, repeated, .. }) => (position.offset(), repeated),
        other => panic!("not published: {other:?}"),
    }
}

#[test]
fn same_key_is_published_once_for_as_long_as_it_is_remembered() {
    let retention = Retention::default().with_key_age(Duration::from_secs(60)).with_keys(2);
    let mut memory = memory(Config::default(), retention, 10);
    let mut publish = |channel: &str, key: &str, now: u64| {
        let now = Duration::from_secs(now);
        memory.publish(channel, Some(key.as_bytes()), "text".into(), now).expect("there is room");
        offset(memory.event())
    };
    assert_eq!(publish("room", "a", 0), (1, false));
    assert_eq!(publish("room", "a", 59), (1, true));
    assert_eq!(publish("hall", "a", 59), (1, false), "keys belong to their channel");
    assert_eq!(publish("room", "a", 60), (2, false), "the key is too old");
    assert_eq!(publish("room", "b", 61), (3, false));
    assert_eq!(publish("room", "a", 62), (2, true));
    assert_eq!(publish("room", "c", 63), (4, false), "a third key makes the oldest go");
    assert_eq!(publish("room", "a", 64), (5, false));
}

#[test]
fn publications_without_a_key_are_all_different() {
    let mut memory = memory(Config::default(), Retention::default(), 10);
    for expected in 1..=3 {
        memory.publish("room", None, "same".into(), NOW).expect("there is room");
        assert_eq!(offset(memory.event()), (expected, false));
    }
}

#[test]
fn publications_wait_until_their_events_are_taken() {
    let config = Config::default().with_publications(2, 1_000);
    let mut memory = memory(config, Retention::default(), 10);
    for _ in 0..2 {
        memory.publish("room", None, "text".into(), NOW).expect("there is room");
    }
    assert_eq!(memory.publish("room", None, "text".into(), NOW), Err(Misuse::Full));
    memory.event().expect("there are two");
    memory.publish("room", None, "text".into(), NOW).expect("there is room again");
}

#[test]
fn what_exceeds_a_limit_is_refused_and_changes_nothing() {
    let config = Config::default().with_payload(4).with_channels(1).with_subscribers(2);
    let mut memory = memory(config, Retention::default(), 10);
    let long = "n".repeat(LONGEST_NAME + 1);
    let key = vec![b'k'; LONGEST_KEY + 1];
    let mut publish = |channel: &str, key: Option<&[u8]>, payload: &'static str| {
        memory.publish(channel, key, payload.into(), NOW).map(|_| ())
    };
    assert_eq!(publish("", None, "text"), Err(Misuse::Name));
    assert_eq!(publish(&long, None, "text"), Err(Misuse::Name));
    assert_eq!(publish("room", Some(b""), "text"), Err(Misuse::Key));
    assert_eq!(publish("room", Some(&key), "text"), Err(Misuse::Key));
    assert_eq!(publish("room", None, "texts"), Err(Misuse::Payload));
    assert_eq!(publish(&long[1..], Some(&key[1..]), "text"), Ok(()));
    assert_eq!(memory.broker().channels(), 1);
    let from = sockless_channels::Start::Now;
    memory.subscribe("room", from, NOW).expect("there is room");
    assert_eq!(memory.subscribe("hall", from, NOW), Err(Misuse::Channels));
    memory.subscribe("room", from, NOW).expect("there is room");
    assert_eq!(memory.subscribe("room", from, NOW), Err(Misuse::Subscribers));
}

#[test]
fn broker_without_room_refuses_and_the_publisher_hears_of_it() {
    let mut memory = memory(Config::default(), Retention::default(), 1);
    memory.publish("room", None, "text".into(), NOW).expect("the node has room");
    assert_eq!(offset(memory.event()), (1, false));
    memory.publish("hall", None, "text".into(), NOW).expect("the node has room");
    let event = memory.event();
    assert!(matches!(event, Some(Event::Unpublished { fate: Fate::Refused, .. })), "{event:?}");
}

#[test]
fn many_channels_and_keys_hold_no_more_than_the_limits() {
    let retention = Retention::default().with_count(5).with_bytes(100).with_keys(7);
    let mut memory = memory(Config::default(), retention, 20);
    for number in 0..2_000_u32 {
        let channel = format!("room {}", number % 30);
        memory.publish(&channel, None, vec![0; 40].into(), NOW).expect("the node has room");
        memory.event();
        let held = memory.broker().held();
        assert!(held.publications <= 20 * 2 && held.bytes <= 20 * 100 && held.keys <= 20 * 7);
    }
    assert_eq!(memory.broker().channels(), 20);
}
