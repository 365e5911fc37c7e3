//! Control frames: inside messages at every place, payloads, floods that are small.

use super::entry::Entry;
use super::expect::{alive, failure, pong, text_back, well};
use super::rules;
use crate::case::Case;
use crate::exchange::Event;
use crate::verdict::Finding;
use crate::wire::frame::{CLOSE, CONTINUATION, FIN, Frame, PING, PONG, TEXT};

const CHAPTER: &str = "control";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for at in 1..=8_usize {
        let says = format!(
            "A Ping after fragment {at} of nine is answered before the message is complete."
        );
        let id = format!("control.ping-after-fragment-{at}");
        cases.push(Entry::new(CHAPTER, id, &rules::CONTROL_BETWEEN, says).case(move |stage| {
            let mut session = stage.open()?;
            let piece = |i: usize| {
                let first = if i == 1 { TEXT } else { CONTINUATION };
                Frame::new(if i == 9 { FIN | first } else { first }, format!("{i}"))
            };
            let mut frames: Vec<Frame> = (1..=at).map(piece).collect();
            frames.push(Frame::ping(*b"inside"));
            session.send_chopped(&frames, usize::MAX);
            pong(&mut session, b"inside")?;
            let rest: Vec<Frame> = (at + 1..=9).map(piece).collect();
            session.send_chopped(&rest, usize::MAX);
            text_back(&mut session, "123456789")?;
            well(session, "It was answered in between.")
        }));
    }
    for len in [0_usize, 1, 2, 4, 64, 124, 125] {
        let says = format!("The Pong has the {len} octets of its Ping, whatever they are.");
        let id = format!("control.ping-{len}");
        cases.push(Entry::new(CHAPTER, id, &rules::PONG_DATA, says).case(move |stage| {
            let mut session = stage.open()?;
            let payload = stage.octets(len);
            session.send(&Frame::ping(payload.clone()));
            pong(&mut session, &payload)?;
            well(session, "It has.")
        }));
    }
    for (opcode, name) in [(PING, "ping"), (PONG, "pong"), (CLOSE, "close")] {
        let says = format!("A {name} frame that is not final fails the connection.");
        let id = format!("control.fragmented-{name}");
        cases.push(Entry::new(CHAPTER, id, &rules::CONTROL_FRAMES, says).case(move |stage| {
            let mut session = stage.open()?;
            session.send(&Frame::new(opcode, *b""));
            failure(session, &[1002])
        }));
        let says =
            format!("A {name} frame of 126 octets fails the connection with its second octet.");
        let id = format!("control.long-{name}");
        cases.push(Entry::new(CHAPTER, id, &rules::CONTROL_FRAMES, says).case(move |stage| {
            let mut session = stage.open()?;
            let payload = if opcode == CLOSE {
                [&[3, 0xE8][..], &[b'l'; 124]].concat()
            } else {
                vec![b'l'; 126]
            };
            session.send(&Frame::new(FIN | opcode, payload));
            failure(session, &[1002])
        }));
    }
    let says = "Pongs that nobody asked for are not answered, a thousand of them neither.";
    cases.push(Entry::new(CHAPTER, "control.pongs", &rules::UNSOLICITED_PONG, says).case(
        |stage| {
            let mut session = stage.open()?;
            let frames: Vec<Frame> =
                (0..1000).map(|i| Frame::new(FIN | PONG, format!("pong {i}"))).collect();
            session.send_chopped(&frames, usize::MAX);
            session.send(&Frame::ping(*b"after them"));
            let until = session.soon();
            match session.next(until) {
                Some(Event::Pong(payload)) if payload == b"after them" => {}
                Some(event) => {
                    return Err(Finding::failed(format!(
                        "Before the Ping was answered it {}.",
                        event.describe()
                    )));
                }
                None => return Err(Finding::failed("The Ping after them was not answered.")),
            }
            well(session, "Nothing came back but the Pong for the Ping.")
        },
    ));
    let says =
        "Of a hundred Pings in one write at least the last is answered, and no Pong is made up.";
    cases.push(Entry::new(CHAPTER, "control.pings", &rules::PINGS, says).case(|stage| {
        let mut session = stage.open()?;
        let frames: Vec<Frame> = (0..100).map(|i| Frame::ping(format!("{i}"))).collect();
        session.send_chopped(&frames, usize::MAX);
        let (until, mut last, mut count) = (session.soon(), -1, 0);
        while last < 99 {
            match session.next(until) {
                Some(Event::Pong(payload)) => {
                    let number = String::from_utf8_lossy(&payload).parse::<i32>().unwrap_or(-1);
                    if number <= last || number > 99 {
                        return Err(Finding::failed(format!(
                            "After the Pong {last} came {number}."
                        )));
                    }
                    last = number;
                    count += 1;
                }
                Some(event) => {
                    return Err(Finding::failed(format!(
                        "In place of a Pong it {}.",
                        event.describe()
                    )));
                }
                None => return Err(Finding::failed("The last Ping was not answered.")),
            }
        }
        well(session, &format!("{count} of 100 were answered, in order, and the last of them."))
    }));
    let says = "A Ping with octets that are not UTF-8 is answered inside text.";
    cases.push(Entry::new(CHAPTER, "control.ping-not-utf-8", &rules::PONG_DATA, says).case(
        |stage| {
            let mut session = stage.open()?;
            let frames = [
                Frame::new(TEXT, *b"\xe2\x82"),
                Frame::ping(*b"\xff\xfe\xed\xa0\x80"),
                Frame::new(FIN | CONTINUATION, *b"\xac"),
            ];
            session.send_chopped(&frames, usize::MAX);
            pong(&mut session, b"\xff\xfe\xed\xa0\x80")?;
            text_back(&mut session, "€")?;
            alive(&mut session)?;
            well(session, "It was answered.")
        },
    ));
    cases
}
