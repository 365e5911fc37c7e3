//! The careless caller: every illegal call is a typed error, and the connection is unharmed afterwards.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use bytes::BytesMut;
use sockless::connection::{Failure, Loan, Reply, SendError};
use sockless::frame::{Limits, Misuse};
use sockless::{CloseCode, Config, Connection, Delivery, Kind, Message, Want};

use crate::wire::*;

in_both_roles!(
    sending_after_close_is_refused_and_close_still_completes,
    what_stops_messages_is_heeded_whatever_went_before,
    long_reason_is_refused,
    reason_without_code_is_refused,
    long_ping_is_refused,
    message_inside_message_is_refused,
    frame_inside_streamed_frame_is_refused,
    too_much_streamed_payload_is_refused,
    streamed_payload_without_frame_is_refused,
    length_of_2_to_the_63_is_refused,
    message_at_hard_limit_is_given_back,
    wrote_more_than_waits_counts_as_all,
    wrote_nothing_is_harmless,
    polling_after_done_yields_nothing,
    polling_with_time_running_backwards,
    polling_at_the_end_of_time,
    put_without_take_gives_back,
    put_of_wrong_length_gives_back,
    bytes_in_another_buffer_join_the_message,
    what_was_checked_cannot_be_changed,
    lending_twice_gives_back,
    lending_while_output_waits_gives_back,
    reclaiming_while_output_waits_gives_nothing,
    reclaiming_what_was_not_lent_gives_nothing,
    shut_before_it_is_asked_for,
    splitting_and_joining_at_any_time,
    applying_replies_that_nobody_gave,
    expecting_a_ping_of_another_connection,
    limits_lowered_inside_frame_hold_from_the_next,
    message_limit_lowered_inside_message_holds_from_the_next_frame,
    delivery_changed_inside_message_holds_from_the_next_message,
    delivery_changed_inside_code_point,
    delivery_changed_with_the_buffer_taken,
    debug_prints_no_payload,
);

fn sending_after_close_is_refused_and_close_still_completes<R: Tested>() {
    let closed = Err(SendError::Misuse(Misuse::Closed));
    let mut conn = open::<R>();
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(conn.send_text("late"), closed);
    assert_eq!(conn.send_binary(b"late"), closed);
    assert_eq!(conn.begin_text("late", false), closed);
    assert_eq!(conn.stream_frame(Some(Kind::Text), true, 1), closed);
    assert_eq!(conn.ping(b"late", START), closed);
    assert_eq!(conn.close(None, "", START), closed);
    let refused = conn.send("late").unwrap_err();
    assert_eq!(refused.message, Message::from("late"));
    assert_eq!(refused.reason, SendError::Misuse(Misuse::Closed));
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, close_body(1000, b""))]);
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | TEXT, b"in")), [text("in")]);
    feed(&mut conn, &peer::<R>(FIN | CLOSE, b""));
    assert!(conn.outcome().clean());
}

