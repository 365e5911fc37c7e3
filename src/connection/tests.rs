//! That what can go the fast way does. Over the public interface it shows in nothing but the time it takes.

extern crate std;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

use super::config::{Config, Delivery};
use super::event::Event;
use super::keys::{Entropy, Side};
use super::output::Output;
use super::receiver::Receiver;
use super::reply::Reply;
use super::sender::Sender;
use crate::frame::{Encoder, Fragment, Input, Limits};
use crate::words::opcode::Kind;
use crate::words::role::{Client, Role, Server};

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;

/// Each side of every form of a length.
const LENGTHS: [usize; 8] = [0, 1, 2, 125, 126, 127, 0xFFFF, 0x1_0000];

/// A frame for `R` with this first byte and these bytes for its length. Its key is zero.
fn frame<R: Role>(first: u8, second: u8, extended: &[u8], payload: &[u8]) -> Vec<u8> {
    let (masked, key) = if R::MASKS { (0, &[][..]) } else { (0x80, &[0; 4][..]) };
    [&[first, second | masked], extended, key, payload].concat()
}

fn shortest<R: Role>(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = payload.len();
    match len {
        0..126 => frame::<R>(first, len as u8, &[], payload),
        126..=0xFFFF => frame::<R>(first, 126, &(len as u16).to_be_bytes(), payload),
        _ => frame::<R>(first, 127, &(len as u64).to_be_bytes(), payload),
    }
}

/// What the two fast ways make of the bytes, which lie in their place or are still to be copied into it: the same. The payload of the
/// message, and how many bytes are left.
fn fast<R: Role>(config: &Config, bytes: &[u8]) -> Option<(Vec<u8>, usize)> {
    let take = |event: Option<Event<'_>>| match event {
        Some(Event::Text(text)) => Some(text.as_bytes().to_vec()),
        Some(Event::Binary(payload)) => Some(payload.to_vec()),
        None => None,
        other => panic!("{other:?}"),
    };
    let mut place = bytes.to_vec();
    let mut input = Input::new(&mut place);
    let whole = take(Receiver::<R>::new(config.clone()).poll_fast(&mut input));
    let left = input.len();
    let mut place = std::vec![0; bytes.len()];
    let mut input = Input::copied(bytes, &mut place);
    let copied = take(Receiver::<R>::new(config.clone()).poll_fast(&mut input));
    assert_eq!((&whole, left), (&copied, input.len()));
    assert!(
        whole.is_some() || left == bytes.len(),
        "what is left to the general way is not consumed"
    );
    whole.map(|payload| (payload, left))
}

fn whole_messages_go_the_fast_way<R: Role>() {
    let config = Config::default();
    for len in LENGTHS {
        let payload = std::vec![b'x'; len];
        for first in [TEXT, BINARY] {
            let mut bytes = shortest::<R>(first, &payload);
            let end = bytes.len();
            assert_eq!(fast::<R>(&config, &bytes), Some((payload.clone(), 0)), "{len}");
            bytes.extend([BINARY, 0, 0]);
            assert_eq!(fast::<R>(&config, &bytes), Some((payload.clone(), 3)), "{len}");
            bytes.truncate(end - 1);
            assert_eq!(fast::<R>(&config, &bytes), None, "{len}");
        }
    }
}

fn what_is_remarkable_goes_the_general_way<R: Role>() {
    let config = Config::default();
    for first in [0x80, 0x01, 0x02, 0x83, 0x89, 0x8A, 0x88, 0xC1, 0xA2, 0x92] {
        assert_eq!(fast::<R>(&config, &shortest::<R>(first, b"payload")), None, "{first:#x}");
    }
    // A length that is not in its shortest form, a mask that is missing or should be, a message to be delivered in parts.
    let long = frame::<R>(BINARY, 126, &125_u16.to_be_bytes(), &[0; 125]);
    assert_eq!(fast::<R>(&config, &long), None);
    let long = frame::<R>(BINARY, 127, &0xFFFF_u64.to_be_bytes(), &[0; 0xFFFF]);
    assert_eq!(fast::<R>(&config, &long), None);
    assert_eq!(fast::<R>(&config, &shortest::<R::Peer>(BINARY, b"payload")), None);
    let parts = Config::default().with_delivery(Delivery::Parts);
    assert_eq!(fast::<R>(&parts, &shortest::<R>(BINARY, b"payload")), None);
}

