//! The connection and the decoder of level 1 agree with a slow, obvious decoder: same messages, same violation, same byte.

use std::time::Duration;

use proptest::prelude::*;
use sockless::connection::{Failure, Side};
use sockless::frame::{Decoder, Limits, Violation};
use sockless::message::Content;
use sockless::words::role::Role;
use sockless::{Client, Config, Connection, Delivery, Event, Input, Server};

use crate::naive::{self, Item, Wrong};
use crate::streams::{self, Counter, Split};

/// What an endpoint of the library makes of a stream.
struct Made {
    items: Vec<Item>,
    violation: Option<(Violation, std::ops::Range<usize>)>,
    /// What has been delivered in parts of a message that did not end.
    open: Vec<u8>,
}

fn receive<R: Side>(mut conn: Connection<R>, bytes: &[u8], split: &Split) -> Made {
    let mut made = Made { items: Vec::new(), violation: None, open: Vec::new() };
    for read in split.reads(bytes.len(), &[]) {
        let mut buffer = bytes[read.clone()].to_vec();
        let mut input = Input::new(&mut buffer);
        while let Some(event) = conn.poll(&mut input, Duration::ZERO) {
            let item = match event {
                Event::Text(text) => Item::Text(text.to_string()),
                Event::Binary(payload) => Item::Binary(payload.to_vec()),
                Event::Part(part) => {
                    made.open.extend_from_slice(part.content.as_bytes());
                    if !part.last {
                        continue;
                    }
                    let bytes = std::mem::take(&mut made.open);
                    match part.content {
                        Content::Text(_) => Item::Text(
                            String::from_utf8(bytes).expect("parts of text are whole code points"),
                        ),
                        Content::Binary(_) => Item::Binary(bytes),
                    }
                }
                Event::Ping(payload) => Item::Ping(payload.to_vec()),
                Event::Pong(pong) => Item::Pong(pong.payload.to_vec()),
                Event::Closing(closing) => {
                    Item::Close(closing.code.map(u16::from), closing.reason.to_string())
                }
                Event::Failed(Failure::Violation(violation)) => {
                    assert!(made.violation.is_none(), "a connection fails once");
                    made.violation = Some((violation, read.clone()));
                    continue;
                }
                other => panic!("without timers there is no {other:?}"),
            };
            made.items.push(item);
        }
    }
    if let Some((violation, _)) = made.violation {
        let output = conn.output_slices().collect::<Vec<_>>().concat();
        let (answers, wrong) = naive::decode(&output, R::MASKS, &Limits::DEFAULT);
        assert_eq!(wrong, None, "what was answered is legal");
        let Some(Item::Close(Some(code), reason)) = answers.last() else {
            panic!("{violation}: {answers:?}");
        };
        assert_eq!(*code, naive::close_code(violation), "{violation}");
        assert!(!reason.is_empty(), "{violation}");
    }
    made
}

fn agree(made: &Made, items: &[Item], wrong: Option<&Wrong>) -> Result<(), TestCaseError> {
    prop_assert_eq!(&made.items, items);
    match (&made.violation, wrong) {
        (None, None) => {}
        (Some((violation, read)), Some(wrong)) => {
            prop_assert!(read.contains(&wrong.at), "failed in {:?}, expected {:?}", read, wrong);
            prop_assert!(
                wrong.rules.contains(violation),
                "failed with {:?}, expected {:?}",
                violation,
                wrong
            );
        }
        (made, wrong) => prop_assert!(false, "failed with {:?}, expected {:?}", made, wrong),
    }
    Ok(())
}

fn check<R: Side>(
    new: impl Fn(Config) -> Connection<R>,
    bytes: &[u8],
    split: &Split,
    limits: Limits,
) -> Result<(), TestCaseError> {
    let (items, wrong) = naive::decode(bytes, !R::MASKS, &limits);
    for delivery in [Delivery::Whole, Delivery::Parts] {
        for split in [&Split::Every(1), &Split::Whole, split] {
            let conn = new(Config::default().with_limits(limits).with_delivery(delivery));
            let made = receive(conn, bytes, split);
            agree(&made, &items, wrong.as_ref())?;
            if let (Delivery::Parts, Some(good)) =
                (delivery, wrong.as_ref().and_then(|wrong| wrong.good.as_ref()))
            {
                prop_assert_eq!(
                    &made.open,
                    good.as_bytes(),
                    "the good beginning of a text that fails is delivered in parts"
                );
            }
        }
    }
    check_decoder::<R>(bytes, split, limits, &items, wrong.as_ref())
}

