//! The output: one queue, in the order of the calls.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use bytes::{Buf as _, Bytes};
use sockless::connection::{Loan, SendError};
use sockless::frame::Misuse;
use sockless::{
    Client, CloseCode, Config, Connection, Holding, Kind, Message, Prepared, Server, Want,
};

use crate::wire::*;

in_both_roles!(
    keeps_the_order_of_the_calls,
    small_frames_are_one_slice,
    survives_any_split_of_writes,
    queue_that_is_never_empty_does_not_grow,
    shared_and_copied_survive_any_split_of_writes,
    slices_and_io_slices_agree,
    io_slices_fill_what_there_is_room_for,
    drains_as_buf,
    drains_as_slices,
    makes_room_before_a_shared_payload,
    soft_limit_asks_not_to_read,
    independent_endpoint_takes_input_above_the_soft_limit_all_the_same,
    hard_limit_lets_the_last_message_reach_over,
    hard_limit_holds_from_its_very_byte_on,
    hard_limit_holds_inside_a_streamed_frame,
    hard_limit_does_not_hold_back_control_replies,
    pongs_have_a_reserve_and_one_slot,
    latest_pong_comes_when_writing_resumes,
    pongs_find_room_again,
    pongs_keep_to_the_reserve_while_it_is_written,
    latest_pong_comes_when_more_than_the_pongs_is_written,
    pongs_wait_behind_data_without_being_lost,
    frees_its_memory_when_drained,
    lent_buffer_is_used_and_comes_back,
    lent_buffer_may_grow,
    lends_again_and_again,
    changed_limits_hold_at_once,
    payload_cannot_be_changed_once_it_is_queued,
    everything_queued_is_transmitted,
);

fn keeps_the_order_of_the_calls<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("1").unwrap();
    conn.send(vec![2; 5000]).unwrap();
    conn.ping(b"3", START).unwrap();
    feed(&mut conn, &peer::<R>(FIN | PING, b"4"));
    conn.send(Bytes::from_static(&[5; 4096])).unwrap();
    conn.send(Bytes::from_static(&[6; 4095])).unwrap();
    conn.send(Message::from("7")).unwrap();
    conn.close(CloseCode::NORMAL, "8", START).unwrap();
    assert_eq!(
        sent(&mut conn),
        [
            (FIN | TEXT, b"1".to_vec()),
            (FIN | BINARY, vec![2; 5000]),
            (FIN | PING, b"3".to_vec()),
            (FIN | PONG, b"4".to_vec()),
            (FIN | BINARY, vec![5; 4096]),
            (FIN | BINARY, vec![6; 4095]),
            (FIN | TEXT, b"7".to_vec()),
            (FIN | CLOSE, close_body(1000, b"8")),
        ]
    );
}

fn small_frames_are_one_slice<R: Tested>() {
    let mut conn = open::<R>();
    for i in 0..100 {
        conn.send_binary(&[i; 10]).unwrap();
    }
    assert_eq!(conn.output().len(), conn.queued());
    assert_eq!(conn.output_slices().count(), 1);
    assert_eq!(found(conn.output()).len(), 100);
}

fn survives_any_split_of_writes<R: Tested>() {
    let queue = |conn: &mut Connection<R>| {
        conn.send_text("one").unwrap();
        conn.send_binary(&[2; 300]).unwrap();
        conn.ping(b"three", START).unwrap();
    };
    let mut conn = open::<R>();
    queue(&mut conn);
    let expected = written(&mut conn);
    for step in 1..expected.len() {
        let mut conn = open::<R>();
        queue(&mut conn);
        let mut bytes: Vec<u8> = Vec::new();
        while !conn.output().is_empty() {
            let count = step.min(conn.output().len());
            bytes.extend(&conn.output()[..count]);
            conn.wrote(count);
            assert_eq!(conn.queued(), expected.len() - bytes.len());
        }
        assert_eq!(bytes, expected);
    }
}