/// A message goes a short way as long as nothing is in its way: the first ones make it free, and then something does.
fn what_stops_messages_is_heeded_whatever_went_before<R: Tested>() {
    let low = Config::default().with_output_limits(1, 1);
    let held = Config::default().with_auto_close(false);
    let [closed, open_message, open_frame] =
        [Misuse::Closed, Misuse::MessageOpen, Misuse::FrameOpen].map(SendError::Misuse);
    let refuses = |config: Config, stop: &dyn Fn(&mut Connection<R>), why| {
        let mut conn = R::open(config);
        conn.lend(Loan::Output, Vec::with_capacity(4096)).unwrap();
        for _ in 0..3 {
            conn.send_text("free").unwrap();
            conn.wrote(usize::MAX);
        }
        stop(&mut conn);
        let before = conn.queued();
        assert_eq!(conn.send_text("late"), Err(why));
        assert_eq!(conn.send_binary(b"late"), Err(why));
        assert_eq!(conn.send("late").unwrap_err().reason, why);
        assert_eq!(conn.queued(), before);
    };
    let usual = Config::default;
    refuses(usual(), &|conn| conn.begin_text("un", false).unwrap(), open_message);
    refuses(usual(), &|conn| conn.stream_frame(Some(Kind::Binary), true, 1).unwrap(), open_frame);
    refuses(usual(), &|conn| conn.close(CloseCode::NORMAL, "", START).unwrap(), closed);
    refuses(usual(), &|conn| drop(feed(conn, &peer::<R>(FIN | CLOSE, b""))), closed);
    refuses(usual(), &|conn| drop(feed(conn, &peer::<R>(FIN | 0x0F, b""))), SendError::Failed);
    refuses(usual(), &Connection::lost, SendError::Failed);
    refuses(low, &|conn| conn.send_text("much").unwrap(), SendError::QueueFull);
    let answer_late = |conn: &mut Connection<R>| {
        feed(conn, &peer::<R>(FIN | CLOSE, b""));
        conn.send_text("last words").unwrap();
        conn.send_text("and more").unwrap();
        conn.close(None, "", START).unwrap();
    };
    refuses(held, &answer_late, closed);
}

fn long_reason_is_refused<R: Tested>() {
    let mut conn = open::<R>();
    for reason in ["x".repeat(124), "ä".repeat(62), "x".repeat(70_000)] {
        assert_eq!(
            conn.close(CloseCode::NORMAL, &reason, START),
            Err(SendError::Misuse(Misuse::LongReason))
        );
    }
    assert_eq!(conn.queued(), 0);
    assert_eq!(conn.want().deadline(), None);
    is_unharmed(&mut conn);
}

fn reason_without_code_is_refused<R: Tested>() {
    let mut conn = open::<R>();
    assert_eq!(
        conn.close(None, "no code", START),
        Err(SendError::Misuse(Misuse::ReasonWithoutCode))
    );
    assert_eq!(conn.queued(), 0);
    assert_eq!(conn.want().deadline(), None);
    is_unharmed(&mut conn);
}

fn long_ping_is_refused<R: Tested>() {
    let mut conn = open::<R>();
    assert_eq!(conn.ping(&[0; 126], START), Err(SendError::Misuse(Misuse::LongControl)));
    assert_eq!(conn.pong(&[0; 126]), Err(SendError::Misuse(Misuse::LongControl)));
    is_unharmed(&mut conn);
}

fn message_inside_message_is_refused<R: Tested>() {
    let mut conn = open::<R>();
    conn.begin_text("a", false).unwrap();
    assert_eq!(conn.send_text("b"), Err(SendError::Misuse(Misuse::MessageOpen)));
    conn.continue_text("c", true).unwrap();
    sent(&mut conn);
    is_unharmed(&mut conn);
}

fn frame_inside_streamed_frame_is_refused<R: Tested>() {
    let frame_open = Err(SendError::Misuse(Misuse::FrameOpen));
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Binary), true, 2).unwrap();
    conn.stream_payload(&mut [1]).unwrap();
    assert_eq!(conn.send_text("x"), frame_open);
    assert_eq!(conn.begin_binary(b"x", false), frame_open);
    assert_eq!(conn.stream_frame(Some(Kind::Binary), true, 0), frame_open);
    assert_eq!(conn.stream_frame(None, true, 0), frame_open);
    assert_eq!(conn.ping(b"x", START), frame_open);
    assert_eq!(conn.pong(b"x"), frame_open);
    assert_eq!(conn.close(None, "", START), frame_open);
    conn.stream_payload(&mut [2]).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | BINARY, vec![1, 2])]);
    is_unharmed(&mut conn);
}

fn too_much_streamed_payload_is_refused<R: Tested>() {
    let mut conn = open::<R>();
    conn.stream_frame(Some(Kind::Binary), true, 2).unwrap();
    let mut payload = [1, 2, 3];
    assert_eq!(conn.stream_payload(&mut payload), Err(SendError::Misuse(Misuse::FrameOverrun)));
    assert_eq!(payload, [1, 2, 3]);
    conn.stream_payload(&mut payload[..2]).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | BINARY, vec![1, 2])]);
    is_unharmed(&mut conn);
}

