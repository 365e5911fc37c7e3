//! Time: keepalive, idle, and the closing handshake.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use core::time::Duration;

use sockless::connection::{Cause, CloseStatus, Connection, Failure, Initiator};
use sockless::{CloseCode, Config, Holding, Input, Kind, Want};

use crate::wire::*;

in_both_roles!(
    has_no_deadline_by_default,
    pings_after_silence,
    pings_again_after_next_silence,
    fails_without_any_answer,
    any_byte_counts_as_answer,
    answer_at_the_deadline_counts,
    tells_round_trip_time_of_its_own_pings,
    input_postpones_ping,
    closes_1001_when_idle,
    pings_and_pongs_are_no_data,
    data_postpones_idle,
    long_frame_is_not_idle,
    bytes_read_into_the_messages_own_buffer_are_heard,
    idle_is_told_once,
    idle_and_keepalive_together,
    idle_after_own_close_sends_no_second_close,
    closing_handshake_times_out,
    closing_handshake_has_its_own_time,
    closing_handshake_takes_no_longer_for_what_happens_meanwhile,
    reply_that_is_not_written_times_out,
    failure_that_is_not_written_times_out,
    deadline_is_the_earliest,
    blocks_for_a_moment_while_both_directions_are_wanted,
    nothing_is_due_after_the_end,
    times_begin_with_the_first_poll,
    changed_times_hold_at_once,
    streams_a_frame_for_longer_than_the_keepalive,
    fails_when_nothing_is_taken_inside_a_streamed_frame,
    slow_peer_inside_a_streamed_frame_is_not_taken_for_dead,
    is_not_taken_for_dead_after_own_close,
    pings_though_the_queue_is_full,
    events_end_with_times_of_zero,
    closes_1001_when_idle_inside_streamed_frame,
);

fn keepalive() -> Config {
    Config::default().with_keepalive(seconds(30), seconds(10))
}

fn idle() -> Config {
    Config::default().with_idle(seconds(60))
}

/// A connection that has seen its first moment.
fn begun<R: Tested>(config: Config) -> Connection<R> {
    let mut conn = R::open(config);
    assert_eq!(pass(&mut conn, START), []);
    conn
}

fn has_no_deadline_by_default<R: Tested>() {
    let mut conn = begun::<R>(Config::default());
    assert_eq!(conn.want().deadline(), None);
    assert_eq!(conn.want(), Want::Io { read: true, write: false, deadline: None });
    assert_eq!(pass(&mut conn, seconds(1 << 40)), []);
    is_unharmed(&mut conn);
}

fn pings_after_silence<R: Tested>() {
    let mut conn = begun::<R>(keepalive());
    assert_eq!(conn.want().deadline(), Some(seconds(30)));
    assert_eq!(pass(&mut conn, seconds(29)), []);
    assert_eq!(conn.queued(), 0);
    assert_eq!(pass(&mut conn, seconds(30)), [Seen::Quiet]);
    let frames = sent(&mut conn);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].0, FIN | PING);
    // It was written only now: from here on the answer has its time.
    assert_eq!(conn.want().deadline(), Some(START));
    assert_eq!(pass(&mut conn, seconds(30)), []);
    assert_eq!(conn.want().deadline(), Some(seconds(40)));
    assert_eq!(pass(&mut conn, seconds(39)), []);
    let pong = peer::<R>(FIN | PONG, &frames[0].1);
    let rtt = Some(seconds(9));
    assert_eq!(feed_at(&mut conn, &pong, seconds(39)), [Seen::Pong(frames[0].1.clone(), rtt)]);
    assert_eq!(conn.want().deadline(), Some(seconds(69)));
    is_unharmed(&mut conn);
}

fn pings_again_after_next_silence<R: Tested>() {
    let mut conn = begun::<R>(keepalive());
    let mut payloads = Vec::new();
    for round in 1..5 {
        assert_eq!(pass(&mut conn, seconds(30 * round)), [Seen::Quiet]);
        let frames = sent(&mut conn);
        assert_eq!(frames[0].0, FIN | PING);
        feed_at(&mut conn, &peer::<R>(FIN | PONG, &frames[0].1), seconds(30 * round));
        payloads.push(frames[0].1.clone());
    }
    payloads.dedup();
    assert_eq!(payloads.len(), 4);
}