fn queue_that_is_never_empty_does_not_grow<R: Tested>() {
    let mut conn = open::<R>();
    conn.lend(Loan::Output, Vec::new()).unwrap();
    let mut expected = 0_u32;
    let mut bytes = Vec::new();
    conn.send_binary(&[0; 4]).unwrap();
    for i in 1..20_000_u32 {
        conn.send_binary(&i.to_be_bytes()).unwrap();
        let len = conn.queued() / 2;
        bytes.extend(&conn.output()[..len]);
        conn.wrote(len);
    }
    bytes.extend(written(&mut conn));
    for frame in found(&bytes) {
        assert_eq!(frame.payload, expected.to_be_bytes());
        expected += 1;
    }
    assert_eq!(expected, 20_000);
    assert!(conn.reclaim(Loan::Output).unwrap().capacity() < 1000);
}

fn shared_and_copied_survive_any_split_of_writes<R: Tested>() {
    let queue = |conn: &mut Connection<R>, from: u8| {
        conn.send_binary(&[from; 10]).unwrap();
        conn.send(vec![from + 1; 4096]).unwrap();
        conn.send(vec![from + 2; 4097]).unwrap();
        conn.send_text("between").unwrap();
    };
    for step in [1, 2, 3, 7, 100, 4095, 4096, 4097, 4100, 8200, 100_000] {
        let mut conn = open::<R>();
        let mut bytes = Vec::new();
        for round in 0..10 {
            queue(&mut conn, round * 3);
            // Only a part of it is written before more is queued.
            for _ in 0..3 {
                let mut left = step;
                let slices: Vec<Vec<u8>> = conn.output_slices().map(<[u8]>::to_vec).collect();
                let all = slices.concat();
                assert_eq!(all.len(), conn.queued());
                left = left.min(all.len());
                bytes.extend(&all[..left]);
                conn.wrote(left);
            }
        }
        bytes.extend(written(&mut conn));
        let frames = found(&bytes);
        assert_eq!(frames.len(), 40);
        for (round, frames) in frames.chunks(4).enumerate() {
            let from = round as u8 * 3;
            assert_eq!(frames[0].payload, [from; 10]);
            assert!(frames[1].payload == [from + 1; 4096]);
            assert!(frames[2].payload == [from + 2; 4097]);
            assert_eq!(frames[3].payload, b"between");
        }
    }
}

#[test]
fn first_slice_is_not_all_that_waits() {
    // A client masks long payloads while it copies them, so that it has one slice.
    let mut conn = open::<Server>();
    conn.send_text("a").unwrap();
    conn.send(vec![1; 5000]).unwrap();
    // A driver that writes one slice and says that all is written loses the others.
    let first = conn.output().len();
    assert!(first < conn.queued());
    conn.wrote(first);
    assert!(!conn.output().is_empty());
    conn.wrote(usize::MAX);
    assert_eq!((conn.output().len(), conn.queued()), (0, 0));
}

fn slices_and_io_slices_agree<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("a").unwrap();
    conn.send(vec![1; 5000]).unwrap();
    conn.send(vec![2; 5000]).unwrap();
    conn.send_text("b").unwrap();
    conn.wrote(1);
    let slices: Vec<Vec<u8>> = conn.output_slices().map(<[u8]>::to_vec).collect();
    assert_eq!(slices[0], conn.output());
    assert!(slices.iter().all(|slice| !slice.is_empty()));
    let mut io = [std::io::IoSlice::new(&[]); 16];
    let output = conn.drain();
    let filled = output.chunks_vectored(&mut io);
    assert_eq!(filled, slices.len());
    for (io, slice) in io.iter().zip(&slices) {
        assert_eq!(**io, **slice);
    }
    assert!(io[filled..].iter().all(|io| io.is_empty()));
}

