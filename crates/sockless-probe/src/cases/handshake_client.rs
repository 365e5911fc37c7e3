//! The opening handshake of a client: its request, and every way in which an answer can be wrong.

use std::time::Duration;

use super::Entry;
use super::expect::{Outcome, alive, echo, text_back, well};
use super::handshake_limits::endless;
use super::rules;
use crate::exchange::Session;
use crate::model::{Case, Finding, Level, Rule, Testee, Weight};
use crate::stage::{Caller, Stage};
use crate::wire::frame::Frame;
use crate::wire::head::Ask;
use crate::wire::link::{Link, Turn};

const CHAPTER: &str = "handshake";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = requests();
    cases.extend(accepted());
    cases.extend(refused());
    cases.extend(raw());
    cases
}

/// After a wrong answer: whether the client takes the connection for open. A message follows, which nobody may send back.
pub(super) fn is_not_opened(stage: &Stage<'_>, mut link: Link) -> Outcome {
    let hello = Frame::text("are you open?");
    let mut bytes = Vec::new();
    hello.encode(false, [0; 4], &mut bytes);
    stage.note("a text frame follows, in case it is taken for open");
    link.queue(bytes, usize::MAX);
    let until = stage.soon();
    loop {
        let arrived = link.take_arrived();
        // A Close frame is a way of failing; anything else is a connection that is open.
        if let Some(first) = arrived.first()
            && first & 0xF != 0x8
        {
            let shown = crate::wire::frame::excerpt(&arrived);
            return Err(Finding::failed(format!(
                "The client took the connection for open: {shown}."
            )));
        }
        if !arrived.is_empty() {
            return Ok(Finding::non_strict("The client closed as if the connection were open."));
        }
        if link.ended().is_some() {
            return Ok(Finding::ok("The client closed the stream."));
        }
        if link.turn(until, true) == Turn::TimedOut {
            return Ok(Finding::non_strict("The client did nothing, and left the stream open."));
        }
    }
}

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

fn refused() -> Vec<Case> {
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
    let mut session = Session::new(stage, caller.link, None);
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
            let mut session = Session::new(stage, caller.link, None);
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

/// What a client's request has to be.
fn requests() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut look = |id: &str,
                    rule: &'static Rule,
                    says: &str,
                    check: fn(&Caller) -> Result<String, String>| {
        let entry = Entry::new(CHAPTER, format!("handshake.request-{id}"), rule, says);
        cases.push(entry.only(Testee::Client).case(move |stage| {
            let mut caller = stage.caller()?;
            let checked = check(&caller);
            let answer = stage.right_answer(&caller.head);
            stage.send_head(&mut caller.link, &answer.bytes(), usize::MAX);
            let mut session = Session::new(stage, caller.link, None);
            echo(&mut session, "how do you do?")?;
            let said = checked.map_err(Finding::failed)?;
            well(session, &said)
        }));
    };
    look(
        "line",
        &rules::REQUEST_OF_CLIENT,
        "The request is a GET in HTTP/1.1 with a path.",
        |caller| {
            let line = &caller.head.line;
            let parts: Vec<&str> = line.split(' ').collect();
            match parts[..] {
                ["GET", target, "HTTP/1.1"] if target.starts_with('/') => Ok("It is.".to_owned()),
                _ => Err(format!("Its line is {line:?}.")),
            }
        },
    );
    look("host", &rules::HOST, "The request has one Host.", |caller| {
        match caller.head.all("Host").collect::<Vec<_>>()[..] {
            [host] if !host.is_empty() => Ok(format!("It is {host}.")),
            ref hosts => Err(format!("It has {hosts:?}.")),
        }
    });
    look("upgrade", &rules::UPGRADE, "The request has Upgrade: websocket.", |caller| match caller
        .head
        .has_token("Upgrade", "websocket")
    {
        true => Ok("It has.".to_owned()),
        false => Err("It hasn't.".to_owned()),
    });
    look(
        "connection",
        &rules::CONNECTION,
        "The request's Connection has the token Upgrade.",
        |caller| match caller.head.has_token("Connection", "upgrade") {
            true => Ok("It has.".to_owned()),
            false => Err("It hasn't.".to_owned()),
        },
    );
    look("version", &rules::VERSION, "The request has Sec-WebSocket-Version: 13 once.", |caller| {
        match caller.head.all("Sec-WebSocket-Version").collect::<Vec<_>>()[..] {
            ["13"] => Ok("It has.".to_owned()),
            ref others => Err(format!("It has {others:?}.")),
        }
    });
    look(
        "key",
        &rules::NONCE_OF_CLIENT,
        "The request's key is 16 octets in base64, once.",
        |caller| match caller.head.all("Sec-WebSocket-Key").collect::<Vec<_>>()[..] {
            [key] if is_key(key) => Ok("It is.".to_owned()),
            ref keys => Err(format!("The keys are {keys:?}.")),
        },
    );
    look(
        "key-fresh",
        &rules::NONCE_OF_CLIENT,
        "The request's key is another one for every connection.",
        |caller| match caller.repeated_key {
            false => Ok("No other connection had it.".to_owned()),
            true => Err("An earlier connection had the same key.".to_owned()),
        },
    );
    let entry = Entry::new(
        CHAPTER,
        "framing.fresh-masking-keys",
        &rules::FRESH_KEYS,
        "A client masks every frame by a fresh key.",
    );
    cases.push(entry.only(Testee::Client).case(|stage| {
        let mut session = stage.open()?;
        session.tap = Some(Vec::new());
        for i in 0..40 {
            echo(&mut session, &format!("message {i}"))?;
        }
        let bytes = session.tap.take().unwrap_or_default();
        let mut keys: Vec<[u8; 4]> = Vec::new();
        let mut rest = &bytes[..];
        while let Ok(Some((header, len))) = sockless::frame::Header::decode(rest) {
            keys.extend(header.mask);
            rest = rest.get(len + header.len as usize..).unwrap_or_default();
        }
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        if count >= 20 && keys.len() + 1 < count {
            let different = keys.len();
            return Err(Finding::failed(format!(
                "Of {count} keys only {different} are different."
            )));
        }
        well(session, &format!("{count} frames had {} different keys.", keys.len()))
    }));
    let entry = Entry::new(
        CHAPTER,
        "handshake.redirect-elsewhere",
        &rules::ANSWER_STATUS,
        "A redirect does not open the stream that it came on.",
    );
    cases.push(entry.only(Testee::Client).case(|stage| {
        let mut caller = stage.caller()?;
        let answer =
            "HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";
        stage.send_head(&mut caller.link, answer.as_bytes(), usize::MAX);
        is_not_opened(stage, caller.link)
    }));
    cases
}

/// Whether this is sixteen octets in base64.
fn is_key(key: &str) -> bool {
    let in_alphabet = |c: char| c.is_ascii_alphanumeric() || c == '+' || c == '/';
    key.len() == 24 && key.ends_with("==") && key[..22].chars().all(in_alphabet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_twenty_two_characters_and_its_padding() {
        assert!(is_key("dGhlIHNhbXBsZSBub25jZQ=="));
        assert!(!is_key("dGhlIHNhbXBsZSBub25jZQ"));
        assert!(!is_key("dGhlIHNhbXBsZSBub25jZ!=="));
    }
}
