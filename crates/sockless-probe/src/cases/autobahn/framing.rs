//! Groups 1 to 5: whole messages, pings and pongs, reserved bits, opcodes, and fragments.

use std::time::Duration;

use super::script::{After, Script, Seen, Step, frames, ping, pong};
use super::scripted::scripted;
use crate::case::Case;
use crate::cases::rules;
use crate::wire::frame::{BINARY, CLOSE, CONTINUATION, FIN, Frame, PING, PONG, TEXT};

const HELLO: &[u8] = b"Hello, world!";
const OCTETS: &[u8] = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";
const SECOND: Duration = Duration::from_secs(1);

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = group_1();
    cases.extend(group_2());
    cases.extend(group_3());
    cases.extend(group_4());
    cases.extend(group_5());
    cases
}

fn group_1() -> Vec<Case> {
    let mut cases = Vec::new();
    for (sub, kind, octet) in [(1, TEXT, b'*'), (2, BINARY, 0xFE)] {
        let lengths = [0, 125, 126, 127, 128, 65535, 65536, 65536];
        for (n, len) in (1..).zip(lengths) {
            let payload = vec![octet; len];
            let chop = if n == 8 { 997 } else { usize::MAX };
            let frame = Frame::new(FIN | kind, payload.clone());
            let seen = if kind == TEXT { Seen::Text(payload) } else { Seen::Binary(payload) };
            let mut script = Script::closed(vec![Step::Frames(vec![frame], chop)], vec![seen]);
            script.after = After::Kill(if len < 65535 { SECOND } else { 10 * SECOND });
            let name = if kind == TEXT { "text" } else { "binary" };
            let cut = if n == 8 { ", in writes of 997 octets" } else { "" };
            let says = format!("A {name} message of {len} octets comes back{cut}.");
            cases.push(scripted(format!("1.{sub}.{n}"), &rules::DATA_FRAMES, says, script));
        }
    }
    cases
}

fn group_2() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut pings = |n: u32, pongs: &[&[u8]], payloads: &[&[u8]], chop: usize, says: &str| {
        let mut sent: Vec<Frame> = pongs.iter().map(|payload| pong(payload)).collect();
        let (pings, seen): (Vec<Frame>, Vec<Seen>) =
            payloads.iter().map(|payload| ping(payload)).unzip();
        sent.extend(pings);
        let mut script = Script::closed(vec![Step::Frames(sent, chop)], seen);
        script.after = After::Close(SECOND * if payloads.len() > 1 { 3 } else { 1 });
        if payloads.is_empty() {
            script.steps.push(Step::Close(1000_u16.to_be_bytes().to_vec()));
        }
        let rule = if pongs.is_empty() { &rules::PONG_DATA } else { &rules::UNSOLICITED_PONG };
        cases.push(scripted(format!("2.{n}"), rule, says, script));
    };
    let unasked: &[u8] = b"unsolicited pong payload";
    let ten: Vec<String> = (0..10).map(|i| format!("payload-{i}")).collect();
    let ten: Vec<&[u8]> = ten.iter().map(String::as_bytes).collect();
    let all = usize::MAX;
    pings(1, &[], &[b""], all, "A Ping without payload gets its Pong.");
    pings(2, &[], &[HELLO], all, "A Ping with a text payload gets its Pong.");
    pings(3, &[], &[OCTETS], all, "A Ping with a binary payload gets its Pong.");
    pings(4, &[], &[&[0xFE; 125]], all, "A Ping with 125 octets gets its Pong.");
    pings(
        6,
        &[],
        &[&[0xFE; 125]],
        1,
        "A Ping with 125 octets that comes octet by octet gets its Pong.",
    );
    pings(7, &[b""], &[], all, "An unsolicited Pong without payload is ignored.");
    pings(8, &[unasked], &[], all, "An unsolicited Pong with a payload is ignored.");
    pings(
        9,
        &[unasked],
        &[b"ping payload"],
        all,
        "After an unsolicited Pong a Ping gets its Pong.",
    );
    pings(10, &[], &ten, all, "Ten Pings get ten Pongs, in order.");
    pings(11, &[], &ten, 1, "Ten Pings that come octet by octet get ten Pongs, in order.");
    let script = Script::failed(vec![frames(vec![Frame::ping([0xFE; 126])])], vec![], 1002);
    let says = "A Ping with 126 octets fails the connection.";
    cases.insert(4, scripted("2.5".into(), &rules::CONTROL_FRAMES, says, script));
    cases
}

