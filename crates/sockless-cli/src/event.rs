//! What there is to be seen of a connection, and how it is printed: as lines for people and pipes, or as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::screen::{is_harmful, readable};

/// Something that has happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    /// The connection is open.
    Opened {
        place: &'a str,
        subprotocol: Option<&'a str>,
        compression: Option<&'a str>,
    },
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong {
        payload: &'a [u8],
        round_trip: Option<Duration>,
    },
    /// The connection has ended after it was open: the peer's code and reason, if there were any, and whether both had said goodbye.
    Closed {
        code: Option<u16>,
        reason: &'a str,
        clean: bool,
        why: &'a str,
    },
    /// The server answered otherwise.
    Refused {
        status: u16,
        fields: &'a [(String, String)],
        body: &'a [u8],
    },
    /// It wasn't opened, for another reason.
    Failed {
        status: u8,
        why: &'a str,
    },
    /// The next try comes after this time.
    Retrying {
        after: Duration,
    },
}

/// How events are printed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) json: bool,
    /// Binary messages are printed as they are.
    pub(crate) binary: bool,
    /// Without a line end after a binary message that is printed as it is: there is only one.
    pub(crate) only_one: bool,
    /// It is a terminal that prints: nothing may command it.
    pub(crate) terminal: bool,
}

impl Style {
    /// What is to be printed, if anything. `client` is its number, for a server.
    pub(crate) fn print(self, seen: &Seen<'_>, client: Option<u64>) -> Option<Vec<u8>> {
        if self.json {
            return Some(json(seen, client).into_bytes());
        }
        let mut out = match *seen {
            Seen::Text(text) if self.terminal => readable(text).into_owned().into_bytes(),
            Seen::Text(text) => text.as_bytes().to_vec(),
            Seen::Binary(bytes) if self.binary && !self.terminal => bytes.to_vec(),
            Seen::Binary(bytes) => {
                bytes.iter().fold("0x".to_owned(), |out, byte| format_byte(out, *byte)).into_bytes()
            }
            _ => return None,
        };
        let exact =
            matches!(seen, Seen::Binary(_)) && self.binary && self.only_one && !self.terminal;
        if !exact {
            out.push(b'\n');
        }
        Some(out)
    }
}

fn format_byte(mut out: String, byte: u8) -> String {
    let _ = write!(out, "{byte:02x}");
    out
}

/// An event as a JSON object on a line.
fn json(seen: &Seen<'_>, client: Option<u64>) -> String {
    let mut object = Object::new();
    let base64 = |bytes| STANDARD.encode(bytes);
    let seconds = |time: Duration| time.as_secs_f64().to_string();
    object.text(
        "event",
        match seen {
            Seen::Opened { .. } => "opened",
            Seen::Text(_) | Seen::Binary(_) => "message",
            Seen::Ping(_) => "ping",
            Seen::Pong { .. } => "pong",
            Seen::Closed { .. } => "closed",
            Seen::Refused { .. } => "refused",
            Seen::Failed { .. } => "failed",
            Seen::Retrying { .. } => "retrying",
        },
    );
    if let Some(client) = client {
        object.raw("client", &client.to_string());
    }
    match *seen {
        Seen::Opened { place, subprotocol, compression } => {
            object.text(if client.is_some() { "target" } else { "url" }, place);
            object.text_or_null("subprotocol", subprotocol);
            object.text_or_null("compression", compression);
        }
        Seen::Text(text) => object.text("text", text),
        Seen::Binary(bytes) | Seen::Ping(bytes) => object.text("base64", &base64(bytes)),
        Seen::Pong { payload, round_trip } => {
            object.text("base64", &base64(payload));
            object.raw("seconds", &round_trip.map_or("null".into(), seconds));
        }
        Seen::Closed { code, reason, clean, why } => {
            object.raw("code", &code.map_or("null".into(), |code| code.to_string()));
            object.text("reason", reason);
            object.raw("clean", if clean { "true" } else { "false" });
            object.text("why", why);
        }
        Seen::Refused { status, fields, body } => {
            object.raw("status", &status.to_string());
            let pairs: Vec<_> = fields
                .iter()
                .map(|(name, value)| format!("[{},{}]", quoted(name), quoted(value)))
                .collect();
            object.raw("fields", &format!("[{}]", pairs.join(",")));
            object.text("base64", &base64(body));
        }
        Seen::Failed { status, why } => {
            object.raw("status", &status.to_string());
            object.text("why", why);
        }
        Seen::Retrying { after } => object.raw("seconds", &seconds(after)),
    }
    object.end()
}

