//! Closing, in every order of events: RFC 6455, sections 5.5.1 and 7.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use core::time::Duration;
use sockless::connection::{Cause, CloseStatus, Failure, Initiator, SendError, Sender};
use sockless::frame::{Misuse, Violation};

use sockless::{Client, CloseCode, Config, Connection, Delivery, Input, Kind, Server, Want};

use crate::wire::outcome as done;
use crate::wire::*;

in_both_roles!(
    receives_close_body_of_one_byte_fails_1002,
    receives_forbidden_close_code_fails_1002_at_its_second_byte,
    receives_every_legal_close_code_and_echoes_it,
    receives_empty_close_and_answers_empty,
    receives_close_with_reason,
    begins_closing_with_code_and_reason,
    begins_closing_without_code,
    both_begin_at_once,
    delivers_data_after_own_close,
    delivers_message_in_parts_after_own_close,
    receives_close_in_the_middle_of_message,
    receives_close_in_the_middle_of_own_message,
    sends_nothing_but_the_reply_after_peers_close,
    looks_at_nothing_after_peers_close,
    looks_at_nothing_after_peers_close_in_parts,
    looks_at_nothing_after_end_of_stream,
    sends_queued_messages_before_the_reply,
    sends_only_one_close,
    sends_no_data_after_own_close,
    holds_reply_until_close_is_called,
    holds_reply_and_looks_at_nothing,
    delays_reply_until_streamed_frame_is_complete,
    refuses_own_close_inside_streamed_frame,
    cannot_close_inside_streamed_frame_when_failing,
    fails_after_own_close_without_second_close,
    fails_inside_own_fragmented_message,
    fails_without_a_reason_where_none_is_wanted,
    sent_is_told_only_when_written_whole,
    stream_ends_before_anything,
    stream_ends_inside_header,
    stream_ends_inside_payload,
    stream_ends_inside_message,
    stream_ends_inside_control_frame,
    stream_ends_after_own_close,
    stream_ends_after_peers_close,
    stream_ends_with_output_waiting,
    stream_ends_after_failure,
    stream_ends_with_reply_held,
    stream_ends_twice,
    close_with_last_bytes_and_end_of_stream,
    codes_on_both_ends_agree,
    failing_is_told_once,
    has_no_deadline_any_more_when_its_time_is_over,
    reads_on_after_peers_close_however_much_output_waits,
    lost_transport_takes_every_pong_with_it,
);

fn closing(code: u16) -> Seen {
    Seen::Closing(Some(code), String::new())
}

fn close<R: Tested>(code: u16) -> Vec<u8> {
    peer::<R>(FIN | CLOSE, &close_body(code, b""))
}

fn receives_close_body_of_one_byte_fails_1002<R: Tested>() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //= type=test
    //# If there is a body, the first two bytes of
    //# the body MUST be a 2-byte unsigned integer (in network byte order)
    //# representing a status code with value /code/ defined in Section 7.4.
    let bad = peer::<R>(FIN | CLOSE, &[3]);
    Wrong::new(bad, 2, Violation::TruncatedCloseCode, 1002).check::<R>();
}

fn receives_forbidden_close_code_fails_1002_at_its_second_byte<R: Tested>() {
    let at = if R::MASKS { 4 } else { 8 };
    let forbidden = [
        0, 1, 3, 255, 256, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 5001,
        65535,
    ];
    for code in forbidden {
        for reason in ["", "a reason", "\u{FFFD}"] {
            let bad = peer::<R>(FIN | CLOSE, &close_body(code, reason.as_bytes()));
            Wrong::new(bad, at, Violation::ForbiddenCloseCode, 1002).check::<R>();
        }
    }
}

#[test]
fn exactly_the_codes_of_the_registry_and_the_private_ranges_are_codes() {
    for code in 0..=u16::MAX {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.2
        //= type=test
        //# Status codes in the range 0-999 are not used.
        let legal = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //= type=test
        //# 1005 is a reserved value and MUST NOT be set as a status code in a
        //# Close control frame by an endpoint.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //= type=test
        //# 1006 is a reserved value and MUST NOT be set as a status code in a
        //# Close control frame by an endpoint.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
        //= type=test
        //# 1015 is a reserved value and MUST NOT be set as a status code in a
        //# Close control frame by an endpoint.
        assert_eq!(CloseCode::new(code).map(CloseCode::get), legal.then_some(code));
    }
}

fn receives_every_legal_close_code_and_echoes_it<R: Tested>() {
    let codes = (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4999]);
    for code in codes {
        let mut conn = open::<R>();
        assert_eq!(feed(&mut conn, &close::<R>(code)), [closing(code)]);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //= type=test
        //# If an endpoint receives a Close frame and did not previously send a
        //# Close frame, the endpoint MUST send a Close frame in response.
        assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(code, b""))]);
        let outcome = conn.outcome();
        assert_eq!(outcome.received.number(), code);
        assert_eq!(outcome.sent.number(), code);
        assert_eq!(outcome.initiator, Some(Initiator::Remote));
        assert_eq!(outcome.cause, Cause::Closed);
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.4
        //= type=test
        //# If the TCP connection was closed after the WebSocket closing handshake was
        //# completed, the WebSocket connection is said to have been closed _cleanly_.
        assert!(outcome.clean());
    }
}