fn fails_without_any_answer<R: Tested>() {
    let mut conn = begun::<R>(keepalive());
    assert_eq!(pass(&mut conn, seconds(30)), [Seen::Quiet]);
    assert_eq!(sent(&mut conn).len(), 1);
    assert_eq!(pass(&mut conn, seconds(30)), []);
    assert_eq!(pass(&mut conn, seconds(40)), [Seen::Failed(Failure::Unresponsive)]);
    assert_eq!(pass(&mut conn, seconds(41)), []);
    // If the peer should live all the same, it gets a Close frame.
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, failing_body(Failure::Unresponsive))]);
    assert_eq!(conn.want(), Want::ShutdownWrite);
    conn.shut();
    assert_eq!(conn.want().deadline(), Some(seconds(50)));
    assert_eq!(pass(&mut conn, seconds(50)), []);
    let outcome = outcome(&conn);
    assert_eq!(outcome.cause, Cause::Failed(Failure::Unresponsive));
    assert_eq!(outcome.sent.number(), 1011);
    assert_eq!(outcome.received, CloseStatus::Absent);
}

fn any_byte_counts_as_answer<R: Tested>() {
    let frame = peer::<R>(FIN | BINARY, &[7; 1000]);
    let mut conn = begun::<R>(keepalive());
    let mut now = 0;
    for byte in &frame[..20] {
        now += 30;
        assert_eq!(pass(&mut conn, seconds(now)), [Seen::Quiet]);
        assert_eq!(sent(&mut conn).len(), 1);
        assert_eq!(pass(&mut conn, seconds(now)), []);
        now += 9;
        assert_eq!(feed_at(&mut conn, &[*byte], seconds(now)), []);
    }
    assert_eq!(feed_at(&mut conn, &frame[20..], seconds(now)), [binary(&[7; 1000])]);
}

fn answer_at_the_deadline_counts<R: Tested>() {
    let mut conn = begun::<R>(keepalive());
    pass(&mut conn, seconds(30));
    let events = feed_at(&mut conn, &peer::<R>(FIN | TEXT, b"here"), seconds(45));
    assert_eq!(events, [text("here")]);
}

fn tells_round_trip_time_of_its_own_pings<R: Tested>() {
    let mut conn = begun::<R>(keepalive());
    pass(&mut conn, seconds(30));
    let ping = sent(&mut conn).remove(0);
    feed_at(&mut conn, &peer::<R>(FIN | PONG, &ping.1), seconds(33));
    assert_eq!(conn.counters().round_trip, Some(seconds(3)));
}

fn input_postpones_ping<R: Tested>() {
    let mut conn = begun::<R>(keepalive());
    for second in 1..100 {
        feed_at(&mut conn, &peer::<R>(FIN | PONG, b""), seconds(second * 29));
    }
    assert_eq!(conn.queued(), 0);
    assert_eq!(conn.want().deadline(), Some(seconds(99 * 29 + 30)));
}

fn closes_1001_when_idle<R: Tested>() {
    let mut conn = begun::<R>(idle());
    assert_eq!(conn.want().deadline(), Some(seconds(60)));
    assert_eq!(pass(&mut conn, seconds(59)), []);
    assert_eq!(pass(&mut conn, seconds(60)), [Seen::Idle]);
    let frames = sent(&mut conn);
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].0, FIN | CLOSE);
    assert_eq!(frames[0].1[..2], close_body(1001, b""));
    assert_eq!(conn.want().deadline(), Some(seconds(70)));
    let close = peer::<R>(FIN | CLOSE, &close_body(1001, b""));
    feed_at(&mut conn, &close, seconds(61));
    end(&mut conn, seconds(61));
    let outcome = outcome(&conn);
    assert!(outcome.clean());
    assert_eq!(outcome.initiator, Some(Initiator::Local));
    assert_eq!(outcome.cause, Cause::Closed);
}

fn pings_and_pongs_are_no_data<R: Tested>() {
    let mut conn = begun::<R>(idle());
    for second in 1..60 {
        let bytes = [peer::<R>(FIN | PING, b""), peer::<R>(FIN | PONG, b"")].concat();
        assert_eq!(feed_at(&mut conn, &bytes, seconds(second)).len(), 2);
    }
    sent(&mut conn);
    assert_eq!(pass(&mut conn, seconds(60)), [Seen::Idle]);
}

fn data_postpones_idle<R: Tested>() {
    let mut conn = begun::<R>(idle());
    for (second, first) in [(50, FIN | TEXT), (100, BINARY), (150, CONTINUATION), (200, FIN)] {
        feed_at(&mut conn, &peer::<R>(first, b"data"), seconds(second));
        assert_eq!(conn.want().deadline(), Some(seconds(second + 60)));
    }
}

