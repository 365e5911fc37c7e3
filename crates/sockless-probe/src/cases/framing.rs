//! Frames: forms of length, masking, reserved bits and opcodes, delivery octet by octet.

use super::entry::Entry;
use super::expect::{Outcome, alive, echo, failure, text_back, well};
use super::rules;
use crate::case::Case;
use crate::exchange::Event;
use crate::stage::Stage;
use crate::verdict::Testee::{self, Client, Server};
use crate::verdict::{Finding, Level};
use crate::wire::frame::{
    BINARY, CLOSE, CONTINUATION, FIN, Frame, Length, Masking, PING, PONG, TEXT,
};

const CHAPTER: &str = "framing";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = lengths();
    cases.extend(masking());
    cases.extend(bits());
    cases.extend(delivery());
    cases.extend(sent());
    cases
}

/// What the testee itself sends: a text message, fragments, a Ping, and what comes back has to keep one rule.
fn sent() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |id: &str, rule, only: Option<Testee>, says: &str, breaks: fn(&str) -> bool| {
        let entry = Entry::new(CHAPTER, format!("framing.sends-{id}"), rule, says);
        let case = entry.case(move |stage| {
            let mut session = stage.open()?;
            let frames = [Frame::text("a text message: \u{20AC}"), Frame::ping(*b"a Ping")];
            session.send_chopped(&frames, usize::MAX);
            let until = session.soon();
            let mut seen = 0;
            while seen < 2 {
                match session.next(until) {
                    Some(Event::Broke(rule)) if breaks(&rule) => {
                        return Err(Finding::failed(format!("The testee broke the rule: {rule}.")));
                    }
                    Some(Event::Broke(_) | Event::End(_)) | None => {
                        return Ok(Finding::unimplemented("The testee sent nothing to look at."));
                    }
                    Some(_) => seen += 1,
                }
            }
            well(session, "What it sent keeps the rule.")
        });
        cases.push(Case { only, ..case });
    };
    let says = "A server doesn't mask what it sends.";
    add("unmasked", &rules::NOT_MASKED, Some(Server), says, |rule| rule.contains("masked frame"));
    let says = "A client masks what it sends.";
    add("masked", &rules::CLIENT_MASKS, Some(Client), says, |rule| {
        rule.contains("without masking")
    });
    let says = "No reserved bit is set where nothing gives it a meaning.";
    add("no-reserved-bits", &rules::RESERVED_BITS, None, says, |rule| {
        rule.contains("reserved bit")
    });
    let says = "Text that is sent is UTF-8.";
    add("utf-8", &rules::UTF8, None, says, |rule| rule.contains("UTF-8"));
    let says = "Control frames that are sent are whole and short.";
    add("whole-control-frames", &rules::CONTROL_FRAMES, None, says, |rule| {
        rule.contains("control frame")
    });
    cases
}

fn wrong(stage: &mut Stage<'_>, frames: &[Frame], codes: &[u16]) -> Outcome {
    let mut session = stage.open()?;
    session.send_chopped(frames, usize::MAX);
    failure(session, codes)
}

