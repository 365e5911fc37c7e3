//! Group 6: text, valid and not, whole and in fragments.

use std::time::Duration;

use super::script::{After, Script, Seen, Step, frames};
use super::scripted::scripted;
use crate::case::Case;
use crate::cases::rules;
use crate::wire::frame::{CONTINUATION, FIN, Frame, TEXT, fragments};

/// A Greek word, of code points of two and three octets.
pub(super) const WORD: &str = "κ\u{1F79}σμε";
const MIXED: &str = "Hello-µ@ßöäüàá-UTF-8!!";
const SURROGATE: &[u8] = b"\xed\xa0\x80";
const BEYOND_UNICODE: &[u8] = b"\xf4\x90\x80\x80";
const SECOND: Duration = Duration::from_secs(1);

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = fixed();
    cases.extend(fail_fast());
    for (sub, (name, sequences)) in (5..).zip(families()) {
        for (n, sequence) in (1..).zip(sequences) {
            cases.push(one_frame(format!("6.{sub}.{n}"), name, sequence));
        }
    }
    cases
}

fn invalid(steps: Vec<Step>) -> Script {
    let mut script = Script::failed(steps, vec![], 1007);
    script.expected.wrong_end_is_fatal = true;
    script
}

/// A text message in one frame that comes back if it is text.
fn one_frame(id: String, name: &str, bytes: Vec<u8>) -> Case {
    let is_text = std::str::from_utf8(&bytes).is_ok();
    let steps = vec![frames(vec![Frame::new(FIN | TEXT, bytes.clone())])];
    let mut script = match is_text {
        true => Script::closed(steps, vec![Seen::Text(bytes)]),
        false => invalid(steps),
    };
    script.after = After::Kill(SECOND / 2);
    let says = match is_text {
        true => format!("{name}: the message is UTF-8, and comes back."),
        false => format!("{name}: the message is not UTF-8, and fails the connection."),
    };
    scripted(id, &rules::UTF8, says, script)
}

/// 6.1 to 6.3.
fn fixed() -> Vec<Case> {
    let middle = b"middle frame payload";
    let (left, right) = MIXED.as_bytes().split_at("Hello-µ@ßöä".len());
    let wrong = [WORD.as_bytes(), SURROGATE, b"edited"].concat();
    let pieces = |pieces: &[&[u8]]| -> Vec<Frame> {
        let last = pieces.len() - 1;
        let frame = |(i, piece): (usize, &&[u8])| {
            let first = if i == 0 { TEXT } else { CONTINUATION };
            Frame::new(if i == last { FIN | first } else { first }, *piece)
        };
        pieces.iter().enumerate().map(frame).collect()
    };
    let octets = |bytes: &[u8]| fragments(TEXT, bytes.to_vec(), 1);
    let valid = [
        ("1.1", "An empty text message comes back", pieces(&[b""]), &b""[..]),
        ("1.2", "An empty message in three fragments comes back", pieces(&[b"", b"", b""]), b""),
        (
            "1.3",
            "Empty fragments around another change nothing",
            pieces(&[b"", middle, b""]),
            middle,
        ),
        (
            "2.1",
            "Text of code points of several octets comes back",
            pieces(&[MIXED.as_bytes()]),
            MIXED.as_bytes(),
        ),
        (
            "2.2",
            "Text cut between code points comes back",
            pieces(&[left, right]),
            MIXED.as_bytes(),
        ),
        (
            "2.3",
            "Text in fragments of one octet comes back",
            octets(MIXED.as_bytes()),
            MIXED.as_bytes(),
        ),
        (
            "2.4",
            "Greek text in fragments of one octet comes back",
            octets(WORD.as_bytes()),
            WORD.as_bytes(),
        ),
    ];
    let mut cases: Vec<Case> = valid
        .into_iter()
        .map(|(id, says, sent, whole)| {
            let script = Script::closed(vec![frames(sent)], vec![Seen::Text(whole.to_vec())]);
            scripted(format!("6.{id}"), &rules::WHOLE_MESSAGE_UTF8, format!("{says}."), script)
        })
        .collect();
    let says = "Text with a surrogate fails the connection.";
    let script = invalid(vec![frames(pieces(&[&wrong]))]);
    cases.push(scripted("6.3.1".into(), &rules::UTF8, says, script));
    let says = "Text with a surrogate in fragments of one octet fails the connection.";
    cases.push(scripted("6.3.2".into(), &rules::UTF8, says, invalid(vec![frames(octets(&wrong))])));
    cases
}

/// 6.4: text that is wrong in the middle fails there, not at its end.
fn fail_fast() -> Vec<Case> {
    let whole = [WORD.as_bytes(), BEYOND_UNICODE, b"edited"].concat();
    let waited = || Some(vec![Seen::Waited('A'), Seen::Waited('B')]);
    let mut cases = Vec::new();
    // Up to the whole code point, or up to the octet that can't be right.
    for (n, first, second) in [(1, 11, 15), (2, 12, 13)] {
        let frame = |first, part: std::ops::Range<usize>| Frame::new(first, &whole[part]);
        let steps = vec![
            frames(vec![frame(TEXT, 0..first)]),
            Step::Wait(SECOND, Some('A')),
            frames(vec![frame(CONTINUATION, first..second)]),
            Step::Wait(SECOND, Some('B')),
            frames(vec![frame(FIN, second..whole.len())]),
        ];
        let says = format!(
            "Text in three fragments fails with the second, where it stops to be UTF-8 (octet {}).",
            if n == 1 { "13 to 15" } else { "13" }
        );
        cases.push((n, says, steps));
    }
    for (n, first, second) in [(3, 11, 15), (4, 12, 13)] {
        let steps = vec![
            Step::Begin(Frame::new(FIN | TEXT, &whole[..])),
            Step::Part(first),
            Step::Wait(SECOND, Some('A')),
            Step::Part(second - first),
            Step::Wait(SECOND, Some('B')),
            Step::Part(whole.len() - second),
        ];
        let says = format!(
            "Text in one frame that pauses fails in its middle, where it stops to be UTF-8 (octet {}).",
            if n == 3 { "13 to 15" } else { "13" }
        );
        cases.push((n, says, steps));
    }
    cases
        .into_iter()
        .map(|(n, says, steps)| {
            let mut script = invalid(steps);
            script.ok = vec![Seen::Waited('A')];
            script.non_strict = waited();
            scripted(format!("6.4.{n}"), &rules::UTF8, says, script)
        })
        .collect()
}