fn limits_are_the_last_lengths_of_the_fast_way<R: Role>() {
    for len in LENGTHS {
        let bytes = shortest::<R>(BINARY, &std::vec![7; len]);
        let (len, less) = (len as u64, (len as u64).wrapping_sub(1));
        for (frame, message, fast_way) in [
            (len, len, true),
            (u64::MAX, u64::MAX, true),
            (less, len, len == 0),
            (len, less, len == 0),
        ] {
            let limits = Limits::default().with_frame(frame).with_message(message);
            let config = Config::default().with_limits(limits);
            assert_eq!(fast::<R>(&config, &bytes).is_some(), fast_way, "{frame} {message}");
        }
    }
}

/// What is worked out beforehand follows what it is worked out from.
fn whatever_changes_the_fast_way_is_heeded_at_once<R: Role>() {
    let mut receiver = Receiver::<R>::new(Config::default());
    let mut takes = |change: &mut dyn FnMut(&mut Receiver<R>)| {
        change(&mut receiver);
        let mut bytes = shortest::<R>(BINARY, b"payload");
        receiver.poll_fast(&mut Input::new(&mut bytes)).is_some()
    };
    let limit = |message| Config::default().with_limits(Limits::default().with_message(message));
    let parts = Config::default().with_delivery(Delivery::Parts);
    let begun = frame::<R>(0x02, 1, &[], b"x");
    let (ping, last) = (frame::<R>(0x89, 0, &[], b""), frame::<R>(0x80, 1, &[], b"y"));
    let arrives = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        move |receiver: &mut Receiver<R>| {
            let _ = receiver.next_event(&mut Input::new(&mut bytes), Duration::ZERO);
        }
    };
    assert!(takes(&mut |_| {}));
    assert!(!takes(&mut |receiver| receiver.set_config(limit(6))));
    assert!(takes(&mut |receiver| receiver.set_config(limit(7))));
    assert!(!takes(&mut |receiver| receiver.set_config(parts.clone())));
    assert!(takes(&mut |receiver| receiver.set_config(limit(7))));
    assert!(!takes(&mut arrives(&begun[..1])), "a header has begun");
    assert!(!takes(&mut arrives(&begun[1..])), "a message has begun");
    assert!(!takes(&mut |receiver| receiver.set_config(limit(100))), "it is still open");
    assert!(!takes(&mut arrives(&ping)));
    assert!(takes(&mut arrives(&last)));
    assert!(takes(&mut arrives(&ping)));
    assert!(!takes(&mut |receiver| receiver.lost()));
    assert!(!takes(&mut |receiver| receiver.set_config(Config::default())), "for good");
}

/// Keys that are all the same.
struct Sevens;

