//! Groups 9 and 10: large messages, many of them, and many fragments. What comes back is compared, octet by octet.

use std::time::Duration;

use crate::case::{Case, Weight};
use crate::cases::expect::{comes_back, end};
use crate::cases::rules;
use crate::stage::Stage;
use crate::verdict::{Closing, Finding, Level};
use crate::wire::frame::{BINARY, TEXT, fragments};

/// Content in which no place looks like another one: running numbers, as text or as octets.
fn content(text: bool, len: usize) -> Vec<u8> {
    let numbers = 0..len.div_ceil(8) as u64;
    let mut bytes: Vec<u8> = if text {
        numbers.flat_map(|n| format!("{n:07x} ").into_bytes()).collect()
    } else {
        numbers.flat_map(|n| (n | 0xFE23 << 40).to_le_bytes()).collect()
    };
    bytes.truncate(len);
    bytes
}

/// How a message is sent.
#[derive(Clone, Copy)]
struct Manner {
    text: bool,
    len: usize,
    count: usize,
    /// The length of the fragments; 0 for one frame.
    fragment: usize,
    chop: usize,
}

fn run(stage: &mut Stage<'_>, manner: Manner, wait: Duration) -> Finding {
    let Manner { text, len, count, fragment, chop } = manner;
    let mut session = match stage.open() {
        Ok(session) => session,
        Err(finding) => return Finding { closing: Closing::Failed, ..finding },
    };
    session.max_received = (len as u64 + 64) * count as u64 * 2 + (1 << 20);
    let until = stage.within(wait);
    let payload = content(text, len + 8 * count);
    let kind = if text { TEXT } else { BINARY };
    for i in 0..count {
        // Every message differs from the one before.
        let message = &payload[8 * i..8 * i + len];
        session.send_chopped(&fragments(kind, message.to_vec(), fragment), chop);
        if let Err(finding) = comes_back(&mut session, text, message, until) {
            return end(session, finding);
        }
    }
    let finding = Finding::ok(match count {
        1 => format!("The message of {len} octets came back."),
        _ => format!("All {count} messages came back."),
    });
    end(session, finding)
}

fn case(id: String, says: String, manner: Manner, wait: Duration) -> Case {
    Case {
        id,
        chapter: "autobahn",
        level: Level::Must,
        says,
        rule: &rules::FRAGMENTS,
        weight: Weight::Heavy,
        limit: wait + Duration::from_secs(10),
        only: None,
        script: Box::new(move |stage| run(stage, manner, wait)),
    }
}

pub(in crate::cases) fn cases() -> Vec<Case> {
    const ALL: usize = usize::MAX;
    let mut cases = Vec::new();
    let kinds = [(true, "text"), (false, "binary")];
    let seconds = Duration::from_secs;
    for (sub, (text, name)) in (1..).zip(kinds) {
        for (n, len) in (1..).zip([64 << 10, 256 << 10, 1 << 20, 4 << 20, 8 << 20, 16 << 20]) {
            let says = format!("A {name} message of {} KiB comes back.", len >> 10);
            let manner = Manner { text, len, count: 1, fragment: 0, chop: ALL };
            cases.push(case(format!("9.{sub}.{n}"), says, manner, seconds(100)));
        }
    }
    for (sub, (text, name)) in (3..).zip(kinds) {
        for n in 1..=9 {
            let fragment = 64 << (2 * (n - 1));
            let says =
                format!("A {name} message of 4 MiB in fragments of {fragment} B comes back.");
            let manner = Manner { text, len: 4 << 20, count: 1, fragment, chop: ALL };
            cases.push(case(format!("9.{sub}.{n}"), says, manner, seconds(100)));
        }
    }
    for (sub, (text, name)) in (5..).zip(kinds) {
        for n in 1..=6 {
            let chop = 32 << n;
            let says = format!("A {name} message of 1 MiB in writes of {chop} B comes back.");
            let manner = Manner { text, len: 1 << 20, count: 1, fragment: 0, chop };
            cases.push(case(format!("9.{sub}.{n}"), says, manner, seconds(100)));
        }
    }
    for (sub, (text, name)) in (7..).zip(kinds) {
        for (n, len) in (1..).zip([0, 16, 64, 256, 1024, 4096]) {
            let says = format!("1000 {name} messages of {len} B come back, one after the other.");
            let manner = Manner { text, len, count: 1000, fragment: 0, chop: ALL };
            cases.push(case(format!("9.{sub}.{n}"), says, manner, seconds(60)));
        }
    }
    let manner = Manner { text: true, len: 65536, count: 1, fragment: 1300, chop: ALL };
    let says = "A message of 64 KiB in fragments of 1300 B comes back.".to_owned();
    cases.push(case("10.1.1".to_owned(), says, manner, seconds(10)));
    cases
}
