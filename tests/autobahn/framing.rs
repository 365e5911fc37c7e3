//! Groups 1 to 5: whole messages, pings and pongs, reserved bits, opcodes, and fragments.

use sockless::frame::Violation;

use crate::script::{At, Case};
use crate::wire::*;

const HELLO: &[u8] = b"Hello, world!";
const OCTETS: &[u8] = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff";

/// Group 1: messages of the lengths at which the header changes.
pub(crate) fn group_1() -> Vec<Case> {
    let mut cases = Vec::new();
    for (sub, kind, octet) in [(1, TEXT, b'*'), (2, BINARY, 0xFE)] {
        // The eighth is the seventh again, cut into pieces of 997 bytes: every case is.
        for (n, len) in (1..).zip([0, 125, 126, 127, 128, 65535, 65536, 65536]) {
            cases.push(Case::new(format!("1.{sub}.{n}")).message(kind, &vec![octet; len]));
        }
    }
    cases
}

/// Group 2: pings and pongs.
pub(crate) fn group_2() -> Vec<Case> {
    let case = |n: u32| Case::new(format!("2.{n}"));
    let unasked = b"unsolicited pong payload";
    let ten = |n| (0..10).fold(case(n), |case, i| case.ping(format!("payload-{i}").as_bytes()));
    vec![
        case(1).ping(b""),
        case(2).ping(HELLO),
        case(3).ping(OCTETS),
        case(4).ping(&[0xFE; 125]),
        case(5).wrong(FIN | PING, &[0xFE; 126], At::Header(2), Violation::LongControl),
        case(6).ping(&[0xFE; 125]),
        case(7).pong(b""),
        case(8).pong(unasked),
        case(9).pong(unasked).ping(b"ping payload"),
        ten(10),
        ten(11),
    ]
}

/// Group 3: reserved bits.
pub(crate) fn group_3() -> Vec<Case> {
    let case = |n: u8| Case::new(format!("3.{n}"));
    let wrong = |case: Case, n: u8, first: u8, payload: &[u8]| {
        case.wrong(n << 4 | first, payload, At::Header(1), Violation::ReservedBits)
    };
    let mut cases = vec![wrong(case(1), 1, FIN | TEXT, HELLO)];
    for n in 2..=4 {
        let echoed = case(n).message(TEXT, HELLO);
        cases.push(wrong(echoed, n, FIN | TEXT, HELLO).frame(FIN | PING, b""));
    }
    cases.push(wrong(case(5), 5, FIN | BINARY, OCTETS));
    cases.push(wrong(case(6), 6, FIN | PING, HELLO));
    cases.push(wrong(case(7), 7, FIN | CLOSE, b""));
    cases
}

/// Group 4: reserved opcodes.
pub(crate) fn group_4() -> Vec<Case> {
    let mut cases = Vec::new();
    for (sub, opcode) in [(1, 3), (2, 11)] {
        let case = |n: u8| Case::new(format!("4.{sub}.{n}"));
        let wrong = |case: Case, n: u8, payload: &[u8]| {
            let first = FIN | (opcode + n - 1);
            case.wrong(first, payload, At::Header(1), Violation::ReservedOpcode)
        };
        cases.push(wrong(case(1), 1, b""));
        cases.push(wrong(case(2), 2, b"reserved opcode payload"));
        for (n, payload) in [(3, &b""[..]), (4, HELLO), (5, HELLO)] {
            let echoed = case(n).message(TEXT, HELLO);
            cases.push(wrong(echoed, n, payload).frame(FIN | PING, b""));
        }
    }
    cases
}

/// Group 5: fragments.
pub(crate) fn group_5() -> Vec<Case> {
    let case = |n: u32| Case::new(format!("5.{n}"));
    let nothing = b"non-continuation payload";
    let mut cases = Vec::new();
    for (n, opcode) in [(1, PING), (2, PONG)] {
        let case = case(n).wrong(opcode, b"fragment1", At::Header(1), Violation::FragmentedControl);
        cases.push(case.frame(FIN | CONTINUATION, b"fragment2"));
    }
    let two =
        |case: Case| case.frame(TEXT, b"fragment1").last(b"fragment2", TEXT, b"fragment1fragment2");
    // 3 to 5, 6 to 8, 9 to 11 and 12 to 14 are each one script in whole, frame-wise and octet-wise reads.
    cases.extend((3..=5).map(|n| two(case(n))));
    cases.extend((6..=8).map(|n| {
        let case = case(n).frame(TEXT, b"fragment1").ping(b"ping payload");
        case.last(b"fragment2", TEXT, b"fragment1fragment2")
    }));
    for n in 9..=14 {
        let first = if n < 12 { FIN | CONTINUATION } else { CONTINUATION };
        let case = case(n).wrong(first, nothing, At::Header(1), Violation::UnexpectedContinuation);
        cases.push(case.frame(FIN | TEXT, HELLO));
    }
    let unexpected = Violation::UnexpectedContinuation;
    cases.push(
        two(case(15))
            .wrong(CONTINUATION, b"fragment3", At::Header(1), unexpected)
            .frame(FIN | TEXT, b"fragment4"),
    );
    for (n, first) in [(16, CONTINUATION), (17, FIN | CONTINUATION)] {
        let again = |case: Case| case.frame(TEXT, b"fragment2").frame(FIN, b"fragment3");
        let case = again(case(n).wrong(first, b"fragment1", At::Header(1), unexpected));
        cases.push(again(case.frame(first, b"fragment1")));
    }
    let interrupted = Violation::InterruptedMessage;
    let case_18 = case(18).frame(TEXT, b"fragment1");
    cases.push(case_18.wrong(FIN | TEXT, b"fragment2", At::Header(1), interrupted));
    cases.extend((19..=20).map(|n| {
        case(n)
            .frame(TEXT, b"fragment1")
            .frame(CONTINUATION, b"fragment2")
            .ping(b"pongme 1!")
            .frame(CONTINUATION, b"fragment3")
            .frame(CONTINUATION, b"fragment4")
            .ping(b"pongme 2!")
            .last(b"fragment5", TEXT, b"fragment1fragment2fragment3fragment4fragment5")
    }));
    cases
}