fn io_slices_fill_what_there_is_room_for<R: Tested>() {
    let mut conn = open::<R>();
    assert_eq!(conn.drain().chunks_vectored(&mut []), 0);
    assert_eq!(conn.drain().chunks_vectored(&mut [std::io::IoSlice::new(&[]); 2]), 0);
    for i in 0..3 {
        conn.send_text("small").unwrap();
        conn.send(vec![i; 5000]).unwrap();
    }
    let mut two = [std::io::IoSlice::new(&[]); 2];
    let output = conn.drain();
    let filled = output.chunks_vectored(&mut two);
    assert!(filled == 2 || R::MASKS && filled == 1);
    assert_eq!(*two[0], *output.chunk());
}

fn drains_as_buf<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("a").unwrap();
    conn.send(vec![1; 5000]).unwrap();
    conn.send_text("b").unwrap();
    let expected: Vec<u8> = conn.output_slices().flatten().copied().collect();
    let mut drain = conn.drain();
    assert_eq!(drain.remaining(), expected.len());
    let mut first = vec![0; 10];
    drain.copy_to_slice(&mut first);
    let rest = drain.copy_to_bytes(drain.remaining());
    assert!(!drain.has_remaining());
    assert!([&first[..], &rest].concat() == expected);
    assert_eq!(conn.queued(), 0);
    assert_eq!(conn.counters().sent.wire_bytes, expected.len() as u64);
}

fn drains_as_slices<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("a").unwrap();
    conn.send(vec![1; 5000]).unwrap();
    conn.send_text("b").unwrap();
    conn.wrote(1);
    let expected: Vec<u8> = conn.output_slices().flatten().copied().collect();
    let count = conn.output_slices().count();
    let first = conn.output().to_vec();
    let drain = conn.drain();
    assert_eq!(drain.chunk(), first);
    let mut slices = [std::io::IoSlice::new(&[]); 8];
    assert_eq!(drain.chunks_vectored(&mut slices), count);
    assert!(slices.iter().flat_map(|slice| slice.iter()).eq(&expected));
}

fn makes_room_before_a_shared_payload<R: Tested>() {
    let mut conn = open::<R>();
    conn.lend(Loan::Output, Vec::with_capacity(1300)).unwrap();
    let mut bytes = Vec::new();
    for i in 0..70 {
        conn.send_binary(&[i; 10]).unwrap();
    }
    conn.send(vec![70; 5000]).unwrap();
    // More than half of what comes before the payload is written, so that the rest is moved to the front; the payload keeps its
    // place after it.
    bytes.extend(&conn.output()[..800]);
    conn.wrote(800);
    for i in 71..121 {
        conn.send_binary(&[i; 10]).unwrap();
    }
    bytes.extend(written(&mut conn));
    let frames = found(&bytes);
    assert_eq!(frames.len(), 121);
    for (i, frame) in frames.iter().enumerate() {
        let len = if i == 70 { 5000 } else { 10 };
        assert!(frame.payload == vec![i as u8; len], "{i}");
    }
}

fn soft_limit_asks_not_to_read<R: Tested>() {
    let config = Config::default().with_output_limits(100, 1000);
    let mut conn = R::open(config.with_holding(Holding::Answering));
    conn.send_binary(&[0; 80]).unwrap();
    assert!(matches!(conn.want(), Want::Io { read: true, write: true, .. }));
    conn.send_binary(&[0; 80]).unwrap();
    assert!(matches!(conn.want(), Want::Io { read: false, write: true, .. }));
    conn.wrote(conn.queued() - 100);
    assert!(matches!(conn.want(), Want::Io { read: false, write: true, .. }));
    conn.wrote(1);
    assert!(matches!(conn.want(), Want::Io { read: true, write: true, .. }));
    conn.wrote(99);
    assert_eq!(conn.want(), Want::Io { read: true, write: false, deadline: None });
}

fn independent_endpoint_takes_input_above_the_soft_limit_all_the_same<R: Tested>() {
    let config = Config::default().with_output_limits(1, 1000);
    let mut conn = R::open(config.with_holding(Holding::Independent));
    conn.send_text("waits").unwrap();
    assert!(matches!(conn.want(), Want::Io { read: true, write: true, .. }));
    assert_eq!(feed(&mut conn, &peer::<R>(FIN | TEXT, b"in")), [text("in")]);
}

