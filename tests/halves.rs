//! The two halves of a connection, by hand: replies carried from the receiving one to the sending one, by a queue or a channel.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::mpsc;
use std::thread;

use sockless::connection::{Cause, CloseStatus, Failure, Initiator, Reply, SendError};
use sockless::frame::{Misuse, Violation};
use sockless::{
    Client, CloseCode, Config, Connection, Event, Input, Kind, Outcome, Receiver, Sender, Server,
};

use crate::wire::*;

in_both_roles!(
    are_what_the_whole_is,
    carry_pongs_in_order,
    carry_the_close_reply,
    carry_a_held_close_reply,
    carry_a_failure,
    say_whether_they_have_ended,
    carry_the_keepalives_ping,
    carry_the_idle_close,
    carry_late_replies_without_harm,
    answer_no_ping_behind_the_close_reply,
    tell_round_trip_time_of_a_probe,
    send_while_a_reply_is_on_its_way,
    end_of_stream_fails_the_sending_half,
    delay_the_reply_in_a_streamed_frame,
    split_keeps_what_is_queued_and_half_received,
    deadlines_belong_to_their_halves,
);

fn halves<R: Tested>(config: Config) -> (Receiver<R>, Sender<R>) {
    (Receiver::new(config.clone()), Sender::new(config, R::keys()))
}

/// All events and replies out of `bytes`.
fn receive<R: Tested>(
    receiver: &mut Receiver<R>,
    bytes: &[u8],
    now: Duration,
) -> (Vec<Seen>, Vec<Reply>) {
    let (mut events, mut replies) = (Vec::new(), Vec::new());
    let mut bytes = bytes.to_vec();
    let mut input = Input::new(&mut bytes);
    while let Some(event) = receiver.poll(&mut input, now) {
        events.push(Seen::new(&event));
        while let Some(reply) = receiver.reply() {
            replies.push(reply);
        }
    }
    (events, replies)
}

/// Writes all that waits.
fn write<R: Tested>(sender: &mut Sender<R>) -> Vec<(u8, Vec<u8>)> {
    let mut bytes = Vec::new();
    while !sender.output().is_empty() {
        bytes.extend_from_slice(sender.output());
        sender.wrote(sender.output().len());
    }
    found(&bytes).into_iter().map(|f| (f.first, f.payload)).collect()
}

fn are_what_the_whole_is<R: Tested>() {
    let bytes = [
        peer::<R>(FIN | TEXT, b"one"),
        peer::<R>(FIN | PING, b"p"),
        peer::<R>(TEXT, b"two "),
        peer::<R>(FIN | PING, b"q"),
        peer::<R>(FIN, b"three"),
        peer::<R>(FIN | CLOSE, &close_body(3000, b"bye")),
    ]
    .concat();
    for size in [1, 5, 1000] {
        let mut whole = open::<R>();
        let (mut receiver, mut sender) = halves::<R>(Config::default());
        whole.send_text("mine").unwrap();
        sender.send_text("mine").unwrap();
        for chunk in bytes.chunks(size) {
            let expected = feed(&mut whole, chunk);
            let (events, replies) = receive(&mut receiver, chunk, START);
            assert_eq!(events, expected);
            for reply in replies {
                sender.apply(reply, START);
            }
            assert_eq!(sender.output(), whole.output());
        }
        assert_eq!(write(&mut sender), sent(&mut whole));
        let outcome = Outcome::join(receiver.end(), sender.end());
        assert_eq!(outcome, whole.outcome());
        assert!(outcome.clean());
        assert_eq!(receiver.traffic(), whole.counters().received);
        assert_eq!(sender.traffic(), whole.counters().sent);
    }
}

fn carry_pongs_in_order<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    let pings: Vec<u8> = (0..10).flat_map(|i| peer::<R>(FIN | PING, &[i])).collect();
    let (_, replies) = receive(&mut receiver, &pings, START);
    for reply in replies {
        sender.apply(reply, START);
    }
    let expected: Vec<_> = (0..10).map(|i| (FIN | PONG, vec![i])).collect();
    assert_eq!(write(&mut sender), expected);
}

