//! What calls of the standard library return, as a driver hands it on: bytes, the end, a pause, a stream that is gone.

#![cfg(all(feature = "alloc", feature = "std", feature = "handshake"))]

use std::io::{self, ErrorKind};
use std::time::Duration;

use sockless::connection::Cause;
use sockless::handshake::{Acceptor, Asked, HeadLimits, Refusal, RequestError};
use sockless::{Config, Connection, Failure, Input, SendError, Server, Want};

use crate::heads::{Head, arriving};

const NOW: Duration = Duration::ZERO;
/// What systems call a timeout, and a signal.
const PAUSES: [ErrorKind; 3] = [ErrorKind::WouldBlock, ErrorKind::TimedOut, ErrorKind::Interrupted];
const BREAKS: [ErrorKind; 3] =
    [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe, ErrorKind::ConnectionAborted];

fn waiting() -> Connection<Server> {
    let mut conn = Connection::server(Config::default());
    conn.send_text("hello").unwrap();
    conn
}

fn is_lost(conn: &Connection<Server>) -> bool {
    matches!(conn.want(), Want::Done(outcome) if outcome.cause == Cause::Failed(Failure::EndOfStream))
}

#[test]
fn a_read_that_pauses_is_no_input_and_no_end() {
    for kind in PAUSES {
        let mut buffer = [0; 10];
        let input = Input::read(Err(kind.into()), &mut buffer);
        assert!(input.is_empty() && !input.is_eof(), "{kind:?}");
    }
}

#[test]
fn a_read_of_nothing_and_a_read_that_fails_are_the_end() {
    let mut buffer = [0; 10];
    assert!(Input::read(Ok(0), &mut buffer).is_eof());
    for kind in BREAKS {
        assert!(Input::read(Err(kind.into()), &mut buffer).is_eof(), "{kind:?}");
    }
    let input = Input::read(Ok(4), &mut buffer);
    assert!(input.len() == 4 && !input.is_eof());
}

#[test]
fn a_write_that_pauses_leaves_what_waits() {
    for kind in PAUSES {
        let mut conn = waiting();
        conn.wrote(Err::<usize, _>(io::Error::from(kind)));
        assert_eq!(conn.output(), b"\x81\x05hello", "{kind:?}");
        assert!(matches!(conn.want(), Want::Io { write: true, .. }), "{kind:?}");
    }
}

#[test]
fn a_write_that_fails_or_takes_nothing_is_a_stream_that_is_lost() {
    for kind in BREAKS {
        let mut conn = waiting();
        conn.wrote(Err::<usize, _>(io::Error::from(kind)));
        assert!(is_lost(&conn), "{kind:?}");
    }
    let mut conn = waiting();
    conn.wrote(io::Result::Ok(0));
    assert!(is_lost(&conn));
}

#[test]
fn a_write_takes_out_what_it_took() {
    let mut conn = waiting();
    conn.wrote(io::Result::Ok(3));
    assert_eq!(conn.output(), b"ello");
    conn.wrote(4);
    assert!(conn.output().is_empty());
    // Nobody has asked the stream to take anything.
    conn.wrote(io::Result::Ok(0));
    assert!(matches!(conn.want(), Want::Io { read: true, write: false, .. }));
}

#[test]
fn a_call_may_block_until_the_deadline_and_never_for_no_time() {
    let seconds = Duration::from_secs;
    let want = |deadline| Want::Io { read: true, write: false, deadline };
    assert_eq!(want(None).timeout(seconds(7)), None);
    assert_eq!(want(Some(seconds(10))).timeout(seconds(7)), Some(seconds(3)));
    for now in [seconds(10), seconds(20)] {
        let timeout = want(Some(seconds(10))).timeout(now);
        assert_eq!(timeout, Some(Duration::from_millis(1)));
    }
    let limits = HeadLimits::default().with_timeout(seconds(5));
    let acceptor = Acceptor::new(&limits, seconds(1));
    assert_eq!(acceptor.timeout(seconds(2)), Some(seconds(4)));
    assert_eq!(acceptor.timeout(seconds(6)), Some(Duration::from_millis(1)));
}