fn receives_empty_close_and_answers_empty<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = peer::<R>(FIN | CLOSE, b"");
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.6
    //= type=test
    //# If there is no such data in the Close control frame, _The WebSocket Connection
    //# Close Reason_ is the empty string.
    assert_eq!(feed(&mut conn, &bytes), [Seen::Closing(None, String::new())]);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, vec![])]);
    let outcome = conn.outcome();
    assert_eq!(outcome.received, CloseStatus::Empty);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
    //= type=test
    //# If this Close control frame contains no status code, _The WebSocket Connection
    //# Close Code_ is considered to be 1005.
    assert_eq!(outcome.received.number(), 1005);
    assert_eq!(outcome.received.code(), None);
    assert_eq!(outcome.sent, CloseStatus::Empty);
    assert!(outcome.clean());
}

fn receives_close_with_reason<R: Tested>() {
    let bytes = peer::<R>(FIN | CLOSE, &close_body(4321, "tschüß 👋".as_bytes()));
    let expected = Seen::Closing(Some(4321), "tschüß 👋".into());
    let mut conn = open::<R>();
    assert_eq!(feed(&mut conn, &bytes), std::slice::from_ref(&expected));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(4321, b""))]);
    let mut conn = open::<R>();
    assert_eq!(drip(&mut conn, &bytes), [(bytes.len(), expected)]);
}

fn begins_closing_with_code_and_reason<R: Tested>() {
    for reason in ["", "bye", "tschüß", &"x".repeat(123), &"ä".repeat(61)] {
        let mut conn = open::<R>();
        conn.close(CloseCode::GOING_AWAY, reason, START).unwrap();
        //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.2
        //= type=test
        //# To _Start the WebSocket Closing Handshake_ with a status code
        //# (Section 7.4) /code/ and an optional close reason (Section 7.1.6)
        //# /reason/, an endpoint MUST send a Close control frame, as described
        //# in Section 5.5.1, whose status code is set to /code/ and whose close
        //# reason is set to /reason/.
        assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1001, reason.as_bytes()))]);
        assert!(matches!(conn.want(), Want::Io { read: true, write: false, deadline: Some(_) }));
        assert_eq!(feed(&mut conn, &close::<R>(1001)), [closing(1001)]);
        assert_eq!(sent(&mut conn), []);
        let outcome = conn.outcome();
        assert_eq!(outcome.initiator, Some(Initiator::Local));
        assert_eq!(outcome.cause, Cause::Closed);
        assert!(outcome.clean());
    }
}

fn begins_closing_without_code<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(None, "", START).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, vec![])]);
    assert_eq!(conn.outcome().sent, CloseStatus::Empty);
}

#[test]
fn server_is_done_at_once_when_both_closes_are_exchanged() {
    for own_first in [false, true] {
        let mut conn = open::<Server>();
        if own_first {
            conn.close(CloseCode::NORMAL, "", START).unwrap();
            sent(&mut conn);
        }
        feed(&mut conn, &close::<Server>(1000));
        if !own_first {
            assert!(matches!(conn.want(), Want::Io { write: true, .. }));
            sent(&mut conn);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //= type=test
        //# After both sending and receiving a Close message, an endpoint
        //# considers the WebSocket connection closed and MUST close the
        //# underlying TCP connection.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
        //= type=test
        //# The server MUST close the underlying TCP
        //# connection immediately;
        assert!(outcome(&conn).clean());
    }
}

#[test]
fn client_waits_for_the_server_to_close_the_stream() {
    for own_first in [false, true] {
        let mut conn = open::<Client>();
        if own_first {
            conn.close(CloseCode::NORMAL, "", START).unwrap();
            sent(&mut conn);
        }
        feed(&mut conn, &close::<Client>(1000));
        sent(&mut conn);
        assert_eq!(conn.want(), Want::Io { read: true, write: false, deadline: Some(seconds(10)) });
        let mut late = Connection::client_with(Config::default(), Counting(0));
        core::mem::swap(&mut conn, &mut late);
        assert_eq!(end(&mut late, START), []);
        assert_eq!(outcome(&late).cause, Cause::Closed);
    }
}

#[test]
fn client_closes_the_stream_itself_after_a_reasonable_time() {
    let mut conn = open::<Client>();
    feed(&mut conn, &close::<Client>(1000));
    sent(&mut conn);
    assert_eq!(pass(&mut conn, seconds(9)), []);
    assert!(matches!(conn.want(), Want::Io { .. }));
    assert_eq!(pass(&mut conn, seconds(10)), []);
    let outcome = outcome(&conn);
    assert!(outcome.clean());
    assert_eq!(outcome.cause, Cause::Closed);
}

fn both_begin_at_once<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "mine", START).unwrap();
    let bytes = peer::<R>(FIN | CLOSE, &close_body(3001, b"theirs"));
    assert_eq!(feed(&mut conn, &bytes), [Seen::Closing(Some(3001), "theirs".into())]);
    // No second Close: each has sent one. Nor anything else: the peer reads no more.
    assert_eq!(conn.pong(b"late"), Err(SendError::Misuse(Misuse::Closed)));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1000, b"mine"))]);
    let outcome = conn.outcome();
    assert_eq!(outcome.sent.number(), 1000);
    assert_eq!(outcome.received.number(), 3001);
    assert_eq!(outcome.initiator, Some(Initiator::Local));
    assert!(outcome.clean());
    end(&mut conn, START);
    assert_eq!(self::outcome(&conn), outcome);
}