fn long_frame_is_not_idle<R: Tested>() {
    let mut conn = begun::<R>(idle());
    let bytes = peer::<R>(FIN | BINARY, &[1; 120]);
    let mut events = Vec::new();
    for (byte, second) in bytes.iter().zip((0..).step_by(10)) {
        events.extend(feed_at(&mut conn, &[*byte], seconds(second)));
    }
    // Not idle in between, and there in the end.
    assert_eq!(events, [binary(&[1; 120])]);
    assert_eq!(conn.queued(), 0);
}

fn bytes_read_into_the_messages_own_buffer_are_heard<R: Tested>() {
    for config in [idle(), Config::default().with_keepalive(seconds(60), seconds(10))] {
        let mut conn = begun::<R>(config);
        let frame = peer::<R>(FIN | BINARY, &[7; 50_000]);
        assert_eq!(feed_at(&mut conn, &frame[..1000], seconds(20)), []);
        // A buffer that comes back as it was tells nothing of the peer.
        let taken = conn.take_buffer().unwrap();
        conn.put_buffer(taken).unwrap();
        assert_eq!(pass(&mut conn, seconds(50)), []);
        assert_eq!(conn.want().deadline(), Some(seconds(80)));
        let mut taken = conn.take_buffer().unwrap();
        taken.extend_from_slice(&frame[1000..=1000]);
        conn.put_buffer(taken).unwrap();
        assert_eq!(pass(&mut conn, seconds(70)), []);
        assert_eq!(conn.want().deadline(), Some(seconds(130)));
    }
}

fn idle_is_told_once<R: Tested>() {
    let mut conn = begun::<R>(idle().with_close(seconds(1000)));
    assert_eq!(pass(&mut conn, seconds(60)), [Seen::Idle]);
    assert_eq!(sent(&mut conn).len(), 1);
    assert_eq!(pass(&mut conn, seconds(60)), []);
    assert_eq!(pass(&mut conn, seconds(200)), []);
    feed_at(&mut conn, &peer::<R>(FIN | TEXT, b"late"), seconds(200));
    assert_eq!(pass(&mut conn, seconds(300)), []);
    assert_eq!(sent(&mut conn), []);
}

fn idle_and_keepalive_together<R: Tested>() {
    let config = keepalive().with_idle(seconds(30));
    let mut conn = begun::<R>(config);
    // It closes; a ping can't follow its Close frame.
    assert_eq!(pass(&mut conn, seconds(30)), [Seen::Idle]);
    let frames = sent(&mut conn);
    assert_eq!((frames.len(), frames[0].0), (1, FIN | CLOSE));
    assert_eq!(pass(&mut conn, seconds(39)), []);
}

fn idle_after_own_close_sends_no_second_close<R: Tested>() {
    let mut conn = begun::<R>(idle().with_close(seconds(100)));
    conn.close(CloseCode::NORMAL, "", seconds(1)).unwrap();
    pass(&mut conn, seconds(60));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1000, b""))]);
}

fn closing_handshake_times_out<R: Tested>() {
    let mut conn = begun::<R>(Config::default());
    conn.close(CloseCode::NORMAL, "", seconds(5)).unwrap();
    sent(&mut conn);
    assert_eq!(conn.want().deadline(), Some(seconds(15)));
    assert_eq!(pass(&mut conn, seconds(14)), []);
    assert!(matches!(conn.want(), Want::Io { .. }));
    assert_eq!(pass(&mut conn, seconds(15)), []);
    let outcome = outcome(&conn);
    assert_eq!(outcome.cause, Cause::TimedOut);
    assert_eq!(outcome.sent.number(), 1000);
    assert_eq!(outcome.received.number(), 1006);
    assert!(!outcome.clean());
}

fn closing_handshake_has_its_own_time<R: Tested>() {
    let mut conn = begun::<R>(Config::default().with_close(seconds(3)));
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    sent(&mut conn);
    assert_eq!(conn.want().deadline(), Some(seconds(3)));
    // Nothing that the peer sends prolongs it, but its Close.
    feed_at(&mut conn, &peer::<R>(FIN | TEXT, b"more"), seconds(2));
    assert_eq!(conn.want().deadline(), Some(seconds(3)));
}

fn closing_handshake_takes_no_longer_for_what_happens_meanwhile<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(end(&mut conn, seconds(5)), [Seen::Failed(Failure::EndOfStream)]);
    for second in 6..10 {
        assert_eq!(pass(&mut conn, seconds(second)), []);
        assert_eq!(conn.want().deadline(), Some(seconds(10)), "after {second} s");
    }
    assert_eq!(pass(&mut conn, seconds(10)), []);
    outcome(&conn);
}

