//! Holding: what an endpoint does about incoming messages while its output is congested, and what it keeps of the input meanwhile.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use core::time::Duration;

use sockless::connection::{Cause, ControlPayload, Failure, Initiator, Notice, Reply, SendError};
use sockless::frame::Violation;
use sockless::{
    Client, CloseCode, Config, Connection, Delivery, Event, Holding, Input, Kind, Outcome,
    Receiver, Sender, Server, Want,
};

use crate::wire::*;

in_both_roles!(
    answering_endpoint_gives_out_no_message_while_congested,
    independent_endpoint_gives_out_messages_while_congested,
    held_messages_own_their_payload,
    held_messages_come_in_order_with_what_is_read_later,
    input_between_held_messages_comes_after_them,
    control_frames_before_the_first_data_frame_are_served,
    ping_after_a_held_message_waits_with_it,
    close_before_a_held_message_is_answered_while_congested,
    reads_on_after_the_peers_close_while_congested,
    stream_ends_after_the_held_messages,
    stream_ends_at_once_if_nothing_is_held,
    violation_after_a_held_message_comes_after_it,
    parts_stop_between_parts,
    frame_that_is_arriving_is_held_as_well,
    wants_no_input_until_the_kept_is_used_up,
    goes_on_at_once_when_output_has_been_written,
    empty_queue_is_never_congested,
    raised_limit_lets_held_messages_go,
    end_throws_the_kept_away,
    lost_throws_the_kept_away,
    input_is_kept_while_a_buffer_is_out,
    stream_ends_while_a_buffer_is_out,
    message_that_its_buffer_completed_is_held_and_comes,
    stream_ends_after_a_held_message_that_its_buffer_completed,
    message_after_a_fragment_that_its_buffer_completed_comes_at_once,
    silence_does_not_run_while_messages_are_held,
    idle_time_does_not_run_while_messages_are_held,
    silence_begins_anew_after_congestion_between_two_polls,
    pings_answer_is_not_timed_before_it_is_written,
    pings_do_not_pile_up_behind_waiting_output,
    soft_limit_is_no_higher_than_the_hard_one,
    nothing_written_for_a_minute_fails_as_stalled,
    any_byte_written_postpones_stalling,
    stalls_before_any_message_is_given_out,
    pause_of_the_program_itself_is_no_stall,
    part_of_the_last_offer_that_is_taken_is_no_stall,
    time_since_everything_was_written_is_no_stall,
    answer_after_everything_was_written_has_its_own_time,
    byte_that_was_written_just_before_the_deadline_counts,
    late_close_ends_before_any_message_is_given_out,
    nothing_can_be_sent_after_a_late_close,
    late_close_that_was_never_written_was_not_sent,
    stalled_peer_of_a_failed_connection_ends_it,
    halves_hold_when_they_are_asked_to,
    halves_hold_nothing_at_first,
    halves_read_on_after_the_peers_close_though_they_hold,
    halves_keep_replies_in_a_fixed_place,
    halves_keep_the_latest_ping,
    halves_keep_pongs_in_order_and_the_latest_beyond,
    halves_keep_a_short_pong_in_place_of_a_longer_one_without_room,
    halves_have_all_room_for_pongs_again_when_they_are_taken,
    halves_answer_the_pings_before_a_failure_ahead_of_it,
    halves_hear_that_the_ping_was_written,
    halves_ask_no_more_after_our_close,
    halves_hear_of_stalling,
    halves_hear_of_a_late_close,
    halves_go_on_with_the_kept_when_joined,
    halves_pongs_stay_in_order_when_joined,
    halves_hear_of_the_end_of_the_stream_after_a_held_close,
    halves_hear_of_the_end_of_the_stream_while_a_buffer_is_out,
    halves_can_be_lost,
    halves_know_the_end_of_the_stream_though_they_stalled_before_it,
);

/// An answering endpoint with a soft limit of ten bytes.
fn answering() -> Config {
    Config::default().with_output_limits(10, 1000).with_holding(Holding::Answering)
}

/// One that is congested.
fn congested<R: Tested>(config: Config) -> Connection<R> {
    let mut conn = R::open(config);
    assert_eq!(pass(&mut conn, START), []);
    conn.send_text("ten octets").unwrap();
    assert!(conn.is_congested());
    conn
}

fn message<R: Tested>(text: &str) -> Vec<u8> {
    peer::<R>(FIN | TEXT, text.as_bytes())
}

fn wants_input<R: Tested>(conn: &Connection<R>) -> bool {
    matches!(conn.want(), Want::Io { read: true, .. })
}

/// What is due without further input.
fn on<R: Tested>(conn: &mut Connection<R>) -> Vec<Seen> {
    pass(conn, START)
}

fn answering_endpoint_gives_out_no_message_while_congested<R: Tested>() {
    let mut conn = congested::<R>(answering());
    assert_eq!(feed(&mut conn, &message::<R>("held")), []);
    assert_eq!(on(&mut conn), []);
    written(&mut conn);
    assert_eq!(on(&mut conn), [text("held")]);
    is_unharmed(&mut conn);
}

fn independent_endpoint_gives_out_messages_while_congested<R: Tested>() {
    let mut conn = congested::<R>(answering().with_holding(Holding::Independent));
    assert!(wants_input(&conn));
    assert_eq!(feed(&mut conn, &message::<R>("not held")), [text("not held")]);
}

#[test]
fn server_answers_and_client_is_independent_by_default() {
    let limits = Config::default().with_output_limits(10, 1000);
    let mut server = congested::<Server>(limits.clone());
    let mut client = congested::<Client>(limits);
    assert_eq!(feed(&mut server, &message::<Server>("in")), []);
    assert_eq!(feed(&mut client, &message::<Client>("in")), [text("in")]);
    assert!(!wants_input(&server) && wants_input(&client));
}