fn carry_the_close_reply<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    let close = peer::<R>(FIN | CLOSE, &close_body(1001, b""));
    let (events, replies) = receive(&mut receiver, &close, START);
    assert_eq!(events, [Seen::Closing(Some(1001), String::new())]);
    assert_eq!(replies, [Reply::Close { code: CloseCode::new(1001), hold: false }]);
    assert!(receiver.end().is_ended());
    assert!(!sender.end().is_ended());
    sender.apply(replies[0], START);
    assert!(sender.end().is_ended());
    assert_eq!(write(&mut sender), [(FIN | CLOSE, close_body(1001, b""))]);
    let outcome = Outcome::join(receiver.end(), sender.end());
    assert!(outcome.clean());
    assert_eq!(outcome.initiator, Some(Initiator::Remote));
    assert_eq!(outcome.cause, Cause::Closed);
}

fn carry_a_held_close_reply<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default().with_auto_close(false));
    let close = peer::<R>(FIN | CLOSE, b"");
    let (_, replies) = receive(&mut receiver, &close, START);
    assert_eq!(replies, [Reply::Close { code: None, hold: true }]);
    sender.apply(replies[0], START);
    sender.send_text("last words").unwrap();
    sender.close(CloseCode::NORMAL, "", START).unwrap();
    assert_eq!(sender.notice(), None, "the receiving half reads nothing more anyway");
    assert_eq!(
        write(&mut sender),
        [(FIN | TEXT, b"last words".to_vec()), (FIN | CLOSE, close_body(1000, b""))]
    );
}

fn carry_a_failure<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    sender.send_text("queued").unwrap();
    let (events, replies) = receive(&mut receiver, &peer::<R>(FIN | 0x7, b""), START);
    let failure = Failure::Violation(Violation::ReservedOpcode);
    assert_eq!(events, [Seen::Failed(failure)]);
    assert_eq!(replies, [Reply::Fail(failure)]);
    sender.apply(replies[0], seconds(5));
    assert_eq!(sender.send_text("late"), Err(SendError::Failed));
    assert_eq!(
        write(&mut sender),
        [(FIN | TEXT, b"queued".to_vec()), (FIN | CLOSE, failing_body(Violation::ReservedOpcode))]
    );
    assert_eq!(sender.deadline(), Some(seconds(15)));
    let outcome = Outcome::join(receiver.end(), sender.end());
    assert_eq!(outcome.cause, Cause::Failed(failure));
    assert_eq!(outcome.sent.number(), 1002);
    // Nothing comes of what follows.
    assert_eq!(receive(&mut receiver, &peer::<R>(FIN | PING, b""), START), (vec![], vec![]));
}

fn say_whether_they_have_ended<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    assert_eq!((receiver.end().failure(), receiver.end().is_ended()), (None, false));
    assert!(!sender.end().is_ended());
    let (_, replies) = receive(&mut receiver, &peer::<R>(FIN | 0x3, b""), START);
    let failure = Failure::Violation(Violation::ReservedOpcode);
    assert_eq!((receiver.end().failure(), receiver.end().is_ended()), (Some(failure), true));
    replies.into_iter().for_each(|reply| sender.apply(reply, START));
    assert!(sender.end().is_ended());

    let (mut receiver, mut sender) = halves::<R>(Config::default());
    receive(&mut receiver, &peer::<R>(FIN | CLOSE, b""), START);
    assert_eq!((receiver.end().failure(), receiver.end().is_ended()), (None, true));
    sender.close(None, "", START).unwrap();
    assert!(sender.end().is_ended());
}

fn carry_the_keepalives_ping<R: Tested>() {
    let config = Config::default().with_keepalive(seconds(30), seconds(10));
    let (mut receiver, mut sender) = halves::<R>(config);
    receive(&mut receiver, b"", START);
    assert_eq!(receiver.deadline(), Some(seconds(30)));
    let (events, replies) = receive(&mut receiver, b"", seconds(30));
    assert_eq!(events, [Seen::Quiet]);
    let [reply @ Reply::Ping(_)] = replies[..] else { panic!("{replies:?}") };
    sender.apply(reply, seconds(30));
    let frames = write(&mut sender);
    assert_eq!(frames[0].0, FIN | PING);
    let pong = peer::<R>(FIN | PONG, &frames[0].1);
    let (events, _) = receive(&mut receiver, &pong, seconds(34));
    assert_eq!(events, [Seen::Pong(frames[0].1.clone(), Some(seconds(4)))]);
    assert_eq!(receiver.round_trip(), Some(seconds(4)));
}

