//! The opening handshake of a client: answers that are right in unusual forms, and answers whose bytes are the case.

use std::time::Duration;

use super::endless::endless;
use super::outcome::is_not_opened;
use crate::case::{Case, Weight};
use crate::cases::entry::Entry;
use crate::cases::expect::{Outcome, alive, text_back, well};
use crate::cases::rules;
use crate::exchange::Session;
use crate::stage::{Caller, Stage};
use crate::verdict::{Finding, Level, Rule, Testee};
use crate::wire::frame::Frame;
use crate::wire::head::Ask;

const CHAPTER: &str = "handshake";

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = accepted();
    cases.extend(raw());
    cases
}

/// Answers that are right, in unusual forms.
fn accepted() -> Vec<Case> {
    let accept = |id: &str, says: &str, change: fn(Ask) -> Ask| {
        let says = format!("{says} opens the connection.");
        let entry = Entry::new(CHAPTER, format!("handshake.{id}"), &rules::ACCEPT, says);
        entry.only(Testee::Client).case(move |stage| {
            let mut caller = stage.caller()?;
            let answer = change(stage.right_answer(&caller.head));
            stage.send_head(&mut caller.link, &answer.bytes(), usize::MAX);
            opened(stage, caller)
        })
    };
    vec![
        accept("right", "A right answer", |a| a),
        accept("upgrade-case", "Upgrade: WebSocket", |a| a.set("Upgrade", "WebSocket")),
        accept("connection-case", "Connection: upgrade", |a| a.set("Connection", "upgrade")),
        accept("connection-list", "Connection: keep-alive, Upgrade", |a| {
            a.set("Connection", "keep-alive, Upgrade")
        }),
        accept("field-names-lower", "An answer with field names in lower case", |mut a| {
            for (name, _) in &mut a.fields {
                *name = name.to_lowercase();
            }
            a
        }),
        accept("fields-reversed", "An answer with its fields in another order", |mut a| {
            a.fields.reverse();
            a
        }),
        accept("unknown-field", "An answer with fields that nobody knows", |a| {
            a.add("X-Unknown", "1").add("Set-Cookie", "a=b")
        }),
        accept("accept-with-spaces", "A Sec-WebSocket-Accept with spaces around it", |a| {
            let accept = format!("  {}  ", a.value("Sec-WebSocket-Accept").unwrap_or_default());
            a.set("Sec-WebSocket-Accept", &accept)
        }),
        accept("other-reason", "Another reason phrase", |a| Ask {
            version: "Web Socket Protocol Handshake".into(),
            ..a
        }),
        accept("no-reason", "An empty reason phrase", |a| Ask { version: String::new(), ..a }),
    ]
}

/// The connection that the client has to have opened.
fn opened(stage: &Stage<'_>, caller: Caller) -> Outcome {
    let mut session = Session::new(stage.context(), caller.link, None);
    session.feed(caller.rest);
    alive(&mut session)?;
    well(session, "The connection was opened.")
}

