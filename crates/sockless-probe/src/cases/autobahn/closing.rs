//! Group 7: the closing handshake.

use std::time::Duration;

use super::script::{After, Script, Seen, Step, frames};
use super::scripted::scripted;
use super::text::WORD;
use crate::case::Case;
use crate::cases::rules;
use crate::verdict::Rule;
use crate::wire::frame::{CLOSE, CONTINUATION, FIN, Frame, PING, TEXT, close_body};

const HELLO: &[u8] = b"Hello World!";

fn script(steps: Vec<Step>, ok: Vec<Seen>, codes: &[u16], clean: bool) -> Script {
    let mut script = Script::closed(steps, ok);
    script.expected.codes = codes.to_vec();
    script.expected.clean = clean;
    script.no_close = true;
    script.code_matters = true;
    script.after = After::Kill(Duration::from_secs(1));
    script
}

fn case(id: &str, rule: &'static Rule, says: &str, script: Script) -> Case {
    scripted(format!("7.{id}"), rule, says, script)
}

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = around_close();
    cases.extend(bodies());
    cases.extend(codes());
    cases
}

/// 7.1: what is sent before and after the Close frame.
fn around_close() -> Vec<Case> {
    let normal = || Step::Close(close_body(1000, b""));
    let one = |first: u8, payload: &[u8]| frames(vec![Frame::new(first, payload)]);
    let rule = &rules::CLOSE_ANSWER;
    let echo = vec![Seen::Text(HELLO.to_vec())];
    let mut first = script(vec![one(FIN | TEXT, HELLO)], echo.clone(), &[1000], true);
    first.no_close = false;
    let after = |frame| script(vec![normal(), frame], vec![], &[1000], true);
    let inside = vec![one(TEXT, b"fragment1"), normal(), one(FIN | CONTINUATION, b"fragment2")];
    let large: Vec<u8> = b"BAsd7&jh23".iter().copied().cycle().take(256 << 10).collect();
    let large =
        vec![one(FIN | TEXT, &large), one(FIN | TEXT, HELLO), normal(), one(FIN | PING, b"")];
    let mut last = script(large, echo, &[1000], true);
    last.informational = true;
    vec![
        case("1.1", rule, "A message comes back, and the connection is closed.", first),
        case("1.2", rule, "A second Close frame changes nothing.", after(one(FIN | CLOSE, b""))),
        case(
            "1.3",
            rule,
            "A Ping after the Close frame changes nothing.",
            after(one(FIN | PING, b"")),
        ),
        case(
            "1.4",
            rule,
            "A message after the Close frame does not come back.",
            after(one(FIN | TEXT, HELLO)),
        ),
        case(
            "1.5",
            rule,
            "A Close frame inside a message ends the connection.",
            script(inside, vec![], &[1000], true),
        ),
        case(
            "1.6",
            rule,
            "A large message, another, and a Close frame: what comes back is up to the testee.",
            last,
        ),
    ]
}

/// 7.3 and 7.5: bodies of Close frames.
fn bodies() -> Vec<Case> {
    let close =
        |body: Vec<u8>, codes: &[u16], clean| script(vec![Step::Close(body)], vec![], codes, clean);
    let invalid = [WORD.as_bytes(), b"\xed\xa0\x80edited"].concat();
    vec![
        case(
            "3.1",
            &rules::CLOSE_ANSWER,
            "A Close frame without a body is answered.",
            close(vec![], &[1000], true),
        ),
        case(
            "3.2",
            &rules::CLOSE_BODY,
            "A Close frame with one octet fails the connection.",
            close(b"a".to_vec(), &[1002], false),
        ),
        case(
            "3.3",
            &rules::CLOSE_ANSWER,
            "A Close frame with a code is answered.",
            close(close_body(1000, b""), &[1000], true),
        ),
        case(
            "3.4",
            &rules::CLOSE_ANSWER,
            "A Close frame with a reason is answered.",
            close(close_body(1000, HELLO), &[1000], true),
        ),
        case(
            "3.5",
            &rules::CLOSE_ANSWER,
            "A Close frame with the longest reason is answered.",
            close(close_body(1000, &[b'*'; 123]), &[1000], true),
        ),
        case(
            "3.6",
            &rules::CONTROL_FRAMES,
            "A Close frame with 126 octets fails the connection.",
            close(close_body(1000, &[b'*'; 124]), &[1002], false),
        ),
        case(
            "5.1",
            &rules::UTF8,
            "A reason that is not UTF-8 fails the connection.",
            close(close_body(1000, &invalid), &[1002, 1007], false),
        ),
    ]
}

/// 7.7, 7.9 and 7.13: codes.
fn codes() -> Vec<Case> {
    let close = |code: u16, codes: &[u16], clean| {
        script(vec![Step::Close(close_body(code, b""))], vec![], codes, clean)
    };
    let valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    let mut cases = Vec::new();
    for (n, code) in (1..).zip(valid) {
        let says = format!("The close code {code} is answered.");
        let script = close(code, &[1000, code], true);
        cases.push(case(&format!("7.{n}"), &rules::CLOSE_ANSWER, &says, script));
    }
    for (n, code) in (1..).zip([0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999]) {
        let says = format!("The close code {code} fails the connection.");
        let rule = if code < 1000 { &rules::CLOSE_CODES } else { &rules::RESERVED_CLOSE_CODES };
        cases.push(case(&format!("9.{n}"), rule, &says, close(code, &[1002], false)));
    }
    for (n, code) in (1..).zip([5000, 65535]) {
        let says = format!("What the close code {code} does is up to the testee.");
        let mut script = close(code, &[1000, code, 1002], false);
        script.informational = true;
        script.code_matters = false;
        cases.push(case(&format!("13.{n}"), &rules::CLOSE_CODES, &says, script));
    }
    cases
}