impl Entropy for Sevens {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

/// From the first message on, and again after one that went the long way; but not through an extension.
fn whole_messages_are_sent_the_fast_way<R: Side>(keys: R::Keys) {
    let mut sender = Sender::<R>::new(Config::default(), keys);
    assert!(sender.may_send_at_once());
    sender.begin_text("a", false).unwrap();
    assert!(!sender.may_send_at_once());
    sender.continue_text("b", true).unwrap();
    assert!(sender.may_send_at_once());
    sender.stream_frame(Some(Kind::Binary), true, 1).unwrap();
    assert!(!sender.may_send_at_once());
    sender.stream_payload(&mut [0]).unwrap();
    assert!(sender.may_send_at_once());
    sender.apply(Reply::Close { code: None, hold: true }, Duration::ZERO);
    assert!(!sender.may_send_at_once());
}

fn encoder_is_idle_outside_of_frames_and_messages_until_it_is_closed<R: Role>(key: R::Key) {
    let mut encoder = Encoder::<R>::new();
    let begin = |encoder: &mut Encoder<R>, first, fin, len| {
        encoder.begin(Fragment { first, fin, rsv1: false, len }, key).map(drop)
    };
    assert!(encoder.is_idle());
    assert_eq!(begin(&mut encoder, Some(Kind::Binary), false, 1), Ok(()));
    assert!(!encoder.is_idle(), "inside a frame");
    encoder.written(1);
    assert!(!encoder.is_idle(), "inside a message");
    assert_eq!(begin(&mut encoder, None, true, 2), Ok(()));
    encoder.written(1);
    assert!(!encoder.is_idle(), "inside the last frame");
    encoder.written(1);
    assert!(encoder.is_idle());
    assert_eq!(begin(&mut encoder, Some(Kind::Binary), true, 0), Ok(()));
    assert!(encoder.is_idle(), "a frame without payload is complete at once");
    assert!(encoder.close(None, "", key).is_ok());
    assert!(!encoder.is_idle(), "after a Close frame");
}

#[test]
fn batch_is_plain_as_long_as_there_is_room_and_nothing_beside_it() {
    let mut output = Output::default();
    assert!(output.plain_batch(1000, 1).is_none(), "no memory yet");
    let buffer = Vec::with_capacity(100);
    let room = buffer.capacity();
    assert!(output.lend(buffer).is_ok());
    assert!(output.plain_batch(1, room).is_some());
    assert!(output.plain_batch(1, room + 1).is_none());
    assert!(output.plain_batch(0, room).is_none());
    output.batch(10).extend([0; 10]);
    assert!(output.plain_batch(11, room - 10).is_some());
    assert!(output.plain_batch(10, room - 10).is_none());
    assert!(output.plain_batch(11, room - 9).is_none());
    output.wrote(4);
    assert_eq!((output.plain_len(), output.len()), (6, 6));
    assert!(output.plain_batch(11, room - 10).is_some());
    output.queue_shared(bytes::Bytes::from_static(b"shared"));
    assert!(!output.is_plain());
    output.wrote(12);
    assert!(output.is_plain());
    // The room is that of the lent memory again.
    assert!(output.plain_batch(1, room).is_some());
}

mod server {
    use super::*;

    #[test]
    fn whole_messages_go_the_fast_way() {
        super::whole_messages_go_the_fast_way::<Server>();
    }

    #[test]
    fn what_is_remarkable_goes_the_general_way() {
        super::what_is_remarkable_goes_the_general_way::<Server>();
    }

    #[test]
    fn limits_are_the_last_lengths_of_the_fast_way() {
        super::limits_are_the_last_lengths_of_the_fast_way::<Server>();
    }

    #[test]
    fn whatever_changes_the_fast_way_is_heeded_at_once() {
        super::whatever_changes_the_fast_way_is_heeded_at_once::<Server>();
    }

    #[test]
    fn whole_messages_are_sent_the_fast_way() {
        super::whole_messages_are_sent_the_fast_way::<Server>(());
    }

    #[test]
    fn encoder_is_idle_outside_of_frames_and_messages_until_it_is_closed() {
        super::encoder_is_idle_outside_of_frames_and_messages_until_it_is_closed::<Server>(());
    }
}

mod client {
    use super::*;

    #[test]
    fn whole_messages_go_the_fast_way() {
        super::whole_messages_go_the_fast_way::<Client>();
    }

    #[test]
    fn what_is_remarkable_goes_the_general_way() {
        super::what_is_remarkable_goes_the_general_way::<Client>();
    }

    #[test]
    fn limits_are_the_last_lengths_of_the_fast_way() {
        super::limits_are_the_last_lengths_of_the_fast_way::<Client>();
    }

    #[test]
    fn whatever_changes_the_fast_way_is_heeded_at_once() {
        super::whatever_changes_the_fast_way_is_heeded_at_once::<Client>();
    }

    #[test]
    fn whole_messages_are_sent_the_fast_way() {
        super::whole_messages_are_sent_the_fast_way::<Client>(Box::new(Sevens));
    }

    #[test]
    fn encoder_is_idle_outside_of_frames_and_messages_until_it_is_closed() {
        super::encoder_is_idle_outside_of_frames_and_messages_until_it_is_closed::<Client>([
            1, 2, 3, 4,
        ]);
    }
}