fn held_messages_own_their_payload<R: Tested>() {
    let mut conn = congested::<R>(answering());
    feed(&mut conn, &[message::<R>("one"), peer::<R>(FIN | BINARY, b"two")].concat());
    written(&mut conn);
    match conn.poll(&mut Input::none(), START) {
        Some(Event::Text(text)) => assert!(text == "one" && !text.is_borrowed()),
        other => panic!("{other:?}"),
    }
    match conn.poll(&mut Input::none(), START) {
        Some(Event::Binary(bytes)) => assert!(bytes == b"two" && !bytes.is_borrowed()),
        other => panic!("{other:?}"),
    }
    assert!(conn.poll(&mut Input::none(), START).is_none());
}

fn held_messages_come_in_order_with_what_is_read_later<R: Tested>() {
    let bytes: Vec<u8> = (0..20).flat_map(|i| message::<R>(&format!("number {i}"))).collect();
    for size in [1, 3, 7, 50, 1000] {
        let mut conn = congested::<R>(answering());
        let mut seen = Vec::new();
        for (i, chunk) in bytes.chunks(size).enumerate() {
            seen.extend(feed(&mut conn, chunk));
            if i % 3 == 2 {
                written(&mut conn);
            } else if !conn.is_congested() {
                conn.send_text("ten octets").unwrap();
            }
        }
        written(&mut conn);
        seen.extend(on(&mut conn));
        let all: Vec<Seen> = (0..20).map(|i| text(&format!("number {i}"))).collect();
        assert_eq!(seen, all, "reads of {size}");
    }
}

fn input_between_held_messages_comes_after_them<R: Tested>() {
    let mut conn = congested::<R>(answering());
    assert_eq!(feed(&mut conn, &[message::<R>("one"), message::<R>("two")].concat()), []);
    written(&mut conn);
    let event = conn.poll(&mut Input::none(), START);
    assert_eq!(event.as_ref().map(Seen::new), Some(text("one")));
    assert_eq!(feed(&mut conn, &message::<R>("three")), [text("two"), text("three")]);
}

fn control_frames_before_the_first_data_frame_are_served<R: Tested>() {
    let mut conn = congested::<R>(answering());
    let bytes =
        [peer::<R>(FIN | PING, b"first"), peer::<R>(FIN | PONG, b"second"), message::<R>("held")];
    let seen = feed(&mut conn, &bytes.concat());
    assert_eq!(seen, [Seen::Ping(b"first".to_vec()), Seen::Pong(b"second".to_vec(), None)]);
    let frames = sent(&mut conn);
    assert_eq!(frames[1], (FIN | PONG, b"first".to_vec()));
    assert_eq!(on(&mut conn), [text("held")]);
}

fn ping_after_a_held_message_waits_with_it<R: Tested>() {
    let mut conn = congested::<R>(answering());
    let bytes = [message::<R>("held"), peer::<R>(FIN | PING, b"behind")].concat();
    assert_eq!(feed(&mut conn, &bytes), []);
    assert_eq!(sent(&mut conn).len(), 1);
    assert_eq!(on(&mut conn), [text("held"), Seen::Ping(b"behind".to_vec())]);
    assert_eq!(sent(&mut conn), [(FIN | PONG, b"behind".to_vec())]);
}

fn close_before_a_held_message_is_answered_while_congested<R: Tested>() {
    let mut conn = congested::<R>(answering());
    let bytes = [peer::<R>(FIN | CLOSE, &close_body(1000, b"")), b"tail".to_vec()].concat();
    assert_eq!(feed(&mut conn, &bytes), [Seen::Closing(Some(1000), String::new())]);
    assert_eq!(sent(&mut conn)[1], (FIN | CLOSE, close_body(1000, b"")));
    assert!(conn.outcome().clean());
}

fn reads_on_after_the_peers_close_while_congested<R: Tested>() {
    let mut conn = congested::<R>(answering());
    feed(&mut conn, &peer::<R>(FIN | CLOSE, &close_body(1000, b"")));
    assert!(conn.is_congested());
    // What follows is thrown away, so that it doesn't reset the stream.
    assert!(wants_input(&conn));
    assert_eq!(feed(&mut conn, &message::<R>("tail")), []);
    assert!(wants_input(&conn));
    assert_eq!(end(&mut conn, START), []);
    assert!(!wants_input(&conn));
}

fn stream_ends_after_the_held_messages<R: Tested>() {
    let mut conn = congested::<R>(answering());
    assert_eq!(feed(&mut conn, &message::<R>("held")), []);
    assert_eq!(end(&mut conn, START), []);
    assert!(!wants_input(&conn));
    written(&mut conn);
    assert_eq!(on(&mut conn), [text("held"), Seen::Failed(Failure::EndOfStream)]);
    assert_eq!(on(&mut conn), []);
    assert_eq!(outcome(&conn).cause, Cause::Failed(Failure::EndOfStream));
}

fn stream_ends_at_once_if_nothing_is_held<R: Tested>() {
    let mut conn = congested::<R>(answering());
    assert_eq!(end(&mut conn, START), [Seen::Failed(Failure::EndOfStream)]);
}

fn violation_after_a_held_message_comes_after_it<R: Tested>() {
    let mut conn = congested::<R>(answering());
    let bytes = [message::<R>("good"), peer::<R>(FIN | 0x3, b"")].concat();
    assert_eq!(feed(&mut conn, &bytes), []);
    written(&mut conn);
    let seen = on(&mut conn);
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0], text("good"));
    assert!(matches!(seen[1], Seen::Failed(Failure::Violation(_))));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, failing_body(Violation::ReservedOpcode))]);
}

fn parts_stop_between_parts<R: Tested>() {
    let mut conn = R::open(answering().with_delivery(Delivery::Parts));
    let bytes = peer::<R>(FIN | BINARY, &[7; 60]);
    let (head, tail) = bytes.split_at(20);
    let first = feed(&mut conn, head);
    assert_eq!(first.len(), 1);
    conn.send_text("ten octets").unwrap();
    assert_eq!(feed(&mut conn, tail), []);
    written(&mut conn);
    assert_eq!(on(&mut conn).len(), 1);
}