fn lengths() -> Vec<Case> {
    let mut cases = Vec::new();
    for (form, name, lens) in [
        (Length::Sixteen, "16", &[0_usize, 1, 125][..]),
        (Length::SixtyFour, "64", &[0, 1, 125, 126, 65535]),
    ] {
        for &len in lens {
            for (first, kind) in [(FIN | TEXT, "text"), (FIN | BINARY, "binary")] {
                let id = format!("framing.length-{len}-in-{name}-bits-{kind}");
                let says = format!(
                    "A {kind} frame of {len} B with its length in {name} bits fails the connection."
                );
                cases.push(Entry::new(CHAPTER, id, &rules::LENGTHS, says).case(move |stage| {
                    let frame = Frame::new(first, vec![b'a'; len]).with_length(form);
                    wrong(stage, &[frame], &[1002])
                }));
            }
        }
    }
    for (form, name) in [(Length::Sixteen, "16"), (Length::SixtyFour, "64")] {
        for (opcode, kind) in [(PING, "ping"), (PONG, "pong"), (CLOSE, "close")] {
            let id = format!("framing.{kind}-with-length-in-{name}-bits");
            let says =
                format!("A {kind} frame with its length in {name} bits fails the connection.");
            cases.push(Entry::new(CHAPTER, id, &rules::CONTROL_FRAMES, says).case(move |stage| {
                let payload = if opcode == CLOSE { vec![3, 0xE8] } else { vec![b'a'; 2] };
                wrong(stage, &[Frame::new(FIN | opcode, payload).with_length(form)], &[1002])
            }));
        }
    }
    for (id, len) in [("2-to-63", 1 << 63), ("2-to-64-less-1", u64::MAX)] {
        let says = "A length with its highest bit set fails the connection.";
        let entry = Entry::new(CHAPTER, format!("framing.length-{id}"), &rules::LENGTH_63, says);
        cases.push(entry.case(move |stage| {
            let frame = Frame::new(FIN | BINARY, *b"").with_length(Length::Announced(len));
            wrong(stage, &[frame], &[1002, 1009])
        }));
    }
    let says = "An announced length of 2^62 is refused at once, and nothing is reserved for it.";
    let entry = Entry::new(CHAPTER, "framing.length-2-to-62", &rules::LIMITS, says);
    cases.push(entry.level(Level::Safety).case(|stage| {
        let mut session = stage.open()?;
        session.send(&Frame::new(FIN | BINARY, *b"").with_length(Length::Announced(1 << 62)));
        match failure(session, &[1009, 1002]) {
            Err(_) => Ok(Finding::non_strict(
                "It did not refuse the announced length, and waits for 2^62 octets.",
            )),
            ended => ended,
        }
    }));
    for len in [0_usize, 1, 124, 125, 126, 127, 255, 256, 65535, 65536, 65537, 100_000] {
        let says = format!("A message of {len} B comes back with its length in the shortest form.");
        let id = format!("framing.echo-{len}");
        cases.push(Entry::new(CHAPTER, id, &rules::LENGTHS, says).case(move |stage| {
            let mut session = stage.open()?;
            echo(&mut session, &"e".repeat(len))?;
            well(session, "It came back in the shortest form.")
        }));
    }
    cases
}

fn masking() -> Vec<Case> {
    let mut cases = Vec::new();
    let kinds = [
        (FIN | TEXT, "text"),
        (FIN | BINARY, "binary"),
        (FIN | PING, "ping"),
        (FIN | PONG, "pong"),
        (FIN | CLOSE, "close"),
        (TEXT, "fragment"),
    ];
    for (first, kind) in kinds {
        for len in [0_usize, 2] {
            let payload = if first & 0xF == CLOSE { [3, 0xE8] } else { *b"hi" };
            let payload = payload[..len].to_vec();
            let send = move |stage: &mut Stage<'_>| {
                let frame = Frame::new(first, payload.clone()).with_masking(Masking::Wrong);
                wrong(stage, &[frame], &[1002])
            };
            let size = if len == 0 { "empty" } else { "short" };
            let says =
                format!("An unmasked {kind} frame ({size}) from a client fails the connection.");
            let id = format!("framing.unmasked-{kind}-{size}");
            cases.push(
                Entry::new(CHAPTER, id, &rules::MASKED, says).only(Server).case(send.clone()),
            );
            let says =
                format!("A masked {kind} frame ({size}) from a server fails the connection.");
            let id = format!("framing.masked-{kind}-{size}");
            cases.push(Entry::new(CHAPTER, id, &rules::NOT_MASKED, says).only(Client).case(send));
        }
    }
    for (name, key) in [("zero", [0; 4]), ("ones", [0xFF; 4]), ("one-octet", [0, 0, 0x20, 0])] {
        let says = format!("A masking key of {key:02x?} is a key like any other.");
        let entry = Entry::new(CHAPTER, format!("framing.mask-{name}"), &rules::DATA_FRAMES, says);
        cases.push(entry.only(Server).case(move |stage| {
            let mut session = stage.open()?;
            session.send(&Frame::text("masked so").with_masking(Masking::By(key)));
            text_back(&mut session, "masked so")?;
            well(session, "It was unmasked.")
        }));
    }
    let says = "After a masked frame and an unmasked one nothing of the second comes back.";
    let entry = Entry::new(CHAPTER, "framing.unmasked-after-masked", &rules::MASKED, says);
    cases.push(entry.only(Testee::Server).case(|stage| {
        let mut session = stage.open()?;
        echo(&mut session, "masked")?;
        session.send(&Frame::text("not masked").with_masking(Masking::Wrong));
        failure(session, &[1002])
    }));
    cases
}

