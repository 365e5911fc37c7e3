//! The opening handshake of a client: its request, and every way in which an answer can be wrong.

use super::outcome::is_not_opened;
use crate::case::Case;
use crate::cases::entry::Entry;
use crate::cases::rules;
use crate::stage::{Caller, Stage};
use crate::verdict::{Rule, Testee};
use crate::wire::head::Ask;

const CHAPTER: &str = "handshake";

fn refuse(
    id: &str,
    rule: &'static Rule,
    says: &str,
    change: impl Fn(&Stage<'_>, &Caller, Ask) -> Ask + Send + Sync + 'static,
) -> Case {
    let says = format!("{says} fails the connection.");
    Entry::new(CHAPTER, format!("handshake.{id}"), rule, says).only(Testee::Client).case(
        move |stage| {
            let mut caller = stage.caller()?;
            let right = stage.right_answer(&caller.head);
            let answer = change(stage, &caller, right);
            stage.send_head(&mut caller.link, &answer.bytes(), usize::MAX);
            is_not_opened(stage, caller.link)
        },
    )
}

pub(in crate::cases) fn cases() -> Vec<Case> {
    let accept_of = |key: String| {
        String::from_utf8_lossy(&sockless::handshake::accept_key(key.as_bytes())).into_owned()
    };
    let mut cases = vec![
        refuse("no-upgrade", &rules::ANSWER_UPGRADE, "An answer without Upgrade", |_, _, a| {
            a.without("Upgrade")
        }),
        refuse("upgrade-other", &rules::ANSWER_UPGRADE, "Upgrade: h2c", |_, _, a| {
            a.set("Upgrade", "h2c")
        }),
        refuse("upgrade-substring", &rules::ANSWER_UPGRADE, "Upgrade: websockets", |_, _, a| {
            a.set("Upgrade", "websockets")
        }),
        refuse("upgrade-empty", &rules::ANSWER_UPGRADE, "An empty Upgrade", |_, _, a| {
            a.set("Upgrade", "")
        }),
        refuse(
            "no-connection",
            &rules::ANSWER_CONNECTION,
            "An answer without Connection",
            |_, _, a| a.without("Connection"),
        ),
        refuse("connection-other", &rules::ANSWER_CONNECTION, "Connection: close", |_, _, a| {
            a.set("Connection", "close")
        }),
        refuse(
            "connection-substring",
            &rules::ANSWER_CONNECTION,
            "Connection: not-an-upgrade",
            |_, _, a| a.set("Connection", "not-an-upgrade"),
        ),
        refuse(
            "no-accept",
            &rules::ANSWER_ACCEPT,
            "An answer without Sec-WebSocket-Accept",
            |_, _, a| a.without("Sec-WebSocket-Accept"),
        ),
        refuse(
            "accept-empty",
            &rules::ANSWER_ACCEPT,
            "An empty Sec-WebSocket-Accept",
            |_, _, a| a.set("Sec-WebSocket-Accept", ""),
        ),
        refuse(
            "accept-of-another-key",
            &rules::ANSWER_ACCEPT,
            "The Sec-WebSocket-Accept of another key",
            move |stage, _, a| a.set("Sec-WebSocket-Accept", &accept_of(stage.key())),
        ),
        refuse(
            "accept-lower-case",
            &rules::ANSWER_ACCEPT,
            "A Sec-WebSocket-Accept in lower case",
            |_, _, a| {
                let accept = a.value("Sec-WebSocket-Accept").unwrap_or_default().to_lowercase();
                a.set("Sec-WebSocket-Accept", &accept)
            },
        ),
        refuse(
            "accept-is-the-key",
            &rules::ANSWER_ACCEPT,
            "The key itself as Sec-WebSocket-Accept",
            |_, caller, a| {
                a.set(
                    "Sec-WebSocket-Accept",
                    &caller.head.value("Sec-WebSocket-Key").unwrap_or_default(),
                )
            },
        ),
        refuse(
            "accept-cut",
            &rules::ANSWER_ACCEPT,
            "A Sec-WebSocket-Accept without its last character",
            |_, _, a| {
                let accept = a.value("Sec-WebSocket-Accept").unwrap_or_default();
                let cut = accept[..accept.len().saturating_sub(1)].to_owned();
                a.set("Sec-WebSocket-Accept", &cut)
            },
        ),
        refuse(
            "accept-longer",
            &rules::ANSWER_ACCEPT,
            "A Sec-WebSocket-Accept with something after it",
            |_, _, a| {
                let longer = format!("{}x", a.value("Sec-WebSocket-Accept").unwrap_or_default());
                a.set("Sec-WebSocket-Accept", &longer)
            },
        ),
        refuse(
            "accept-twice",
            &rules::ANSWER_ONCE,
            "An answer with Sec-WebSocket-Accept twice",
            |_, _, a| {
                let accept = a.value("Sec-WebSocket-Accept").unwrap_or_default().to_owned();
                a.add("Sec-WebSocket-Accept", &accept)
            },
        ),
        refuse(
            "extension-unknown",
            &rules::ANSWER_EXTENSIONS,
            "An extension that was not offered",
            |_, _, a| a.add("Sec-WebSocket-Extensions", "x-not-offered"),
        ),
        refuse(
            "subprotocol-unknown",
            &rules::ANSWER_SUBPROTOCOL,
            "A subprotocol that was not offered",
            |_, _, a| a.set("Sec-WebSocket-Protocol", "not-offered"),
        ),
        refuse("http-1.0", &rules::ANSWER_STATUS, "An answer in HTTP/1.0", |_, _, a| Ask {
            method: "HTTP/1.0".into(),
            ..a
        }),
        refuse("http-other", &rules::ANSWER_STATUS, "An answer in HTPT/1.1", |_, _, a| Ask {
            method: "HTPT/1.1".into(),
            ..a
        }),
        refuse("status-1010", &rules::ANSWER_STATUS, "A status of four digits", |_, _, a| Ask {
            target: "1010".into(),
            ..a
        }),
        refuse("status-word", &rules::ANSWER_STATUS, "A status that is no number", |_, _, a| Ask {
            target: "1O1".into(),
            ..a
        }),
    ];
    for (status, name) in [
        (200, "OK"),
        (204, "No Content"),
        (301, "Moved Permanently"),
        (302, "Found"),
        (307, "Temporary Redirect"),
        (400, "Bad Request"),
        (401, "Unauthorized"),
        (403, "Forbidden"),
        (404, "Not Found"),
        (426, "Upgrade Required"),
        (500, "Internal Server Error"),
        (503, "Service Unavailable"),
    ] {
        cases.push(refuse(
            &format!("status-{status}"),
            &rules::ANSWER_STATUS,
            &format!("The status {status}, with everything else right,"),
            move |_, _, a| {
                let a = Ask { target: status.to_string(), version: name.to_owned(), ..a };
                // Where it may lead is nobody's business here: nothing listens there.
                if (300..400).contains(&status) {
                    a.add("Location", "ws://127.0.0.1:9/")
                } else {
                    a
                }
            },
        ));
    }
    cases
}