fn frame_that_is_arriving_is_held_as_well<R: Tested>() {
    let mut conn = R::open(answering());
    let bytes = [message::<R>("long enough"), peer::<R>(FIN | PING, b"p")].concat();
    for cut in 1..bytes.len() {
        assert_eq!(feed(&mut conn, &bytes[..cut.min(10)]), []);
        conn.send_text("ten octets").unwrap();
        assert_eq!(feed(&mut conn, &bytes[cut.min(10)..]), [], "cut at {cut}");
        written(&mut conn);
        assert_eq!(on(&mut conn), [text("long enough"), Seen::Ping(b"p".to_vec())]);
        written(&mut conn);
        on(&mut conn);
    }
}

fn wants_no_input_until_the_kept_is_used_up<R: Tested>() {
    let mut conn = congested::<R>(answering());
    feed(&mut conn, &[message::<R>("one"), message::<R>("two")].concat());
    assert!(!wants_input(&conn));
    written(&mut conn);
    assert!(!wants_input(&conn));
    assert!(conn.poll(&mut Input::none(), START).is_some());
    assert!(!wants_input(&conn));
    assert!(conn.poll(&mut Input::none(), START).is_some());
    assert!(conn.poll(&mut Input::none(), START).is_none());
    assert!(wants_input(&conn));
}

fn goes_on_at_once_when_output_has_been_written<R: Tested>() {
    let mut conn = congested::<R>(answering());
    feed(&mut conn, &message::<R>("held"));
    assert_eq!(pass(&mut conn, seconds(5)), []);
    // Nothing but the write timeout is due while it is held.
    assert_eq!(conn.want().deadline(), Some(seconds(60)));
    written(&mut conn);
    assert_eq!(conn.want(), Want::Io { read: false, write: false, deadline: Some(START) });
    assert_eq!(pass(&mut conn, seconds(5)), [text("held")]);
    assert_eq!(conn.want(), Want::Io { read: true, write: false, deadline: None });
}

fn empty_queue_is_never_congested<R: Tested>() {
    let mut conn = R::open(answering().with_output_limits(0, 0));
    assert!(!conn.is_congested());
    assert_eq!(feed(&mut conn, &message::<R>("in")), [text("in")]);
}

fn raised_limit_lets_held_messages_go<R: Tested>() {
    let mut conn = congested::<R>(answering());
    assert_eq!(feed(&mut conn, &message::<R>("held")), []);
    conn.set_config(answering().with_output_limits(1000, 1000));
    assert_eq!(conn.want().deadline(), Some(START));
    assert_eq!(on(&mut conn), [text("held")]);
}

fn end_throws_the_kept_away<R: Tested>() {
    // The kept input has a Close frame, after which nothing counts.
    let mut conn = congested::<R>(answering());
    let close = peer::<R>(FIN | CLOSE, &close_body(1000, b""));
    feed(&mut conn, &[message::<R>("last"), close, message::<R>("late")].concat());
    written(&mut conn);
    assert_eq!(on(&mut conn), [text("last"), Seen::Closing(Some(1000), String::new())]);
    assert_eq!(on(&mut conn), []);
}

fn lost_throws_the_kept_away<R: Tested>() {
    let mut conn = congested::<R>(answering());
    feed(&mut conn, &message::<R>("held"));
    conn.lost();
    assert_eq!(on(&mut conn), []);
    assert_eq!(outcome(&conn).cause, Cause::Failed(Failure::EndOfStream));
}

fn input_is_kept_while_a_buffer_is_out<R: Tested>() {
    let payload = vec![7; 50_000];
    let bytes = [peer::<R>(FIN | BINARY, &payload), message::<R>("next")].concat();
    let mut conn = open::<R>();
    assert_eq!(feed(&mut conn, &bytes[..1000]), []);
    let mut taken = conn.take_buffer().unwrap();
    assert_eq!(feed(&mut conn, &bytes[30_000..]), []);
    assert_eq!(conn.want(), Want::Io { read: false, write: false, deadline: None });
    taken.extend(&bytes[1000..30_000]);
    conn.put_buffer(taken).unwrap();
    assert_eq!(conn.want().deadline(), Some(START));
    assert_eq!(on(&mut conn), [binary(&payload), text("next")]);
    is_unharmed(&mut conn);
}

fn stream_ends_while_a_buffer_is_out<R: Tested>() {
    let payload = vec![7; 50_000];
    let bytes = peer::<R>(FIN | BINARY, &payload);
    let mut conn = open::<R>();
    assert_eq!(feed(&mut conn, &bytes[..1000]), []);
    let mut taken = conn.take_buffer().unwrap();
    assert_eq!(end(&mut conn, START), []);
    assert_eq!(on(&mut conn), [], "the buffer may complete the message");
    taken.extend(&bytes[1000..]);
    conn.put_buffer(taken).unwrap();
    assert_eq!(on(&mut conn), [binary(&payload), Seen::Failed(Failure::EndOfStream)]);
}

/// A congested connection with a message that is complete in its own buffer; the end of the stream, if it `ends`, was known before.
fn completed_in_its_buffer<R: Tested>(payload: &[u8], ends: bool) -> Connection<R> {
    let bytes = peer::<R>(FIN | BINARY, payload);
    let mut conn = R::open(answering());
    assert_eq!(feed(&mut conn, &bytes[..1000]), []);
    let mut taken = conn.take_buffer().unwrap();
    conn.send_text("ten octets").unwrap();
    if ends {
        assert_eq!(end(&mut conn, START), []);
    }
    taken.extend(&bytes[1000..]);
    conn.put_buffer(taken).unwrap();
    assert_eq!(on(&mut conn), []);
    conn
}

