//! The values of the protocol, each alone: close codes, opcodes, roles, SIMD levels, tokens.
//!
//! Masking and UTF-8 are tested in `mask` and `utf8`.

use sockless::words::opcode::{Kind, Opcode};
use sockless::words::role::Role;
use sockless::words::simd::{Instructions, Level};
use sockless::words::token::{elements, is_token, is_token_byte, token, trim};
use sockless::{Client, CloseCode, Server};

#[test]
fn close_code_shows_and_gives_its_number() {
    for (code, number) in [
        (CloseCode::NORMAL, 1000),
        (CloseCode::GOING_AWAY, 1001),
        (CloseCode::PROTOCOL_ERROR, 1002),
        (CloseCode::UNSUPPORTED_DATA, 1003),
        (CloseCode::INVALID_PAYLOAD, 1007),
        (CloseCode::POLICY_VIOLATION, 1008),
        (CloseCode::MESSAGE_TOO_BIG, 1009),
        (CloseCode::MANDATORY_EXTENSION, 1010),
        (CloseCode::INTERNAL_ERROR, 1011),
        (CloseCode::SERVICE_RESTART, 1012),
        (CloseCode::TRY_AGAIN_LATER, 1013),
        (CloseCode::BAD_GATEWAY, 1014),
    ] {
        assert_eq!((code.get(), u16::from(code)), (number, number));
        assert_eq!((CloseCode::new(number), CloseCode::try_from(number)), (Some(code), Ok(code)));
        assert!(code.name().is_some());
        assert_eq!(code.to_string(), number.to_string());
        assert_eq!(format!("{code:?} {code:>6}"), format!("CloseCode({number})   {number}"));
    }
}

#[test]
fn close_codes_that_others_define_have_no_name() {
    assert_eq!(CloseCode::NORMAL.name(), Some("normal closure"));
    for number in 3000..5000 {
        assert_eq!(CloseCode::new(number).and_then(CloseCode::name), None);
    }
}

#[test]
fn number_that_may_not_be_sent_is_in_the_error() {
    for number in [0, 999, 1004, 1005, 1006, 1015, 2999, 5000, u16::MAX] {
        let error = CloseCode::try_from(number).unwrap_err();
        assert!(error.to_string().starts_with(&format!("{number} may not be in a Close frame")));
    }
}

#[test]
fn opcodes_are_those_of_the_rfc_and_no_others() {
    let opcodes = [
        (0, Opcode::Continuation, false),
        (1, Opcode::Text, false),
        (2, Opcode::Binary, false),
        (8, Opcode::Close, true),
        (9, Opcode::Ping, true),
        (10, Opcode::Pong, true),
    ];
    for bits in 0..=255 {
        let known = opcodes.iter().find(|(known, _, _)| *known == bits);
        assert_eq!(Opcode::from_bits(bits), known.map(|(_, opcode, _)| *opcode));
        if let Some((_, opcode, is_control)) = known {
            assert_eq!((opcode.bits(), opcode.is_control()), (bits, *is_control));
        }
    }
    assert_eq!([Kind::Text, Kind::Binary].map(Kind::opcode), [Opcode::Text, Opcode::Binary]);
    let kinds = opcodes.map(|(_, opcode, _)| opcode.kind());
    assert_eq!(kinds, [None, Some(Kind::Text), Some(Kind::Binary), None, None, None]);
}

#[test]
fn opcodes_show_their_names() {
    let names = (0..16).filter_map(Opcode::from_bits).map(|opcode| opcode.to_string());
    assert_eq!(
        names.collect::<Vec<_>>(),
        ["continuation", "text", "binary", "close", "ping", "pong"]
    );
    assert_eq!(format!("{:<6}{:>6}", Opcode::Text, Opcode::Ping), "text    ping");
}