/// 6.5 to 6.23: what they are, and the sequences.
fn families() -> Vec<(&'static str, Vec<Vec<u8>>)> {
    let list = |sequences: &[&[u8]]| sequences.iter().map(|s| s.to_vec()).collect::<Vec<_>>();
    let lonely = |range: std::ops::Range<u8>| range.flat_map(|start| [start, b' ']).collect();
    let truncated = list(&[
        b"\xc0",
        b"\xe0\x80",
        b"\xf0\x80\x80",
        b"\xf8\x80\x80\x80",
        b"\xfc\x80\x80\x80\x80",
        b"\xdf",
        b"\xef\xbf",
        b"\xf7\xbf\xbf",
        b"\xfb\xbf\xbf\xbf",
        b"\xfd\xbf\xbf\xbf\xbf",
    ]);
    let alternating = |len: usize| [0x80, 0xBF].into_iter().cycle().take(len).collect();
    let mut unexpected: Vec<Vec<u8>> = vec![vec![0x80], vec![0xBF]];
    unexpected.extend((2..=6).map(alternating));
    unexpected.push((0x80..0xBF).collect());
    let (high, low): ([&[u8]; 4], [&[u8]; 2]) = (
        [b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf"],
        [b"\xed\xb0\x80", b"\xed\xbf\xbf"],
    );
    let pairs = high.iter().flat_map(|high| low.map(|low| [*high, low].concat())).collect();
    let point = |point: u32| char::from_u32(point).map(|c| c.to_string().into_bytes());
    let planes = (0..=16).flat_map(|plane| [plane << 16 | 0xFFFE, plane << 16 | 0xFFFF]);
    vec![
        (
            "Text with one code point of each length",
            [&b"$"[..], b"\xc2\xa2", b"\xe2\x82\xac", b"\xf0\xa4\xad\xa2"]
                .map(|point| [b"hello", point, b"world"].concat())
                .into_iter()
                .chain([WORD.into()])
                .collect(),
        ),
        (
            "A prefix of a word",
            (1..=WORD.len()).map(|len| WORD.as_bytes()[..len].to_vec()).collect(),
        ),
        (
            "The first code point of a length",
            list(&[b"\0", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]),
        ),
        (
            "The first sequence of 5 or 6 octets",
            list(&[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"]),
        ),
        (
            "The last code point of a length",
            list(&[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]),
        ),
        (
            "The last sequence of 4, 5 or 6 octets",
            list(&[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
        ),
        (
            "A code point at a border",
            list(&[
                b"\xed\x9f\xbf",
                b"\xee\x80\x80",
                b"\xef\xbf\xbd",
                b"\xf4\x8f\xbf\xbf",
                BEYOND_UNICODE,
            ]),
        ),
        ("Continuation octets alone", unexpected),
        (
            "First octets alone",
            vec![
                lonely(0xC0..0xDF),
                lonely(0xE0..0xEF),
                lonely(0xF0..0xF7),
                lonely(0xF8..0xFB),
                lonely(0xFC..0xFD),
            ],
        ),
        ("A sequence without its last octet", truncated.clone()),
        ("Sequences without their last octets", vec![truncated.concat()]),
        ("Octets that are never in UTF-8", list(&[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"])),
        (
            "A slash in too many octets",
            list(&[
                b"\xc0\xaf",
                b"\xe0\x80\xaf",
                b"\xf0\x80\x80\xaf",
                b"\xf8\x80\x80\x80\xaf",
                b"\xfc\x80\x80\x80\x80\xaf",
            ]),
        ),
        (
            "The last code point in one octet too many",
            list(&[
                b"\xc1\xbf",
                b"\xe0\x9f\xbf",
                b"\xf0\x8f\xbf\xbf",
                b"\xf8\x87\xbf\xbf\xbf",
                b"\xfc\x83\xbf\xbf\xbf\xbf",
            ]),
        ),
        (
            "NUL in too many octets",
            list(&[
                b"\xc0\x80",
                b"\xe0\x80\x80",
                b"\xf0\x80\x80\x80",
                b"\xf8\x80\x80\x80\x80",
                b"\xfc\x80\x80\x80\x80\x80",
            ]),
        ),
        (
            "A surrogate",
            list(&[high[0], high[1], high[2], high[3], low[0], b"\xed\xbe\x80", low[1]]),
        ),
        ("A pair of surrogates", pairs),
        ("A noncharacter", planes.filter_map(point).collect()),
        ("A special code point", (0xFFF9..=0xFFFF).filter_map(point).collect()),
    ]
}