fn message_that_its_buffer_completed_is_held_and_comes<R: Tested>() {
    let payload = vec![7; 50_000];
    let mut conn = completed_in_its_buffer::<R>(&payload, false);
    assert!(!wants_input(&conn));
    written(&mut conn);
    assert_eq!(conn.want(), Want::Io { read: false, write: false, deadline: Some(START) });
    assert_eq!(on(&mut conn), [binary(&payload)]);
    is_unharmed(&mut conn);
}

fn stream_ends_after_a_held_message_that_its_buffer_completed<R: Tested>() {
    let payload = vec![7; 50_000];
    for known in [true, false] {
        let mut conn = completed_in_its_buffer::<R>(&payload, known);
        if !known {
            assert_eq!(end(&mut conn, START), []);
        }
        written(&mut conn);
        assert_eq!(on(&mut conn), [binary(&payload), Seen::Failed(Failure::EndOfStream)]);
    }
}

fn message_after_a_fragment_that_its_buffer_completed_comes_at_once<R: Tested>() {
    let bytes = peer::<R>(BINARY, &[7; 50_000]);
    let mut conn = open::<R>();
    assert_eq!(feed(&mut conn, &bytes[..1000]), []);
    let mut taken = conn.take_buffer().unwrap();
    taken.extend(&bytes[1000..]);
    conn.put_buffer(taken).unwrap();
    let seen = feed(&mut conn, &peer::<R>(FIN | CONTINUATION, b"end"));
    assert_eq!(seen, [binary(&[&[7; 50_000][..], b"end"].concat())]);
    assert!(wants_input(&conn));
}

fn silence_does_not_run_while_messages_are_held<R: Tested>() {
    let config = answering().with_keepalive(seconds(10), seconds(5)).with_idle(seconds(20));
    let mut conn = congested::<R>(config);
    assert_eq!(feed_at(&mut conn, &message::<R>("held"), seconds(1)), []);
    for second in (2..500).step_by(20) {
        conn.wrote(1);
        conn.send_text("x").unwrap();
        assert_eq!(pass(&mut conn, seconds(second)), [], "after {second} s");
    }
    written(&mut conn);
    assert_eq!(pass(&mut conn, seconds(600)), [text("held")]);
    // From now on it counts.
    assert_eq!(pass(&mut conn, seconds(609)), []);
    assert_eq!(pass(&mut conn, seconds(610)), [Seen::Quiet]);
}

fn idle_time_does_not_run_while_messages_are_held<R: Tested>() {
    let mut conn = congested::<R>(answering().with_idle(seconds(10)));
    for second in 1..50 {
        assert_eq!(pass(&mut conn, seconds(second)), [], "after {second} s");
    }
    written(&mut conn);
    assert_eq!(pass(&mut conn, seconds(50)), []);
    assert_eq!(pass(&mut conn, seconds(59)), []);
    assert_eq!(pass(&mut conn, seconds(60)), [Seen::Idle]);
}

fn silence_begins_anew_after_congestion_between_two_polls<R: Tested>() {
    let config = answering().with_keepalive(seconds(10), seconds(5));
    let mut conn = R::open(config);
    assert_eq!(pass(&mut conn, START), []);
    assert_eq!(pass(&mut conn, seconds(10)), [Seen::Quiet]);
    written(&mut conn);
    assert_eq!(pass(&mut conn, seconds(10)), []);
    // Somebody produces, so that the driver reads nothing for a while; then it is written.
    conn.send_text("ten octets").unwrap();
    assert!(!wants_input(&conn));
    written(&mut conn);
    assert!(wants_input(&conn));
    assert_eq!(pass(&mut conn, seconds(30)), [], "its own pause for the peer's silence");
    assert_eq!(pass(&mut conn, seconds(34)), []);
    assert_eq!(pass(&mut conn, seconds(35)), [Seen::Failed(Failure::Unresponsive)]);
}

fn pings_answer_is_not_timed_before_it_is_written<R: Tested>() {
    let config = Config::default().with_keepalive(seconds(10), seconds(5));
    let mut conn = R::open(config);
    conn.send_binary(&[0; 100]).unwrap();
    assert_eq!(pass(&mut conn, START), []);
    assert_eq!(pass(&mut conn, seconds(10)), [Seen::Quiet]);
    // The peer is slow, but takes a byte now and then.
    for second in 11..60 {
        conn.wrote(1);
        assert_eq!(pass(&mut conn, seconds(second)), [], "after {second} s");
    }
    written(&mut conn);
    assert_eq!(conn.want().deadline(), Some(START));
    assert_eq!(pass(&mut conn, seconds(60)), []);
    assert_eq!(conn.want().deadline(), Some(seconds(65)));
    assert_eq!(pass(&mut conn, seconds(64)), []);
    assert_eq!(pass(&mut conn, seconds(65)), [Seen::Failed(Failure::Unresponsive)]);
}

fn pings_do_not_pile_up_behind_waiting_output<R: Tested>() {
    let config = Config::default().with_keepalive(seconds(1), seconds(1));
    let mut conn = R::open(config.with_holding(Holding::Independent));
    conn.send_binary(&[0; 20_000]).unwrap();
    assert_eq!(pass(&mut conn, START), []);
    let before = conn.queued();
    for round in 0..1000 {
        assert_eq!(pass(&mut conn, seconds(2 * round + 1)), [Seen::Quiet]);
        feed_at(&mut conn, &peer::<R>(FIN | PONG, b""), seconds(2 * round + 2));
        conn.wrote(1);
    }
    assert!(conn.queued() < before, "{} and {before}", conn.queued());
}

fn soft_limit_is_no_higher_than_the_hard_one<R: Tested>() {
    let config = Config::default().with_output_limits(1000, 20);
    let mut conn = R::open(config.with_holding(Holding::Answering));
    conn.send_text("longer than twenty octets").unwrap();
    assert!(conn.is_congested());
    assert_eq!(feed(&mut conn, &message::<R>("held")), []);
}