fn streamed_payload_without_frame_is_refused<R: Tested>() {
    let overrun = Err(SendError::Misuse(Misuse::FrameOverrun));
    let mut conn = open::<R>();
    assert_eq!(conn.stream_payload(&mut [1]), overrun);
    conn.begin_binary(b"a", false).unwrap();
    assert_eq!(conn.stream_payload(&mut [1]), overrun);
    conn.continue_binary(b"", true).unwrap();
    sent(&mut conn);
    is_unharmed(&mut conn);
}

fn length_of_2_to_the_63_is_refused<R: Tested>() {
    let mut conn = open::<R>();
    for len in [1 << 63, u64::MAX] {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.2
        //= type=test
        //# If 127, the
        //# following 8 bytes interpreted as a 64-bit unsigned integer (the
        //# most significant bit MUST be 0) are the payload length.
        assert_eq!(
            conn.stream_frame(Some(Kind::Binary), true, len),
            Err(SendError::Misuse(Misuse::LengthOverflow))
        );
    }
    is_unharmed(&mut conn);
}

fn message_at_hard_limit_is_given_back<R: Tested>() {
    let mut conn = R::open(Config::default().with_output_limits(10, 100));
    conn.send_binary(&[1; 100]).unwrap();
    assert_eq!(conn.send_text("more"), Err(SendError::QueueFull));
    assert_eq!(conn.begin_text("more", false), Err(SendError::QueueFull));
    assert_eq!(conn.ping(b"more", START), Err(SendError::QueueFull));
    let refused = conn.send(vec![2; 5000]).unwrap_err();
    assert_eq!(refused.reason, SendError::QueueFull);
    assert_eq!(refused.message.into_bytes(), vec![2; 5000]);
    assert_eq!(sent(&mut conn), [(FIN | BINARY, vec![1; 100])]);
    is_unharmed(&mut conn);
}

fn wrote_more_than_waits_counts_as_all<R: Tested>() {
    let mut conn = open::<R>();
    conn.wrote(1000);
    conn.send_text("a").unwrap();
    let waits = conn.queued();
    conn.wrote(usize::MAX);
    assert_eq!(conn.queued(), 0);
    assert_eq!(conn.counters().sent.wire_bytes, waits as u64);
    conn.send(vec![1; 5000]).unwrap();
    conn.send(vec![1; 5000]).unwrap();
    conn.wrote(usize::MAX);
    assert_eq!(conn.queued(), 0);
    is_unharmed(&mut conn);
}

fn wrote_nothing_is_harmless<R: Tested>() {
    let mut conn = open::<R>();
    conn.wrote(0);
    conn.send(vec![1; 5000]).unwrap();
    conn.wrote(0);
    assert_eq!(sent(&mut conn).len(), 1);
    is_unharmed(&mut conn);
}

fn polling_after_done_yields_nothing<R: Tested>() {
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(FIN | CLOSE, &close_body(1000, b"")));
    sent(&mut conn);
    end(&mut conn, START);
    let done = outcome(&conn);
    for _ in 0..3 {
        assert_eq!(feed(&mut conn, &peer::<R>(FIN | TEXT, b"late")), []);
        assert_eq!(feed(&mut conn, &peer::<R>(FIN | CLOSE, &close_body(3000, b""))), []);
        assert_eq!(end(&mut conn, seconds(1000)), []);
        assert_eq!(pass(&mut conn, seconds(2000)), []);
        assert_eq!(conn.queued(), 0);
        assert_eq!(outcome(&conn), done);
    }
}

fn polling_with_time_running_backwards<R: Tested>() {
    let config = Config::default().with_keepalive(seconds(5), seconds(5)).with_idle(seconds(50));
    let mut conn = R::open(config);
    pass(&mut conn, seconds(100));
    assert_eq!(pass(&mut conn, START), []);
    conn.ping(b"p", seconds(100)).unwrap();
    let pong = peer::<R>(FIN | PONG, b"p");
    assert_eq!(feed_at(&mut conn, &pong, START), [Seen::Pong(b"p".to_vec(), Some(START))]);
    sent(&mut conn);
    is_unharmed(&mut conn);
}