fn reply_that_is_not_written_times_out<R: Tested>() {
    let mut conn = begun::<R>(Config::default());
    feed(&mut conn, &peer::<R>(FIN | CLOSE, &close_body(1000, b"")));
    pass(&mut conn, seconds(10));
    let outcome = outcome(&conn);
    assert_eq!(outcome.sent, CloseStatus::Absent);
    assert_eq!(outcome.cause, Cause::TimedOut);
    assert!(!outcome.clean());
}

fn failure_that_is_not_written_times_out<R: Tested>() {
    let mut conn = begun::<R>(Config::default());
    feed(&mut conn, &peer::<R>(FIN | 0x3, b""));
    assert_eq!(pass(&mut conn, START), []);
    assert_eq!(conn.want().deadline(), Some(seconds(10)));
    pass(&mut conn, seconds(10));
    let outcome = outcome(&conn);
    assert_eq!(outcome.sent, CloseStatus::Absent);
    assert!(matches!(outcome.cause, Cause::Failed(_)));
}

fn deadline_is_the_earliest<R: Tested>() {
    let mut conn = begun::<R>(keepalive().with_idle(seconds(20)));
    assert_eq!(conn.want().deadline(), Some(seconds(20)));
    conn.close(None, "", seconds(5)).unwrap();
    sent(&mut conn);
    assert_eq!(conn.want().deadline(), Some(seconds(15)));
    let Want::Io { deadline, .. } = conn.want() else { panic!() };
    assert_eq!(deadline, Some(seconds(15)));
}

/// A call that blocks can wait for one direction alone.
fn blocks_for_a_moment_while_both_directions_are_wanted<R: Tested>() {
    let second = Duration::from_secs(1);
    let mut conn = R::open(Config::default().with_keepalive(second, second));
    assert!(poll(&mut conn, Input::none(), START).is_empty());
    assert_eq!(conn.want().timeout(START), Some(second));
    conn.send_text("hi").unwrap();
    assert!(poll(&mut conn, Input::none(), START).is_empty());
    assert!(matches!(conn.want(), Want::Io { read: true, write: true, .. }));
    let moment = conn.want().timeout(START).unwrap();
    assert!((Duration::from_millis(1)..=Duration::from_millis(10)).contains(&moment));
    // What is due before is due.
    let soon = START + second - Duration::from_millis(2);
    assert_eq!(conn.want().timeout(soon), Some(Duration::from_millis(2)));
    written(&mut conn);
    assert_eq!(conn.want().timeout(START), Some(second));
    // Nobody wants to read after the end: then a write has all the time that there is.
    let mut conn = R::open(Config::default().with_write_timeout(second));
    conn.send_text("hi").unwrap();
    poll(&mut conn, Input::eof(), START);
    assert!(matches!(conn.want(), Want::Io { read: false, write: true, .. }));
    assert_eq!(conn.want().timeout(START), Some(second));
}

fn nothing_is_due_after_the_end<R: Tested>() {
    let mut conn = begun::<R>(keepalive().with_idle(seconds(60)));
    feed(&mut conn, &peer::<R>(FIN | CLOSE, b""));
    sent(&mut conn);
    end(&mut conn, START);
    assert_eq!(pass(&mut conn, seconds(1000)), []);
    assert_eq!(conn.queued(), 0);
    assert!(outcome(&conn).clean());
}

fn times_begin_with_the_first_poll<R: Tested>() {
    let mut conn = R::open(keepalive());
    assert_eq!(pass(&mut conn, seconds(1_000_000)), []);
    assert_eq!(conn.want().deadline(), Some(seconds(1_000_030)));
    assert_eq!(conn.queued(), 0);
}

fn changed_times_hold_at_once<R: Tested>() {
    let mut conn = begun::<R>(Config::default());
    conn.set_config(keepalive());
    assert_eq!(conn.want().deadline(), Some(seconds(30)));
    conn.set_config(Config::default());
    assert_eq!(conn.want().deadline(), None);
}

fn streams_a_frame_for_longer_than_the_keepalive<R: Tested>() {
    // No ping can be put into the middle of a frame; a peer that was not asked can't be taken for dead.
    let mut conn = begun::<R>(keepalive());
    conn.stream_frame(Some(Kind::Binary), true, 1000).unwrap();
    let (mut events, mut bytes) = (Vec::new(), Vec::new());
    for second in 0..1000 {
        conn.stream_payload(&mut [1]).unwrap();
        bytes.extend(written(&mut conn));
        events.extend(pass(&mut conn, seconds(second)).into_iter().map(|event| (second, event)));
    }
    assert_eq!(events, [(30, Seen::Quiet)]);
    // Once the frame is complete, it is asked, and has its time for an answer.
    let frames = found(&bytes);
    assert_eq!(
        frames.iter().map(|frame| frame.first).collect::<Vec<_>>(),
        [FIN | BINARY, FIN | PING]
    );
    assert_eq!(frames[0].payload, [1; 1000]);
    assert_eq!(pass(&mut conn, seconds(1008)), []);
    assert_eq!(pass(&mut conn, seconds(1009)), [Seen::Failed(Failure::Unresponsive)]);
}

