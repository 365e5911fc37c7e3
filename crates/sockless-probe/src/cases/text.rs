//! UTF-8: wrong octets fail at once in the middle of a frame, right code points survive every cut.

use std::time::Duration;

use super::entry::Entry;
use super::expect::{alive, failure, text_back, well};
use super::rules;
use crate::case::Case;
use crate::exchange::Event;
use crate::verdict::{Finding, Level};
use crate::wire::frame::{BINARY, CONTINUATION, FIN, Frame, TEXT};

const CHAPTER: &str = "utf-8";

/// Sequences that stop to be UTF-8 with their last octet.
const WRONG: [(&str, &[u8]); 14] = [
    ("continuation", b"\x80"),
    ("c0", b"\xc0"),
    ("c1", b"\xc1"),
    ("f5", b"\xf5"),
    ("ff", b"\xff"),
    ("two-cut", b"\xc3 "),
    ("three-cut", b"\xe2\x82 "),
    ("four-cut", b"\xf0\x9f\x98 "),
    ("overlong-three", b"\xe0\x80"),
    ("overlong-four", b"\xf0\x80"),
    ("surrogate-high", b"\xed\xa0"),
    ("surrogate-low", b"\xed\xb0"),
    ("beyond-unicode", b"\xf4\x90"),
    ("five-octets", b"\xf8"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = fast();
    cases.extend(whole());
    cases.extend(cut());
    cases
}

/// Fails within a frame that is not complete.
fn fast() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, octets) in WRONG {
        let says =
            format!("Text that stops to be UTF-8 in the middle of a frame ({name}) fails there.");
        let entry = Entry::new(CHAPTER, format!("utf-8.fast-{name}"), &rules::UTF8, says);
        cases.push(entry.level(Level::Should).case(move |stage| {
            let mut session = stage.open()?;
            let payload = [b"good so far: ", octets, &[b'x'; 500]].concat();
            let bytes = session.encoded(&Frame::new(FIN | TEXT, payload));
            let seen = bytes.len() - 500;
            session.link.queue(&bytes[..seen], usize::MAX);
            session.note("of the payload 500 octets are held back");
            failure(session, &[1007])
        }));
    }
    cases
}

/// Whole messages, in one frame and in fragments.
fn whole() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, octets) in WRONG {
        let says = format!("Text that is not UTF-8 ({name}) in a fragment fails the connection.");
        let entry = Entry::new(CHAPTER, format!("utf-8.fragments-{name}"), &rules::UTF8, says);
        cases.push(entry.case(move |stage| {
            let mut session = stage.open()?;
            let mut frames = vec![Frame::new(TEXT, *b"good")];
            frames.extend(octets.chunks(1).map(|octet| Frame::new(CONTINUATION, octet)));
            frames.push(Frame::new(FIN | CONTINUATION, *b"end"));
            session.send_chopped(&frames, usize::MAX);
            failure(session, &[1007])
        }));
    }
    for (name, octets) in [("two", &b"\xc3"[..]), ("three", b"\xe2\x82"), ("four", b"\xf0\x9f\x98")]
    {
        let says =
            format!("Text that ends inside a code point of {name} octets fails the connection.");
        let entry = Entry::new(
            CHAPTER,
            format!("utf-8.ends-inside-{name}"),
            &rules::WHOLE_MESSAGE_UTF8,
            says,
        );
        cases.push(entry.case(move |stage| {
            let mut session = stage.open()?;
            session.send(&Frame::new(FIN | TEXT, [b"good", octets].concat()));
            failure(session, &[1007])
        }));
        let says =
            format!("Binary data may end as text inside a code point of {name} octets may not.");
        let entry = Entry::new(CHAPTER, format!("utf-8.binary-{name}"), &rules::DATA_FRAMES, says);
        cases.push(entry.case(move |stage| {
            let mut session = stage.open()?;
            session.send(&Frame::new(FIN | BINARY, octets));
            let until = session.soon();
            super::expect::comes_back(&mut session, false, octets, until)?;
            well(session, "It came back.")
        }));
    }
    cases
}

/// A right code point at every cut.
fn cut() -> Vec<Case> {
    const TEXT_OF_ALL: &str = "aé€😀\u{FFFD}\u{10FFFF}\u{7FF}\u{800}z";
    let mut cases = Vec::new();
    for at in 1..TEXT_OF_ALL.len() {
        let says = format!(
            "Text of code points of one to four octets comes back with a fragment's end after octet {at}."
        );
        let id = format!("utf-8.cut-{at}");
        cases.push(Entry::new(CHAPTER, id, &rules::WHOLE_MESSAGE_UTF8, says).case(move |stage| {
            let mut session = stage.open()?;
            let (left, right) = TEXT_OF_ALL.as_bytes().split_at(at);
            // A Ping in between must not disturb what is known of the text.
            let frames = [
                Frame::new(TEXT, left),
                Frame::ping(*b"\xff"),
                Frame::new(FIN | CONTINUATION, right),
            ];
            session.send_chopped(&frames, usize::MAX);
            text_back(&mut session, TEXT_OF_ALL)?;
            well(session, "It came back.")
        }));
    }
    let says = "Text that pauses inside a code point is waited for.";
    cases.push(Entry::new(CHAPTER, "utf-8.pause", &rules::WHOLE_MESSAGE_UTF8, says).case(
        |stage| {
            let mut session = stage.open()?;
            let bytes = session.encoded(&Frame::text("cut: €"));
            session.link.queue(&bytes[..bytes.len() - 1], usize::MAX);
            let wait = session.within(Duration::from_millis(300));
            match session.next(wait) {
                None => {}
                Some(Event::Ping(_)) => {}
                Some(event) => {
                    return Err(Finding::failed(format!(
                        "It did not wait: it {}.",
                        event.describe()
                    )));
                }
            }
            session.link.queue(&bytes[bytes.len() - 1..], usize::MAX);
            text_back(&mut session, "cut: €")?;
            alive(&mut session)?;
            well(session, "It waited.")
        },
    ));
    cases
}
