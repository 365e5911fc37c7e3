//! The opening handshake of a server: requests whose bytes are wrong, versions, and delivery in pieces.

use super::outcome::refusal;
use crate::case::Case;
use crate::cases::entry::Entry;
use crate::cases::expect::{alive, well};
use crate::cases::rules;
use crate::stage::Answered;
use crate::verdict::{Finding, Level, Testee};
use crate::wire::head::Ask;

const CHAPTER: &str = "handshake";

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = grammar();
    cases.extend(versions());
    cases
}

/// Requests whose bytes are wrong.
fn grammar() -> Vec<Case> {
    type Bytes = fn(&Ask) -> Vec<u8>;
    let raw: [(&str, &str, Bytes); 17] = [
        ("space-before-colon", "A space before a colon", |ask| {
            replaced(ask, "Upgrade: ", "Upgrade : ")
        }),
        ("no-colon", "A field without a colon", |ask| {
            replaced(ask, "Upgrade: websocket\r\n", "Upgrade: websocket\r\nNoColon\r\n")
        }),
        ("no-name", "A field without a name", |ask| {
            replaced(ask, "Upgrade: websocket\r\n", "Upgrade: websocket\r\n: value\r\n")
        }),
        ("name-with-space", "A field name with a space", |ask| {
            replaced(ask, "Upgrade: ", "X Name: 1\r\nUpgrade: ")
        }),
        ("name-with-control", "A field name with a control character", |ask| {
            replaced(ask, "Upgrade: ", "X\u{1}Name: 1\r\nUpgrade: ")
        }),
        ("value-with-nul", "A value with NUL", |ask| {
            replaced(ask, "Upgrade: ", "X-Name: a\0b\r\nUpgrade: ")
        }),
        ("value-with-cr", "A value with a bare CR", |ask| {
            replaced(ask, "Upgrade: ", "X-Name: a\rX-Other: b\r\nUpgrade: ")
        }),
        ("space-first", "A field that begins with a space, first of all", |ask| {
            replaced(ask, "Host: ", " Host: ")
        }),
        ("target-empty", "A request line without a target", |ask| {
            replaced(ask, &format!("GET {} ", ask.target), "GET ")
        }),
        ("target-no-slash", "A target without a slash", |ask| {
            replaced(ask, &format!("GET {} ", ask.target), "GET no-slash ")
        }),
        ("target-with-control", "A target with a control character", |ask| {
            replaced(ask, &format!("GET {} ", ask.target), &format!("GET {}\u{1} ", ask.target))
        }),
        ("target-with-space", "A target with a space", |ask| {
            replaced(ask, &format!("GET {} ", ask.target), &format!("GET {} b ", ask.target))
        }),
        ("target-asterisk", "The target *", |ask| {
            replaced(ask, &format!("GET {} ", ask.target), "GET * ")
        }),
        ("target-authority", "An authority as the target", |ask| {
            replaced(ask, &format!("GET {} ", ask.target), "GET localhost:80 ")
        }),
        (
            "transfer-encoding-and-length",
            "A request with Transfer-Encoding and Content-Length",
            |ask| {
                replaced(
                    ask,
                    "Upgrade: ",
                    "Transfer-Encoding: chunked\r\nContent-Length: 5\r\nUpgrade: ",
                )
            },
        ),
        ("two-lengths", "A request with two lengths of its body", |ask| {
            replaced(ask, "Upgrade: ", "Content-Length: 5\r\nContent-Length: 6\r\nUpgrade: ")
        }),
        ("length-not-a-number", "A request with a length that is no number", |ask| {
            replaced(ask, "Upgrade: ", "Content-Length: five\r\nUpgrade: ")
        }),
    ];
    let mut cases = Vec::new();
    for (id, says, bytes) in raw {
        let says = format!("{says} is refused.");
        let entry = Entry::new(CHAPTER, format!("handshake.{id}"), &rules::STOP_PROCESSING, says);
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask();
            let mut link = stage.connect()?;
            stage.send_head(&mut link, &bytes(&ask), usize::MAX);
            let read = stage.read_head(&mut link, stage.within(stage.setting.patience * 2));
            refusal(&Answered { link, read })
        }));
    }
    let says = "A request with a body of one text frame does not get that frame back.";
    let entry = Entry::new(CHAPTER, "handshake.body-of-frames", &rules::STOP_PROCESSING, says);
    cases.push(entry.only(Testee::Server).level(Level::Safety).case(|stage| {
        let ask = stage.ask().add("Content-Length", "11");
        let mut bytes = ask.bytes();
        bytes.extend_from_slice(b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
        let mut link = stage.connect()?;
        stage.send_head(&mut link, &bytes, usize::MAX);
        let read = stage.read_head(&mut link, stage.within(stage.setting.patience * 2));
        let answered = Answered { link, read };
        if answered.status() != 101 {
            return refusal(&answered);
        }
        let mut session = stage.opened(&ask, answered)?;
        let until = session.within(std::time::Duration::from_millis(500));
        match session.next(until) {
            Some(crate::exchange::Event::Text(_)) => {
                Err(Finding::failed("The body was taken for a frame, and sent back."))
            }
            _ => Ok(Finding::non_strict("The connection was opened in spite of the body.")),
        }
    }));
    for (id, chop) in [("octets", 1_usize), ("pieces-of-seven", 7)] {
        let says = format!("A right request that arrives in writes of {chop} octets is accepted.");
        let entry = Entry::new(CHAPTER, format!("handshake.{id}"), &rules::STOP_PROCESSING, says);
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask();
            let mut link = stage.connect()?;
            stage.note("octets follow each other after 0.3 ms");
            for piece in ask.bytes().chunks(chop) {
                link.queue(piece, usize::MAX);
                link.turn(stage.soon(), false);
                std::thread::sleep(std::time::Duration::from_micros(300));
            }
            let read = stage.read_head(&mut link, stage.within(stage.setting.patience * 2));
            let mut session = stage.opened(&ask, Answered { link, read })?;
            alive(&mut session)?;
            well(session, "The connection was opened.")
        }));
    }
    cases
}

