//! A server's table: limits, expiry, what is remembered.

mod pair;

use std::sync::Arc;

use pair::at;
use sockless_session::reliable::{
    Admission, Config, Denial, End, Fate, Incoming, Message, Opening, Refusal, SessionId, Stage,
    Table, TableLimits, Window,
};

fn id(number: u8) -> SessionId {
    SessionId::from_bytes([number; 16])
}

fn opening(hello: bool, number: u8, attempt: u64) -> Opening {
    let window = Window::new(64, 65536);
    Opening { hello, id: id(number), attempt, received: 0, seen: 0, window }
}

fn table(sessions: usize, ended: usize) -> Table<Message> {
    let config = Config::default().with_grace(at(1000));
    Table::new(Arc::new(config), TableLimits::new(sessions, ended))
}

/// A session that has received a message, and whose connection is lost at this time.
fn used(table: &mut Table<Message>, number: u8, millis: u64) {
    let Admission::Opened(link) = table.admit(&opening(true, number, 1), at(millis)) else {
        panic!("it isn't opened")
    };
    table.with(id(number), at(millis), |session| {
        session.poll_output(link, at(millis)).expect("a welcome");
        session.receive(link, Incoming::Text("hello"), at(millis)).expect("a message");
        session.send("waiting".into()).expect("there is room");
        session.lost(link);
    });
}

fn refused(admission: Admission) -> (Denial, u64) {
    match admission {
        Admission::Refused(Refusal { denial, number }) => (denial, number),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_session_is_kept_for_its_grace_time_exactly() {
    let mut table = table(10, 10);
    used(&mut table, 1, 500);
    assert_eq!(table.deadline(), Some(at(1500)));
    assert!(table.poll(at(1499)).is_none());
    let resumed = table.admit(&opening(false, 1, 2), at(1499));
    let Admission::Resumed { link, superseded: None } = resumed else { panic!("{resumed:?}") };
    assert_eq!(table.deadline(), None);
    assert!(table.poll(at(99_999)).is_none(), "it has a connection");
    table.with(id(1), at(2000), |session| session.lost(link));
    assert!(table.poll(at(2999)).is_none());
    let mut session = table.poll(at(3000)).expect("it has ended");
    assert_eq!(session.stage(), Stage::Ended(End::Expired));
    let failed = session.take_failed().expect("what waited");
    assert_eq!((failed.message, failed.fate), (Some("waiting".into()), Fate::Undelivered));
    assert!(table.is_empty() && table.poll(at(9999)).is_none());
    // What it had received is still known.
    assert_eq!(refused(table.admit(&opening(false, 1, 3), at(3000))), (Denial::Ended, 1));
    assert_eq!(refused(table.admit(&opening(true, 1, 3), at(3000))), (Denial::Ended, 1));
}

#[test]
fn looking_at_a_session_does_not_prolong_its_life() {
    let mut table = table(10, 10);
    used(&mut table, 1, 0);
    for millis in [0, 400, 999, 1000, 1200] {
        table.with(id(1), at(millis), |session| drop(session.send("more".into())));
    }
    assert!(table.poll(at(1200)).is_some());
}

#[test]
fn only_so_many_ended_sessions_are_remembered() {
    let mut table = table(10, 2);
    for number in 1..=3 {
        used(&mut table, number, u64::from(number));
    }
    assert_eq!(std::iter::from_fn(|| table.poll(at(5000))).count(), 3);
    let mut denials =
        (1..=3).map(|number| refused(table.admit(&opening(false, number, 2), at(5000))));
    assert_eq!(denials.next(), Some((Denial::Unknown, 0)));
    assert_eq!(denials.next(), Some((Denial::Ended, 1)));
    assert_eq!(denials.next(), Some((Denial::Ended, 1)));
}

#[test]
fn a_full_table_refuses_newcomers_and_serves_those_it_has() {
    let mut table = table(2, 2);
    used(&mut table, 1, 0);
    used(&mut table, 2, 0);
    assert_eq!(refused(table.admit(&opening(true, 3, 1), at(10))), (Denial::Full, 0));
    assert!(matches!(table.admit(&opening(false, 1, 2), at(10)), Admission::Resumed { .. }));
    assert_eq!(table.len(), 2);
}

#[test]
fn sessions_that_were_never_used_make_room() {
    let mut table = table(2, 2);
    used(&mut table, 1, 0);
    let Admission::Opened(link) = table.admit(&opening(true, 2, 1), at(0)) else { panic!() };
    assert_eq!(refused(table.admit(&opening(true, 3, 1), at(5))), (Denial::Full, 0));
    table.with(id(2), at(10), |session| session.lost(link));
    // It isn't forgotten before the room is needed.
    assert!(table.poll(at(20)).is_none());
    assert!(matches!(table.admit(&opening(true, 3, 1), at(20)), Admission::Opened(_)));
    assert_eq!(table.poll(at(20)).expect("it made room").id(), id(2));
    assert_eq!(table.len(), 2);
    assert_eq!(refused(table.admit(&opening(true, 2, 2), at(20))), (Denial::Full, 0));
    // The one that was used never makes room.
    assert!(table.get(id(1)).is_some());
}

#[test]
fn the_same_hello_opens_one_session() {
    let mut table = table(10, 10);
    let Admission::Opened(first) = table.admit(&opening(true, 1, 1), at(0)) else { panic!() };
    let again = table.admit(&opening(true, 1, 2), at(1));
    let Admission::Resumed { superseded, .. } = again else { panic!("{again:?}") };
    assert_eq!((superseded, table.len()), (Some(first), 1));
    // One that arrives late takes nothing over.
    assert_eq!(refused(table.admit(&opening(true, 1, 1), at(2))), (Denial::Stale, 2));
}

#[test]
fn an_ended_session_is_given_out_when_its_connection_is_gone() {
    let mut table = table(10, 10);
    let Admission::Opened(link) = table.admit(&opening(true, 1, 1), at(0)) else { panic!() };
    table.with(id(1), at(0), |session| {
        session.poll_output(link, at(0)).expect("a welcome");
        session.send("hello".into()).expect("there is room");
        session.end().expect("it is open");
        session.poll_output(link, at(0)).expect("a bye");
    });
    assert!(table.poll(at(0)).is_none());
    table.with(id(1), at(1), |session| {
        session.receive(link, Incoming::Text("\u{10}b0 done"), at(1)).expect("a bye");
        assert!(session.poll_output(link, at(1)).is_some(), "a close");
    });
    assert_eq!(table.deadline(), Some(at(0)));
    let session = table.poll(at(1)).expect("it is over");
    assert_eq!(session.stage(), Stage::Ended(End::Local));
}