fn hard_limit_lets_the_last_message_reach_over<R: Tested>() {
    let mut conn = R::open(Config::default().with_output_limits(10, 100));
    conn.send_binary(&[0; 50]).unwrap();
    conn.send_binary(&[0; 5000]).unwrap();
    assert_eq!(conn.send_binary(&[]), Err(SendError::QueueFull));
    conn.wrote(conn.queued() - 99);
    conn.send_binary(&[]).unwrap();
    assert_eq!(conn.send_binary(&[]), Err(SendError::QueueFull));
}

fn hard_limit_holds_from_its_very_byte_on<R: Tested>() {
    let frame = if R::MASKS { 16 } else { 12 };
    for (hard, takes_another) in [(frame, false), (frame + 1, true)] {
        let mut conn = R::open(Config::default().with_output_limits(1, hard));
        conn.lend(Loan::Output, Vec::with_capacity(1000)).unwrap();
        conn.send_binary(&[0; 10]).unwrap();
        assert_eq!(conn.queued(), frame);
        let full = || if takes_another { Ok(()) } else { Err(SendError::QueueFull) };
        assert_eq!(conn.pong(b"").is_ok(), takes_another);
        conn.wrote(conn.queued() - frame);
        assert_eq!(conn.send_binary(b"one more"), full());
    }
}

fn hard_limit_holds_inside_a_streamed_frame<R: Tested>() {
    let mut conn = R::open(Config::default().with_output_limits(1, 50));
    conn.stream_frame(Some(Kind::Binary), true, 100).unwrap();
    conn.stream_payload(&mut [1; 50]).unwrap();
    let queued = conn.queued();
    assert_eq!(conn.stream_payload(&mut [2; 50]), Err(SendError::QueueFull));
    assert_eq!(conn.queued(), queued);
    let mut bytes = written(&mut conn);
    conn.stream_payload(&mut [2; 50]).unwrap();
    bytes.extend(written(&mut conn));
    let frames = found(&bytes);
    assert_eq!(frames[0].pair(), (FIN | BINARY, &[[1; 50], [2; 50]].concat()[..]));
    assert_eq!(frames.len(), 1);
}

fn hard_limit_does_not_hold_back_control_replies<R: Tested>() {
    let mut conn = R::open(Config::default().with_output_limits(1, 1));
    conn.send_text("full").unwrap();
    assert_eq!(conn.send_text("no"), Err(SendError::QueueFull));
    feed(&mut conn, &peer::<R>(FIN | PING, b"p"));
    conn.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(
        sent(&mut conn),
        [
            (FIN | TEXT, b"full".to_vec()),
            (FIN | PONG, b"p".to_vec()),
            (FIN | CLOSE, close_body(1000, b""))
        ]
    );
}

fn number(i: u32) -> [u8; 125] {
    let mut payload = [0; 125];
    payload[..4].copy_from_slice(&i.to_be_bytes());
    payload
}

fn pongs_have_a_reserve_and_one_slot<R: Tested>() {
    let mut conn = open::<R>();
    for i in 0..10_000 {
        feed(&mut conn, &peer::<R>(FIN | PING, &number(i)));
        assert!(conn.queued() <= 2 << 10);
    }
    let frames = sent(&mut conn);
    let (last, first) = frames.split_last().unwrap();
    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.5.3
    //= type=test
    //# If an endpoint receives a Ping frame and has not yet sent Pong
    //# frame(s) in response to previous Ping frame(s), the endpoint MAY
    //# elect to send a Pong frame for only the most recently processed Ping
    //# frame.
    assert_eq!(*last, (FIN | PONG, number(9999).to_vec()));
    assert!(first.len() >= 10);
    for (i, frame) in first.iter().enumerate() {
        assert_eq!(*frame, (FIN | PONG, number(i as u32).to_vec()));
    }
}