/// After an echo a broken frame, and a Ping that nobody answers.
fn after_echo(wrong: Frame, sync: bool, chop: usize) -> Script {
    let sent = [Frame::new(FIN | TEXT, HELLO), wrong, Frame::ping(*b"")];
    let steps = match sync {
        true => sent.into_iter().map(|frame| frames(vec![frame])).collect(),
        false => vec![Step::Frames(sent.into(), chop)],
    };
    let mut script = Script::failed(steps, vec![Seen::Text(HELLO.to_vec())], 1002);
    script.non_strict = Some(vec![]);
    script
}

fn group_3() -> Vec<Case> {
    let alone = |first: u8, payload: &[u8]| {
        Script::failed(vec![frames(vec![Frame::new(first, payload)])], vec![], 1002)
    };
    let after =
        |rsv: u8, sync, chop| after_echo(Frame::new(FIN | rsv << 4 | TEXT, HELLO), sync, chop);
    let scripts = [
        (1, "A text frame with RSV 1", alone(FIN | 1 << 4 | TEXT, HELLO)),
        (2, "After an echo a text frame with RSV 2", after(2, false, usize::MAX)),
        (3, "After an echo, write by write, a text frame with RSV 3", after(3, true, usize::MAX)),
        (4, "After an echo, octet by octet, a text frame with RSV 4", after(4, false, 1)),
        (5, "A binary frame with RSV 5", alone(FIN | 5 << 4 | BINARY, OCTETS)),
        (6, "A binary frame with RSV 6", alone(FIN | 6 << 4 | BINARY, HELLO)),
        (7, "A Close frame with RSV 7", alone(FIN | 7 << 4 | CLOSE, b"")),
    ];
    let case = |(n, says, script): (u32, &str, Script)| {
        let says = format!("{says} fails the connection.");
        scripted(format!("3.{n}"), &rules::RESERVED_BITS, says, script)
    };
    scripts.into_iter().map(case).collect()
}

fn group_4() -> Vec<Case> {
    let mut cases = Vec::new();
    for (sub, base) in [(1, 3), (2, 11)] {
        for n in 1..=5 {
            let opcode: u8 = base + n - 1;
            let payload: &[u8] = match n {
                1 | 3 => b"",
                2 => b"reserved opcode payload",
                _ => HELLO,
            };
            let wrong = Frame::new(FIN | opcode, payload);
            let script = if n <= 2 {
                Script::failed(vec![frames(vec![wrong])], vec![], 1002)
            } else {
                after_echo(wrong, false, if n == 5 { 1 } else { usize::MAX })
            };
            let says = format!("The reserved opcode {opcode} fails the connection.");
            cases.push(scripted(format!("4.{sub}.{n}"), &rules::OPCODES, says, script));
        }
    }
    cases
}

/// How frames are written.
#[derive(Clone, Copy)]
enum Writes {
    Together,
    Apart,
    Octets,
}

impl Writes {
    const ALL: [Self; 3] = [Self::Together, Self::Apart, Self::Octets];

    fn steps(self, sent: Vec<Frame>) -> Vec<Step> {
        match self {
            Self::Together => vec![frames(sent)],
            Self::Apart => sent.into_iter().map(|frame| frames(vec![frame])).collect(),
            Self::Octets => vec![Step::Frames(sent, 1)],
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Together => "",
            Self::Apart => ", frame by frame",
            Self::Octets => ", octet by octet",
        }
    }
}

