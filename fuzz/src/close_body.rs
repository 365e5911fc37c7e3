//! The body of a Close frame: received by both roles, and sent.

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use sockless::connection::{Cause, CloseStatus, Failure, Initiator, SendError};
use sockless::frame::{Limits, Misuse, Violation};
use sockless::{Client, CloseCode, Event, Input, Server};

use crate::cuts::Cuts;
use crate::endpoint::Endpoint;
use crate::reference::{self, Item};
use crate::wire::frame;

#[derive(Arbitrary, Debug)]
struct Case {
    cuts: Cuts,
    key: [u8; 4],
    code: Option<u16>,
    reason: Reason,
}

#[derive(Arbitrary, Debug)]
enum Reason {
    Text(String),
    Bytes(Vec<u8>),
    Long(u8),
}

pub fn check(data: &[u8]) {
    for cuts in [Cuts::single(), Cuts::whole()] {
        receive::<Server>(data, [1, 2, 3, 4], &cuts);
        receive::<Client>(data, [0; 4], &cuts);
    }
    let Some(Case { cuts, key, code, reason }) = crate::input(data) else { return };
    let reason = match reason {
        Reason::Text(text) => text.into_bytes(),
        Reason::Bytes(bytes) => bytes,
        Reason::Long(len) => vec![b'r'; len.into()],
    };
    let body = [&code.map_or(Vec::new(), |code| code.to_be_bytes().to_vec()), &reason[..]].concat();
    receive::<Server>(&body, key, &cuts);
    receive::<Client>(&body, key, &cuts);
    if let Ok(reason) = std::str::from_utf8(&reason) {
        send::<Server>(code, reason);
        send::<Client>(code, reason);
    }
}

/// What may stand in the body, straight from sections 5.5.1 and 7.4.
fn judge(body: &[u8]) -> Result<(Option<u16>, &str), Violation> {
    let (code, reason) = match body {
        [] => return Ok((None, "")),
        [_] => return Err(Violation::TruncatedCloseCode),
        [high, low, reason @ ..] => (u16::from(*high) * 256 + u16::from(*low), reason),
    };
    let known = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
    if !known.contains(&code) && !(3000..=4999).contains(&code) {
        return Err(Violation::ForbiddenCloseCode);
    }
    match std::str::from_utf8(reason) {
        Ok(reason) => Ok((Some(code), reason)),
        Err(_) => Err(Violation::InvalidReason),
    }
}

fn receive<R: Endpoint>(body: &[u8], key: [u8; 4], cuts: &Cuts) {
    let body = &body[..body.len().min(125)];
    let expected = judge(body);
    let mut bytes = frame(0x88, (!R::MASKS).then_some(key), body);
    bytes.extend(frame(0x89, (!R::MASKS).then_some(key), b"behind it"));
    let mut conn = R::open(&Arc::default());
    let mut ends = 0;
    for read in cuts.reads(bytes.len()) {
        let mut input = Input::new(&mut bytes[read]);
        while let Some(event) = conn.poll(&mut input, Duration::ZERO) {
            ends += 1;
            match event {
                Event::Closing(closing) => {
                    let told = (closing.code.map(u16::from), &*closing.reason);
                    assert_eq!(Ok(told), expected);
                }
                Event::Failed(Failure::Violation(violation)) => {
                    assert_eq!(Err(violation), expected);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(input.is_empty());
    }
    assert_eq!(ends, 1, "one end, and nothing behind it");
    let code = match expected {
        Ok((code, _)) => code,
        Err(violation) => Some(reference::close_code(violation)),
    };
    let output = conn.output().to_vec();
    let (answer, wrong) = reference::decode(&output, R::MASKS, &Limits::DEFAULT);
    let [Item::Close(answered, reason)] = &answer[..] else { panic!("{answer:?}") };
    // A Close frame is answered without a reason; one that can't be read gets the reason.
    assert_eq!((*answered, reason.is_empty(), wrong), (code, expected.is_ok(), None));
    conn.wrote(output.len());
    let outcome = conn.outcome();
    assert_eq!(outcome.clean(), expected.is_ok());
    assert_eq!(outcome.sent.number(), code.unwrap_or(1005));
    match expected {
        Ok((code, _)) => {
            assert_eq!(outcome.received.number(), code.unwrap_or(1005));
            assert_eq!(
                (outcome.cause, outcome.initiator),
                (Cause::Closed, Some(Initiator::Remote))
            );
        }
        Err(violation) => {
            assert_eq!(outcome.received, CloseStatus::Absent);
            assert_eq!(outcome.cause, Cause::Failed(violation.into()));
        }
    }
}

fn send<R: Endpoint>(code: Option<u16>, reason: &str) {
    let code = match code {
        None => None,
        Some(code) => match CloseCode::new(code) {
            // No value of the type stands for a code that may not be sent.
            None => {
                return assert_eq!(judge(&code.to_be_bytes()), Err(Violation::ForbiddenCloseCode));
            }
            code => code,
        },
    };
    let mut conn = R::open(&Arc::default());
    let sent = conn.close(code, reason, Duration::ZERO);
    let fits = if code.is_some() { reason.len() <= 123 } else { reason.is_empty() };
    assert_eq!(sent.is_ok(), fits, "{sent:?}");
    if !fits {
        assert!(conn.output().is_empty(), "nothing was queued");
        assert_eq!(conn.send_text("unharmed"), Ok(()));
        return;
    }
    let close = Item::Close(code.map(u16::from), reason.to_owned());
    let decoded = reference::decode(conn.output(), R::MASKS, &Limits::DEFAULT);
    assert_eq!(decoded, (vec![close], None));
    let again = conn.close(code, reason, Duration::ZERO);
    assert_eq!(again, Err(SendError::Misuse(Misuse::Closed)));
}