/// The time is up: the output is offered once more at once, in vain.
fn stalls<R: Tested>(conn: &mut Connection<R>, now: Duration) {
    assert_eq!(pass(conn, now), []);
    assert!(conn.want().deadline().is_some_and(|at| at <= now), "{:?}", conn.want());
    assert_eq!(pass(conn, now), [Seen::Failed(Failure::Stalled)]);
}

fn nothing_written_for_a_minute_fails_as_stalled<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("waits").unwrap();
    // It wants to know since when.
    assert_eq!(conn.want(), Want::Io { read: true, write: true, deadline: Some(START) });
    assert_eq!(pass(&mut conn, seconds(7)), []);
    assert_eq!(conn.want(), Want::Io { read: true, write: true, deadline: Some(seconds(67)) });
    assert_eq!(pass(&mut conn, seconds(66)), []);
    stalls(&mut conn, seconds(67));
    assert_eq!(conn.output(), b"");
    let outcome = outcome(&conn);
    assert_eq!(outcome.cause, Cause::Failed(Failure::Stalled));
    assert!(!outcome.clean() && !outcome.sent.is_present());
    assert_eq!(pass(&mut conn, seconds(68)), []);
}

fn any_byte_written_postpones_stalling<R: Tested>() {
    let mut conn = R::open(Config::default().with_write_timeout(seconds(3)));
    conn.send_binary(&[0; 100]).unwrap();
    for second in 0..90 {
        conn.wrote(usize::from(second % 2 == 0));
        assert_eq!(pass(&mut conn, seconds(second)), [], "after {second} s");
    }
    let last = conn.want().deadline();
    assert_eq!(last, Some(seconds(91)));
    stalls(&mut conn, seconds(91));
}

fn stalls_before_any_message_is_given_out<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("waits").unwrap();
    pass(&mut conn, START);
    assert_eq!(pass(&mut conn, seconds(60)), []);
    let seen = feed_at(&mut conn, &message::<R>("late"), seconds(60));
    assert_eq!(seen, [Seen::Failed(Failure::Stalled)]);
}

fn pause_of_the_program_itself_is_no_stall<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_binary(&[0; 1000]).unwrap();
    assert_eq!(pass(&mut conn, START), []);
    conn.wrote(500);
    assert_eq!(pass(&mut conn, START), []);
    // The program was busy for a minute; now the stream takes what it would have taken all the while.
    assert_eq!(pass(&mut conn, seconds(61)), []);
    written(&mut conn);
    assert_eq!(pass(&mut conn, seconds(61)), []);
    is_unharmed(&mut conn);
}

fn part_of_the_last_offer_that_is_taken_is_no_stall<R: Tested>() {
    let mut conn = R::open(Config::default().with_write_timeout(seconds(3)));
    conn.send_binary(&[0; 1000]).unwrap();
    assert_eq!(pass(&mut conn, START), []);
    // The time is up; of what is offered once more the stream takes a byte.
    assert_eq!(pass(&mut conn, seconds(3)), []);
    conn.wrote(1);
    assert_eq!(pass(&mut conn, seconds(3)), []);
    assert_eq!(conn.want().deadline(), Some(seconds(6)));
    stalls(&mut conn, seconds(6));
}

fn time_since_everything_was_written_is_no_stall<R: Tested>() {
    let config = Config::default().with_write_timeout(seconds(3)).with_close(seconds(100));
    let mut conn = R::open(config);
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(pass(&mut conn, START), []);
    written(&mut conn);
    // What comes after it has its own time, at once and later.
    conn.pong(b"unasked").unwrap();
    assert_eq!(pass(&mut conn, seconds(2)), []);
    assert_eq!(conn.want().deadline(), Some(seconds(5)));
    written(&mut conn);
    assert_eq!(pass(&mut conn, seconds(10)), []);
    let pings = [peer::<R>(FIN | PING, b"a"), peer::<R>(FIN | PING, b"b")].concat();
    let seen = feed_at(&mut conn, &pings, seconds(50));
    assert_eq!(seen, [Seen::Ping(b"a".to_vec()), Seen::Ping(b"b".to_vec())]);
    assert_eq!(pass(&mut conn, seconds(51)), []);
    assert_eq!(pass(&mut conn, seconds(53)), []);
    stalls(&mut conn, seconds(54));
}

fn answer_after_everything_was_written_has_its_own_time<R: Tested>() {
    let config = Config::default().with_write_timeout(seconds(3)).with_close(seconds(100));
    let mut conn = R::open(config);
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(pass(&mut conn, START), []);
    written(&mut conn);
    let seen = feed_at(&mut conn, &peer::<R>(FIN | PING, b"a"), seconds(2));
    assert_eq!(seen, [Seen::Ping(b"a".to_vec())]);
    assert_eq!(pass(&mut conn, seconds(3)), []);
    assert_eq!(conn.want().deadline(), Some(seconds(6)));
    stalls(&mut conn, seconds(6));
}

fn byte_that_was_written_just_before_the_deadline_counts<R: Tested>() {
    let mut conn = R::open(Config::default().with_write_timeout(seconds(3)));
    conn.send_text("waits").unwrap();
    assert_eq!(pass(&mut conn, START), []);
    assert_eq!(conn.want().deadline(), Some(seconds(3)));
    conn.wrote(1);
    // When that was is asked at once, so that the next stall is not found late.
    assert_eq!(conn.want().deadline(), Some(START));
    assert_eq!(pass(&mut conn, seconds(3)), []);
    assert_eq!(conn.want().deadline(), Some(seconds(6)));
    stalls(&mut conn, seconds(6));
}

fn late_close_ends_before_any_message_is_given_out<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    written(&mut conn);
    assert_eq!(feed_at(&mut conn, &message::<R>("in time"), seconds(9)), [text("in time")]);
    assert_eq!(feed_at(&mut conn, &message::<R>("late"), seconds(10)), []);
    assert_eq!(outcome(&conn).cause, Cause::TimedOut);
}