fn carry_the_idle_close<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default().with_idle(seconds(60)));
    receive(&mut receiver, b"", START);
    let (events, replies) = receive(&mut receiver, b"", seconds(60));
    assert_eq!((&events[..], &replies[..]), (&[Seen::Idle][..], &[Reply::Leave][..]));
    sender.apply(replies[0], seconds(60));
    let frames = write(&mut sender);
    assert_eq!(frames[0].0, FIN | CLOSE);
    assert_eq!(frames[0].1[..2], close_body(1001, b""));
    assert_eq!(sender.deadline(), Some(seconds(70)));
    assert!(!sender.timeout(seconds(69)));
    assert!(sender.timeout(seconds(70)));
    let outcome = Outcome::join(receiver.end(), sender.end());
    assert_eq!(outcome.cause, Cause::TimedOut);
}

fn carry_late_replies_without_harm<R: Tested>() {
    // The sending half has closed before it learns what the receiving half found.
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    sender.close(CloseCode::NORMAL, "", START).unwrap();
    let bytes =
        [peer::<R>(FIN | PING, b"p"), peer::<R>(FIN | CLOSE, &close_body(1001, b""))].concat();
    let (_, replies) = receive(&mut receiver, &bytes, START);
    for reply in replies {
        sender.apply(reply, START);
    }
    assert_eq!(
        write(&mut sender),
        [(FIN | CLOSE, close_body(1000, b"")), (FIN | PONG, b"p".to_vec())]
    );
    let outcome = Outcome::join(receiver.end(), sender.end());
    assert_eq!(outcome.initiator, Some(Initiator::Local));
    assert!(outcome.clean());
}

fn answer_no_ping_behind_the_close_reply<R: Tested>() {
    // On two ways from half to half, the reply to a Close frame can overtake the one to the ping before it.
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    let bytes =
        [peer::<R>(FIN | PING, b"p"), peer::<R>(FIN | CLOSE, &close_body(1001, b""))].concat();
    let (_, replies) = receive(&mut receiver, &bytes, START);
    assert_eq!(replies.len(), 2);
    for reply in replies.into_iter().rev() {
        sender.apply(reply, START);
    }
    assert_eq!(write(&mut sender), [(FIN | CLOSE, close_body(1001, b""))]);
    assert!(Outcome::join(receiver.end(), sender.end()).clean());
}

fn tell_round_trip_time_of_a_probe<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    let probe = sender.ping(b"probe", seconds(1)).unwrap();
    receiver.expect(probe);
    let (events, _) = receive(&mut receiver, &peer::<R>(FIN | PONG, b"probe"), seconds(3));
    assert_eq!(events, [Seen::Pong(b"probe".to_vec(), Some(seconds(2)))]);
}

fn send_while_a_reply_is_on_its_way<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    let (_, replies) = receive(&mut receiver, &peer::<R>(FIN | CLOSE, b""), START);
    // The sending half does not know of the peer's Close yet.
    sender.send_text("crossed").unwrap();
    sender.apply(replies[0], START);
    assert_eq!(sender.send_text("late"), Err(SendError::Misuse(Misuse::Closed)));
    assert_eq!(write(&mut sender), [(FIN | TEXT, b"crossed".to_vec()), (FIN | CLOSE, vec![])]);
}

fn end_of_stream_fails_the_sending_half<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    let event = receiver.poll(&mut Input::eof(), START).unwrap();
    assert!(matches!(event, Event::Failed(Failure::EndOfStream)));
    let reply = receiver.reply().unwrap();
    assert_eq!(reply, Reply::Fail(Failure::EndOfStream));
    sender.apply(reply, START);
    assert!(sender.end().is_ended());
    assert_eq!(write(&mut sender), []);
    let outcome = Outcome::join(receiver.end(), sender.end());
    assert_eq!(outcome.sent, CloseStatus::Absent);
    assert_eq!(outcome.cause, Cause::Failed(Failure::EndOfStream));
}

fn delay_the_reply_in_a_streamed_frame<R: Tested>() {
    let (mut receiver, mut sender) = halves::<R>(Config::default());
    sender.stream_frame(Some(Kind::Binary), true, 2).unwrap();
    sender.stream_payload(&mut [1]).unwrap();
    let (_, replies) = receive(&mut receiver, &peer::<R>(FIN | CLOSE, b""), START);
    sender.apply(replies[0], START);
    assert!(!sender.end().is_ended());
    sender.stream_payload(&mut [2]).unwrap();
    assert!(sender.end().is_ended());
    assert_eq!(write(&mut sender), [(FIN | BINARY, vec![1, 2]), (FIN | CLOSE, vec![])]);
}