fn polling_at_the_end_of_time<R: Tested>() {
    let forever = core::time::Duration::MAX;
    let config =
        Config::default().with_keepalive(forever, forever).with_idle(forever).with_close(forever);
    let mut conn = R::open(config);
    pass(&mut conn, seconds(1));
    conn.close(None, "", seconds(1)).unwrap();
    assert!(conn.want().deadline().is_some());
    pass(&mut conn, forever);
    let _ = conn.want();
}

fn put_without_take_gives_back<R: Tested>() {
    let mut conn = open::<R>();
    assert_eq!(
        conn.put_buffer(BytesMut::from(&[1, 2, 3][..])),
        Err(BytesMut::from(&[1, 2, 3][..]))
    );
    assert!(conn.take_buffer().is_none());
    assert_eq!(conn.put_buffer(BytesMut::new()), Err(BytesMut::new()));
    is_unharmed(&mut conn);
}

fn put_of_wrong_length_gives_back<R: Tested>() {
    let payload = vec![b'x'; 100_000];
    let bytes = peer::<R>(FIN | BINARY, &payload);
    let header = bytes.len() - payload.len();
    let mut conn = open::<R>();
    feed(&mut conn, &bytes[..header + 1000]);
    let mut taken = conn.take_buffer().unwrap();
    assert!(conn.take_buffer().is_none());
    assert!(taken.is_empty());
    // Longer than what remains of the payload.
    assert_eq!(conn.put_buffer(BytesMut::zeroed(99_001)), Err(BytesMut::zeroed(99_001)));
    // Nothing is decoded while it is out; what is handed in comes after what is read into it.
    assert_eq!(feed(&mut conn, &bytes[header + 1500..header + 2000]), []);
    assert!(matches!(conn.want(), Want::Io { read: false, deadline: None, .. }));
    taken.extend(&bytes[header + 1000..header + 1500]);
    conn.put_buffer(taken).unwrap();
    assert_eq!(conn.put_buffer(BytesMut::zeroed(500)), Err(BytesMut::zeroed(500)));
    assert!(conn.take_buffer().is_none(), "what is kept comes before what would be read");
    assert_eq!(feed(&mut conn, &bytes[header + 2000..]), [binary(&payload)]);
    is_unharmed(&mut conn);
}

/// A buffer with other memory than what was taken, or with less than was read into it, is what the peer sent as far as anybody can say.
fn bytes_in_another_buffer_join_the_message<R: Tested>() {
    let payload: Vec<u8> = (b'a'..=b'z').cycle().take(100_000).collect();
    let bytes = peer::<R>(FIN | TEXT, &payload);
    let mut at = bytes.len() - payload.len() + 1000;
    let mut conn = open::<R>();
    feed(&mut conn, &bytes[..at]);
    let mut kept = Vec::new();
    for way in 0..4 {
        let mut taken = conn.take_buffer().unwrap();
        let next = &bytes[at..at + 7000];
        let put = match way {
            0 => BytesMut::from(next),
            1 => {
                taken.extend_from_slice(b"not this");
                taken.extend_from_slice(next);
                taken.split_off(8)
            }
            2 => {
                taken.extend_from_slice(next);
                let end = taken.split_off(7000);
                kept.push(end);
                taken
            }
            _ => {
                taken.extend_from_slice(next);
                taken
            }
        };
        assert_eq!(put, next);
        conn.put_buffer(put).unwrap();
        assert_eq!(pass(&mut conn, START), []);
        at += 7000;
    }
    assert!(feed(&mut conn, &bytes[at..]) == [Seen::Text(String::from_utf8(payload).unwrap())]);
    is_unharmed(&mut conn);
}

