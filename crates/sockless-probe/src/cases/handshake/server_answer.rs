//! The opening handshake of a server: what its answer has and has not.

use super::outcome::refusal;
use crate::case::Case;
use crate::cases::entry::Entry;
use crate::cases::expect::{Outcome, well};
use crate::cases::rules;
use crate::stage::{Stage, check_answer};
use crate::verdict::{Finding, Rule, Testee};
use crate::wire::head::{Ask, Head};

const CHAPTER: &str = "handshake";

/// How a request is changed before it is sent.
type Change = fn(&Stage<'_>, Ask) -> Ask;

/// What a right answer has and has not.
pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut look =
        |id: &str, rule: &'static Rule, says: &str, change: Change, check: fn(&Head) -> Outcome| {
            let entry = Entry::new(CHAPTER, format!("handshake.{id}"), rule, says);
            cases.push(entry.only(Testee::Server).case(move |stage| {
                let ask = change(stage, stage.ask());
                let answered = stage.answer_to(&ask)?;
                let (head, _) =
                    answered.read.as_ref().map_err(|_| Finding::failed("There is no answer."))?;
                check_answer(&ask, head).map_err(Finding::failed)?;
                check(head)
            }));
        };
    look(
        "answer-without-extensions",
        &rules::EXTENSIONS_OF_SERVER,
        "The answer names no extension where none was offered.",
        |_, ask| ask,
        |head| match head.value("Sec-WebSocket-Extensions") {
            None => Ok(Finding::ok("It names none.")),
            Some(value) => Err(Finding::failed(format!("It names {value:?}."))),
        },
    );
    look(
        "answer-unknown-extension",
        &rules::EXTENSIONS_OF_SERVER,
        "The answer doesn't name an extension that nobody knows.",
        |_, ask| ask.set("Sec-WebSocket-Extensions", "x-nobody-knows"),
        |head| match head.value("Sec-WebSocket-Extensions") {
            None => Ok(Finding::ok("It doesn't.")),
            Some(value) => Err(Finding::failed(format!("It names {value:?}."))),
        },
    );
    look(
        "answer-subprotocol-once",
        &rules::SUBPROTOCOL_OF_SERVER,
        "The answer names at most one subprotocol, out of those that were offered.",
        |_, ask| ask.add("Sec-WebSocket-Protocol", "probe-one, probe-two"),
        |head| match head.value("Sec-WebSocket-Protocol").as_deref() {
            None => Ok(Finding::ok("It names none.")),
            Some("probe-one" | "probe-two") => Ok(Finding::ok("It names one of them.")),
            Some(other) => Err(Finding::failed(format!("It names {other:?}."))),
        },
    );
    let entry = Entry::new(
        CHAPTER,
        "handshake.answer-no-subprotocol",
        &rules::SUBPROTOCOL_OF_SERVER,
        "The answer names no subprotocol where none was offered.",
    );
    cases.push(entry.only(Testee::Server).case(|stage| {
        if stage.setting.subprotocol.is_some() {
            return Ok(Finding::unimplemented("The testee is asked for a subprotocol always."));
        }
        let ask = stage.ask();
        let answered = stage.answer_to(&ask)?;
        match answered.read.as_ref().ok().and_then(|(head, _)| head.value("Sec-WebSocket-Protocol"))
        {
            None => Ok(Finding::ok("It names none.")),
            Some(value) => Err(Finding::failed(format!("It names {value:?}."))),
        }
    }));
    for key in ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA==", "/////////////////////w=="]
    {
        let says = format!("The answer follows from the key {key}.");
        let id = format!("handshake.accept-of-{}", key[..4].replace('/', "slash"));
        let entry = Entry::new(CHAPTER, id, &rules::ACCEPT, says);
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask().set("Sec-WebSocket-Key", key);
            let answered = stage.answer_to(&ask)?;
            let session = stage.opened(&ask, answered)?;
            well(session, "It does.")
        }));
    }
    for (id, value) in [
        ("semicolon-alone", "permessage-deflate;"),
        ("no-name", "; server_no_context_takeover"),
        ("two-semicolons", "permessage-deflate;; server_no_context_takeover"),
        ("no-value", "permessage-deflate; server_max_window_bits="),
        ("open-quote", "permessage-deflate; server_max_window_bits=\"10"),
        ("quoted-non-token", "permessage-deflate; server_max_window_bits=\"1 0\""),
        ("space-in-name", "permessage deflate"),
        ("slash", "permessage/deflate"),
    ] {
        let says = format!("The malformed Sec-WebSocket-Extensions {value:?} is refused.");
        let entry = Entry::new(
            CHAPTER,
            format!("handshake.extensions-{id}"),
            &rules::EXTENSION_GRAMMAR,
            says,
        );
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask().set("Sec-WebSocket-Extensions", value);
            let answered = stage.answer_to(&ask)?;
            let agreed = answered
                .read
                .as_ref()
                .ok()
                .and_then(|(head, _)| head.value("Sec-WebSocket-Extensions"));
            match (answered.status(), agreed) {
                (101, None) => {
                    Ok(Finding::non_strict("It was ignored, and the connection opened."))
                }
                (101, Some(answer)) => {
                    Err(Finding::failed(format!("It was agreed to: {answer:?}.")))
                }
                _ => refusal(&answered),
            }
        }));
    }
    cases
}