fn split_keeps_what_is_queued_and_half_received<R: Tested>() {
    let mut conn = open::<R>();
    conn.send_text("queued").unwrap();
    let bytes = peer::<R>(FIN | TEXT, b"half and half");
    feed(&mut conn, &bytes[..bytes.len() / 2]);
    let (mut receiver, mut sender) = conn.split();
    let (events, _) = receive(&mut receiver, &bytes[bytes.len() / 2..], START);
    assert_eq!(events, [text("half and half")]);
    assert_eq!(write(&mut sender), [(FIN | TEXT, b"queued".to_vec())]);
    let mut conn = Connection::join(receiver, sender);
    is_unharmed(&mut conn);
}

fn deadlines_belong_to_their_halves<R: Tested>() {
    let config = Config::default().with_idle(seconds(60)).with_close(seconds(7));
    let (mut receiver, mut sender) = halves::<R>(config);
    receive(&mut receiver, b"", START);
    assert_eq!((receiver.deadline(), sender.deadline()), (Some(seconds(60)), None));
    sender.close(None, "", seconds(1)).unwrap();
    write(&mut sender);
    assert_eq!((receiver.deadline(), sender.deadline()), (Some(seconds(60)), Some(seconds(8))));
}

#[test]
fn halves_and_replies_are_send() {
    fn is_send<T: Send + 'static>() {}
    is_send::<Receiver<Server>>();
    is_send::<Receiver<Client>>();
    is_send::<Sender<Server>>();
    is_send::<Sender<Client>>();
    is_send::<Connection<Server>>();
    is_send::<Connection<Client>>();
    is_send::<Reply>();
    is_send::<Outcome>();
}

#[test]
fn halves_and_connections_are_sync() {
    // A task that holds a reference to a connection across an await has to be `Send`: most runtimes ask for it.
    fn is_sync<T: Sync + 'static>() {}
    is_sync::<Receiver<Server>>();
    is_sync::<Receiver<Client>>();
    is_sync::<Sender<Server>>();
    is_sync::<Sender<Client>>();
    is_sync::<Connection<Server>>();
    is_sync::<Connection<Client>>();
}

/// What a sending thread gets.
enum Order {
    Reply(Reply),
    Echo(String),
}

#[test]
fn server_echoes_on_two_threads() {
    let (to_server, server_input) = mpsc::channel::<Vec<u8>>();
    let (to_client, client_input) = mpsc::channel::<Vec<u8>>();
    let (orders, inbox) = mpsc::channel::<Order>();
    let (mut receiver, mut sender) = halves::<Server>(Config::default());

    let receiving = thread::spawn(move || {
        while let Ok(mut bytes) = server_input.recv() {
            let mut input = Input::new(&mut bytes);
            while let Some(event) = receiver.poll(&mut input, START) {
                if let Event::Text(text) = event {
                    orders.send(Order::Echo(text.into_string())).unwrap();
                }
                while let Some(reply) = receiver.reply() {
                    orders.send(Order::Reply(reply)).unwrap();
                }
            }
            if receiver.end().is_ended() {
                break;
            }
        }
        receiver.end()
    });
    let sending = thread::spawn(move || {
        while let Ok(order) = inbox.recv() {
            match order {
                Order::Echo(text) => sender.send_text(&text).unwrap(),
                Order::Reply(reply) => sender.apply(reply, START),
            }
            let mut bytes = Vec::new();
            while !sender.output().is_empty() {
                bytes.extend_from_slice(sender.output());
                sender.wrote(sender.output().len());
            }
            to_client.send(bytes).unwrap();
        }
        sender.end()
    });

    let mut client = open::<Client>();
    let mut expected = VecDeque::new();
    for i in 0..1000 {
        let text = format!("message {i}");
        client.send_text(&text).unwrap();
        expected.push_back(Seen::Text(text));
        if i % 100 == 0 {
            client.ping(&[i as u8], START).unwrap();
            expected.push_back(Seen::Pong(vec![i as u8], Some(START)));
        }
        if i % 7 == 0 {
            to_server.send(written(&mut client)).unwrap();
        }
    }
    client.close(CloseCode::NORMAL, "done", START).unwrap();
    expected.push_back(Seen::Closing(Some(1000), String::new()));
    to_server.send(written(&mut client)).unwrap();
    while let Ok(bytes) = client_input.recv() {
        for event in feed(&mut client, &bytes) {
            assert_eq!(Some(event), expected.pop_front());
        }
    }
    assert!(expected.is_empty());
    let outcome = Outcome::join(receiving.join().unwrap(), sending.join().unwrap());
    assert!(outcome.clean() && client.outcome().clean());
    assert_eq!(outcome.received, client.outcome().sent);
    assert_eq!(outcome.sent, client.outcome().received);
}