fn latest_pong_comes_when_writing_resumes<R: Tested>() {
    let mut conn = open::<R>();
    for i in 0..100 {
        feed(&mut conn, &peer::<R>(FIN | PING, &number(i)));
    }
    // All pongs of the reserve but the last byte.
    let reserve = conn.queued();
    let mut bytes = conn.output()[..reserve - 1].to_vec();
    conn.wrote(reserve - 1);
    assert_eq!(conn.queued(), 1);
    bytes.extend(conn.output());
    conn.wrote(1);
    assert!(conn.queued() > 100);
    bytes.extend(written(&mut conn));
    assert_eq!(found(&bytes).last().unwrap().payload, number(99));
}

fn pongs_find_room_again<R: Tested>() {
    let mut conn = open::<R>();
    for round in 0..5 {
        for i in 0..100 {
            feed(&mut conn, &peer::<R>(FIN | PING, &number(i)));
        }
        let frames = sent(&mut conn);
        assert!(frames.len() >= 10, "round {round}");
        assert_eq!(frames.last().unwrap().1, number(99));
    }
}

fn pongs_keep_to_the_reserve_while_it_is_written<R: Tested>() {
    let mut conn = open::<R>();
    for i in 0..10 {
        feed(&mut conn, &peer::<R>(FIN | PING, &number(i)));
    }
    // As long as one of them waits, all of them count.
    conn.wrote(1);
    for i in 10..100 {
        feed(&mut conn, &peer::<R>(FIN | PING, &number(i)));
    }
    assert!(conn.queued() <= 2 << 10, "{}", conn.queued());
}

fn latest_pong_comes_when_more_than_the_pongs_is_written<R: Tested>() {
    let mut conn = open::<R>();
    for i in 0..100 {
        feed(&mut conn, &peer::<R>(FIN | PING, &number(i)));
    }
    conn.send_text("behind").unwrap();
    conn.wrote(conn.queued());
    assert_eq!(sent(&mut conn), [(FIN | PONG, number(99).to_vec())]);
}

fn pongs_wait_behind_data_without_being_lost<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_binary(&[0; 100_000]).unwrap();
    let pings: Vec<u8> = (0..10).flat_map(|i| peer::<R>(FIN | PING, &[i])).collect();
    feed(&mut conn, &pings);
    conn.send_text("behind").unwrap();
    let frames = sent(&mut conn);
    assert_eq!(frames.len(), 12);
    for i in 0..10_u8 {
        assert_eq!(frames[1 + usize::from(i)], (FIN | PONG, vec![i]));
    }
}

fn frees_its_memory_when_drained<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_binary(&[0; 100_000]).unwrap();
    written(&mut conn);
    // What is not lent can't be reclaimed; nothing is left of it.
    assert!(conn.reclaim(Loan::Output).is_none());
    conn.lend(Loan::Output, Vec::new()).unwrap();
    assert_eq!(conn.reclaim(Loan::Output).unwrap().capacity(), 0);
}

fn lent_buffer_is_used_and_comes_back<R: Tested>() {
    let mut conn = open::<R>();
    let mut spare = Vec::with_capacity(4096);
    spare.extend(b"left over");
    let place = spare.as_ptr();
    conn.lend(Loan::Output, spare).unwrap();
    assert_eq!(conn.queued(), 0, "what stood in it is not sent");
    conn.send_text("a").unwrap();
    feed(&mut conn, &peer::<R>(FIN | PING, b"p"));
    assert_eq!(conn.output().as_ptr(), place);
    assert_eq!(sent(&mut conn).len(), 2);
    // It stays until it is taken back.
    conn.send_text("b").unwrap();
    assert_eq!(conn.output().as_ptr(), place);
    sent(&mut conn);
    let spare = conn.reclaim(Loan::Output).unwrap();
    assert_eq!((spare.as_ptr(), spare.len(), spare.capacity()), (place, 0, 4096));
}

