//! What falls due while a streamed frame is open waits for its end, and is not forgotten.

use std::time::Duration;

use sockless::connection::{Cause, ControlPayload, Notice, Reply};
use sockless::{CloseCode, Config, Connection, Event, Input, Kind, Server, Want};

use crate::streams::encoded;

const KEY: Option<[u8; 4]> = Some([1, 2, 3, 4]);

/// A connection in the middle of a streamed frame of two bytes.
fn streaming(config: Config) -> Connection<Server> {
    let mut conn = Connection::server(config);
    assert!(conn.poll(&mut Input::none(), Duration::ZERO).is_none());
    conn.stream_frame(Some(Kind::Binary), true, 2).expect("room");
    conn.stream_payload(&mut [1]).expect("room");
    conn
}

fn feed(conn: &mut Connection<Server>, mut bytes: Vec<u8>) {
    let mut input = Input::new(&mut bytes);
    while conn.poll(&mut input, Duration::ZERO).is_some() {}
}

fn behind_the_frame(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut expected = encoded(true, 2, None, &[1, 2]);
    expected.extend(frames.into_iter().flatten());
    expected
}

#[test]
fn ten_pings_while_a_frame_is_streamed_get_ten_pongs_behind_it() {
    let mut conn = streaming(Config::default());
    feed(&mut conn, (0..10u8).flat_map(|at| encoded(true, 9, KEY, &[at])).collect());
    assert_eq!(conn.output(), [0x82, 2, 1], "nothing gets into the frame");
    conn.stream_payload(&mut [2]).expect("room");
    let pongs = (0..10u8).map(|at| encoded(true, 10, None, &[at]));
    assert_eq!(conn.output(), behind_the_frame(pongs));
}

#[test]
fn ping_flood_while_a_frame_is_streamed_keeps_to_the_reserve_and_answers_the_latest() {
    let mut conn = streaming(Config::default());
    for at in 0..1000u32 {
        let payload = [&at.to_be_bytes()[..], &[0; 100]].concat();
        feed(&mut conn, encoded(true, 9, KEY, &payload));
    }
    conn.stream_payload(&mut [2]).expect("room");
    assert!(conn.queued() <= 4 + 2048);
    let mut out = Vec::new();
    while !conn.output().is_empty() {
        out.extend_from_slice(conn.output());
        conn.wrote(conn.output().len());
    }
    let numbers =
        out[4..].chunks(106).map(|pong| u32::from_be_bytes([pong[2], pong[3], pong[4], pong[5]]));
    let numbers: Vec<_> = numbers.collect();
    let (latest, first) = numbers.split_last().expect("some");
    assert_eq!(*latest, 999);
    assert!(first.len() > 15 && first.iter().copied().eq(0..first.len() as u32), "{numbers:?}");
}

/// A frame that is begun before the pongs ahead of it are written holds it up once more.
#[test]
fn latest_pong_of_a_flood_goes_out_behind_the_next_frame_at_the_latest() {
    let (_, mut sender) = streaming(Config::default()).split();
    let payload = |at: u8| ControlPayload::new(&[at; 125]).expect("short enough");
    for at in 0..100 {
        sender.apply(Reply::Pong(payload(at)), Duration::ZERO);
    }
    sender.apply(Reply::Ping(payload(0)), Duration::ZERO);
    sender.stream_payload(&mut [2]).expect("room");
    sender.stream_frame(Some(Kind::Binary), true, 1).expect("room");
    sender.wrote(usize::MAX);
    assert_eq!(sender.notice(), Some(Notice::PingWritten));
    sender.stream_payload(&mut [3]).expect("room");
    assert_eq!(sender.output(), [vec![3], encoded(true, 10, None, &[99; 125])].concat());
}

#[test]
fn pong_waits_for_the_end_of_the_frame_though_a_ping_of_ours_is_written_meanwhile() {
    let (_, mut sender) = Connection::server(Config::default()).split();
    let payload = |bytes: &[u8]| ControlPayload::new(bytes).expect("short enough");
    sender.apply(Reply::Ping(payload(b"ours")), Duration::ZERO);
    sender.stream_frame(Some(Kind::Binary), true, 1).expect("room");
    sender.apply(Reply::Pong(payload(b"theirs")), Duration::ZERO);
    sender.wrote(usize::MAX);
    assert_eq!(sender.notice(), Some(Notice::PingWritten));
    sender.stream_payload(&mut [1]).expect("room");
    assert_eq!(sender.output(), [vec![1], encoded(true, 10, None, b"theirs")].concat());
}

#[test]
fn close_frame_of_the_peer_is_answered_behind_the_frame_without_the_pongs() {
    let mut conn = streaming(Config::default());
    feed(&mut conn, encoded(true, 9, KEY, b"late"));
    feed(&mut conn, encoded(true, 8, KEY, &1000u16.to_be_bytes()));
    conn.stream_payload(&mut [2]).expect("room");
    assert_eq!(conn.output(), behind_the_frame([encoded(true, 8, None, &1000u16.to_be_bytes())]));
}

/// The receiving half can't know that the sending half has a frame open: its ping is not lost.
#[test]
fn keepalive_ping_of_the_halves_goes_out_behind_the_frame() {
    let (interval, timeout) = (Duration::from_secs(5), Duration::from_secs(100));
    let conn = streaming(Config::default().with_keepalive(interval, timeout));
    let (mut receiver, mut sender) = conn.split();
    let event = receiver.poll(&mut Input::none(), interval).expect("silence");
    assert!(matches!(event, Event::Quiet));
    sender.apply(receiver.reply().expect("a ping"), interval);
    assert_eq!(sender.output().len(), 3);
    sender.stream_payload(&mut [2]).expect("room");
    assert_eq!(sender.output()[4..6], [0x89, 8]);
    assert_eq!(sender.traffic().pings, 1);
}

#[test]
fn idle_connection_is_closed_behind_the_frame() {
    let idle = Duration::from_secs(5);
    let mut conn = streaming(Config::default().with_idle(idle));
    assert!(matches!(conn.poll(&mut Input::none(), idle), Some(Event::Idle)));
    assert_eq!(conn.output().len(), 3);
    conn.stream_payload(&mut [2]).expect("room");
    let body = [&1001u16.to_be_bytes()[..], b"idle"].concat();
    assert_eq!(conn.output(), behind_the_frame([encoded(true, 8, None, &body)]));
    assert!(conn.send_text("more").is_err());
}

#[test]
fn idle_connection_whose_frame_is_never_completed_ends_in_time() {
    let idle = Duration::from_secs(5);
    let mut conn = streaming(Config::default().with_idle(idle));
    assert!(matches!(conn.poll(&mut Input::none(), idle), Some(Event::Idle)));
    conn.wrote(usize::MAX);
    let Want::Io { deadline: Some(deadline), .. } = conn.want() else {
        panic!("a deadline: {:?}", conn.want())
    };
    assert!(conn.poll(&mut Input::none(), deadline).is_none());
    let Want::Done(outcome) = conn.want() else { panic!("done: {:?}", conn.want()) };
    assert_eq!((outcome.cause, outcome.clean()), (Cause::TimedOut, false));
    assert!(conn.close(CloseCode::NORMAL, "", deadline).is_err());
}