/// The decoder of level 1 goes on after a Close frame, and knows no messages: what it says up to there is put together here.
fn check_decoder<R: Role>(
    bytes: &[u8],
    split: &Split,
    limits: Limits,
    items: &[Item],
    wrong: Option<&Wrong>,
) -> Result<(), TestCaseError> {
    let mut decoder = Decoder::<R>::new();
    let mut made = Made { items: Vec::new(), violation: None, open: Vec::new() };
    let mut text = false;
    let mut control = Vec::new();
    'reads: for read in split.reads(bytes.len(), &[]) {
        let mut buffer = bytes[read.clone()].to_vec();
        let mut input = Input::new(&mut buffer);
        loop {
            let piece = match decoder.decode(&mut input, &limits) {
                Ok(None) => break,
                Ok(Some(piece)) => piece,
                Err(violation) => {
                    made.violation = Some((violation, read));
                    break 'reads;
                }
            };
            let opcode = piece.opcode.bits();
            if opcode >= 8 {
                control.extend_from_slice(piece.payload);
            } else {
                text = if opcode == 0 { text } else { opcode == 1 };
                made.open.extend_from_slice(piece.payload);
            }
            if piece.remaining > 0 {
                continue;
            }
            // What only a frame's end shows to be wrong comes with the next call.
            let (rest, complete) = (input.len(), piece.fin || opcode >= 8);
            if let Err(violation) = decoder.clone().decode(&mut Input::none(), &limits) {
                made.violation = Some((violation, read));
                break 'reads;
            }
            assert_eq!(rest, input.len());
            match opcode {
                _ if !complete => {}
                8 => {
                    let body = std::mem::take(&mut control);
                    let code = body.get(..2).map(|code| u16::from_be_bytes([code[0], code[1]]));
                    let reason = body.get(2..).unwrap_or_default().to_vec();
                    made.items.push(Item::Close(
                        code,
                        String::from_utf8(reason).expect("checked by the decoder"),
                    ));
                    break 'reads;
                }
                9 => made.items.push(Item::Ping(std::mem::take(&mut control))),
                10 => made.items.push(Item::Pong(std::mem::take(&mut control))),
                _ => {
                    let payload = std::mem::take(&mut made.open);
                    made.items.push(match text {
                        true => {
                            Item::Text(String::from_utf8(payload).expect("checked by the decoder"))
                        }
                        false => Item::Binary(payload),
                    });
                }
            }
        }
    }
    agree(&made, items, wrong)
}

fn limits() -> impl Strategy<Value = Limits> {
    prop_oneof![
        3 => Just(Limits::DEFAULT),
        1 => Just(Limits::DEFAULT.with_frame(u64::MAX).with_message(u64::MAX)),
        2 => (0u64..150, 0u64..300).prop_map(|(frame, message)| Limits::DEFAULT.with_frame(frame).with_message(message)),
    ]
}

proptest! {
    #![proptest_config(streams::cases(250))]

    #[test]
    fn server_agrees_with_the_reference(
        bytes in streams::stream(true),
        split in streams::split(),
        limits in limits(),
    ) {
        check::<Server>(Connection::server, &bytes, &split, limits)?;
    }

    #[test]
    fn client_agrees_with_the_reference(
        bytes in streams::stream(false),
        split in streams::split(),
        limits in limits(),
    ) {
        check::<Client>(|config| Connection::client_with(config, Counter(1)), &bytes, &split, limits)?;
    }
}

/// Every pair of first bytes, with nothing before it and inside a message of each kind.
#[test]
fn every_first_and_second_byte_is_judged_as_the_reference_does() {
    for masked in [true, false] {
        let key = masked.then_some([9, 8, 7, 6]);
        let before = [
            Vec::new(),
            streams::encoded(false, 1, key, "é".as_bytes()),
            streams::encoded(false, 2, key, b"\xFF"),
        ];
        for before in &before {
            for first in 0..=255u8 {
                // Behind a first byte that is wrong, nothing is looked at.
                let alone = [&before[..], &[first]].concat();
                let wrong = naive::decode(&alone, masked, &Limits::DEFAULT).1.is_some();
                for second in 0..=if wrong { 0 } else { 255u8 } {
                    let mut bytes = before.clone();
                    bytes.extend([first, second]);
                    let (items, wrong) = naive::decode(&bytes, masked, &Limits::DEFAULT);
                    let made = match masked {
                        true => {
                            receive(Connection::server(Config::default()), &bytes, &Split::Every(1))
                        }
                        false => receive(
                            Connection::client_with(Config::default(), Counter(1)),
                            &bytes,
                            &Split::Every(1),
                        ),
                    };
                    agree(&made, &items, wrong.as_ref()).expect("the reference to agree");
                }
            }
        }
    }
}