fn lent_buffer_may_grow<R: Tested>() {
    let mut conn = open::<R>();
    conn.lend(Loan::Output, Vec::with_capacity(10)).unwrap();
    conn.send_binary(&[1; 3000]).unwrap();
    assert_eq!(sent(&mut conn), [(FIN | BINARY, vec![1; 3000])]);
    assert!(conn.reclaim(Loan::Output).unwrap().capacity() >= 3000);
}

fn lends_again_and_again<R: Tested>() {
    let mut conns: Vec<Connection<R>> = (0..10).map(|_| open::<R>()).collect();
    let mut spare = Vec::with_capacity(1000);
    let place = spare.as_ptr();
    for _ in 0..3 {
        for conn in &mut conns {
            conn.lend(Loan::Output, spare).unwrap();
            conn.send_text("echo").unwrap();
            assert_eq!(sent(conn).len(), 1);
            spare = conn.reclaim(Loan::Output).unwrap();
        }
    }
    assert_eq!(spare.as_ptr(), place);
}

fn changed_limits_hold_at_once<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_binary(&[0; 1000]).unwrap();
    let config = Config::default().with_output_limits(500, 900);
    conn.set_config(config.with_holding(Holding::Answering));
    assert!(matches!(conn.want(), Want::Io { read: false, .. }));
    assert_eq!(conn.send_text("x"), Err(SendError::QueueFull));
    conn.set_config(Config::default());
    conn.send_text("x").unwrap();
}

fn payload_cannot_be_changed_once_it_is_queued<R: Tested>() {
    let mut conn = open::<R>();
    let mut payload = vec![1; 6000];
    conn.send_binary(&payload).unwrap();
    conn.send(Bytes::from(payload.clone())).unwrap();
    payload.fill(9);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-10.3
    //= type=test
    //# In short, once transmission of a frame
    //# begins, the contents must not be modifiable by the remote script
    //# (application).
    assert!(sent(&mut conn).iter().all(|frame| frame.1 == [1; 6000]));
}

fn everything_queued_is_transmitted<R: Tested>() {
    let mut conn = open::<R>();
    for i in 0..100 {
        conn.send_binary(&vec![i as u8; i * 97]).unwrap();
        conn.send(vec![i as u8; i * 97]).unwrap();
    }
    let frames = sent(&mut conn);
    //= https://www.rfc-editor.org/rfc/rfc6455#section-6.1
    //= type=test
    //# The frame(s) that have been formed MUST be transmitted over the
    //# underlying network connection.
    assert_eq!(frames.len(), 200);
    for (i, frame) in frames.iter().enumerate() {
        assert!(frame.1 == vec![(i / 2) as u8; i / 2 * 97]);
    }
}

#[test]
fn server_shares_a_payload_from_4_kib_on() {
    let mut conn = open::<Server>();
    let small = Bytes::from(vec![1; 4095]);
    let large = Bytes::from(vec![2; 4096]);
    conn.send(small.clone()).unwrap();
    assert_eq!(conn.output_slices().count(), 1);
    conn.send(large.clone()).unwrap();
    let slices: Vec<&[u8]> = conn.output_slices().collect();
    assert_eq!(slices.len(), 2);
    assert_eq!(slices[1].as_ptr(), large.as_ptr());
    // One reference is here, one in the queue.
    assert!(!large.is_unique());
    sent(&mut conn);
    assert!(large.is_unique());
}

#[test]
fn server_queues_a_prepared_message_without_copying_it() {
    let text = "x".repeat(5000);
    let prepared = Prepared::text(&text);
    let mut conns: Vec<Connection<Server>> = (0..3).map(|_| open()).collect();
    for conn in &mut conns {
        conn.send_prepared(&prepared).unwrap();
        assert_eq!(conn.output().as_ptr(), prepared.frame().as_ptr());
        conn.send_text("next").unwrap();
        assert_eq!(
            sent(conn),
            [(FIN | TEXT, text.clone().into_bytes()), (FIN | TEXT, b"next".to_vec())]
        );
        assert_eq!(conn.counters().sent.messages, 2);
    }
}