fn nothing_can_be_sent_after_a_late_close<R: Tested>() {
    let mut conn = R::open(Config::default().with_idle(seconds(5)));
    pass(&mut conn, START);
    conn.stream_frame(Some(Kind::Binary), true, 10).unwrap();
    written(&mut conn);
    assert_eq!(pass(&mut conn, seconds(5)), [Seen::Idle]);
    assert_eq!(pass(&mut conn, seconds(15)), []);
    let end = outcome(&conn);
    assert_eq!(end.cause, Cause::TimedOut);
    assert_eq!(conn.stream_payload(&mut [0; 10]), Err(SendError::Failed));
    assert_eq!(conn.send_text("late"), Err(SendError::Failed));
    assert_eq!(conn.pong(b"late"), Err(SendError::Failed));
    assert_eq!(conn.close(None, "", seconds(16)), Err(SendError::Failed));
    assert_eq!(conn.output(), b"");
    assert_eq!(outcome(&conn), end);
    conn.lost();
    assert_eq!(outcome(&conn), end);
}

fn late_close_that_was_never_written_was_not_sent<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(pass(&mut conn, seconds(10)), []);
    let end = outcome(&conn);
    assert_eq!((end.cause, end.sent.is_present()), (Cause::TimedOut, false));
    assert_eq!(end.initiator, Some(Initiator::Local));
    assert_eq!(conn.output(), b"");
}

fn stalled_peer_of_a_failed_connection_ends_it<R: Tested>() {
    let config = Config::default().with_write_timeout(seconds(2)).with_close(seconds(100));
    let mut conn = R::open(config);
    feed(&mut conn, &peer::<R>(FIN | 0x3, b""));
    assert_eq!(pass(&mut conn, START), []);
    assert_eq!(pass(&mut conn, seconds(2)), []);
    assert_eq!(pass(&mut conn, seconds(2)), []);
    let outcome = outcome(&conn);
    assert!(matches!(outcome.cause, Cause::Failed(Failure::Violation(_))));
    assert!(!outcome.sent.is_present());
}

// Halves.

fn halves<R: Tested>(config: Config) -> (Receiver<R>, Sender<R>) {
    R::open(config).split()
}

fn receive<R: Tested>(receiver: &mut Receiver<R>, bytes: &[u8], now: Duration) -> Vec<Seen> {
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    let mut events = Vec::new();
    while let Some(event) = receiver.poll(&mut input, now) {
        events.push(Seen::new(&event));
    }
    assert!(input.is_empty());
    events
}

fn notices<R: Tested>(sender: &mut Sender<R>) -> Vec<Notice> {
    core::iter::from_fn(|| sender.notice()).collect()
}

fn halves_hold_when_they_are_asked_to<R: Tested>() {
    let (mut receiver, _) = halves::<R>(Config::default());
    receiver.hold(true);
    assert_eq!(receiver.want(), Want::Io { read: false, write: false, deadline: None });
    // Another configuration doesn't let them go.
    receiver.set_config(Config::default());
    assert_eq!(receive(&mut receiver, &message::<R>("held"), START), []);
    receiver.hold(false);
    assert_eq!(receiver.want(), Want::Io { read: false, write: false, deadline: Some(START) });
    assert_eq!(receive(&mut receiver, b"", START), [text("held")]);
    assert_eq!(receiver.want(), Want::Io { read: true, write: false, deadline: None });
}

fn halves_hold_nothing_at_first<R: Tested>() {
    let mut conn = congested::<R>(answering());
    assert_eq!(feed(&mut conn, &message::<R>("held")), []);
    let (mut receiver, _) = conn.split();
    assert_eq!(receive(&mut receiver, b"", START), [text("held")]);
}

fn halves_read_on_after_the_peers_close_though_they_hold<R: Tested>() {
    let (mut receiver, _) = halves::<R>(Config::default());
    receiver.hold(true);
    let close = peer::<R>(FIN | CLOSE, &close_body(1000, b""));
    let closing = Seen::Closing(Some(1000), String::new());
    assert_eq!(receive(&mut receiver, &close, START), [closing]);
    assert!(matches!(receiver.want(), Want::Io { read: true, .. }));
}

fn halves_keep_replies_in_a_fixed_place<R: Tested>() {
    let config = Config::default().with_keepalive(seconds(10), seconds(5));
    let (mut receiver, _) = halves::<R>(config);
    assert_eq!(receive(&mut receiver, b"", START), []);
    assert_eq!(receive(&mut receiver, b"", seconds(10)), [Seen::Quiet]);
    let bytes = [
        peer::<R>(FIN | PING, b"a"),
        peer::<R>(FIN | PING, b"b"),
        peer::<R>(FIN | CLOSE, &close_body(1000, b"")),
    ];
    assert_eq!(receive(&mut receiver, &bytes.concat(), seconds(11)).len(), 3);
    assert!(matches!(receiver.want(), Want::Io { read: true, write: true, .. }));
    let replies: Vec<Reply> = core::iter::from_fn(|| receiver.reply()).collect();
    let pong = |payload: &[u8]| Reply::Pong(ControlPayload::new(payload).unwrap());
    assert_eq!(replies[..2], [pong(b"a"), pong(b"b")]);
    assert!(matches!(replies[2], Reply::Ping(_)));
    assert_eq!(replies[3], Reply::Close { code: Some(CloseCode::NORMAL), hold: false });
    assert_eq!(replies.len(), 4);
    assert!(matches!(receiver.want(), Want::Io { write: false, .. }));
}

fn halves_keep_the_latest_ping<R: Tested>() {
    let config = Config::default().with_keepalive(seconds(10), seconds(5));
    let (mut receiver, _) = halves::<R>(config);
    receive(&mut receiver, b"", START);
    assert_eq!(receive(&mut receiver, b"", seconds(10)), [Seen::Quiet]);
    assert_eq!(receive(&mut receiver, &message::<R>("alive"), seconds(11)), [text("alive")]);
    assert_eq!(receive(&mut receiver, b"", seconds(21)), [Seen::Quiet]);
    let Some(Reply::Ping(payload)) = receiver.reply() else { panic!("a ping") };
    assert_eq!(receiver.reply(), None);
    let pong = peer::<R>(FIN | PONG, &payload);
    let answered = Seen::Pong(payload.to_vec(), Some(seconds(1)));
    assert_eq!(receive(&mut receiver, &pong, seconds(22)), [answered]);
}