fn delivers_data_after_own_close<R: Tested>() {
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(TEXT, b"be"));
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    sent(&mut conn);
    let bytes = [
        peer::<R>(FIN, b"gun"),
        peer::<R>(FIN | BINARY, b"whole"),
        peer::<R>(FIN | PING, b"ping"),
        close::<R>(1000),
    ]
    .concat();
    assert_eq!(
        feed(&mut conn, &bytes),
        [text("begun"), binary(b"whole"), Seen::Ping(b"ping".to_vec()), closing(1000)]
    );
    assert_eq!(sent(&mut conn), [(FIN | PONG, b"ping".to_vec())]);
}

fn delivers_message_in_parts_after_own_close<R: Tested>() {
    let mut conn = R::open(Config::default().with_delivery(Delivery::Parts));
    feed(&mut conn, &peer::<R>(TEXT, b"a"));
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(
        feed(&mut conn, &peer::<R>(FIN, b"b")),
        [Seen::Part(true, b"b".to_vec(), false, true)]
    );
}

fn receives_close_in_the_middle_of_message<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = [peer::<R>(TEXT, b"begun \xE2"), close::<R>(1001)].concat();
    assert_eq!(feed(&mut conn, &bytes), [closing(1001)]);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1001, b""))]);
    assert!(conn.outcome().clean());
}

fn receives_close_in_the_middle_of_own_message<R: Tested>() {
    let mut conn = open::<R>();
    conn.begin_text("begun", false).unwrap();
    feed(&mut conn, &close::<R>(1000));
    assert_eq!(sent(&mut conn), [(TEXT, b"begun".to_vec()), (FIN | CLOSE, close_body(1000, b""))]);
    assert_eq!(conn.continue_text("too late", true), Err(SendError::Misuse(Misuse::Closed)));
    assert_eq!(sent(&mut conn), []);
}

/// All ways of sending, refused because of a Close.
fn refuses_everything<R: Tested>(conn: &mut Connection<R>) {
    let closed = SendError::Misuse(Misuse::Closed);
    assert_eq!(conn.send_text("late"), Err(closed));
    assert_eq!(conn.send_binary(b"late"), Err(closed));
    assert_eq!(conn.send("late").unwrap_err().reason, closed);
    assert_eq!(conn.send(vec![0; 5000]).unwrap_err().reason, closed);
    assert_eq!(conn.begin_text("late", false), Err(closed));
    assert_eq!(conn.begin_binary(b"late", false), Err(closed));
    assert_eq!(conn.continue_text("late", true), Err(closed));
    assert!(conn.continue_binary(b"late", true).is_err());
    assert_eq!(conn.stream_frame(Some(Kind::Text), true, 0), Err(closed));
    assert_eq!(conn.stream_frame(None, true, 0), Err(closed));
    assert!(conn.stream_payload(&mut [0]).is_err());
    assert_eq!(conn.ping(b"late", START), Err(closed));
    assert_eq!(conn.close(None, "", START), Err(closed));
    assert_eq!(conn.close(CloseCode::NORMAL, "late", START), Err(closed));
    assert_eq!(conn.close(None, &"x".repeat(124), START), Err(closed));
}

fn sends_nothing_but_the_reply_after_peers_close<R: Tested>() {
    let mut conn = open::<R>();
    feed(&mut conn, &close::<R>(1000));
    refuses_everything(&mut conn);
    assert_eq!(conn.pong(b""), Err(SendError::Misuse(Misuse::Closed)));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1000, b""))]);
    refuses_everything(&mut conn);
    assert_eq!(sent(&mut conn), []);
}