#[test]
fn server_copies_a_prepared_frame_of_less_than_4_kib() {
    for (len, copied) in [(4091, true), (4092, false)] {
        let prepared = Prepared::binary(&vec![7; len]);
        assert_eq!(prepared.frame().len(), len + 4);
        let mut conn = open::<Server>();
        conn.send_prepared(&prepared).unwrap();
        assert_eq!(conn.output().as_ptr() != prepared.frame().as_ptr(), copied, "{len}");
        assert_eq!(conn.output(), prepared.frame());
    }
}

#[test]
fn server_queues_prepared_messages_of_any_length() {
    for len in [0, 1, 125, 126, 4090, 4096, 65535, 65536] {
        let payload = vec![7; len];
        let prepared = Prepared::binary(&payload);
        assert_eq!(prepared.payload_len(), len);
        let mut conn = open::<Server>();
        conn.send_prepared(&prepared).unwrap();
        conn.send_prepared(&prepared.clone()).unwrap();
        let expected = (FIN | BINARY, payload);
        assert!(sent(&mut conn) == [expected.clone(), expected]);
    }
}

#[test]
fn server_refuses_prepared_message_like_any_other() {
    let prepared = Prepared::text("x");
    let mut conn = open::<Server>();
    conn.begin_text("a", false).unwrap();
    assert_eq!(conn.send_prepared(&prepared), Err(SendError::Misuse(Misuse::MessageOpen)));
    conn.continue_text("b", true).unwrap();
    conn.set_config(Config::default().with_output_limits(1, 1));
    assert_eq!(conn.send_prepared(&prepared), Err(SendError::QueueFull));
    sent(&mut conn);
    conn.set_config(Config::default());
    is_unharmed(&mut conn);
    assert_eq!(conn.send_prepared(&prepared), Err(SendError::Misuse(Misuse::Closed)));
}

/// Writes so much of what a borrowed message has to write; the rest is queued.
fn write_borrowed(slices: [&[u8]; 2], count: usize) -> Vec<u8> {
    slices.concat()[..count].to_vec()
}

#[test]
fn server_sends_borrowed_without_a_copy() {
    let payload = vec![3; 100_000];
    let mut conn = open::<Server>();
    let mut borrowed = conn.send_binary_borrowed(&payload).unwrap();
    let [header, body] = borrowed.slices();
    assert_eq!((header.len(), body.as_ptr()), (10, payload.as_ptr()));
    let bytes = write_borrowed(borrowed.slices(), 100_010);
    borrowed.wrote(100_010);
    assert!(borrowed.is_empty());
    drop(borrowed);
    assert_eq!(conn.queued(), 0);
    assert!(found(&bytes)[0].pair() == (FIN | BINARY, &payload[..]));
    is_unharmed(&mut conn);
}

#[test]
fn server_queues_what_was_not_written_of_borrowed() {
    let text = "grüße".repeat(30);
    let len = text.len() + 4;
    for count in 0..=len {
        let mut conn = open::<Server>();
        let mut borrowed = conn.send_text_borrowed(&text).unwrap();
        let mut bytes = write_borrowed(borrowed.slices(), count);
        // In two steps.
        borrowed.wrote(count / 2);
        borrowed.wrote(count - count / 2);
        drop(borrowed);
        assert_eq!(conn.queued(), len - count);
        conn.send_text("next").unwrap();
        bytes.extend(written(&mut conn));
        let frames = found(&bytes);
        assert_eq!(frames[0].pair(), (FIN | TEXT, text.as_bytes()));
        assert_eq!(frames[1].pair(), (FIN | TEXT, &b"next"[..]));
        assert_eq!(conn.counters().sent.wire_bytes, bytes.len() as u64);
    }
}