fn group_5() -> Vec<Case> {
    let frame = |first: u8, payload: &str| Frame::new(first, payload);
    let text = |payload: &str| Seen::Text(payload.as_bytes().to_vec());
    let mut cases = Vec::new();
    for (n, opcode, name) in [(1, PING, "Ping"), (2, PONG, "Pong")] {
        let sent = vec![frame(opcode, "fragment1"), frame(FIN, "fragment2")];
        let says = format!("A fragmented {name} fails the connection.");
        let script = Script::failed(vec![frames(sent)], vec![], 1002);
        cases.push(scripted(format!("5.{n}"), &rules::CONTROL_FRAMES, says, script));
    }
    let two = || vec![frame(TEXT, "fragment1"), frame(FIN, "fragment2")];
    for (n, writes) in (3..).zip(Writes::ALL) {
        let script = Script::closed(writes.steps(two()), vec![text("fragment1fragment2")]);
        let says = format!("A message in two fragments comes back{}.", writes.name());
        cases.push(scripted(format!("5.{n}"), &rules::FRAGMENTS, says, script));
    }
    for (n, writes) in (6..).zip(Writes::ALL) {
        let (asked, answered) = ping(b"ping payload");
        let mut sent = two();
        sent.insert(1, asked);
        let seen = vec![answered, text("fragment1fragment2")];
        let script = Script::closed(writes.steps(sent), seen);
        let says = format!("A Ping between two fragments is answered at once{}.", writes.name());
        cases.push(scripted(format!("5.{n}"), &rules::CONTROL_BETWEEN, says, script));
    }
    for (start, first, name) in [(9, FIN, "final"), (12, 0, "not final")] {
        for (n, writes) in (start..).zip(Writes::ALL) {
            let sent = vec![
                frame(first | CONTINUATION, "non-continuation payload"),
                frame(FIN | TEXT, "Hello, world!"),
            ];
            let script = Script::failed(writes.steps(sent), vec![], 1002);
            let says = format!(
                "A continuation ({name}) of nothing fails the connection{}.",
                writes.name()
            );
            cases.push(scripted(format!("5.{n}"), &rules::FRAGMENT_ORDER, says, script));
        }
    }
    let mut sent = two();
    sent.extend([frame(CONTINUATION, "fragment3"), frame(FIN | TEXT, "fragment4")]);
    let mut script = Script::failed(vec![frames(sent)], vec![text("fragment1fragment2")], 1002);
    script.non_strict = Some(vec![]);
    let says = "After an echo a continuation of nothing fails the connection.";
    cases.push(scripted("5.15".into(), &rules::FRAGMENT_ORDER, says, script));
    for (n, first) in [(16, 0), (17, FIN)] {
        let once = [frame(first, "fragment1"), frame(TEXT, "fragment2"), frame(FIN, "fragment3")];
        let script = Script::failed(vec![frames([once.clone(), once].concat())], vec![], 1002);
        let says = "A continuation of nothing before a message fails the connection.";
        cases.push(scripted(format!("5.{n}"), &rules::FRAGMENT_ORDER, says, script));
    }
    let sent = vec![frame(TEXT, "fragment1"), frame(FIN | TEXT, "fragment2")];
    let script = Script::failed(vec![frames(sent)], vec![], 1002);
    let says = "A message inside an unfinished one fails the connection.";
    cases.push(scripted("5.18".into(), &rules::FRAGMENT_ORDER, says, script));
    for (n, writes) in [(19, Writes::Together), (20, Writes::Apart)] {
        let ((first, first_pong), (second, second_pong)) = (ping(b"pongme 1!"), ping(b"pongme 2!"));
        let begin = vec![frame(TEXT, "fragment1"), frame(CONTINUATION, "fragment2"), first];
        let end = vec![
            frame(CONTINUATION, "fragment3"),
            frame(CONTINUATION, "fragment4"),
            second,
            frame(FIN, "fragment5"),
        ];
        let mut steps = writes.steps(begin);
        steps.push(Step::Wait(SECOND, None));
        steps.extend(writes.steps(end));
        let whole = text("fragment1fragment2fragment3fragment4fragment5");
        let script = Script::closed(steps, vec![first_pong, second_pong, whole]);
        let says = format!(
            "Pings inside a message that pauses are answered, and the message comes back{}.",
            writes.name()
        );
        cases.push(scripted(format!("5.{n}"), &rules::CONTROL_BETWEEN, says, script));
    }
    cases
}
