//! Compressed messages: forms of DEFLATE, broken data, RSV1, takeover, bombs.

use super::entry::Entry;
use super::expect::{Outcome, comes_back, echo, failure, pong, refusal, text_back, well};
use super::offer::compressed;
use super::rules;
use crate::case::{Case, Weight};
use crate::exchange::{Event, Session};
use crate::verdict::{Finding, Level, Rule, Testee};
use crate::wire::deflate::{Compressor, Direction, stored};
use crate::wire::frame::{BINARY, CONTINUATION, FIN, Frame, PING, PONG, RSV1, TEXT, fragments};

const CHAPTER: &str = "deflate";
/// `Hello` in one block of fixed codes that is not final, as RFC 7692, section 7.2.3.1 prints it.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    forms(&mut cases);
    broken(&mut cases);
    takeover(&mut cases);
    windows(&mut cases);
    bombs(&mut cases);
    cases
}

/// A script with a compressed connection, agreed on with these parameters.
fn with(
    id: &str,
    rule: &'static Rule,
    says: &str,
    params: &'static str,
    script: impl Fn(&crate::stage::Stage<'_>, Session) -> Outcome + Send + Sync + 'static,
) -> Case {
    Entry::new(CHAPTER, format!("deflate.{id}"), rule, says).case(move |stage| {
        match compressed(stage, params)? {
            Some(session) => script(stage, session),
            None => Ok(Finding::unimplemented("The testee does not agree on permessage-deflate.")),
        }
    })
}

fn forms(cases: &mut Vec<Case>) {
    // Forms of the same text that the RFC prints, and some that follow from it.
    let forms: [(&str, &str, &[u8], &str); 9] = [
        ("fixed-block", "A block of fixed codes", HELLO, "Hello"),
        ("stored-block", "A block without compression", b"\x00\x05\x00\xfa\xffHello\x00", "Hello"),
        (
            "final-block",
            "A final block and the empty one after it",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00",
            "Hello",
        ),
        (
            "two-blocks",
            "Two blocks",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00",
            "Hello",
        ),
        ("empty", "An empty message as one octet", b"\x00", ""),
        ("empty-fixed", "An empty block of fixed codes", b"\x02\x00", ""),
        (
            "final-stored-then-more",
            "A final block, and another after it",
            b"\x01\x02\x00\xfd\xffHe\x00\x03\x00\xfc\xffllo\x00",
            "Hello",
        ),
        (
            "empty-blocks",
            "Empty blocks before the text",
            b"\x00\x00\x00\xff\xff\x00\x00\x00\xff\xff\xf2\x48\xcd\xc9\xc9\x07\x00",
            "Hello",
        ),
        ("only-final", "A final empty block", b"\x01\x00\x00\xff\xff\x00", ""),
    ];
    for (id, says, payload, text) in forms {
        let rule = if id.contains("final") { &rules::BFINAL } else { &rules::COMPRESSED };
        cases.push(with(id, rule, &format!("{says} is inflated."), "", move |_, mut session| {
            session.send(&Frame::new(FIN | RSV1 | TEXT, payload));
            text_back(&mut session, text)?;
            // What follows is not disturbed.
            session.send(&Frame::new(FIN | RSV1 | TEXT, HELLO));
            text_back(&mut session, "Hello")?;
            well(session, "It came back, and the message after it.")
        }));
    }
    for at in 1..HELLO.len() {
        let says =
            format!("A compressed message in two fragments, cut after octet {at}, comes back.");
        cases.push(with(
            &format!("cut-{at}"),
            &rules::COMPRESSED,
            &says,
            "",
            move |_, mut session| {
                let (left, right) = HELLO.split_at(at);
                let frames = [
                    Frame::new(RSV1 | TEXT, left),
                    Frame::ping(*b"in between"),
                    Frame::new(FIN | CONTINUATION, right),
                ];
                session.send_chopped(&frames, usize::MAX);
                pong(&mut session, b"in between")?;
                text_back(&mut session, "Hello")?;
                well(session, "It came back.")
            },
        ));
    }
    let says = "A compressed message may end with an empty fragment.";
    cases.push(with("empty-fragment-last", &rules::COMPRESSED, says, "", |_, mut session| {
        let frames = [Frame::new(RSV1 | TEXT, HELLO), Frame::new(FIN | CONTINUATION, *b"")];
        session.send_chopped(&frames, usize::MAX);
        text_back(&mut session, "Hello")?;
        well(session, "It came back.")
    }));
    let says = "A message that is not compressed may be sent at any time.";
    cases.push(with("uncompressed-between", &rules::COMPRESSED, says, "", |_, mut session| {
        for text in ["first, first, first", "second, second, second"] {
            echo(&mut session, text)?;
            session.send(&Frame::text("as it is"));
            text_back(&mut session, "as it is")?;
        }
        well(session, "All came back.")
    }));
    let says = "A compressed message of 100,000 octets in fragments of one octet comes back.";
    cases.push(with("fragments-of-one", &rules::COMPRESSED, says, "", |stage, mut session| {
        let block = stage.octets(3000);
        let message = block.repeat(34);
        let frames = session.message_frames(false, &message, 1);
        session.send_chopped(&frames, usize::MAX);
        let until = stage.within(std::time::Duration::from_secs(10));
        comes_back(&mut session, false, &message, until)?;
        well(session, "It came back.")
    }));
}

fn broken(cases: &mut Vec<Case>) {
    let wrong: [(&str, &str, &[u8]); 5] = [
        ("reserved-block", "A block of the reserved type", b"\xfe\xff\xff\xff\x00"),
        (
            "stored-length",
            "A block whose length is not what its complement says",
            b"\x00\x05\x00\x00\x00Hello\x00",
        ),
        ("too-far-back", "A reference to before the beginning", b"\x02\x93\x00\x00"),
        (
            "bad-codes",
            "A block of dynamic codes that can't be",
            b"\xfc\xff\xff\xff\xff\xff\xff\xff\x00",
        ),
        ("cut-stored", "A block that ends before its length", b"\x00\xff\x00\x00\xffHello"),
    ];
    for (id, says, payload) in wrong {
        let says = format!("{says} fails the connection.");
        let case = with(id, &rules::COMPRESSED, &says, "", move |_, mut session| {
            session.send(&Frame::new(FIN | RSV1 | BINARY, payload));
            failure(session, &[1007, 1002, 1003, 1011])
        });
        // What is there of it is right, and nothing says that more has to be.
        let level = if id == "cut-stored" { Level::Should } else { Level::Must };
        cases.push(Case { level, ..case });
    }
    let says = "Compressed text that is not UTF-8 fails the connection with 1007.";
    cases.push(with("not-utf-8", &rules::UTF8, says, "", |_, mut session| {
        session.send(&Frame::new(FIN | RSV1 | TEXT, stored(b"good \xed\xa0\x80")));
        failure(session, &[1007])
    }));
    let says = "Compressed text that ends inside a code point fails the connection with 1007.";
    cases.push(with("ends-inside", &rules::UTF8, says, "", |_, mut session| {
        session.send(&Frame::new(FIN | RSV1 | TEXT, stored(b"good \xe2\x82")));
        failure(session, &[1007])
    }));
    let says = "Compressed text cut inside a code point by blocks and fragments comes back.";
    cases.push(with("text-cut", &rules::WHOLE_MESSAGE_UTF8, says, "", |_, mut session| {
        let mut payload = stored("cut: €".as_bytes());
        payload.truncate(payload.len() - 1);
        payload.extend(stored(b" again"));
        session.send_chopped(&fragments(RSV1 | TEXT, payload, 3), usize::MAX);
        text_back(&mut session, "cut: € again")?;
        well(session, "It came back.")
    }));
    for (first, name) in [(FIN | PING, "ping"), (FIN | PONG, "pong"), (FIN | 0x8, "close")] {
        let says =
            format!("RSV1 on a {name} frame fails the connection where compression was agreed on.");
        cases.push(with(
            &format!("rsv1-on-{name}"),
            &rules::RSV1,
            &says,
            "",
            move |_, mut session| {
                session.send(&Frame::new(first | RSV1, *b""));
                failure(session, &[1002])
            },
        ));
    }
    let says = "RSV1 on a continuation fails the connection.";
    cases.push(with("rsv1-on-continuation", &rules::RSV1, says, "", |_, mut session| {
        let (left, right) = HELLO.split_at(3);
        let frames = [Frame::new(RSV1 | TEXT, left), Frame::new(FIN | RSV1 | CONTINUATION, right)];
        session.send_chopped(&frames, usize::MAX);
        failure(session, &[1002])
    }));
    for (bit, name) in [(0x20, "2"), (0x10, "3"), (0x60, "1-and-2")] {
        let says = format!("RSV {name} fails the connection where only compression was agreed on.");
        cases.push(with(
            &format!("rsv-{name}"),
            &rules::RESERVED_BITS,
            &says,
            "",
            move |_, mut session| {
                session.send(&Frame::new(FIN | bit | TEXT, HELLO));
                failure(session, &[1002])
            },
        ));
    }
}

fn takeover(cases: &mut Vec<Case>) {
    // The second message refers to the first: five octets back.
    let again: &[u8] = b"\xf2\x00\x11\x00\x00";
    cases.push(with(
        "takeover",
        &rules::TAKEOVER,
        "A message may refer to the one before, as the RFC prints it.",
        "",
        move |_, mut session| {
            session.send_chopped(
                &[Frame::new(FIN | RSV1 | TEXT, HELLO), Frame::new(FIN | RSV1 | TEXT, again)],
                usize::MAX,
            );
            text_back(&mut session, "Hello")?;
            text_back(&mut session, "Hello")?;
            well(session, "Both came back.")
        },
    ));
    cases.push(with(
        "takeover-over-uncompressed",
        &rules::TAKEOVER,
        "A message may refer to the compressed one before the one that isn't compressed.",
        "",
        move |_, mut session| {
            session.send(&Frame::new(FIN | RSV1 | TEXT, HELLO));
            session.send(&Frame::text("between"));
            session.send(&Frame::new(FIN | RSV1 | TEXT, again));
            text_back(&mut session, "Hello")?;
            text_back(&mut session, "between")?;
            text_back(&mut session, "Hello")?;
            well(session, "All came back.")
        },
    ));
    cases.push(with(
        "takeover-far",
        &rules::TAKEOVER,
        "A message may refer to one that is nearly a whole window back.",
        "",
        |stage, mut session| {
            let block = stage.octets(16_000);
            for _ in 0..4 {
                let frames = session.message_frames(false, &block, 0);
                session.send_chopped(&frames, usize::MAX);
                let until = session.soon();
                comes_back(&mut session, false, &block, until)?;
            }
            well(session, "All came back.")
        },
    ));
    for (id, params, rule) in [
        ("server", "; server_no_context_takeover", &rules::SERVER_TAKEOVER_SENT),
        ("client", "; client_no_context_takeover", &rules::CLIENT_TAKEOVER),
    ] {
        let says = format!(
            "Where {id}_no_context_takeover was agreed on, each message of the {id} inflates by itself."
        );
        cases.push(with(
            &format!("no-takeover-{id}"),
            rule,
            &says,
            params,
            |stage, mut session| {
                let block = stage.octets(500);
                let message = [&block[..], &block[..]].concat();
                for _ in 0..4 {
                    let frames = session.message_frames(false, &message, 0);
                    session.send_chopped(&frames, usize::MAX);
                    let until = session.soon();
                    comes_back(&mut session, false, &message, until)?;
                }
                well(session, "All inflated by themselves, as far as it was agreed on.")
            },
        ));
    }
}

fn windows(cases: &mut Vec<Case>) {
    for (bits, params) in [
        (9_u8, "; server_max_window_bits=9"),
        (10, "; server_max_window_bits=10"),
        (12, "; server_max_window_bits=12"),
        (14, "; server_max_window_bits=14"),
    ] {
        let says = format!(
            "A server that agreed on a window of 2^{bits} octets refers to nothing beyond it."
        );
        let id = format!("server-window-{bits}-kept");
        let case =
            with(&id, &rules::SERVER_WINDOW_SENT, &says, params, move |stage, mut session| {
                let agreed =
                    session.agreement.as_ref().map_or(15, |agreement| agreement.theirs.bits);
                if agreed > bits {
                    return Ok(Finding::unimplemented("The server did not agree on this window."));
                }
                // What repeats is just out of reach.
                let block = stage.octets((1 << bits) + 10);
                let message = block.repeat(3);
                let frames = session.message_frames(false, &message, 0);
                session.send_chopped(&frames, usize::MAX);
                let until = session.soon();
                comes_back(&mut session, false, &message, until)?;
                well(session, "It doesn't.")
            });
        cases.push(Case { only: Some(Testee::Server), ..case });
    }
}

fn bombs(cases: &mut Vec<Case>) {
    let safe = |case: Case| Case { level: Level::Safety, weight: Weight::Heavy, ..case };
    let says = "A message that inflates from 65 KB to 64 MiB is refused with 1009, or taken whole.";
    cases.push(safe(with("bomb", &rules::LIMITS, says, "", |stage, mut session| {
        let mut compressor = Compressor::new(Direction { bits: 15, takeover: true });
        let bomb = compressor.compress(&vec![0; 64 << 20]);
        session.send(&Frame::new(FIN | RSV1 | BINARY, bomb));
        let until = stage.within(std::time::Duration::from_secs(10));
        session.max_received = 80 << 20;
        while let Some(event) = session.next(until) {
            if let Some(finding) = refusal(&event) {
                return Ok(finding);
            }
            let why = match event {
                Event::Binary(_) => "The testee took all 64 MiB: its limit is higher.",
                Event::Broke(_) => "The testee sends back more than the probe takes.",
                _ => continue,
            };
            return Ok(Finding::informational(why));
        }
        Ok(Finding::non_strict("Nothing came back in ten seconds."))
    })));
    let says = "100,000 empty blocks in a message are inflated in time, or refused.";
    cases.push(safe(with("empty-blocks-flood", &rules::LIMITS, says, "", |stage, mut session| {
        let mut payload = b"\x00\x00\x00\xff\xff".repeat(100_000);
        payload.extend_from_slice(HELLO);
        session.send(&Frame::new(FIN | RSV1 | TEXT, payload));
        let until = stage.within(std::time::Duration::from_secs(10));
        match session.next(until) {
            Some(Event::Text(text)) if text == b"Hello" => well(session, "They were inflated."),
            Some(Event::Close(..) | Event::End(_)) => Ok(Finding::ok("They were refused.")),
            Some(event) => Err(Finding::failed(format!("It {}.", event.describe()))),
            None => Err(Finding::failed("Nothing came back in ten seconds.")),
        }
    })));
    let says = "20,000 final blocks in a message are inflated in time, or refused.";
    cases.push(safe(with("final-blocks-flood", &rules::LIMITS, says, "", |stage, mut session| {
        let mut payload = b"\x01\x01\x00\xfe\xffa".repeat(20_000);
        payload.push(0);
        session.send(&Frame::new(FIN | RSV1 | TEXT, payload));
        let until = stage.within(std::time::Duration::from_secs(10));
        match session.next(until) {
            Some(Event::Text(text)) if text == vec![b'a'; 20_000] => {
                well(session, "They were inflated.")
            }
            Some(Event::Text(text)) => {
                let len = text.len();
                Err(Finding::failed(format!("Of 20,000 octets {len} came back.")))
            }
            Some(Event::Close(..) | Event::End(_)) => Ok(Finding::ok("They were refused.")),
            Some(event) => Err(Finding::failed(format!("It {}.", event.describe()))),
            None => Err(Finding::failed("Nothing came back in ten seconds.")),
        }
    })));
}