#[test]
fn borrowed_message_queues_behind_what_waits() {
    let mut conn = open::<Server>();
    conn.send_text("first").unwrap();
    let borrowed = conn.send_text_borrowed("second").unwrap();
    assert!(borrowed.is_empty());
    assert_eq!(borrowed.slices(), [&b""[..], b""]);
    drop(borrowed);
    conn.send_text("third").unwrap();
    let texts: Vec<_> = sent(&mut conn).into_iter().map(|f| f.1).collect();
    assert_eq!(texts, [&b"first"[..], b"second", b"third"]);
}

#[test]
fn borrowed_message_written_beyond_its_end_counts_as_all() {
    let mut conn = open::<Server>();
    let mut borrowed = conn.send_binary_borrowed(b"abc").unwrap();
    borrowed.wrote(usize::MAX);
    assert!(borrowed.is_empty());
    borrowed.wrote(1);
    drop(borrowed);
    assert_eq!(conn.counters().sent.wire_bytes, 5);
    is_unharmed(&mut conn);
}

#[test]
fn client_masks_borrowed_in_the_callers_memory() {
    for count in [0, 1, 7, 8, 9, 108] {
        let mut payload: Vec<u8> = (0..100).collect();
        let original = payload.clone();
        let mut conn = open::<Client>();
        let mut borrowed = conn.send_binary_borrowed(&mut payload).unwrap();
        let len = borrowed.slices().concat().len();
        let count = count.min(len);
        let mut bytes = write_borrowed(borrowed.slices(), count);
        borrowed.wrote(count);
        drop(borrowed);
        bytes.extend(written(&mut conn));
        let frames = found(&bytes);
        assert_eq!(frames[0].pair(), (FIN | BINARY, &original[..]));
        assert!(frames[0].key.is_some());
        is_unharmed(&mut conn);
    }
}

#[test]
fn borrowed_message_is_refused_at_the_hard_limit_and_not_before() {
    // Eleven bytes wait, of which some are written: the limit is on what waits.
    for written in 0..=11 {
        for limit in 1..=12 {
            let config = Config::default().with_output_limits(limit, limit);
            let (mut server, mut client) = (Server::open(config.clone()), Client::open(config));
            server.send_binary(&[0; 9]).unwrap();
            client.send_binary(&[0; 5]).unwrap();
            assert_eq!((server.queued(), client.queued()), (11, 11));
            server.wrote(written);
            client.wrote(written);
            let (mut own, full) = ([1, 2, 3, 4], 11 - written >= limit);
            let refused = server.send_binary_borrowed(&[1, 2, 3, 4]).map(drop);
            assert_eq!(refused, if full { Err(SendError::QueueFull) } else { Ok(()) });
            assert_eq!(client.send_binary_borrowed(&mut own).map(drop), refused);
            assert_eq!(own == [1, 2, 3, 4], full, "what is refused is unchanged");
        }
    }
}

#[test]
fn refused_borrowed_message_is_unchanged() {
    let mut conn = open::<Client>();
    conn.begin_text("open", false).unwrap();
    let mut payload = vec![1, 2, 3, 4, 5];
    let refused = conn.send_binary_borrowed(&mut payload).map(drop);
    assert_eq!(refused, Err(SendError::Misuse(Misuse::MessageOpen)));
    assert_eq!(payload, [1, 2, 3, 4, 5]);
    let mut conn = open::<Server>();
    conn.close(None, "", START).unwrap();
    let refused = conn.send_text_borrowed("late").map(drop);
    assert_eq!(refused, Err(SendError::Misuse(Misuse::Closed)));
}

#[test]
fn borrowed_messages_of_any_length() {
    for len in [0, 1, 125, 126, 65535, 65536] {
        let mut payload = vec![5; len];
        let mut server = open::<Server>();
        drop(server.send_binary_borrowed(&payload).unwrap());
        assert!(sent(&mut server) == [(FIN | BINARY, payload.clone())]);
        let mut client = open::<Client>();
        let expected = payload.clone();
        drop(client.send_binary_borrowed(&mut payload).unwrap());
        assert!(sent(&mut client) == [(FIN | BINARY, expected)]);
    }
}