/// What has been checked is out of reach: the worst that can be done to the buffer shows as what the peer sent.
fn what_was_checked_cannot_be_changed<R: Tested>() {
    let bytes = peer::<R>(FIN | TEXT, &[b'x'; 100_000]);
    let mut conn = open::<R>();
    feed(&mut conn, &bytes[..20_000]);
    let mut taken = conn.take_buffer().unwrap();
    assert!(taken.is_empty());
    taken.resize(taken.capacity(), 0);
    taken.fill(0xFF);
    taken.clear();
    assert!(!taken.try_reclaim(usize::MAX));
    conn.put_buffer(taken).unwrap();
    assert!(feed(&mut conn, &bytes[20_000..]) == [Seen::Text("x".repeat(100_000))]);
}

fn lending_twice_gives_back<R: Tested>() {
    let mut conn = open::<R>();
    conn.lend(Loan::Output, Vec::with_capacity(100)).unwrap();
    assert_eq!(conn.lend(Loan::Output, vec![1]), Err(vec![1]));
    conn.send_text("a").unwrap();
    assert_eq!(conn.lend(Loan::Output, vec![1]), Err(vec![1]));
    sent(&mut conn);
    assert_eq!(conn.lend(Loan::Output, vec![1]), Err(vec![1]));
    assert!(conn.reclaim(Loan::Output).unwrap().capacity() >= 100);
    assert!(conn.reclaim(Loan::Output).is_none());
    is_unharmed(&mut conn);
}

fn lending_while_output_waits_gives_back<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("a").unwrap();
    assert_eq!(conn.lend(Loan::Output, vec![1]), Err(vec![1]));
    sent(&mut conn);
    is_unharmed(&mut conn);
}

fn reclaiming_while_output_waits_gives_nothing<R: Tested>() {
    let mut conn = open::<R>();
    conn.lend(Loan::Output, Vec::with_capacity(100)).unwrap();
    conn.send_text("waits").unwrap();
    assert!(conn.reclaim(Loan::Output).is_none());
    conn.wrote(3);
    assert!(conn.reclaim(Loan::Output).is_none());
    conn.wrote(100);
    assert!(conn.reclaim(Loan::Output).unwrap().is_empty());
    is_unharmed(&mut conn);
}

fn reclaiming_what_was_not_lent_gives_nothing<R: Tested>() {
    let mut conn = open::<R>();
    assert!(conn.reclaim(Loan::Output).is_none());
    conn.send_text("a").unwrap();
    assert!(conn.reclaim(Loan::Output).is_none());
    sent(&mut conn);
    assert!(conn.reclaim(Loan::Output).is_none());
    is_unharmed(&mut conn);
}

fn shut_before_it_is_asked_for<R: Tested>() {
    let mut conn = open::<R>();
    conn.shut();
    assert!(matches!(conn.want(), Want::Io { read: true, .. }));
    is_unharmed(&mut conn);
}

fn splitting_and_joining_at_any_time<R: Tested>() {
    let rejoin = |conn: Connection<R>| {
        let (receiver, sender) = conn.split();
        Connection::join(receiver, sender)
    };
    let mut conn = open::<R>();
    conn.begin_text("a", false).unwrap();
    let message = peer::<R>(FIN | TEXT, "grüße".as_bytes());
    for byte in &message[..message.len() - 1] {
        assert_eq!(feed(&mut conn, &[*byte]), []);
        conn = rejoin(conn);
    }
    assert_eq!(feed(&mut conn, &message[message.len() - 1..]), [text("grüße")]);
    conn.continue_text("b", true).unwrap();
    conn = rejoin(conn);
    assert_eq!(sent(&mut conn).len(), 2);
    // The half-close is not asked for twice.
    feed(&mut conn, &peer::<R>(FIN | 0x7, b""));
    conn = rejoin(conn);
    sent(&mut conn);
    assert_eq!(conn.want(), Want::ShutdownWrite);
    conn.shut();
    conn = rejoin(conn);
    assert!(matches!(conn.want(), Want::Io { .. }));
    end(&mut conn, START);
    conn = rejoin(conn);
    assert_eq!(outcome(&conn).sent.number(), 1002);
}