#[test]
fn only_a_client_has_a_key() {
    assert_eq!((Server::octets(()), Client::octets([1, 2, 3, 4])), (None, Some([1, 2, 3, 4])));
    assert_eq!((Server::MASKS, Client::MASKS), (false, true));
}

#[test]
fn level_is_a_proof_that_shows_its_instructions() {
    let levels: Vec<Level> = Level::available().collect();
    assert_eq!(levels.first(), Some(&Level::SCALAR));
    assert!(levels.is_sorted());
    for instructions in Instructions::ALL {
        let level = Level::new(instructions);
        assert_eq!(
            level.is_some(),
            levels.iter().any(|known| known.instructions() == instructions)
        );
        if let Some(level) = level {
            assert_eq!(level.instructions(), instructions);
            assert_eq!(format!("{level:?}"), format!("Level({instructions:?})"));
        }
    }
    // Levels that the architecture guarantees, and levels that it can't have.
    let sse2 = cfg!(all(target_arch = "x86_64", target_feature = "sse2"));
    let neon = cfg!(all(target_arch = "aarch64", target_feature = "neon"));
    assert_eq!(Level::new(Instructions::Sse2).is_some(), sse2);
    assert_eq!(Level::new(Instructions::Neon).is_some(), neon);
    // What the CPU says of itself.
    #[cfg(all(target_arch = "x86_64", target_feature = "sse2"))]
    {
        let avx2 = std::arch::is_x86_feature_detected!("avx2");
        let avx512 = std::arch::is_x86_feature_detected!("avx512f");
        assert_eq!(Level::new(Instructions::Avx2).is_some(), avx2);
        assert_eq!(Level::new(Instructions::Avx512).is_some(), avx512);
    }
    assert!(levels.contains(&Level::detect()));
    assert_eq!(Level::default(), Level::detect());
}

/// `tests/levels.sh` says in `SOCKLESS_LEVEL` which level it has built.
#[test]
fn level_is_the_best_that_this_build_may_choose() {
    let (built, most) = if cfg!(sockless_simd = "scalar") {
        ("scalar", Instructions::Scalar)
    } else if cfg!(sockless_simd = "sse2") {
        ("sse2", Instructions::Sse2)
    } else if cfg!(sockless_simd = "avx2") {
        ("avx2", Instructions::Avx2)
    } else {
        ("", Instructions::Neon)
    };
    assert_eq!(std::env::var("SOCKLESS_LEVEL").unwrap_or_default(), built);
    let best = Level::available().filter(|level| level.instructions() <= most).last();
    assert_eq!(Some(Level::detect()), best);
}

#[test]
fn token_is_made_of_the_characters_of_rfc_9110() {
    let separators = b"\"(),/:;<=>?@[\\]{}";
    for byte in 0..=255_u8 {
        let good = byte.is_ascii_graphic() && !separators.contains(&byte);
        assert_eq!(is_token_byte(byte), good, "{byte}");
        assert_eq!((is_token(&[byte]), is_token(&[b'a', byte])), (good, good), "{byte}");
        let text = [byte, b'x'];
        let expected = good.then(|| format!("{}x", char::from(byte)));
        assert_eq!(token(&text).map(str::to_owned), expected, "{byte}");
    }
    assert!(!is_token(b"") && token(b"").is_none());
}

#[test]
fn elements_are_trimmed_and_never_empty() {
    assert_eq!(trim(b" \t a \t b\t "), b"a \t b");
    assert_eq!([trim(b""), trim(b" \t"), trim(b"\na")], [&b""[..], b"", b"\na"]);
    for (list, expected) in [
        (&b""[..], &[][..]),
        (b" , ,\t,", &[]),
        (b"a", &[&b"a"[..]]),
        (b"a,b", &[b"a", b"b"]),
        (b", keep-alive ,,\tUpgrade;x=\"1\" ,", &[b"keep-alive", b"Upgrade;x=\"1\""]),
    ] {
        assert!(elements(list).eq(expected.iter().copied()), "{list:?}");
    }
}