fn bits() -> Vec<Case> {
    let mut cases = Vec::new();
    for rsv in 1..=7_u8 {
        for (first, kind) in
            [(FIN | TEXT, "text"), (FIN | PING, "ping"), (FIN | CONTINUATION, "continuation")]
        {
            let says = format!(
                "RSV {rsv} on a {kind} frame fails the connection where nothing gives it a meaning."
            );
            let id = format!("framing.rsv-{rsv}-on-{kind}");
            cases.push(Entry::new(CHAPTER, id, &rules::RESERVED_BITS, says).case(move |stage| {
                let mut frames = vec![Frame::new(first | rsv << 4, *b"reserved")];
                if first & 0xF == CONTINUATION {
                    frames.insert(0, Frame::new(TEXT, *b"begun "));
                }
                wrong(stage, &frames, &[1002])
            }));
        }
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15_u8] {
        for (fin, name) in [(FIN, "final"), (0, "not-final")] {
            let says =
                format!("The opcode {opcode} ({name}) inside a message fails the connection.");
            let id = format!("framing.opcode-{opcode}-{name}");
            cases.push(Entry::new(CHAPTER, id, &rules::OPCODES, says).case(move |stage| {
                let frames = [Frame::new(TEXT, *b"begun"), Frame::new(fin | opcode, *b"reserved")];
                wrong(stage, &frames, &[1002])
            }));
        }
    }
    for (first, name) in [(TEXT, "text"), (BINARY, "binary")] {
        for (second, kind) in [(FIN | TEXT, "text"), (FIN | BINARY, "binary"), (TEXT, "fragment")] {
            let says =
                format!("A {kind} frame inside an unfinished {name} message fails the connection.");
            let id = format!("framing.{kind}-inside-{name}");
            cases.push(Entry::new(CHAPTER, id, &rules::FRAGMENT_ORDER, says).case(move |stage| {
                wrong(stage, &[Frame::new(first, *b"one"), Frame::new(second, *b"two")], &[1002])
            }));
        }
    }
    cases
}

fn delivery() -> Vec<Case> {
    let mut cases = Vec::new();
    for (chop, name) in [(1_usize, "one"), (2, "two"), (3, "three"), (7, "seven")] {
        let says = format!("Frames that arrive in pieces of {name} octets are the same frames.");
        let id = format!("framing.pieces-of-{name}");
        cases.push(Entry::new(CHAPTER, id, &rules::DATA_FRAMES, says).case(move |stage| {
            let mut session = stage.open()?;
            let long = "long enough for a length in 16 bits. ".repeat(5);
            let frames = [
                Frame::text("short"),
                Frame::new(TEXT, *b"in two "),
                Frame::ping(*b"between"),
                Frame::new(FIN | CONTINUATION, *b"fragments"),
                Frame::text(&long),
            ];
            let mut bytes = Vec::new();
            for frame in &frames {
                bytes.extend(session.encoded(frame));
            }
            for piece in bytes.chunks(chop) {
                session.link.queue(piece, usize::MAX);
                let until = session.soon();
                session.flush(until);
                // Apart from each other, so that they are read apart.
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
            text_back(&mut session, "short")?;
            text_back(&mut session, "in two fragments")?;
            text_back(&mut session, &long)?;
            well(session, "All came back.")
        }));
    }
    let says = "A header that arrives without its payload makes nothing happen but waiting.";
    cases.push(Entry::new(CHAPTER, "framing.header-alone", &rules::DATA_FRAMES, says).case(
        |stage| {
            let mut session = stage.open()?;
            let bytes = session.encoded(&Frame::text("a payload that is late"));
            let header = bytes.len() - 22;
            session.link.queue(&bytes[..header], usize::MAX);
            let wait = session.within(std::time::Duration::from_millis(300));
            if let Some(event) = session.next(wait) {
                return Err(Finding::failed(format!("It did not wait: it {}.", event.describe())));
            }
            session.link.queue(&bytes[header..], usize::MAX);
            text_back(&mut session, "a payload that is late")?;
            well(session, "It waited.")
        },
    ));
    let says = "A thousand messages in one write come back in order.";
    cases.push(Entry::new(CHAPTER, "framing.pipelined", &rules::DATA_FRAMES, says).case(|stage| {
        let mut session = stage.open()?;
        let frames: Vec<Frame> = (0..1000).map(|i| Frame::text(&format!("message {i}"))).collect();
        session.send_chopped(&frames, usize::MAX);
        for i in 0..1000 {
            text_back(&mut session, &format!("message {i}"))?;
        }
        alive(&mut session)?;
        well(session, "All came back in order.")
    }));
    cases
}
