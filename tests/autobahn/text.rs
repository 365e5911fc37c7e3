//! Group 6: text, valid and not, whole, in fragments and cut anywhere.

use sockless::frame::Violation;

use crate::script::{At, Case};
use crate::wire::*;

/// A Greek word, of code points of two and three octets.
pub(crate) const WORD: &str = "κ\u{1F79}σμε";
const MIXED: &str = "Hello-µ@ßöäüàá-UTF-8!!";
const SURROGATE: &[u8] = b"\xed\xa0\x80";
const BEYOND_UNICODE: &[u8] = b"\xf4\x90\x80\x80";

/// With how many octets it shows that `bytes` is not UTF-8, by the standard library's word: all of them, if a code point is
/// merely incomplete. None if it is.
fn shows_at(bytes: &[u8]) -> Option<usize> {
    let error = std::str::from_utf8(bytes).err()?;
    let wrong = |len: &usize| {
        std::str::from_utf8(&bytes[..*len]).is_err_and(|error| error.error_len().is_some())
    };
    error.error_len()?;
    (0..=bytes.len()).find(wrong)
}

/// A text message in one frame, echoed or not, as its octets ask for.
fn one_frame(case: Case, bytes: &[u8]) -> Case {
    if std::str::from_utf8(bytes).is_ok() {
        return case.message(TEXT, bytes);
    }
    let at = At::Payload(shows_at(bytes).unwrap_or(bytes.len()));
    case.wrong(FIN | TEXT, bytes, at, Violation::InvalidText)
}

pub(crate) fn group_6() -> Vec<Case> {
    let mut cases = fixed();
    for (sub, (valid, sequences)) in (5..).zip(families()) {
        for (n, sequence) in (1..).zip(sequences) {
            let is_text = std::str::from_utf8(&sequence).is_ok();
            // Of the prefixes, those that end with a code point are text.
            assert!(valid.is_none_or(|valid| valid == is_text), "6.{sub}.{n}");
            cases.push(one_frame(Case::new(format!("6.{sub}.{n}")), &sequence));
        }
    }
    cases
}

/// 6.1 to 6.4.
fn fixed() -> Vec<Case> {
    let case = |id: &str| Case::new(format!("6.{id}"));
    let middle = b"middle frame payload";
    let (left, right) = MIXED.as_bytes().split_at("Hello-µ@ßöä".len());
    let invalid = [WORD.as_bytes(), SURROGATE, b"edited"].concat();
    let in_single_octets = invalid.iter().enumerate().fold(case("3.2"), |case, (i, octet)| {
        let first = if i == 0 { TEXT } else { CONTINUATION };
        let first = if i + 1 == invalid.len() { FIN | first } else { first };
        if i == 12 {
            case.wrong(first, &[*octet], At::End, Violation::InvalidText)
        } else {
            case.frame(first, &[*octet])
        }
    });
    let invalid_here = |case: Case, payload: &[u8], count| {
        case.wrong(CONTINUATION, payload, At::Payload(count), Violation::InvalidText)
    };
    let beyond = [WORD.as_bytes(), BEYOND_UNICODE, b"edited"].concat();
    // What the suite sends in three parts of one frame, seconds apart, is one frame here: it is fed by single bytes too.
    let parts_of_a_frame =
        |id| case(id).wrong(FIN | TEXT, &beyond, At::Payload(13), Violation::InvalidText);
    vec![
        case("1.1").message(TEXT, b""),
        case("1.2").frame(TEXT, b"").frame(CONTINUATION, b"").last(b"", TEXT, b""),
        case("1.3").frame(TEXT, b"").frame(CONTINUATION, middle).last(b"", TEXT, middle),
        case("2.1").message(TEXT, MIXED.as_bytes()),
        case("2.2").frame(TEXT, left).last(right, TEXT, MIXED.as_bytes()),
        case("2.3").fragments(TEXT, MIXED.as_bytes(), 1),
        case("2.4").fragments(TEXT, WORD.as_bytes(), 1),
        one_frame(case("3.1"), &invalid),
        in_single_octets,
        invalid_here(case("4.1").frame(TEXT, WORD.as_bytes()), BEYOND_UNICODE, 2)
            .frame(FIN, b"edited"),
        invalid_here(case("4.2").frame(TEXT, &beyond[..12]), &beyond[12..13], 1)
            .frame(FIN, &beyond[13..]),
        parts_of_a_frame("4.3"),
        parts_of_a_frame("4.4"),
    ]
}

