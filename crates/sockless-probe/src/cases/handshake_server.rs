//! The opening handshake of a server: requests that are right in every way, and wrong in every way.

use super::expect::{Outcome, alive, well};
use super::rules;
use super::{Entry, handshake_limits};
use crate::model::{Case, Finding, Level, Rule, Testee};
use crate::stage::{Answered, Stage, check_answer};
use crate::wire::head::{Ask, base64};

const CHAPTER: &str = "handshake";

/// How a request is changed before it is sent.
type Change = fn(&Stage<'_>, Ask) -> Ask;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = accepted();
    cases.extend(refused());
    cases.extend(grammar());
    cases.extend(versions());
    cases.extend(answers());
    cases.extend(handshake_limits::cases());
    cases
}

/// A request that has to be refused: what its answer is worth.
pub(super) fn refusal(answered: &Answered) -> Outcome {
    let said = answered.describe();
    match (answered.status(), &answered.read) {
        (101, _) => Err(Finding::failed("The server opened a connection.")),
        (0, Ok(_)) => Err(Finding::failed(format!("The answer is no HTTP: {said}."))),
        (0, Err(None)) => {
            Ok(Finding::non_strict("The server neither refused nor accepted in time."))
        }
        (0, Err(_)) => Ok(Finding::non_strict(format!("It refused without saying so: {said}."))),
        _ => Ok(Finding::ok(format!("It refused: {said}."))),
    }
}

fn refuse(id: &str, rule: &'static Rule, says: &str, change: Change) -> Case {
    let says = format!("{says} is refused.");
    Entry::new(CHAPTER, format!("handshake.{id}"), rule, says).only(Testee::Server).case(
        move |stage| {
            let ask = change(stage, stage.ask());
            refusal(&stage.answer_to(&ask)?)
        },
    )
}

fn accept(id: &str, rule: &'static Rule, says: &str, change: Change) -> Case {
    let says = format!("{says} is accepted.");
    Entry::new(CHAPTER, format!("handshake.{id}"), rule, says).only(Testee::Server).case(
        move |stage| {
            let ask = change(stage, stage.ask());
            let answered = stage.answer_to(&ask)?;
            let mut session = stage.opened(&ask, answered)?;
            alive(&mut session)?;
            well(session, "The connection was opened.")
        },
    )
}

fn accepted() -> Vec<Case> {
    vec![
        accept("right", &rules::ACCEPT, "A right request", |_, ask| ask),
        accept(
            "field-names-lower",
            &rules::STOP_PROCESSING,
            "A request with field names in lower case",
            |_, mut ask| {
                for (name, _) in &mut ask.fields {
                    *name = name.to_lowercase();
                }
                ask
            },
        ),
        accept(
            "field-names-upper",
            &rules::STOP_PROCESSING,
            "A request with field names in upper case",
            |_, mut ask| {
                for (name, _) in &mut ask.fields {
                    *name = name.to_uppercase();
                }
                ask
            },
        ),
        accept(
            "fields-reversed",
            &rules::STOP_PROCESSING,
            "A request with its fields in another order",
            |_, mut ask| {
                ask.fields[1..].reverse();
                ask
            },
        ),
        accept("upgrade-case", &rules::UPGRADE, "Upgrade: WebSocket", |_, ask| {
            ask.set("Upgrade", "WebSocket")
        }),
        accept("connection-case", &rules::CONNECTION, "Connection: upgrade", |_, ask| {
            ask.set("Connection", "upgrade")
        }),
        accept(
            "connection-list",
            &rules::CONNECTION,
            "Connection: keep-alive, Upgrade",
            |_, ask| ask.set("Connection", "keep-alive, Upgrade"),
        ),
        accept(
            "connection-two-fields",
            &rules::CONNECTION,
            "A Connection in two fields",
            |_, ask| ask.set("Connection", "keep-alive").add("Connection", "Upgrade"),
        ),
        accept(
            "connection-empty-elements",
            &rules::CONNECTION,
            "A Connection with empty elements",
            |_, ask| ask.set("Connection", ", ,Upgrade,"),
        ),
        accept(
            "unknown-field",
            &rules::STOP_PROCESSING,
            "A request with fields that nobody knows",
            |_, ask| ask.add("X-Unknown", "value").add("X-Empty", ""),
        ),
        accept(
            "origin",
            &rules::STOP_PROCESSING,
            "A request with the server's own Origin",
            |stage, ask| ask.add("Origin", &format!("http://{}", stage.setting.host)),
        ),
        accept(
            "key-of-the-rfc",
            &rules::KEY,
            "The key that the RFC prints, with bits beyond its octets",
            |_, ask| ask.set("Sec-WebSocket-Key", "AQIDBAUGBwgJCgsMDQ4PEC=="),
        ),
        accept(
            "value-with-spaces",
            &rules::STOP_PROCESSING,
            "A value with spaces and tabs around it",
            |_, ask| ask.set("Upgrade", " \t websocket \t "),
        ),
        accept("query", &rules::METHOD, "A target with a query", |_, mut ask| {
            ask.target.push_str(if ask.target.contains('?') { "&probe=1" } else { "?probe=1" });
            ask
        }),
        accept(
            "extension-unknown",
            &rules::EXTENSIONS_OF_SERVER,
            "An offer of an extension that nobody knows",
            |_, ask| ask.set("Sec-WebSocket-Extensions", "x-nobody-knows; a=1; b=\"2\""),
        ),
        accept("value-long", &rules::STOP_PROCESSING, "A field of 2 KiB", |_, ask| {
            ask.add("Cookie", &"c".repeat(2048))
        }),
        accept(
            "value-octets",
            &rules::STOP_PROCESSING,
            "A value with octets beyond ASCII",
            |_, ask| ask.add("X-Name", "Grüße"),
        ),
    ]
}