fn fails_when_nothing_is_taken_inside_a_streamed_frame<R: Tested>() {
    // A peer that takes none of the bytes which wait can't be asked either. It must not hold the connection for ever.
    let mut conn = begun::<R>(keepalive());
    conn.stream_frame(Some(Kind::Binary), true, 1000).unwrap();
    conn.stream_payload(&mut [1; 10]).unwrap();
    let mut events = Vec::new();
    for second in 0..1000 {
        events.extend(pass(&mut conn, seconds(second)));
    }
    assert_eq!(events, [Seen::Quiet, Seen::Failed(Failure::Stalled)]);
    assert_eq!(outcome(&conn).cause, Cause::Failed(Failure::Stalled));
}

fn slow_peer_inside_a_streamed_frame_is_not_taken_for_dead<R: Tested>() {
    // Something waits always, but a byte of it is taken now and then.
    let mut conn = begun::<R>(keepalive());
    conn.stream_frame(Some(Kind::Binary), true, 1000).unwrap();
    conn.stream_payload(&mut [1; 500]).unwrap();
    let mut events = Vec::new();
    for second in 0..400 {
        conn.wrote(1);
        // A write that takes nothing changes nothing.
        conn.wrote(0);
        events.extend(pass(&mut conn, seconds(second)).into_iter().map(|event| (second, event)));
    }
    assert_eq!(events, [(30, Seen::Quiet)]);
    assert!(conn.queued() > 0);
}

fn is_not_taken_for_dead_after_own_close<R: Tested>() {
    // Nothing but pongs follows our Close frame, so the peer can't be asked; the closing handshake has its own deadline.
    let mut conn = begun::<R>(keepalive().with_close(seconds(500)));
    conn.close(None, "", START).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, vec![])]);
    for second in 1..500 {
        assert_eq!(pass(&mut conn, seconds(second)), [], "after {second} s");
    }
    pass(&mut conn, seconds(500));
    assert_eq!(outcome(&conn).cause, Cause::TimedOut);
}

fn pings_though_the_queue_is_full<R: Tested>() {
    // One that holds messages meanwhile doesn't read, and so hears no silence.
    let config = keepalive().with_output_limits(1, 1).with_holding(Holding::Independent);
    let mut conn = begun::<R>(config);
    conn.send_text("full").unwrap();
    assert!(conn.send_text("too much").is_err());
    assert_eq!(pass(&mut conn, seconds(30)), [Seen::Quiet]);
    let frames = sent(&mut conn);
    assert_eq!(frames[0].0, FIN | TEXT);
    assert_eq!(frames[1].0, FIN | PING);
}

fn events_end_with_times_of_zero<R: Tested>() {
    let config = Config::default().with_keepalive(START, START).with_idle(START);
    // `poll` itself fails if there are events without end.
    let mut conn = R::open(config.clone());
    pass(&mut conn, seconds(1));
    let mut conn = R::open(config.clone());
    conn.close(None, "", START).unwrap();
    pass(&mut conn, seconds(1));
    let mut conn = R::open(config);
    conn.stream_frame(Some(Kind::Binary), true, 1).unwrap();
    pass(&mut conn, seconds(1));
    pass(&mut conn, seconds(2));
}

fn closes_1001_when_idle_inside_streamed_frame<R: Tested>() {
    // The Close frame has to wait for the end of the frame, but then it comes.
    let mut conn = begun::<R>(idle());
    conn.stream_frame(Some(Kind::Binary), true, 2).unwrap();
    conn.stream_payload(&mut [1]).unwrap();
    assert_eq!(pass(&mut conn, seconds(60)), [Seen::Idle]);
    conn.stream_payload(&mut [2]).unwrap();
    let frames = sent(&mut conn);
    assert_eq!(frames[0], (FIN | BINARY, vec![1, 2]));
    let close = frames.get(1).expect("a Close frame");
    assert_eq!((close.0, &close.1[..2]), (FIN | CLOSE, &close_body(1001, b"")[..]));
    assert!(conn.want().deadline().is_some());
}