fn halves_keep_pongs_in_order_and_the_latest_beyond<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    for number in 0..10_000_u32 {
        let ping = peer::<R>(FIN | PING, &number.to_be_bytes());
        assert_eq!(receive(&mut receiver, &ping, START).len(), 1);
    }
    let mut numbers = Vec::new();
    while let Some(reply) = receiver.reply() {
        let Reply::Pong(payload) = reply else { panic!("{reply:?}") };
        numbers.push(u32::from_be_bytes(payload[..].try_into().unwrap()));
        sender.apply(reply, START);
    }
    // 2 KiB of frames of ten bytes, and the last.
    let expected: Vec<u32> = (0..204).chain([9999]).collect();
    assert_eq!(numbers, expected);
}

fn halves_keep_a_short_pong_in_place_of_a_longer_one_without_room<R: Tested>() {
    let (mut receiver, _) = halves::<R>(Config::default());
    let long = (0..16).map(|i| vec![i; 125]);
    // There is room for fifteen of them, and for the short one beside those.
    let payloads: Vec<Vec<u8>> = long.chain([b"short".to_vec()]).collect();
    let pings: Vec<u8> = payloads.iter().flat_map(|it| peer::<R>(FIN | PING, it)).collect();
    assert_eq!(receive(&mut receiver, &pings, START).len(), 17);
    let pong = |payload: &Vec<u8>| Reply::Pong(ControlPayload::new(payload).unwrap());
    let expected: Vec<Reply> = payloads[..15].iter().chain(&payloads[16..]).map(pong).collect();
    assert_eq!(core::iter::from_fn(|| receiver.reply()).collect::<Vec<_>>(), expected);
}

fn halves_have_all_room_for_pongs_again_when_they_are_taken<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    // As long as a ping of ours has no answer, what is put aside has its place.
    receiver.expect(sender.ping(b"ours", START).unwrap());
    let pings: Vec<u8> = (0..10).flat_map(|i| peer::<R>(FIN | PING, &[i; 125])).collect();
    for _ in 0..5 {
        assert_eq!(receive(&mut receiver, &pings, START).len(), 10);
        assert_eq!(core::iter::from_fn(|| receiver.reply()).count(), 10);
    }
}

fn halves_answer_the_pings_before_a_failure_ahead_of_it<R: Tested>() {
    let (mut receiver, _) = halves::<R>(Config::default());
    let pings: Vec<u8> = (0..20).flat_map(|i| peer::<R>(FIN | PING, &[i; 125])).collect();
    let bytes = [pings, peer::<R>(FIN | 0x3, b"")].concat();
    assert_eq!(receive(&mut receiver, &bytes, START).len(), 21);
    let replies: Vec<Reply> = core::iter::from_fn(|| receiver.reply()).collect();
    let [.., latest, end] = &replies[..] else { panic!("{replies:?}") };
    assert_eq!(*latest, Reply::Pong(ControlPayload::new(&[19; 125]).unwrap()));
    assert!(matches!(end, Reply::Fail(Failure::Violation(_))), "{end:?}");
}

fn halves_hear_that_the_ping_was_written<R: Tested>() {
    let config = Config::default().with_keepalive(seconds(10), seconds(5));
    let (mut receiver, mut sender) = halves::<R>(config);
    sender.send_text("first").unwrap();
    receive(&mut receiver, b"", START);
    assert_eq!(receive(&mut receiver, b"", seconds(10)), [Seen::Quiet]);
    assert_eq!(receiver.deadline(), None, "an answer that is not asked for yet");
    sender.apply(receiver.reply().unwrap(), seconds(10));
    sender.wrote(sender.queued() - 1);
    assert_eq!(notices(&mut sender), []);
    sender.wrote(1);
    assert_eq!(sender.deadline(), Some(START));
    assert_eq!(notices(&mut sender), [Notice::PingWritten]);
    receiver.note(Notice::PingWritten, seconds(20));
    assert_eq!(receiver.deadline(), Some(seconds(25)));
    assert_eq!(receive(&mut receiver, b"", seconds(24)), []);
    let failed = [Seen::Failed(Failure::Unresponsive)];
    assert_eq!(receive(&mut receiver, b"", seconds(25)), failed);
}

fn halves_ask_no_more_after_our_close<R: Tested>() {
    let config = Config::default().with_keepalive(seconds(10), seconds(5));
    let (mut receiver, mut sender) = halves::<R>(config);
    receive(&mut receiver, b"", START);
    sender.close(None, "", START).unwrap();
    assert_eq!(notices(&mut sender), [Notice::Closing]);
    receiver.note(Notice::Closing, START);
    assert_eq!(receiver.deadline(), None);
    // What is heard later changes nothing about that.
    assert_eq!(receive(&mut receiver, &message::<R>("heard"), seconds(1)), [text("heard")]);
    assert_eq!(receiver.deadline(), None);
    assert_eq!(receive(&mut receiver, b"", seconds(100)), []);
    // A ping that was asked for before is not sent after the Close frame.
    sender.apply(Reply::Ping(ControlPayload::new(b"late").unwrap()), START);
    assert_eq!(found(sender.output()).len(), 1);
}