fn looks_at_nothing_after_peers_close<R: Tested>() {
    let after: &[&[u8]] = &[
        &peer::<R>(FIN | TEXT, b"late"),
        &peer::<R>(FIN | BINARY, b"late, and long enough for any short cut"),
        &peer::<R>(FIN | PING, b"late"),
        &close::<R>(3000),
        &peer::<R>(FIN | TEXT, b"\xFF"),
        b"\xFF\xFF\xFF\xFF\xFF\xFF",
    ];
    for after in after {
        // In the same read.
        let mut conn = open::<R>();
        let bytes = [&close::<R>(1000), *after].concat();
        assert_eq!(feed(&mut conn, &bytes), [closing(1000)], "{after:x?}");
        // In a later one.
        assert_eq!(feed(&mut conn, after), [], "{after:x?}");
        assert_eq!(drip(&mut conn, after), []);
        assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1000, b""))]);
        // The first Close counts.
        assert_eq!(conn.outcome().received.number(), 1000);
        assert_eq!(conn.outcome().cause, Cause::Closed);
    }
}

fn looks_at_nothing_after_peers_close_in_parts<R: Tested>() {
    let mut conn = R::open(Config::default().with_delivery(Delivery::Parts));
    let bytes = [close::<R>(1000), peer::<R>(FIN | TEXT, b"late")].concat();
    assert_eq!(feed(&mut conn, &bytes), [closing(1000)]);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | BINARY, b"later")), []);
}

fn looks_at_nothing_after_end_of_stream<R: Tested>() {
    let mut conn = open::<R>();
    assert_eq!(end(&mut conn, START), [Seen::Failed(Failure::EndOfStream)]);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
    //= type=test
    //# An endpoint MUST NOT continue to attempt to
    //# process data (including a responding Close frame) from the remote
    //# endpoint after being instructed to _Fail the WebSocket Connection_.
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | TEXT, b"late")), []);
    assert_eq!(feed(&mut conn, &close::<R>(1000)), []);
    assert_eq!(conn.outcome().received, CloseStatus::Absent);
}

fn sends_queued_messages_before_the_reply<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("queued").unwrap();
    conn.send(vec![5; 5000]).unwrap();
    feed(&mut conn, &close::<R>(1000));
    assert_eq!(
        sent(&mut conn),
        [
            (FIN | TEXT, b"queued".to_vec()),
            (FIN | BINARY, vec![5; 5000]),
            (FIN | CLOSE, close_body(1000, b""))
        ]
    );
}

fn sends_only_one_close<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    refuses_everything(&mut conn);
    feed(&mut conn, &close::<R>(1001));
    refuses_everything(&mut conn);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1000, b""))]);
}

fn sends_no_data_after_own_close<R: Tested>() {
    let mut conn = open::<R>();
    conn.begin_text("unfinished", false).unwrap();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.1
    //= type=test
    //# The application MUST NOT send any more data frames after sending a
    //# Close frame.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //= type=test
    //# The endpoint MUST ensure the WebSocket connection is in the OPEN
    //# state (cf. Sections 4.1 and 4.2.2.)
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //= type=test
    //# If at any point the state of
    //# the WebSocket connection changes, the endpoint MUST abort the
    //# following steps.
    refuses_everything(&mut conn);
    assert_eq!(
        sent(&mut conn),
        [(TEXT, b"unfinished".to_vec()), (FIN | CLOSE, close_body(1000, b""))]
    );
}

fn holds_reply_until_close_is_called<R: Tested>() {
    let mut conn = R::open(Config::default().with_auto_close(false));
    conn.begin_text("my ", false).unwrap();
    assert_eq!(feed(&mut conn, &close::<R>(1001)), [closing(1001)]);
    conn.continue_text("last words", true).unwrap();
    conn.send_binary(b"and more").unwrap();
    assert_eq!(conn.outcome().sent, CloseStatus::Absent);
    assert!(!conn.outcome().clean());
    // A reason that is too long changes nothing.
    assert_eq!(
        conn.close(CloseCode::NORMAL, &"x".repeat(124), START),
        Err(SendError::Misuse(Misuse::LongReason))
    );
    conn.close(CloseCode::NORMAL, "bye", START).unwrap();
    refuses_everything(&mut conn);
    assert_eq!(
        sent(&mut conn),
        [
            (TEXT, b"my ".to_vec()),
            (FIN | CONTINUATION, b"last words".to_vec()),
            (FIN | BINARY, b"and more".to_vec()),
            (FIN | CLOSE, close_body(1000, b"bye")),
        ]
    );
    let outcome = conn.outcome();
    assert_eq!(outcome.initiator, Some(Initiator::Remote));
    assert_eq!(outcome.received.number(), 1001);
    assert_eq!(outcome.sent.number(), 1000);
    assert!(outcome.clean());
    end(&mut conn, START);
    assert_eq!(done(&conn), outcome);
}

fn holds_reply_and_looks_at_nothing<R: Tested>() {
    let mut conn = R::open(Config::default().with_auto_close(false));
    feed(&mut conn, &close::<R>(1001));
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | TEXT, b"late")), []);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | PING, b"late")), []);
    // Neither ping nor pong has a sense any more.
    let closed = Err(SendError::Misuse(Misuse::Closed));
    assert_eq!(conn.ping(b"", START), closed);
    assert_eq!(conn.pong(b""), closed);
    assert_eq!(sent(&mut conn), []);
}