/// The request's bytes with a part of them replaced.
fn replaced(ask: &Ask, from: &str, to: &str) -> Vec<u8> {
    let text = String::from_utf8_lossy(&ask.bytes()).replacen(from, to, 1);
    text.into_bytes()
}

fn versions() -> Vec<Case> {
    let mut cases = Vec::new();
    for version in [
        "0", "4", "7", "8", "12", "14", "25", "99", "255", "256", "013", "+13", "13.0", "0x0d",
        "13x", "13 8", "13, 8", "-13", "",
    ] {
        let name = if version.is_empty() {
            "empty".to_owned()
        } else {
            version.replace(", ", "-and-").replace(' ', "-space-")
        };
        let says = format!("The version {version:?} is refused.");
        let entry = Entry::new(CHAPTER, format!("handshake.version-{name}"), &rules::VERSION, says);
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask().set("Sec-WebSocket-Version", version);
            refusal(&stage.answer_to(&ask)?)
        }));
    }
    for version in ["8", "14"] {
        let says = format!("The refusal of version {version} names version 13.");
        let id = format!("handshake.version-{version}-answer");
        let entry = Entry::new(CHAPTER, id, &rules::VERSION_ANSWER, says);
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask().set("Sec-WebSocket-Version", version);
            let answered = stage.answer_to(&ask)?;
            refusal(&answered)?;
            match &answered.read {
                Ok((head, _)) if head.has_token("Sec-WebSocket-Version", "13") => {
                    let status = head.status();
                    Ok(Finding::ok(format!("It answered {status}, and named version 13.")))
                }
                _ => Err(Finding::failed("It did not name the versions that it understands.")),
            }
        }));
    }
    cases
}