/// A JSON object that grows.
struct Object(String);

impl Object {
    fn new() -> Self {
        Self("{".into())
    }

    fn raw(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        let _ = write!(self.0, "{}:{value}", quoted(name));
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &quoted(value));
    }

    fn text_or_null(&mut self, name: &str, value: Option<&str>) {
        self.raw(name, &value.map_or("null".into(), quoted));
    }

    fn end(mut self) -> String {
        self.0.push_str("}\n");
        self.0
    }
}

/// A JSON string (RFC 8259, section 7). Beside what has to be escaped, that is escaped which a terminal might obey.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            // None of them is outside of the first plane.
            _ if is_harmful(c) => drop(write!(out, "\\u{:04x}", u32::from(c))),
            _ => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: Style = Style { json: false, binary: false, only_one: false, terminal: false };

    fn printed(style: Style, seen: Seen<'_>) -> String {
        String::from_utf8(style.print(&seen, None).expect("something")).expect("text")
    }

    #[test]
    fn json_strings_are_escaped_exactly() {
        assert_eq!(quoted("a\"b\\c/d"), r#""a\"b\\c/d""#);
        assert_eq!(quoted("\n\r\t\0\x1b\x7f\u{9b}"), r#""\n\r\t\u0000\u001b\u007f\u009b""#);
        assert_eq!(quoted("звёзды 😀\u{2028}\u{202e}"), "\"звёзды 😀\\u2028\\u202e\"");
    }

    #[test]
    fn events_are_json_objects_on_a_line() {
        let json = Style { json: true, ..LINES };
        for (seen, line) in [
            (Seen::Text("a\nb"), r#"{"event":"message","text":"a\nb"}"#),
            (Seen::Binary(&[0, 255]), r#"{"event":"message","base64":"AP8="}"#),
            (Seen::Ping(b""), r#"{"event":"ping","base64":""}"#),
            (
                Seen::Closed { code: None, reason: "", clean: false, why: "it was lost" },
                r#"{"event":"closed","code":null,"reason":"","clean":false,"why":"it was lost"}"#,
            ),
            (
                Seen::Refused { status: 401, fields: &[("a".into(), "\"".into())], body: b"no" },
                r#"{"event":"refused","status":401,"fields":[["a","\""]],"base64":"bm8="}"#,
            ),
        ] {
            assert_eq!(printed(json, seen), format!("{line}\n"));
        }
        let opened = Seen::Opened { place: "/", subprotocol: Some("chat"), compression: None };
        let line = json.print(&opened, Some(3)).expect("something");
        let expected =
            r#"{"event":"opened","client":3,"target":"/","subprotocol":"chat","compression":null}"#;
        assert_eq!(String::from_utf8(line).expect("text"), format!("{expected}\n"));
    }

    #[test]
    fn binary_messages_are_exact_where_they_are_alone_and_never_on_a_terminal() {
        let raw = Style { binary: true, only_one: true, ..LINES };
        assert_eq!(raw.print(&Seen::Binary(b"\x1b\xff"), None).expect("something"), b"\x1b\xff");
        assert_eq!(printed(LINES, Seen::Binary(b"\x1b\xff")), "0x1bff\n");
        let terminal = Style { terminal: true, ..raw };
        assert_eq!(printed(terminal, Seen::Binary(b"\x1b\xff")), "0x1bff\n");
        assert_eq!(printed(terminal, Seen::Text("\x1b[2J")), "\\u{1b}[2J\n");
        assert_eq!(printed(raw, Seen::Text("\x1b[2J")), "\x1b[2J\n");
    }
}