fn delays_reply_until_streamed_frame_is_complete<R: Tested>() {
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Binary), true, 4).unwrap();
    conn.stream_payload(&mut [1]).unwrap();
    assert_eq!(feed(&mut conn, &close::<R>(1000)), [closing(1000)]);
    assert_eq!(conn.outcome().sent, CloseStatus::Absent);
    refuses_all_but_the_streamed_payload(&mut conn);
    let mut bytes = written(&mut conn);
    // It has the time of a closing handshake.
    assert_eq!(conn.want().deadline(), Some(seconds(10)));
    conn.stream_payload(&mut [2, 3]).unwrap();
    conn.stream_payload(&mut [4]).unwrap();
    refuses_everything(&mut conn);
    bytes.extend(written(&mut conn));
    let frames = found(&bytes);
    assert_eq!(frames[0].pair(), (FIN | BINARY, &[1, 2, 3, 4][..]));
    assert_eq!(frames[1].pair(), (FIN | CLOSE, &close_body(1000, b"")[..]));
    assert_eq!(frames.len(), 2);
    let outcome = conn.outcome();
    assert!(outcome.clean());
    assert!(!outcome.close_blocked);
    assert_eq!(outcome.initiator, Some(Initiator::Remote));
}

fn refuses_all_but_the_streamed_payload<R: Tested>(conn: &mut Connection<R>) {
    let closed = Err(SendError::Misuse(Misuse::Closed));
    assert_eq!(conn.send_text("late"), closed);
    assert_eq!(conn.send_binary(b"late"), closed);
    assert_eq!(conn.stream_frame(None, true, 0), closed);
    assert_eq!(conn.ping(b"", START), closed);
    assert_eq!(conn.pong(b""), closed);
    assert_eq!(conn.close(None, "", START), closed);
}

fn refuses_own_close_inside_streamed_frame<R: Tested>() {
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Text), true, 2).unwrap();
    written(&mut conn);
    assert_eq!(conn.close(CloseCode::NORMAL, "", START), Err(SendError::Misuse(Misuse::FrameOpen)));
    assert_eq!(conn.want().deadline(), None);
    conn.stream_payload(&mut b"ok".to_vec()).unwrap();
    written(&mut conn);
    is_unharmed(&mut conn);
}

fn cannot_close_inside_streamed_frame_when_failing<R: Tested>() {
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Binary), true, 4).unwrap();
    conn.stream_payload(&mut [1]).unwrap();
    let unfinished = written(&mut conn);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | 0x7, b"")), [violation(Violation::ReservedOpcode)]);
    // A Close frame can't be put into the middle of a frame.
    assert_eq!(conn.queued(), 0);
    assert_eq!(conn.stream_payload(&mut [2]), Err(SendError::Failed));
    assert_eq!(conn.queued(), 0);
    assert!(unfinished.len() < 2 + 4 + 4);
    assert_eq!(conn.want(), Want::ShutdownWrite);
    conn.shut();
    end(&mut conn, START);
    let outcome = done(&conn);
    assert!(outcome.close_blocked);
    assert_eq!(outcome.sent, CloseStatus::Absent);
    assert_eq!(outcome.initiator, None);
    assert_eq!(outcome.cause, Cause::Failed(Failure::Violation(Violation::ReservedOpcode)));
}

fn fails_after_own_close_without_second_close<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | 0x7, b"")), [violation(Violation::ReservedOpcode)]);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1000, b""))]);
    assert_eq!(conn.want(), Want::ShutdownWrite);
    conn.shut();
    end(&mut conn, START);
    let outcome = done(&conn);
    assert_eq!(outcome.sent.number(), 1000);
    assert_eq!(outcome.cause, Cause::Failed(Failure::Violation(Violation::ReservedOpcode)));
    assert!(!outcome.clean());
}

fn fails_without_a_reason_where_none_is_wanted<R: Tested>() {
    let mut conn = R::open(Config::default().with_close_reasons(false));
    feed(&mut conn, &peer::<R>(FIN | 0x7, b""));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1002, b""))]);
}

fn fails_inside_own_fragmented_message<R: Tested>() {
    let mut conn = open::<R>();
    conn.begin_text("begun", false).unwrap();
    feed(&mut conn, &peer::<R>(FIN | 0x7, b""));
    assert_eq!(conn.continue_text("", true), Err(SendError::Failed));
    assert_eq!(
        sent(&mut conn),
        [(TEXT, b"begun".to_vec()), (FIN | CLOSE, failing_body(Violation::ReservedOpcode))]
    );
}

