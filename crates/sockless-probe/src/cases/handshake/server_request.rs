//! The opening handshake of a server: requests that are right in every way, and wrong in every way.

use super::outcome::refusal;
use crate::case::Case;
use crate::cases::entry::Entry;
use crate::cases::expect::{alive, well};
use crate::cases::rules;
use crate::stage::Stage;
use crate::verdict::{Rule, Testee};
use crate::wire::head::{Ask, base64};

const CHAPTER: &str = "handshake";

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = accepted();
    cases.extend(refused());
    cases
}

/// How a request is changed before it is sent.
type Change = fn(&Stage<'_>, Ask) -> Ask;

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