// A request that is answered with something else than a connection

fn asked(head: &[u8]) -> Asked<'static> {
    Acceptor::new(&HeadLimits::default(), NOW).poll(&mut arriving(head), NOW).expect("a head")
}

#[test]
fn a_request_for_a_websocket_becomes_an_open_connection() {
    let mut conn = asked(&Head::request().bytes()).into_connection(Config::default(), NOW);
    assert!(conn.output().starts_with(b"HTTP/1.1 101 "));
    conn.wrote(conn.output().len());
    assert_eq!(conn.send_text("hi"), Ok(()));
    assert_eq!(conn.output(), b"\x81\x02hi");
}

#[test]
fn an_answer_that_opens_nothing_is_written_and_the_client_has_time_to_read_it() {
    for (head, answer) in [
        (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..], RequestError::PlainRequest.answer()),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", RequestError::Method.answer()),
    ] {
        let mut conn = asked(head).into_connection(Config::default(), NOW);
        assert_eq!(conn.output(), answer);
        assert_eq!(conn.send_text("hi"), Err(SendError::Failed));
        // What the client still sends is thrown away, frames or not, before and after the answer.
        let mut more = b"\x81\x82\0\0\0\0hi and no frame".to_vec();
        assert!(conn.poll(&mut Input::new(&mut more), NOW).is_none());
        let (first, rest) = (10, answer.len() - 10);
        conn.wrote(first);
        assert!(conn.poll(&mut Input::none(), NOW).is_none());
        assert_eq!(conn.output(), &answer[first..]);
        conn.wrote(rest);
        assert_eq!(conn.want(), Want::ShutdownWrite);
        conn.shut();
        assert!(conn.poll(&mut Input::new(&mut more), NOW).is_none());
        assert!(matches!(conn.want(), Want::Io { read: true, write: false, deadline: Some(_) }));
        assert!(conn.poll(&mut Input::eof(), NOW).is_none());
        let Want::Done(outcome) = conn.want() else { panic!("{:?}", conn.want()) };
        assert_eq!(outcome.cause, Cause::Failed(Failure::Refused));
        assert!(!outcome.clean());
    }
}

#[test]
fn a_client_that_neither_reads_its_answer_nor_leaves_is_dropped_after_the_time_for_closing() {
    let config = Config::default().with_close(Duration::from_secs(3));
    let start = Duration::from_secs(100);
    for writes in [false, true] {
        let page = Refusal::page("<title>hello</title>");
        let mut conn = page.into_connection(config.clone(), start);
        assert!(conn.output().ends_with(b"\r\n\r\n<title>hello</title>"));
        if writes {
            conn.wrote(conn.output().len());
            conn.shut();
        }
        assert!(conn.poll(&mut Input::none(), start).is_none());
        assert_eq!(conn.want().deadline(), Some(Duration::from_secs(103)));
        assert!(conn.poll(&mut Input::none(), Duration::from_secs(102)).is_none());
        assert!(matches!(conn.want(), Want::Io { .. } | Want::ShutdownWrite));
        assert!(conn.poll(&mut Input::none(), Duration::from_secs(103)).is_none());
        assert!(matches!(conn.want(), Want::Done(_)), "{:?}", conn.want());
    }
}

#[test]
fn a_client_that_has_closed_its_side_still_gets_its_answer() {
    let mut input = arriving(b"GET / HT");
    let mut acceptor = Acceptor::new(&HeadLimits::default(), NOW);
    assert!(acceptor.poll(&mut input, NOW).is_none());
    let mut input = Input::eof();
    let asked = acceptor.poll(&mut input, NOW).expect("an answer");
    let mut conn = asked.into_connection(Config::default(), NOW);
    // The same input goes on: its end is still in it.
    assert!(conn.poll(&mut input, NOW).is_none());
    assert_eq!(conn.output(), RequestError::Truncated.answer());
    conn.wrote(conn.output().len());
    assert!(matches!(conn.want(), Want::Done(_)));
}
