//! Group 7: the closing handshake.

use sockless::frame::Violation;

use crate::script::{At, Case};
use crate::text::WORD;
use crate::wire::*;

const HELLO: &[u8] = b"Hello World!";

pub(crate) fn group_7() -> Vec<Case> {
    let case = |id: &str| Case::new(format!("7.{id}"));
    let normal = |case: Case| case.close(Some(1000), "");
    let large: Vec<u8> = b"BAsd7&jh23".iter().copied().cycle().take(256 << 10).collect();
    let invalid = [&close_body(1000, WORD.as_bytes())[..], b"\xed\xa0\x80edited"].concat();
    let mut cases = vec![
        case("1.1").message(TEXT, HELLO),
        normal(case("1.2")).frame(FIN | CLOSE, b""),
        normal(case("1.3")).frame(FIN | PING, b""),
        normal(case("1.4")).frame(FIN | TEXT, HELLO),
        normal(case("1.5").frame(TEXT, b"fragment1")).frame(FIN | CONTINUATION, b"fragment2"),
        normal(case("1.6").message(TEXT, &large).message(TEXT, HELLO)).frame(FIN | PING, b""),
        case("3.1").close(None, ""),
        case("3.2").wrong(FIN | CLOSE, b"a", At::Header(2), Violation::TruncatedCloseCode),
        normal(case("3.3")),
        case("3.4").close(Some(1000), "Hello World!"),
        case("3.5").close(Some(1000), &"*".repeat(123)),
        case("3.6").wrong(
            FIN | CLOSE,
            &close_body(1000, &[b'*'; 124]),
            At::Header(2),
            Violation::LongControl,
        ),
        case("5.1").wrong(
            FIN | CLOSE,
            &invalid,
            At::Payload(2 + WORD.len() + 2),
            Violation::InvalidReason,
        ),
    ];
    let valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
    cases.extend((1..).zip(valid).map(|(n, code)| case(&format!("7.{n}")).close(Some(code), "")));
    let invalid = [0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999];
    cases.extend((1..).zip(invalid).map(|(n, code)| forbidden(&format!("7.9.{n}"), code)));
    cases.extend((1..).zip([5000, 65535]).map(|(n, code)| forbidden(&format!("7.13.{n}"), code)));
    cases
}

/// A Close frame with a code that must not be on the wire.
pub(crate) fn forbidden(id: &str, code: u16) -> Case {
    let body = close_body(code, b"");
    let case = Case::new(id);
    case.wrong(FIN | CLOSE, &body, At::Payload(2), Violation::ForbiddenCloseCode)
}