fn refused() -> Vec<Case> {
    let mut cases = vec![
        refuse("no-upgrade", &rules::UPGRADE, "A request without Upgrade", |_, ask| {
            ask.without("Upgrade")
        }),
        refuse("upgrade-other", &rules::UPGRADE, "Upgrade: h2c", |_, ask| {
            ask.set("Upgrade", "h2c")
        }),
        refuse("upgrade-empty", &rules::UPGRADE, "An empty Upgrade", |_, ask| {
            ask.set("Upgrade", "")
        }),
        refuse("upgrade-substring", &rules::UPGRADE, "Upgrade: websockets", |_, ask| {
            ask.set("Upgrade", "websockets")
        }),
        refuse("no-connection", &rules::CONNECTION, "A request without Connection", |_, ask| {
            ask.without("Connection")
        }),
        refuse("connection-other", &rules::CONNECTION, "Connection: keep-alive", |_, ask| {
            ask.set("Connection", "keep-alive")
        }),
        refuse(
            "connection-substring",
            &rules::CONNECTION,
            "Connection: not-an-upgrade",
            |_, ask| ask.set("Connection", "not-an-upgrade"),
        ),
        refuse("connection-empty", &rules::CONNECTION, "An empty Connection", |_, ask| {
            ask.set("Connection", "")
        }),
        refuse("no-key", &rules::KEY, "A request without a key", |_, ask| {
            ask.without("Sec-WebSocket-Key")
        }),
        refuse("key-empty", &rules::KEY, "An empty key", |_, ask| ask.set("Sec-WebSocket-Key", "")),
        refuse("key-15-octets", &rules::KEY, "A key of 15 octets", |_, ask| {
            ask.set("Sec-WebSocket-Key", &base64(&[7; 15]))
        }),
        refuse("key-17-octets", &rules::KEY, "A key of 17 octets", |_, ask| {
            ask.set("Sec-WebSocket-Key", &base64(&[7; 17]))
        }),
        refuse("key-32-octets", &rules::KEY, "A key of 32 octets", |_, ask| {
            ask.set("Sec-WebSocket-Key", &base64(&[7; 32]))
        }),
        refuse("key-no-base64", &rules::KEY, "A key that is not base64", |_, ask| {
            ask.set("Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!==")
        }),
        refuse("key-without-padding", &rules::KEY, "A key without its padding", |_, ask| {
            ask.set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ")
        }),
        refuse("key-with-space-inside", &rules::KEY, "A key with a space inside", |_, ask| {
            ask.set("Sec-WebSocket-Key", "dGhlIHNhbXBs ZSBub25jZQ==")
        }),
        refuse("key-twice", &rules::KEY_ONCE, "A request with two keys", |_, ask| {
            ask.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
        }),
        refuse(
            "key-twice-equal",
            &rules::KEY_ONCE,
            "A request with the same key twice",
            |_, ask| {
                let key = ask.value("Sec-WebSocket-Key").unwrap_or_default().to_owned();
                ask.add("Sec-WebSocket-Key", &key)
            },
        ),
        refuse("no-version", &rules::VERSION, "A request without a version", |_, ask| {
            ask.without("Sec-WebSocket-Version")
        }),
        refuse("version-twice", &rules::VERSION, "A request with two versions", |_, ask| {
            ask.add("Sec-WebSocket-Version", "8")
        }),
        refuse("no-host", &rules::HOST, "A request without Host", |_, ask| ask.without("Host")),
        refuse("host-twice", &rules::HOST, "A request with two Hosts", |_, ask| {
            ask.add("Host", "other.example")
        }),
        refuse("http-1.0", &rules::METHOD, "HTTP/1.0", |_, ask| Ask {
            version: "HTTP/1.0".into(),
            ..ask
        }),
        refuse("http-0.9", &rules::METHOD, "HTTP/0.9", |_, ask| Ask {
            version: "HTTP/0.9".into(),
            ..ask
        }),
        refuse("http-other", &rules::METHOD, "HTPT/1.1", |_, ask| Ask {
            version: "HTPT/1.1".into(),
            ..ask
        }),
        refuse("http-no-version", &rules::METHOD, "A request line without a version", |_, ask| {
            Ask { version: String::new(), ..ask }
        }),
    ];
    for (id, method) in [
        ("post", "POST"),
        ("put", "PUT"),
        ("head", "HEAD"),
        ("delete", "DELETE"),
        ("options", "OPTIONS"),
        ("patch", "PATCH"),
        ("lower-case", "get"),
        ("unknown", "WEBSOCKET"),
    ] {
        let entry = Entry::new(
            CHAPTER,
            format!("handshake.method-{id}"),
            &rules::METHOD,
            format!("The method {method} is refused."),
        );
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = Ask { method: method.to_owned(), ..stage.ask() };
            refusal(&stage.answer_to(&ask)?)
        }));
    }
    cases
}

/// Requests whose bytes are wrong.
fn grammar() -> Vec<Case> {
    let raw: [(&str, &str, fn(&Ask) -> Vec<u8>); 17] = [
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

/// What a right answer has and has not.
fn answers() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut look = |id: &str,
                    rule: &'static Rule,
                    says: &str,
                    change: Change,
                    check: fn(&crate::wire::head::Head) -> Outcome| {
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
