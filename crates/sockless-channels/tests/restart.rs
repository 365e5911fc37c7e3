//! A broker that is restarted, restored or replaced: whoever followed it hears of it, whatever it has published since.

use std::time::Duration;

use sockless_channels::{Answer, Broker, Epoch, Position, Push, ReadFrom, Request, Retention};

const NOW: Duration = Duration::ZERO;

fn publish(
    broker: &mut Broker,
    key: &'static str,
    seen: Option<Position>,
    fresh: u64,
) -> (Position, bool) {
    let request = Request::Publish {
        channel: "room".into(),
        key: key.into(),
        payload: key.into(),
        seen,
        fresh: Epoch::new(fresh),
    };
    match broker.execute(&request, NOW).0 {
        Answer::Published { position, repeated } => (position, repeated),
        other => panic!("not published: {other:?}"),
    }
}

fn read(
    broker: &mut Broker,
    from: ReadFrom,
    seen: Option<Position>,
    fresh: u64,
) -> (sockless_channels::Page, Vec<Push>) {
    let request = Request::Read {
        channel: "room".into(),
        from,
        count: 100,
        bytes: 1_000,
        seen,
        fresh: Epoch::new(fresh),
    };
    match broker.execute(&request, NOW) {
        (Answer::Page(page), pushes) => (page, pushes),
        other => panic!("not a page: {other:?}"),
    }
}

#[test]
fn old_snapshot_that_publishes_past_the_old_position_is_another_epoch() {
    let mut broker = Broker::new(Retention::default(), 10);
    publish(&mut broker, "one", None, 1);
    let mut snapshot = broker.clone();
    let (lost, _) = publish(&mut broker, "two", None, 1);
    assert_eq!(lost, Position::new(Epoch::new(1), 2));
    snapshot.restarted(1);
    // Others publish past the position that was lost.
    for (key, offset) in [("three", 2), ("four", 3)] {
        assert_eq!(publish(&mut snapshot, key, None, 2).0, Position::new(Epoch::new(2), offset));
    }
    let (page, pushes) = read(&mut snapshot, ReadFrom::After(lost), Some(lost), 3);
    assert!(pushes.is_empty(), "it has begun already");
    assert_eq!((page.epoch, page.base, page.top), (Epoch::new(2), 1, 3));
    let offsets: Vec<_> = page.entries.iter().map(|entry| entry.0).collect();
    assert_eq!(offsets, [2, 3], "all of the new epoch, and nothing that was had before it");
}

#[test]
fn restart_begins_an_epoch_once_and_says_so() {
    let mut broker = Broker::new(Retention::default(), 10);
    let (position, _) = publish(&mut broker, "one", None, 1);
    broker.restarted(1);
    let (page, pushes) = read(&mut broker, ReadFrom::After(position), Some(position), 2);
    assert_eq!(page.epoch, Epoch::new(2));
    assert_eq!(pushes, [Push::Epoch { channel: "room".into(), epoch: Epoch::new(2) }]);
    let (page, pushes) = read(&mut broker, ReadFrom::Newest, None, 3);
    assert_eq!((page.epoch, pushes.len()), (Epoch::new(2), 0));
}

#[test]
fn offset_that_goes_back_begins_an_epoch_in_the_same_run() {
    let mut broker = Broker::new(Retention::default(), 10);
    publish(&mut broker, "one", None, 1);
    let mut restored = broker.clone();
    let (seen, _) = publish(&mut broker, "two", None, 1);
    let (position, _) = publish(&mut restored, "three", Some(seen), 2);
    assert_eq!(position, Position::new(Epoch::new(2), 2));
}

#[test]
fn retry_after_a_restart_finds_its_key_where_it_was_saved() {
    let mut broker = Broker::new(Retention::default(), 10);
    let (position, _) = publish(&mut broker, "one", None, 1);
    broker.restarted(1);
    assert_eq!(publish(&mut broker, "one", None, 2), (position, true));
}