fn applying_replies_that_nobody_gave<R: Tested>() {
    let (receiver, mut sender) = open::<R>().split();
    sender.apply(Reply::Close { code: None, hold: false }, START);
    sender.apply(Reply::Close { code: None, hold: true }, START);
    sender.apply(Reply::Close { code: None, hold: false }, START);
    sender.apply(Reply::Leave, START);
    sender.apply(Reply::Fail(Failure::EndOfStream), START);
    sender.apply(Reply::Fail(Failure::Unresponsive), START);
    sender.apply(Reply::Close { code: None, hold: false }, START);
    let mut conn = Connection::join(receiver, sender);
    assert_eq!(sent(&mut conn), [(FIN | CLOSE, vec![])]);
}

fn expecting_a_ping_of_another_connection<R: Tested>() {
    let (mut receiver, _) = open::<R>().split();
    let (_, mut other) = open::<R>().split();
    receiver.expect(other.ping(b"other", seconds(9)).unwrap());
    let mut conn = Connection::join(receiver, open::<R>().split().1);
    is_unharmed(&mut conn);
}

fn limits_lowered_inside_frame_hold_from_the_next<R: Tested>() {
    let low = Config::default().with_limits(Limits::default().with_frame(3).with_message(3));
    let bytes = peer::<R>(FIN | BINARY, b"longer than three");
    for cut in 0..bytes.len() {
        let mut conn = open::<R>();
        let mut events = feed(&mut conn, &bytes[..cut]);
        conn.set_config(low.clone());
        events.extend(feed(&mut conn, &bytes[cut..]));
        let header = bytes.len() - 17;
        if cut < header {
            assert!(matches!(events[..], [Seen::Failed(_)]), "{cut}: {events:?}");
        } else {
            assert_eq!(events, [binary(b"longer than three")], "{cut}");
            let next = feed(&mut conn, &peer::<R>(FIN | BINARY, b"four"));
            assert!(matches!(next[..], [Seen::Failed(_)]));
        }
    }
}

fn message_limit_lowered_inside_message_holds_from_the_next_frame<R: Tested>() {
    let low = Config::default().with_limits(Limits::default().with_message(3));
    let mut conn = open::<R>();
    feed(&mut conn, &peer::<R>(BINARY, b"four"));
    conn.set_config(low);
    assert_eq!(
        feed(&mut conn, &peer::<R>(FIN, b"")),
        [violation(sockless::frame::Violation::MessageTooLong)]
    );
}

fn delivery_changed_inside_message_holds_from_the_next_message<R: Tested>() {
    let whole = Config::default();
    let parts = Config::default().with_delivery(Delivery::Parts);
    for opcode in [TEXT, BINARY] {
        // From whole to parts.
        let mut conn = R::open(whole.clone());
        assert_eq!(feed(&mut conn, &peer::<R>(opcode, b"one ")), []);
        conn.set_config(parts.clone());
        let events = feed(&mut conn, &peer::<R>(FIN, b"two"));
        let expected = if opcode == TEXT { text("one two") } else { binary(b"one two") };
        assert_eq!(events, [expected]);
        let is_text = opcode == TEXT;
        let events = feed(&mut conn, &peer::<R>(FIN | opcode, b"three"));
        assert_eq!(events, [Seen::Part(is_text, b"three".to_vec(), true, true)]);

        // From parts to whole.
        let mut conn = R::open(parts.clone());
        let part = |bytes: &[u8], first, last| Seen::Part(is_text, bytes.to_vec(), first, last);
        let events = feed(&mut conn, &peer::<R>(opcode, b"one "));
        assert_eq!(events, [part(b"one ", true, false)]);
        conn.set_config(whole.clone());
        let events = feed(&mut conn, &peer::<R>(FIN, b"two"));
        assert_eq!(events, [part(b"two", false, true)]);
        let events = feed(&mut conn, &peer::<R>(FIN | opcode, b"three"));
        let expected = if is_text { text("three") } else { binary(b"three") };
        assert_eq!(events, [expected]);
    }
}