/// Answers whose bytes are the case.
fn raw() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |id: &str,
                    rule: &'static Rule,
                    level: Level,
                    says: &str,
                    script: fn(&mut Stage<'_>, Caller) -> Outcome| {
        let entry = Entry::new(CHAPTER, format!("handshake.{id}"), rule, says);
        let weight = if id == "endless-head" { Weight::Heavy } else { Weight::Light };
        cases.push(entry.only(Testee::Client).level(level).weight(weight).case(move |stage| {
            let caller = stage.caller()?;
            script(stage, caller)
        }));
    };
    case(
        "octets",
        &rules::ACCEPT,
        Level::Must,
        "A right answer that arrives octet by octet opens the connection.",
        |stage, mut caller| {
            let bytes = stage.right_answer(&caller.head).bytes();
            for octet in bytes.chunks(1) {
                caller.link.queue(octet, usize::MAX);
                caller.link.turn(stage.soon(), false);
                std::thread::sleep(Duration::from_micros(300));
            }
            opened(stage, caller)
        },
    );
    case(
        "frame-with-answer",
        &rules::DATA_FRAMES,
        Level::Must,
        "A message that arrives together with the answer is received.",
        |stage, mut caller| {
            let mut bytes = stage.right_answer(&caller.head).bytes();
            Frame::text("first of all").encode(false, [0; 4], &mut bytes);
            stage.send_head(&mut caller.link, &bytes, usize::MAX);
            let mut session = Session::new(stage.context(), caller.link, None);
            text_back(&mut session, "first of all")?;
            well(session, "It came back.")
        },
    );
    case(
        "interim-answers",
        &rules::ANSWER_STATUS,
        Level::Should,
        "A 103 before the right answer is passed over.",
        |stage, mut caller| {
            let right = stage.right_answer(&caller.head).bytes();
            let bytes = [&b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"[..], &right].concat();
            stage.send_head(&mut caller.link, &bytes, usize::MAX);
            opened(stage, caller)
        },
    );
    case(
        "no-colon",
        &rules::ANSWER_STATUS,
        Level::Must,
        "An answer with a field without a colon fails the connection.",
        |stage, mut caller| {
            let text = String::from_utf8_lossy(&stage.right_answer(&caller.head).bytes()).replacen(
                "Upgrade:",
                "NoColon\r\nUpgrade:",
                1,
            );
            stage.send_head(&mut caller.link, text.as_bytes(), usize::MAX);
            is_not_opened(stage, caller.link)
        },
    );
    case(
        "value-with-nul",
        &rules::ANSWER_STATUS,
        Level::Safety,
        "An answer with NUL in a value fails the connection.",
        |stage, mut caller| {
            let bytes = stage.right_answer(&caller.head).add("X-Name", "a\0b").bytes();
            stage.send_head(&mut caller.link, &bytes, usize::MAX);
            is_not_opened(stage, caller.link)
        },
    );
    case(
        "nonsense",
        &rules::ANSWER_STATUS,
        Level::Must,
        "Nonsense in place of an answer fails the connection.",
        |stage, mut caller| {
            let mut bytes = stage.octets(300);
            bytes.extend_from_slice(b"\r\n\r\n");
            stage.send_head(&mut caller.link, &bytes, usize::MAX);
            is_not_opened(stage, caller.link)
        },
    );
    case(
        "no-answer",
        &rules::ANSWER_STATUS,
        Level::Must,
        "A stream that ends before the answer fails the connection.",
        |stage, mut caller| {
            let bytes = stage.right_answer(&caller.head).bytes();
            stage.send_head(&mut caller.link, &bytes[..bytes.len() - 3], usize::MAX);
            caller.link.turn(stage.soon(), false);
            caller.link.shut();
            is_not_opened(stage, caller.link)
        },
    );
    case(
        "endless-head",
        &rules::LIMITS,
        Level::Safety,
        "An answer's head without an end is given up long before 16 MiB of it.",
        |stage, mut caller| {
            let head = stage.right_answer(&caller.head).bytes();
            caller.link.queue(&head[..head.len() - 2], usize::MAX);
            match endless(stage, &mut caller.link) {
                Some(sent) => Ok(Finding::ok(format!("It was ended after {sent} B at most."))),
                None => Err(Finding::failed("The client took all of it.")),
            }
        },
    );
    case(
        "waits-for-answer",
        &rules::CLIENT_WAITS,
        Level::Must,
        "A client sends nothing before the answer.",
        |stage, mut caller| {
            let until = stage.within(Duration::from_millis(200));
            caller.link.turn(until, true);
            let early = [caller.rest.clone(), caller.link.take_arrived()].concat();
            if !early.is_empty() {
                return Err(Finding::failed("The client sent something before the answer."));
            }
            let bytes = stage.right_answer(&caller.head).bytes();
            stage.send_head(&mut caller.link, &bytes, usize::MAX);
            opened(stage, caller)
        },
    );
    cases
}