fn sent_is_told_only_when_written_whole<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("first").unwrap();
    feed(&mut conn, &close::<R>(1000));
    while conn.queued() > 0 {
        assert_eq!(conn.outcome().sent, CloseStatus::Absent);
        assert!(!conn.outcome().clean());
        assert!(matches!(conn.want(), Want::Io { write: true, .. }));
        conn.wrote(1);
    }
    assert_eq!(conn.outcome().sent.number(), 1000);
    assert!(conn.outcome().clean());
}

/// The stream ends after these bytes of the peer's, without a Close frame.
fn ends_abnormally<R: Tested>(bytes: &[u8]) {
    let mut conn = open::<R>();
    assert_eq!(feed(&mut conn, bytes), []);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
    //= type=test
    //# If at any point the underlying transport layer connection is
    //# unexpectedly lost, the client MUST _Fail the WebSocket Connection_.
    assert_eq!(end(&mut conn, START), [Seen::Failed(Failure::EndOfStream)]);
    assert_eq!(conn.queued(), 0);
    assert_eq!(conn.send_text("late"), Err(SendError::Failed));
    let outcome = done(&conn);
    assert_eq!(outcome.cause, Cause::Failed(Failure::EndOfStream));
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
    //= type=test
    //# If _The WebSocket Connection is Closed_ and no Close control frame was received by
    //# the endpoint (such as could occur if the underlying transport connection is lost),
    //# _The WebSocket Connection Close Code_ is considered to be 1006.
    assert_eq!(outcome.received.number(), 1006);
    assert_eq!(outcome.sent, CloseStatus::Absent);
    assert_eq!(outcome.initiator, None);
    assert!(!outcome.clean());
}

fn stream_ends_before_anything<R: Tested>() {
    ends_abnormally::<R>(b"");
}

fn stream_ends_inside_header<R: Tested>() {
    let bytes = peer_header::<R>(FIN | BINARY, 127, &70_000_u64.to_be_bytes());
    for cut in 1..=bytes.len() {
        ends_abnormally::<R>(&bytes[..cut]);
    }
}

fn stream_ends_inside_payload<R: Tested>() {
    let bytes = peer::<R>(FIN | TEXT, "grüße".as_bytes());
    for cut in 1..bytes.len() {
        ends_abnormally::<R>(&bytes[..cut]);
    }
}

fn stream_ends_inside_message<R: Tested>() {
    ends_abnormally::<R>(&peer::<R>(TEXT, b"begun"));
    ends_abnormally::<R>(&peer::<R>(BINARY, b""));
}

fn stream_ends_inside_control_frame<R: Tested>() {
    let bytes = peer::<R>(FIN | CLOSE, &close_body(1000, b"bye"));
    for cut in 1..bytes.len() {
        ends_abnormally::<R>(&bytes[..cut]);
    }
}

fn stream_ends_after_own_close<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    sent(&mut conn);
    assert_eq!(end(&mut conn, START), [Seen::Failed(Failure::EndOfStream)]);
    let outcome = done(&conn);
    assert_eq!(outcome.cause, Cause::Failed(Failure::EndOfStream));
    assert_eq!(outcome.initiator, Some(Initiator::Local));
    assert_eq!(outcome.sent.number(), 1000);
    assert_eq!(outcome.received.number(), 1006);
    assert!(!outcome.clean());
}

fn stream_ends_after_peers_close<R: Tested>() {
    let mut conn = open::<R>();
    feed(&mut conn, &close::<R>(1000));
    assert_eq!(end(&mut conn, START), []);
    assert!(matches!(conn.want(), Want::Io { read: false, write: true, deadline: Some(_) }));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1000, b""))]);
    assert!(done(&conn).clean());
}

fn stream_ends_with_output_waiting<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("waiting").unwrap();
    assert_eq!(end(&mut conn, START), [Seen::Failed(Failure::EndOfStream)]);
    // The peer may have closed only its own direction: what was accepted goes out, in the time of a closing handshake.
    assert_eq!(pass(&mut conn, START), []);
    assert_eq!(conn.want(), Want::Io { read: false, write: true, deadline: Some(seconds(10)) });
    assert_eq!(sent(&mut conn), [(FIN | TEXT, b"waiting".to_vec())]);
    assert_eq!(done(&conn).cause, Cause::Failed(Failure::EndOfStream));

    let mut conn = open::<R>();
    conn.send_text("waiting").unwrap();
    end(&mut conn, START);
    assert_eq!(pass(&mut conn, seconds(10)), []);
    assert_eq!(done(&conn).cause, Cause::Failed(Failure::EndOfStream));
}

fn stream_ends_after_failure<R: Tested>() {
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(FIN | 0x7, b""));
    assert_eq!(end(&mut conn, START), []);
    assert!(matches!(conn.want(), Want::Io { write: true, .. }));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, failing_body(Violation::ReservedOpcode))]);
    let outcome = done(&conn);
    assert_eq!(outcome.sent.number(), 1002);
    assert_eq!(outcome.cause, Cause::Failed(Failure::Violation(Violation::ReservedOpcode)));
}

