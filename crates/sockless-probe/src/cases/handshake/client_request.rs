//! The opening handshake of a client: what its request has to be, and the keys of its frames.

use super::outcome::is_not_opened;
use crate::case::Case;
use crate::cases::entry::Entry;
use crate::cases::expect::{echo, well};
use crate::cases::rules;
use crate::exchange::Session;
use crate::stage::Caller;
use crate::verdict::{Finding, Rule, Testee};

const CHAPTER: &str = "handshake";

/// What a client's request has to be.
pub(in crate::cases) fn cases() -> Vec<Case> {
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
            let mut session = Session::new(stage.context(), caller.link, None);
            echo(&mut session, "how do you do?")?;
            let said = checked.map_err(Finding::failed)?;
            well(session, &said)
        }));
    };
    look(
        "line",
        &rules::REQUEST_OF_CLIENT,
        "The request is a GET in HTTP/1.1 with a path, or with the whole URI of what is asked for.",
        |caller| {
            let line = &caller.head.line;
            let parts: Vec<&str> = line.split(' ').collect();
            match parts[..] {
                ["GET", _, "HTTP/1.1"] if !caller.head.resource_name().is_empty() => {
                    Ok("It is.".to_owned())
                }
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
