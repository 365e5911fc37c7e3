//! Coming back: who gets everything, who hears what is missing, and between which positions.

use std::time::Duration;

use sockless_channels::{
    Config, Delivery, Epoch, Loss, Memory, Position, Recovery, Retention, Start, Subscriber,
};

const NOW: Duration = Duration::ZERO;

fn entropy() -> impl FnMut() -> u64 {
    let mut number = 100;
    move || {
        number += 1;
        number
    }
}

fn memory(retention: Retention) -> Memory<impl FnMut() -> u64> {
    Memory::new(Config::default(), retention, 100, entropy())
}

fn publish<E: sockless_channels::Entropy>(memory: &mut Memory<E>, texts: &[&'static str]) {
    for text in texts {
        memory.publish("room", None, (*text).into(), NOW).expect("there is room");
        memory.event().expect("what became of it is known at once");
    }
}

/// Everything that a subscriber gets now: the start, the texts, and the gaps as the offsets between which they lie.
#[derive(Debug, Default, PartialEq)]
struct Got {
    start: Option<(u64, Recovery)>,
    texts: Vec<String>,
    gaps: Vec<(u64, u64, Loss)>,
    position: Option<Position>,
}

fn got<E: sockless_channels::Entropy>(
    memory: &mut Memory<E>,
    subscriber: Subscriber,
    now: Duration,
) -> Got {
    let mut got = Got::default();
    while let Some(delivery) = memory.delivery(subscriber, now) {
        got.position = Some(delivery.position());
        match delivery {
            Delivery::Started { position, recovery } => {
                got.start = Some((position.offset(), recovery))
            }
            Delivery::Publication { payload, .. } => {
                got.texts.push(String::from_utf8(payload.to_vec()).expect("text"));
            }
            Delivery::Gap { after, position, loss } => {
                got.gaps.push((after.offset(), position.offset(), loss));
            }
        }
    }
    got
}

#[test]
fn quiet_client_recovers_from_the_position_that_it_was_given_at_subscribe() {
    let mut memory = memory(Retention::default());
    publish(&mut memory, &["before"]);
    let ann = memory.subscribe("room", Start::Now, NOW).expect("there is room");
    let first = got(&mut memory, ann, NOW);
    assert_eq!(first.start, Some((1, Recovery::Fresh)));
    assert!(first.texts.is_empty(), "nothing was published since");
    memory.unsubscribe(ann, NOW);
    publish(&mut memory, &["one", "two"]);
    let position = first.position.expect("a position comes with the start");
    let ann = memory.subscribe("room", Start::After(position), NOW).expect("there is room");
    let then = got(&mut memory, ann, NOW);
    assert_eq!(then.start, Some((1, Recovery::Recovered)));
    assert_eq!(then.texts, ["one", "two"]);
}

#[test]
fn position_is_compared_and_not_looked_up_so_it_recovers_after_the_history_is_gone() {
    let retention = Retention::default().with_age(Duration::from_secs(10));
    let mut memory = memory(retention);
    publish(&mut memory, &["one"]);
    let ann = memory.subscribe("room", Start::Oldest, NOW).expect("there is room");
    let position = got(&mut memory, ann, NOW).position.expect("it has one");
    memory.unsubscribe(ann, NOW);
    // The publication is too old by now, and the client has it: it has missed nothing.
    let later = Duration::from_secs(60);
    let ann = memory.subscribe("room", Start::After(position), later).expect("there is room");
    assert_eq!(got(&mut memory, ann, later).start, Some((1, Recovery::Recovered)));
    assert_eq!(memory.broker().held().publications, 0);
}

#[test]
fn trimmed_history_is_reported_with_both_ends_of_the_gap() {
    let mut memory = memory(Retention::default().with_count(2));
    let ann = memory.subscribe("room", Start::Now, NOW).expect("there is room");
    let position = got(&mut memory, ann, NOW).position.expect("it has one");
    memory.unsubscribe(ann, NOW);
    publish(&mut memory, &["one", "two", "three", "four", "five"]);
    let ann = memory.subscribe("room", Start::After(position), NOW).expect("there is room");
    let then = got(&mut memory, ann, NOW);
    assert_eq!(then.start, Some((3, Recovery::NotRecovered(Loss::Trimmed))));
    assert_eq!(then.texts, ["four", "five"], "what is kept follows");
}

#[test]
fn slow_subscriber_gets_a_gap_for_what_is_gone_and_nothing_is_queued_for_it() {
    let mut memory = memory(Retention::default().with_count(3));
    let ann = memory.subscribe("room", Start::Now, NOW).expect("there is room");
    got(&mut memory, ann, NOW);
    publish(&mut memory, &["1", "2", "3", "4", "5", "6", "7", "8"]);
    let then = got(&mut memory, ann, NOW);
    assert_eq!(then.gaps, [(0, 5, Loss::Trimmed)]);
    assert_eq!(then.texts, ["6", "7", "8"]);
    assert_eq!(memory.ready(), Some(ann));
    assert_eq!(memory.ready(), None, "it comes out once");
}

#[test]
fn position_of_another_epoch_is_not_recovered() {
    let mut memory = memory(Retention::default());
    publish(&mut memory, &["one", "two"]);
    let foreign = Position::new(Epoch::new(1), 1);
    let ann = memory.subscribe("room", Start::After(foreign), NOW).expect("there is room");
    let then = got(&mut memory, ann, NOW);
    assert_eq!(then.start, Some((0, Recovery::NotRecovered(Loss::Epoch))));
    assert_eq!(then.texts, ["one", "two"], "all of this epoch follows");
}

#[test]
fn position_that_lies_ahead_is_not_recovered_and_changes_nothing_for_others() {
    let mut memory = memory(Retention::default());
    let bob = memory.subscribe("room", Start::Now, NOW).expect("there is room");
    let epoch = got(&mut memory, bob, NOW).position.expect("it has one").epoch();
    publish(&mut memory, &["one"]);
    for offset in [2, 1 << 40, u64::MAX] {
        let forged = Position::new(epoch, offset);
        let ann = memory.subscribe("room", Start::After(forged), NOW).expect("there is room");
        let then = got(&mut memory, ann, NOW);
        assert_eq!(then.start, Some((1, Recovery::NotRecovered(Loss::Ahead))));
        assert!(then.texts.is_empty());
        memory.unsubscribe(ann, NOW);
    }
    let then = got(&mut memory, bob, NOW);
    assert_eq!((then.texts.len(), then.gaps.len()), (1, 0));
    assert_eq!(then.position.map(Position::epoch), Some(epoch));
}

#[test]
fn oldest_begins_with_what_is_kept() {
    let mut memory = memory(Retention::default().with_count(2));
    publish(&mut memory, &["one", "two", "three"]);
    let ann = memory.subscribe("room", Start::Oldest, NOW).expect("there is room");
    let then = got(&mut memory, ann, NOW);
    assert_eq!(then.start, Some((1, Recovery::Fresh)));
    assert_eq!(then.texts, ["two", "three"]);
}

#[test]
fn long_history_is_read_in_pages() {
    let config = Config::default().with_page(3, 1_000);
    let mut memory = Memory::new(config, Retention::default(), 100, entropy());
    let texts: Vec<String> = (0..20).map(|number| number.to_string()).collect();
    for text in &texts {
        memory.publish("room", None, text.clone().into(), NOW).expect("there is room");
    }
    let ann = memory.subscribe("room", Start::Oldest, NOW).expect("there is room");
    assert_eq!(got(&mut memory, ann, NOW).texts, texts);
}

#[test]
fn channel_in_which_nothing_happens_is_forgotten_and_begins_another_epoch() {
    let quiet = Duration::from_secs(600);
    let mut memory = memory(Retention::default().with_quiet(quiet));
    publish(&mut memory, &["one"]);
    let ann = memory.subscribe("room", Start::Oldest, NOW).expect("there is room");
    let position = got(&mut memory, ann, NOW).position.expect("it has one");
    memory.unsubscribe(ann, NOW);
    let mut now = NOW;
    while let Some(at) = memory.deadline().filter(|_| memory.broker().channels() > 0) {
        assert!(at >= now, "deadlines don't go back");
        now = at;
        memory.timeout(now);
    }
    assert_eq!((now, memory.broker().channels()), (quiet, 0));
    let ann = memory.subscribe("room", Start::After(position), now).expect("there is room");
    let start = got(&mut memory, ann, now).start;
    assert_eq!(start, Some((0, Recovery::NotRecovered(Loss::Epoch))));
}

#[test]
fn text_that_is_no_position_of_ours_is_refused() {
    for text in [
        "",
        "-",
        "1",
        "0000000000c0ffee",
        "0000000000c0ffee-",
        "0000000000C0FFEE-1",
        "0000000000c0ffee-01",
        "0000000000c0ffee-+1",
        "0000000000c0ffee--1",
        " 000000000c0ffee-1",
        "0000000000c0ffee-1 ",
        "0000000000c0ffee-18446744073709551616",
        "0000000000c0ffée-1",
        "hello, this is just an ordinary text",
    ] {
        assert!(text.parse::<Position>().is_err(), "{text:?}");
    }
    let last = Position::new(Epoch::new(u64::MAX), u64::MAX);
    assert_eq!(last.to_string().parse(), Ok(last));
}