fn stream_ends_with_reply_held<R: Tested>() {
    let mut conn = R::open(Config::default().with_auto_close(false));
    feed(&mut conn, &close::<R>(1000));
    assert_eq!(end(&mut conn, START), []);
    conn.send_text("last words").unwrap();
    conn.close(CloseCode::NORMAL, "", seconds(1)).unwrap();
    assert_eq!(sent(&mut conn).len(), 2);
    let outcome = done(&conn);
    assert!(outcome.clean());
    assert_eq!(outcome.cause, Cause::Closed);

    // An application that never answers doesn't keep it for ever.
    let mut conn = R::open(Config::default().with_auto_close(false));
    feed(&mut conn, &close::<R>(1000));
    end(&mut conn, START);
    assert!(matches!(conn.want(), Want::Io { deadline: Some(_), .. }));
    pass(&mut conn, seconds(10));
    let outcome = done(&conn);
    assert_eq!(outcome.cause, Cause::TimedOut);
    assert!(!outcome.clean());
}

fn stream_ends_twice<R: Tested>() {
    let mut conn = open::<R>();
    assert_eq!(end(&mut conn, START), [Seen::Failed(Failure::EndOfStream)]);
    assert_eq!(end(&mut conn, START), []);
    assert_eq!(pass(&mut conn, seconds(100)), []);
    assert_eq!(done(&conn).cause, Cause::Failed(Failure::EndOfStream));
}

fn close_with_last_bytes_and_end_of_stream<R: Tested>() {
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    sent(&mut conn);
    assert_eq!(feed(&mut conn, &close::<R>(1000)), [closing(1000)]);
    assert_eq!(end(&mut conn, START), []);
    assert!(done(&conn).clean());
}

fn codes_on_both_ends_agree<R: Tested>() {
    for (code, reason) in
        [(None, ""), (Some(CloseCode::NORMAL), ""), (CloseCode::new(4000), "why not")]
    {
        let mut here = open::<R>();
        let mut client = open::<Client>();
        let mut server = open::<Server>();
        here.close(code, reason, START).unwrap();
        if R::MASKS {
            client.close(code, reason, START).unwrap();
        } else {
            server.close(code, reason, START).unwrap();
        }
        for _ in 0..3 {
            let bytes = written(&mut client);
            feed(&mut server, &bytes);
            let bytes = written(&mut server);
            feed(&mut client, &bytes);
        }
        let server_outcome = done(&server);
        end(&mut client, START);
        let client_outcome = done(&client);
        assert!(server_outcome.clean() && client_outcome.clean());
        assert_eq!(server_outcome.sent, client_outcome.received);
        assert_eq!(server_outcome.received, client_outcome.sent);
        assert_eq!(server_outcome.sent, CloseStatus::from(code));
        assert_eq!(client_outcome.sent, CloseStatus::from(code));
        let (here, there) = if R::MASKS {
            (client_outcome, server_outcome)
        } else {
            (server_outcome, client_outcome)
        };
        assert_eq!(here.initiator, Some(Initiator::Local));
        assert_eq!(there.initiator, Some(Initiator::Remote));
    }
}

fn failing_is_told_once<R: Tested>() {
    let mut conn = open::<R>();
    let bytes = peer::<R>(FIN | 0x7, b"");
    let failed = violation(Violation::ReservedOpcode);
    assert_eq!(feed(&mut conn, &bytes), [failed]);
    for _ in 0..3 {
        assert_eq!(feed(&mut conn, &bytes), []);
        assert_eq!(pass(&mut conn, START), []);
    }
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
    //= type=test
    //# To do so, the client MUST _Close the
    //# WebSocket Connection_, and MAY report the problem to the user (which
    //# would be especially useful for developers) in an appropriate manner.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.7
    //= type=test
    //# Similarly, to do so, the server MUST _Close the WebSocket
    //# Connection_, and SHOULD log the problem.
    sent(&mut conn);
    assert_eq!(conn.want(), Want::ShutdownWrite);
    conn.shut();
    pass(&mut conn, seconds(10));
    assert!(matches!(done(&conn).cause, Cause::Failed(_)));
}