/// 6.5 to 6.23: whether the sequences are text, and the sequences.
fn families() -> Vec<(Option<bool>, Vec<Vec<u8>>)> {
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
    let mut unexpected: Vec<Vec<u8>> = vec![vec![0x80], vec![0xBF]];
    unexpected.extend((2..=6).map(|len| [0x80, 0xBF].into_iter().cycle().take(len).collect()));
    unexpected.push((0x80..0xBF).collect());
    let (high, low): ([&[u8]; 4], [&[u8]; 2]) = (
        [b"\xed\xa0\x80", b"\xed\xad\xbf", b"\xed\xae\x80", b"\xed\xaf\xbf"],
        [b"\xed\xb0\x80", b"\xed\xbf\xbf"],
    );
    let pairs = high.iter().flat_map(|high| low.map(|low| [*high, low].concat())).collect();
    // U+nFFFE and U+nFFFF of every plane, the first plane by itself.
    let planes = (0..=16).flat_map(|plane| [plane << 16 | 0xFFFE, plane << 16 | 0xFFFF]);
    let noncharacters = planes.map(|point: u32| {
        let point = char::from_u32(point).expect("a code point");
        point.to_string().into_bytes()
    });
    let specials = ('\u{FFF9}'..='\u{FFFF}').map(|point| point.to_string().into_bytes());
    vec![
        (
            Some(true),
            [&b"$"[..], b"\xc2\xa2", b"\xe2\x82\xac", b"\xf0\xa4\xad\xa2"]
                .map(|point| [b"hello", point, b"world"].concat())
                .into_iter()
                .chain([WORD.into()])
                .collect(),
        ),
        (None, (1..=WORD.len()).map(|len| WORD.as_bytes()[..len].to_vec()).collect()),
        (Some(true), list(&[b"\0", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"])),
        (Some(false), list(&[b"\xf8\x88\x80\x80\x80", b"\xfc\x84\x80\x80\x80\x80"])),
        (Some(true), list(&[b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"])),
        (
            Some(false),
            list(&[b"\xf7\xbf\xbf\xbf", b"\xfb\xbf\xbf\xbf\xbf", b"\xfd\xbf\xbf\xbf\xbf\xbf"]),
        ),
        (
            None,
            list(&[
                b"\xed\x9f\xbf",
                b"\xee\x80\x80",
                b"\xef\xbf\xbd",
                b"\xf4\x8f\xbf\xbf",
                BEYOND_UNICODE,
            ]),
        ),
        (Some(false), unexpected),
        (
            Some(false),
            vec![
                lonely(0xC0..0xDF),
                lonely(0xE0..0xEF),
                lonely(0xF0..0xF7),
                lonely(0xF8..0xFB),
                lonely(0xFC..0xFD),
            ],
        ),
        (Some(false), truncated.clone()),
        (Some(false), vec![truncated.concat()]),
        (Some(false), list(&[b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"])),
        (
            Some(false),
            list(&[
                b"\xc0\xaf",
                b"\xe0\x80\xaf",
                b"\xf0\x80\x80\xaf",
                b"\xf8\x80\x80\x80\xaf",
                b"\xfc\x80\x80\x80\x80\xaf",
            ]),
        ),
        (
            Some(false),
            list(&[
                b"\xc1\xbf",
                b"\xe0\x9f\xbf",
                b"\xf0\x8f\xbf\xbf",
                b"\xf8\x87\xbf\xbf\xbf",
                b"\xfc\x83\xbf\xbf\xbf\xbf",
            ]),
        ),
        (
            Some(false),
            list(&[
                b"\xc0\x80",
                b"\xe0\x80\x80",
                b"\xf0\x80\x80\x80",
                b"\xf8\x80\x80\x80\x80",
                b"\xfc\x80\x80\x80\x80\x80",
            ]),
        ),
        (Some(false), list(&[high[0], high[1], high[2], high[3], low[0], b"\xed\xbe\x80", low[1]])),
        (Some(false), pairs),
        (Some(true), noncharacters.collect()),
        (Some(true), specials.collect()),
    ]
}