fn halves_hear_of_stalling<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    sender.send_text("waits").unwrap();
    assert!(!sender.timeout(seconds(1)));
    assert_eq!(sender.deadline(), Some(seconds(61)));
    // It is offered once more.
    assert!(!sender.timeout(seconds(61)));
    assert_eq!(sender.deadline(), Some(seconds(61)));
    assert!(sender.timeout(seconds(61)));
    assert_eq!(sender.deadline(), Some(START));
    assert_eq!(notices(&mut sender), [Notice::Stalled]);
    assert_eq!(sender.deadline(), None);
    // It knows why by itself.
    let outcome = Outcome::join(receiver.end(), sender.end());
    assert_eq!(outcome.cause, Cause::Failed(Failure::Stalled));
    receiver.hold(true);
    receiver.note(Notice::Stalled, seconds(61));
    // What still comes is thrown away, though messages are held.
    assert_eq!(receiver.want(), Want::Io { read: true, write: false, deadline: Some(START) });
    let seen = receive(&mut receiver, &message::<R>("late"), seconds(61));
    assert_eq!(seen, [Seen::Failed(Failure::Stalled)]);
    assert!(sender.end().is_over());
}

fn halves_hear_of_a_late_close<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    sender.close(None, "", START).unwrap();
    sender.wrote(usize::MAX);
    assert!(sender.timeout(seconds(10)));
    assert_eq!(sender.deadline(), Some(START));
    let notices = notices(&mut sender);
    assert_eq!(notices, [Notice::Closing, Notice::TimedOut]);
    for notice in notices {
        receiver.note(notice, seconds(10));
    }
    assert_eq!(receive(&mut receiver, &message::<R>("late"), seconds(10)), []);
    // What still comes is thrown away.
    assert_eq!(receiver.want(), Want::Io { read: true, write: false, deadline: None });
    assert!(receiver.poll(&mut Input::eof(), seconds(10)).is_none());
    assert!(receiver.is_over());
    assert!(sender.end().is_over() && sender.deadline().is_none());
}

fn halves_go_on_with_the_kept_when_joined<R: Tested>() {
    let (mut receiver, sender) = halves::<R>(Config::default());
    receiver.hold(true);
    let bytes = [peer::<R>(FIN | PING, b"p"), message::<R>("held")].concat();
    assert_eq!(receive(&mut receiver, &bytes, START), [Seen::Ping(b"p".to_vec())]);
    let mut conn = Connection::join(receiver, sender);
    assert_eq!(on(&mut conn), [text("held")]);
    // The pong was still to be carried over.
    assert_eq!(sent(&mut conn), [(FIN | PONG, b"p".to_vec())]);
    is_unharmed(&mut conn);
}

fn halves_pongs_stay_in_order_when_joined<R: Tested>() {
    let (mut receiver, sender) = halves::<R>(Config::default());
    receive(&mut receiver, &peer::<R>(FIN | PING, b"a"), START);
    let mut conn = Connection::join(receiver, sender);
    assert_eq!(conn.want(), Want::Io { read: true, write: false, deadline: Some(START) });
    feed(&mut conn, &peer::<R>(FIN | PING, b"b"));
    let pongs = [(FIN | PONG, b"a".to_vec()), (FIN | PONG, b"b".to_vec())];
    assert_eq!(sent(&mut conn), pongs);
    is_unharmed(&mut conn);
}

/// The sending half, once it has heard of everything.
fn told<R: Tested>(receiver: &mut Receiver<R>, mut sender: Sender<R>) -> Sender<R> {
    while let Some(reply) = receiver.reply() {
        sender.apply(reply, START);
    }
    sender
}

fn halves_hear_of_the_end_of_the_stream_after_a_held_close<R: Tested>() {
    let config = Config::default().with_auto_close(false);
    let (mut receiver, sender) = halves::<R>(config);
    receive(&mut receiver, &peer::<R>(FIN | CLOSE, b""), START);
    let sender = told(&mut receiver, sender);
    assert_eq!(sender.deadline(), None);
    assert!(receiver.poll(&mut Input::eof(), START).is_none());
    assert_eq!(receiver.reply(), Some(Reply::Gone));
    assert!(receiver.poll(&mut Input::eof(), START).is_none());
    assert_eq!(receiver.reply(), None, "once is enough");
    let mut sender = sender;
    sender.apply(Reply::Gone, START);
    assert_eq!(sender.deadline(), Some(seconds(10)));
    sender.send_text("goodbye").unwrap();
    assert!(sender.timeout(seconds(10)));
}

fn halves_hear_of_the_end_of_the_stream_while_a_buffer_is_out<R: Tested>() {
    let bytes = peer::<R>(FIN | BINARY, &[7; 50_000]);
    let (mut receiver, sender) = halves::<R>(Config::default());
    receive(&mut receiver, &bytes[..1000], START);
    let taken = receiver.take_buffer().unwrap();
    assert!(receiver.poll(&mut Input::eof(), START).is_none());
    assert_eq!(told(&mut receiver, sender).deadline(), Some(seconds(10)));
    assert!(!receiver.is_over(), "the buffer may complete the message");
    receiver.put_buffer(taken).unwrap();
    let failed = [Seen::Failed(Failure::EndOfStream)];
    assert_eq!(receive(&mut receiver, b"", START), failed);
}

fn halves_can_be_lost<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    sender.send_text("never").unwrap();
    sender.lost();
    receiver.lost();
    assert_eq!(sender.output(), b"");
    assert!(receiver.is_over() && receiver.deadline().is_none() && sender.deadline().is_none());
    assert!(receiver.poll(&mut Input::none(), START).is_none());
    assert_eq!(receiver.reply(), None);
    let outcome = Outcome::join(receiver.end(), sender.end());
    assert_eq!(outcome.cause, Cause::Failed(Failure::EndOfStream));
}

fn halves_know_the_end_of_the_stream_though_they_stalled_before_it<R: Tested>() {
    let (mut receiver, _) = halves::<R>(Config::default());
    receiver.hold(true);
    assert_eq!(receive(&mut receiver, &message::<R>("held"), START), []);
    assert!(receiver.poll(&mut Input::eof(), START).is_none());
    assert!(!receiver.is_over());
    receiver.note(Notice::Stalled, seconds(60));
    let seen = receive(&mut receiver, b"", seconds(60));
    assert_eq!(seen, [Seen::Failed(Failure::Stalled)]);
    assert!(receiver.is_over());
}