/// A deadline that stays in the past would wake whoever waits for it time and again.
fn has_no_deadline_any_more_when_its_time_is_over<R: Tested>() {
    for (close, write, over) in [(10, 60, 10), (60, 10, 10), (20, 20, 20)] {
        let config =
            Config::default().with_close(seconds(close)).with_write_timeout(seconds(write));
        let mut sender = Sender::<R>::new(config.clone(), R::keys());
        sender.close(CloseCode::NORMAL, "", START).unwrap();
        // Output that has been looked at once, and has not moved at the next look, is known to wait.
        assert!(!sender.timeout(START) && !sender.timeout(START));
        while sender.notice().is_some() {}
        assert!(!sender.timeout(seconds(over - 1)));
        assert_eq!(sender.deadline(), Some(seconds(over)));
        // Output is offered once more; the closing handshake is not.
        assert_eq!(sender.timeout(seconds(over)), close <= write);
        assert!(sender.timeout(seconds(over)));
        // There is an event to be polled; then there is nothing to wait for.
        let notices: Vec<_> = std::iter::from_fn(|| sender.notice()).collect();
        assert_eq!(notices.len(), 1);
        assert_eq!(sender.deadline(), None);
        assert!(sender.timeout(seconds(over + 1)), "it is over for good");
        assert_eq!((sender.notice(), sender.deadline()), (None, None));

        let mut conn = R::open(config);
        conn.close(CloseCode::NORMAL, "", START).unwrap();
        pass(&mut conn, START);
        pass(&mut conn, START);
        assert_eq!(conn.want().deadline(), Some(seconds(over)));
        pass(&mut conn, seconds(over));
        pass(&mut conn, seconds(over));
        assert!(matches!(conn.want(), Want::Done(_)));
        assert_eq!(conn.want().deadline(), None);
    }
}

/// What is thrown away doesn't wait for output to go out; and only a stream that is read shows its end.
fn reads_on_after_peers_close_however_much_output_waits<R: Tested>() {
    let close = close::<R>(1000);
    let late = peer::<R>(FIN | TEXT, b"late");
    for auto_close in [true, false] {
        let config = Config::default().with_output_limits(100, 1000).with_auto_close(auto_close);
        let mut conn = R::open(config);
        conn.send_binary(&[1; 200]).unwrap();
        assert!(conn.is_congested());
        assert_eq!(feed(&mut conn, &[&close[..], &late].concat()), [closing(1000)]);
        for _ in 0..3 {
            assert!(conn.is_congested());
            let Want::Io { read, write, .. } = conn.want() else { panic!("{:?}", conn.want()) };
            assert_eq!((read, write), (true, true));
            assert_eq!(feed(&mut conn, &late), []);
        }
        end(&mut conn, START);
        let Want::Io { read, write, .. } = conn.want() else { panic!("{:?}", conn.want()) };
        assert_eq!((read, write), (false, true), "the stream has ended, and output waits");
    }
}

/// Beside the pongs in the queue there are those that wait for the end of a frame, and the latest of those that found no room.
fn lost_transport_takes_every_pong_with_it<R: Tested>() {
    for inside_frame in [false, true] {
        let mut conn = open::<R>();
        if inside_frame {
            conn.stream_frame(Some(Kind::Binary), true, 10).unwrap();
        }
        for number in 0..30 {
            feed(&mut conn, &peer::<R>(FIN | PING, &[number; 100]));
        }
        conn.lost();
        assert_eq!(conn.queued(), 0);
        assert!(conn.output().is_empty());
        assert!(matches!(conn.want(), Want::Done(_)), "{:?}", conn.want());
        // Nor does it turn up later.
        conn.wrote(0);
        assert_eq!(pass(&mut conn, seconds(100)), []);
        assert_eq!(conn.queued(), 0);
        assert!(matches!(conn.want(), Want::Done(_)), "{:?}", conn.want());
    }
}

#[test]
fn server_whose_transport_is_lost_is_done_at_once() {
    let mut connection = Connection::server(Config::default());
    connection.send_text("never written").unwrap();
    connection.close(CloseCode::NORMAL, "", Duration::ZERO).unwrap();
    connection.lost();
    assert!(connection.output().is_empty());
    match connection.want() {
        Want::Done(outcome) => {
            assert_eq!(outcome.sent, CloseStatus::Absent);
            assert_eq!(outcome.cause, Cause::Failed(Failure::EndOfStream));
            assert!(!outcome.clean());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn server_whose_transport_is_lost_while_its_reply_is_held_is_done_at_once() {
    let mut connection = Connection::server(Config::default().with_auto_close(false));
    let mut close = [0x88, 0x80, 1, 2, 3, 4];
    assert!(connection.poll(&mut Input::new(&mut close), Duration::ZERO).is_some());
    connection.lost();
    assert!(matches!(connection.want(), Want::Done(outcome) if !outcome.clean()));
}

/// The peer's Close frame has arrived, the reply is in the queue, and the transport is gone: a connection that is done is not
/// open.
#[test]
fn server_whose_transport_is_lost_before_its_reply_is_written_has_failed() {
    for auto_close in [true, false] {
        let mut connection = Connection::server(Config::default().with_auto_close(auto_close));
        let mut close = [0x88, 0x80, 1, 2, 3, 4];
        assert!(connection.poll(&mut Input::new(&mut close), Duration::ZERO).is_some());
        connection.lost();
        let Want::Done(outcome) = connection.want() else { panic!("not done") };
        assert_eq!(outcome.cause, Cause::Failed(Failure::EndOfStream));
        assert_eq!(outcome.received, CloseStatus::Empty);
        assert_eq!(outcome.sent, CloseStatus::Absent);
    }
}