fn delivery_changed_inside_code_point<R: Tested>() {
    // Whatever is delivered, it never is a `str` that is not UTF-8: `seen` checks it.
    let whole = Config::default();
    let parts = Config::default().with_delivery(Delivery::Parts);
    for (first, second) in [(&whole, &parts), (&parts, &whole)] {
        let mut conn = R::open(first.clone());
        feed(&mut conn, &peer::<R>(TEXT, b"a\xC3"));
        conn.set_config(second.clone());
        feed(&mut conn, &peer::<R>(FIN, b"\xA9b"));
        conn.set_config(first.clone());
        let bytes = [peer::<R>(TEXT, b"c"), peer::<R>(FIN, b"d")].concat();
        let events = feed(&mut conn, &bytes);
        let bytes: Vec<u8> = events
            .into_iter()
            .flat_map(|event| match event {
                Seen::Text(text) => text.into_bytes(),
                Seen::Part(_, bytes, _, _) => bytes,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(bytes, b"cd");
    }
}

fn delivery_changed_with_the_buffer_taken<R: Tested>() {
    let payload = vec![b'x'; 100_000];
    let bytes = peer::<R>(FIN | TEXT, &payload);
    let header = bytes.len() - payload.len();
    let mut conn = open::<R>();
    feed(&mut conn, &bytes[..header + 1000]);
    let mut taken = conn.take_buffer().unwrap();
    conn.set_config(Config::default().with_delivery(Delivery::Parts));
    taken.extend(&bytes[header + 1000..header + 2000]);
    conn.put_buffer(taken).unwrap();
    let events = feed(&mut conn, &bytes[header + 2000..]);
    assert!(events == [Seen::Text("x".repeat(100_000))]);
}

fn debug_prints_no_payload<R: Tested>() {
    // "~~~~" is neither in a key nor in a type's name, and 126 is no other number here.
    let secret = "~~~~";
    let mut conn = open::<R>();
    conn.send_text(secret).unwrap();
    conn.send(secret.repeat(2000)).unwrap();
    conn.ping(secret.as_bytes(), START).unwrap();
    feed(&mut conn, &peer::<R>(FIN | PING, secret.as_bytes()));
    feed(&mut conn, &peer::<R>(TEXT, secret.as_bytes()));
    let unfinished = peer::<R>(FIN | PING, secret.as_bytes());
    feed(&mut conn, &unfinished[..unfinished.len() - 1]);
    let mut shown = vec![format!("{conn:?}")];
    let message = Message::from(secret.as_bytes());
    shown.push(format!("{message:?}"));
    shown.push(format!("{:?}", Message::from(secret)));
    let prepared = sockless::Prepared::text(secret);
    shown.push(format!("{prepared:?}"));
    conn.close(None, "", START).unwrap();
    shown.push(format!("{:?}", conn.send(message).unwrap_err()));
    shown.push(format!("{:?}", sockless::Input::new(&mut secret.as_bytes().to_vec())));

    let mut conn = open::<R>();
    let payload = vec![b'~'; 100_000];
    let bytes = peer::<R>(BINARY, &payload);
    feed(&mut conn, &bytes[..20_000]);
    shown.push(format!("{conn:?}"));
    let taken = conn.take_buffer().unwrap();
    shown.push(format!("{taken:?}"));

    let mut decoder = sockless::frame::Decoder::<R>::new();
    let mut bytes = peer::<R>(FIN | BINARY, secret.as_bytes());
    let mut input = sockless::Input::new(&mut bytes);
    let piece = decoder.decode(&mut input, &Limits::default()).unwrap().unwrap();
    shown.push(format!("{piece:?}"));
    for shown in shown {
        assert!(!shown.contains("~~"), "{shown:.300}");
        assert!(!shown.contains("126, 126"), "{shown:.300}");
    }
}
