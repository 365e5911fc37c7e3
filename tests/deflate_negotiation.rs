//! Negotiation of permessage-deflate (RFC 7692, sections 5 and 7.1), as a server and as a client.
#![cfg(feature = "deflate")]

use proptest::prelude::*;
use sockless::extension::deflate::{Parameters, Terms, WindowBits};
use sockless::extension::header::{Malformed, elements};
use sockless::extension::{Agreed, AnswerError, Supported};

fn bits(bits: u8) -> WindowBits {
    WindowBits::new(bits).expect("8 to 15")
}

fn supported(change: impl FnOnce(&mut Terms)) -> Supported {
    let mut terms = Terms::default();
    change(&mut terms);
    Supported::default().with_deflate(terms)
}

fn lenient() -> Supported {
    supported(|_| {})
}

/// What a server answers to these fields: the value of the header, empty if there is no header.
fn answer(server: &Supported, fields: &[&str]) -> String {
    let agreed = server.accept(fields.iter().map(|field| field.as_bytes())).expect("well-formed");
    assert_eq!(agreed.is_empty(), agreed.deflate.is_none());
    agreed.answer().to_string()
}

fn check(client: &Supported, fields: &[&str]) -> Result<Parameters, AnswerError> {
    let agreed = client.check(fields.iter().map(|field| field.as_bytes()))?;
    Ok(agreed.deflate.expect("in use"))
}

const INVALID_BITS: [&str; 16] = [
    "",
    "=7",
    "=16",
    "=08",
    "=0",
    "=015",
    "=+9",
    "=9.0",
    "=-9",
    "=1",
    "=100",
    "=9a",
    "=ten",
    "=\"7\"",
    "=\"08\"",
    "=99999999999999999999",
];

// As a server.

#[test]
fn terms_alone_are_support_for_nothing_else() {
    let terms = Terms::default().with_server_no_context_takeover();
    assert_eq!(Supported::from(terms), Supported::default().with_deflate(terms));
}

#[test]
fn server_without_the_extension_declines_every_offer() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# A server declining all offered PMCEs MUST NOT include any element
    //# with PMCE names.
    let agreed = Supported::default().accept([&b"permessage-deflate"[..]]).expect("well-formed");
    assert_eq!(agreed, Agreed::default());
    assert!(agreed.is_empty());
    assert_eq!(agreed.answer().to_string(), "");
}

#[test]
fn server_answers_nothing_where_nothing_is_offered() {
    assert_eq!(answer(&lenient(), &[]), "");
    assert_eq!(answer(&lenient(), &["permessage-foo; x=1, deflate-frame, Permessage-Deflate"]), "");
}

#[test]
fn server_accepts_the_simplest_offer_by_the_simplest_answer() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# To accept the use of an offered PMCE, a server MUST include the
    //# extension name of the PMCE in the "Sec-WebSocket-Extensions" header
    //# field of its opening handshake of the WebSocket connection.
    assert_eq!(answer(&lenient(), &["permessage-deflate"]), "permessage-deflate");
}

#[test]
fn server_does_what_the_offer_requests() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# The element MUST represent a PMCE that
    //# is fully supported by the server.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
    //= type=test
    //# By including this extension parameter in an extension negotiation offer, a client
    //# prevents the peer server from using context takeover.
    for (offer, expected) in [
        ("; server_no_context_takeover", "; server_no_context_takeover"),
        ("; server_max_window_bits=9", "; server_max_window_bits=9"),
        ("; server_max_window_bits=15", "; server_max_window_bits=15"),
        ("; server_max_window_bits=\"1\\0\"", "; server_max_window_bits=10"),
        (
            "; server_max_window_bits=12; server_no_context_takeover",
            "; server_no_context_takeover; server_max_window_bits=12",
        ),
    ] {
        let offer = format!("permessage-deflate{offer}");
        assert_eq!(answer(&lenient(), &[&offer]), format!("permessage-deflate{expected}"));
    }
}

#[test]
fn server_makes_use_of_hints() {
    for (offer, expected) in [
        ("; client_no_context_takeover", "; client_no_context_takeover"),
        ("; client_max_window_bits", ""),
        ("; client_max_window_bits=15", ""),
        ("; client_max_window_bits=10", "; client_max_window_bits=10"),
        ("; client_max_window_bits=8", "; client_max_window_bits=8"),
    ] {
        let offer = format!("permessage-deflate{offer}");
        assert_eq!(answer(&lenient(), &[&offer]), format!("permessage-deflate{expected}"));
    }
}

#[test]
fn server_adds_what_it_wants_itself() {
    let server = supported(|terms| {
        terms.server_no_context_takeover = true;
        terms.client_no_context_takeover = true;
        terms.server_max_window_bits = bits(11);
        terms.client_max_window_bits = bits(10);
    });
    let both = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                server_max_window_bits=";
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
    //= type=test
    //# A server accepts an extension negotiation offer with this parameter by including
    //# the "server_max_window_bits" extension parameter in the extension negotiation
    //# response to send back to the client with the same or smaller value as the offer.
    for (offer, expected) in [
        ("", "11"),
        ("; client_max_window_bits", "11; client_max_window_bits=10"),
        ("; client_max_window_bits=9", "11; client_max_window_bits=9"),
        ("; client_max_window_bits=12", "11; client_max_window_bits=10"),
        ("; server_max_window_bits=10", "10"),
        ("; server_max_window_bits=14", "11"),
    ] {
        let offer = format!("permessage-deflate{offer}");
        assert_eq!(answer(&server, &[&offer]), format!("{both}{expected}"), "{offer}");
    }
}

#[test]
fn server_asks_for_a_client_window_only_if_the_offer_allows_it() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    //= type=test
    //# If a received extension negotiation offer doesn't have the
    //# "client_max_window_bits" extension parameter, the corresponding
    //# extension negotiation response to the offer MUST NOT include the
    //# "client_max_window_bits" extension parameter.
    let server = supported(|terms| terms.client_max_window_bits = bits(8));
    assert_eq!(answer(&server, &["permessage-deflate"]), "permessage-deflate");
    assert_eq!(
        answer(&server, &["permessage-deflate; client_max_window_bits"]),
        "permessage-deflate; client_max_window_bits=8"
    );
}

#[test]
fn server_declines_256_bytes_of_window_since_no_compressor_keeps_to_them() {
    // No deflate library can compress with a window of 256 bytes.
    assert_eq!(answer(&lenient(), &["permessage-deflate; server_max_window_bits=8"]), "");
    assert_eq!(
        answer(&lenient(), &["permessage-deflate; server_max_window_bits=8, permessage-deflate"]),
        "permessage-deflate"
    );
    let server = supported(|terms| terms.server_max_window_bits = WindowBits::MIN);
    assert_eq!(
        answer(&server, &["permessage-deflate"]),
        "permessage-deflate; server_max_window_bits=9"
    );
}

#[test]
fn server_declines_an_offer_with_an_unknown_parameter() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7
    //= type=test
    //# A server MUST decline an extension negotiation offer for this
    //# extension if any of the following conditions are met:
    for param in ["x", "x=1", "Server_no_context_takeover", "max_window_bits=9"] {
        assert_eq!(answer(&lenient(), &[&format!("permessage-deflate; {param}")]), "", "{param}");
    }
}

#[test]
fn server_declines_an_offer_with_an_invalid_value() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
    //= type=test
    //# This parameter has a decimal
    //# integer value without leading zeroes between 8 to 15, inclusive,
    //# indicating the base-2 logarithm of the LZ77 sliding window size, and
    //# MUST conform to the ABNF below.
    for value in INVALID_BITS {
        let offer = format!("permessage-deflate; server_max_window_bits{value}");
        assert_eq!(answer(&lenient(), &[&offer]), "", "{offer}");
    }
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    //= type=test
    //# If a value is specified for this parameter, the value MUST
    //# conform to the ABNF below.
    for value in &INVALID_BITS[1..] {
        let offer = format!("permessage-deflate; client_max_window_bits{value}");
        assert_eq!(answer(&lenient(), &[&offer]), "", "{offer}");
    }
    for value in ["=1", "=true", "=\"x\"", "=8"] {
        for param in ["server_no_context_takeover", "client_no_context_takeover"] {
            let offer = format!("permessage-deflate; {param}{value}");
            assert_eq!(answer(&lenient(), &[&offer]), "", "{offer}");
        }
    }
}

#[test]
fn server_declines_an_offer_with_a_repeated_parameter() {
    for param in [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits=10",
        "client_max_window_bits",
        "client_max_window_bits=10",
    ] {
        let offer = format!("permessage-deflate; {param}; {param}");
        assert_eq!(answer(&lenient(), &[&offer]), "", "{offer}");
    }
    let offer = "permessage-deflate; client_max_window_bits=10; client_max_window_bits";
    assert_eq!(answer(&lenient(), &[offer]), "");
}

#[test]
fn server_takes_the_first_acceptable_of_several_offers() {
    let offers = [
        "permessage-deflate; x",
        "permessage-foo",
        "permessage-deflate; server_max_window_bits=8",
        "permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate",
    ];
    let expected = "permessage-deflate; server_max_window_bits=10";
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# A server MUST NOT accept a PMCE extension negotiation offer together
    //# with another extension if the PMCE will conflict with the extension
    //# on their use of the RSV1 bit.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# A server MUST NOT accept a PMCE extension negotiation offer together
    //# with another extension if the PMCE will be applied to the output of
    //# the extension and any of the following conditions applies to the
    //# extension:
    assert_eq!(answer(&lenient(), &[&offers.join(", ")]), expected);
    // The same with several header fields.
    assert_eq!(answer(&lenient(), &offers), expected);
    assert_eq!(answer(&lenient(), &[&offers[..3].join(","), "", &offers[3..].join(",")]), expected);
}

#[test]
fn server_refuses_a_malformed_header_wherever_the_error_is() {
    let fields = [&b"permessage-deflate, foo;"[..]];
    assert_eq!(lenient().accept(fields), Err(Malformed::MissingToken));
    let fields = [&b"permessage-deflate"[..], b"x y"];
    assert_eq!(lenient().accept(fields), Err(Malformed::MissingSeparator));
    assert_eq!(Supported::default().accept(fields), Err(Malformed::MissingSeparator));
}

// As a client.

#[test]
fn client_without_the_extension_offers_nothing() {
    assert!(Supported::default().is_empty());
    assert_eq!(Supported::default().offer().to_string(), "");
}

#[test]
fn client_offers_client_max_window_bits_by_default() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# To offer use of a PMCE, a client MUST include the extension name of
    //# the PMCE in the "Sec-WebSocket-Extensions" header field of its
    //# opening handshake of the WebSocket connection.
    let offer = lenient().offer();
    assert_eq!(offer.to_string(), "permessage-deflate; client_max_window_bits");
}

#[test]
fn client_offers_what_it_wants() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# In a PMCE negotiation offer, the client MUST inform the server of its
    //# LZ77 window size so that the server uses an LZ77 window size that is
    //# not greater than the LZ77 window size of the client.
    let mut terms = Terms::default()
        .with_server_no_context_takeover()
        .with_client_no_context_takeover()
        .with_server_max_window_bits(bits(10))
        .with_client_max_window_bits(bits(9));
    let first = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                 server_max_window_bits=10; client_max_window_bits=9";
    let second = "permessage-deflate; client_no_context_takeover; client_max_window_bits=9";
    for (fallback, expected) in [(false, first.to_owned()), (true, format!("{first}, {second}"))] {
        terms.fallback = fallback;
        assert_eq!(supported(|own| *own = terms).offer().to_string(), expected);
    }
}

#[test]
fn client_has_no_second_choice_where_it_is_the_first() {
    let client = supported(|terms| terms.fallback = true);
    assert_eq!(client.offer().to_string(), "permessage-deflate; client_max_window_bits");
}

#[test]
fn client_goes_on_uncompressed_where_the_server_declines() {
    let none: [&[u8]; 0] = [];
    assert_eq!(lenient().check(none), Ok(Agreed::default()));
}

#[test]
fn client_uses_the_parameters_of_the_answer() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# If a server responds with a valid PMCE element in the "Sec-WebSocket-
    //# Extensions" header and _the WebSocket Connection is established_,
    //# both endpoints MUST use the algorithm described in Section 6 and the
    //# message payload transformation (compressing and decompressing)
    //# procedure of the PMCE configured with the "agreed parameters"
    //# returned by the server to exchange messages.
    assert_eq!(check(&lenient(), &["permessage-deflate"]), Ok(Parameters::default()));
    let answer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover; \
                  server_max_window_bits=8; client_max_window_bits=\"8\"";
    let expected = Parameters {
        server_no_context_takeover: true,
        client_no_context_takeover: true,
        server_max_window_bits: Some(bits(8)),
        client_max_window_bits: Some(bits(8)),
    };
    assert_eq!(check(&lenient(), &[answer]), Ok(expected));
}

#[test]
fn client_does_without_context_takeover_where_the_server_asks_for_it() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
    //= type=test
    //# A client MUST support the "client_no_context_takeover" extension
    //# parameter in an extension negotiation response.
    let agreed = check(&lenient(), &["permessage-deflate; client_no_context_takeover"]).unwrap();
    assert!(agreed.client_no_context_takeover);
}

#[test]
fn client_keeps_to_its_own_hints() {
    let client = supported(|terms| {
        terms.client_no_context_takeover = true;
        terms.client_max_window_bits = bits(10);
    });
    for (answer, window) in [
        ("permessage-deflate", 10),
        ("permessage-deflate; client_max_window_bits=12", 10),
        ("permessage-deflate; client_max_window_bits=9", 9),
    ] {
        let agreed = check(&client, &[answer]).unwrap();
        assert!(agreed.client_no_context_takeover);
        assert_eq!(agreed.client_max_window_bits, Some(bits(window)));
    }
}

#[test]
fn client_fails_an_extension_that_was_not_offered() {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //= type=test
    //# If the response includes a |Sec-WebSocket-Extensions| header
    //# field and this header field indicates the use of an extension
    //# that was not present in the client's handshake (the server has
    //# indicated an extension not requested by the client), the client
    //# MUST _Fail the WebSocket Connection_.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# If a server gives an invalid response, such as accepting a PMCE that
    //# the client did not offer, the client MUST _Fail the WebSocket
    //# Connection_.
    for fields in [&["permessage-foo"][..], &["permessage-deflate", "foo"], &["Permessage-deflate"]]
    {
        assert_eq!(check(&lenient(), fields), Err(AnswerError::NotOffered));
    }
    let plain = Supported::default();
    assert_eq!(check(&plain, &["permessage-deflate"]), Err(AnswerError::NotOffered));
}

#[test]
fn client_fails_an_extension_that_is_accepted_twice() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# A client that received a response
    //# accepting a PMCE extension negotiation offer together with such an
    //# extension MUST _Fail the WebSocket Connection_.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //= type=test
    //# A client that receives a response accepting a PMCE extension
    //# negotiation offer together with such an extension MUST _Fail the
    //# WebSocket Connection_.
    for fields in [
        &["permessage-deflate, permessage-deflate"][..],
        &["permessage-deflate", "permessage-deflate; server_no_context_takeover"],
    ] {
        assert_eq!(check(&lenient(), fields), Err(AnswerError::Repeated));
    }
}

#[test]
fn client_takes_an_answer_over_several_lines_as_one_list() {
    // Section 11.3.2 of RFC 6455 forbids it, section 4.2.2 allows it.
    assert_eq!(check(&lenient(), &["", "permessage-deflate"]), Ok(Parameters::default()));
}

#[test]
fn client_fails_a_malformed_answer() {
    let malformed = |malformed| Err(AnswerError::Malformed(malformed));
    assert_eq!(check(&lenient(), &["permessage-deflate;"]), malformed(Malformed::MissingToken));
    assert_eq!(check(&lenient(), &[""]), malformed(Malformed::NoElement));
}

#[test]
fn client_fails_an_answer_with_an_invalid_parameter() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
    //= type=test
    //# The "client_no_context_takeover" extension parameter in an extension negotiation
    //# response has no value.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
    //= type=test
    //# The "server_no_context_takeover" extension parameter in an extension negotiation
    //# response has no value.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7
    //= type=test
    //# A client MUST _Fail the WebSocket Connection_ if the peer server
    //# accepted an extension negotiation offer for this extension with an
    //# extension negotiation response meeting any of the following
    //# conditions:
    let mut invalid: Vec<String> =
        ["x", "x=1", "server_no_context_takeover=1"].map(Into::into).into();
    invalid.push("client_no_context_takeover=true".into());
    for param in ["server_no_context_takeover", "client_no_context_takeover"] {
        invalid.push(format!("{param}; {param}"));
    }
    for param in ["server_max_window_bits", "client_max_window_bits"] {
        invalid.push(format!("{param}=10; {param}=10"));
        // In an answer both parameters need a value.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
        //= type=test
        //# The "server_max_window_bits"
        //# extension parameter in an extension negotiation response has a
        //# decimal integer value without leading zeroes between 8 to 15,
        //# inclusive, indicating the base-2 logarithm of the LZ77 sliding window
        //# size, and MUST conform to the ABNF below.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
        //= type=test
        //# The
        //# "client_max_window_bits" extension parameter in an extension
        //# negotiation response has a decimal integer value without leading
        //# zeroes between 8 to 15 inclusive indicating the base-2 logarithm of
        //# the LZ77 sliding window size and MUST conform to the ABNF below.
        invalid.extend(INVALID_BITS.map(|value| format!("{param}{value}")));
    }
    for param in invalid {
        let answer = format!("permessage-deflate; {param}");
        assert_eq!(check(&lenient(), &[&answer]), Err(AnswerError::InvalidParameter), "{answer}");
    }
}

#[test]
fn client_fails_an_answer_without_the_takeover_parameter_that_it_requested() {
    let client = supported(|terms| terms.server_no_context_takeover = true);
    assert_eq!(check(&client, &["permessage-deflate"]), Err(AnswerError::NotAsOffered));
    assert!(check(&client, &["permessage-deflate; server_no_context_takeover"]).is_ok());
}

#[test]
fn client_fails_an_answer_with_a_larger_window_than_it_requested_or_none() {
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
    //= type=test
    //# By including this parameter in an extension negotiation offer, a client limits the
    //# LZ77 sliding window size that the server will use to compress messages.
    let client = supported(|terms| terms.server_max_window_bits = bits(10));
    for (answer, fits) in [("", false), ("=11", false), ("=15", false), ("=10", true), ("=8", true)]
    {
        let answer = match answer {
            "" => "permessage-deflate".to_owned(),
            value => format!("permessage-deflate; server_max_window_bits{value}"),
        };
        let result = check(&client, &[&answer]);
        assert_eq!(result.err(), (!fits).then_some(AnswerError::NotAsOffered), "{answer}");
    }
}

#[test]
fn client_with_a_second_choice_takes_either() {
    let client = supported(|terms| {
        terms.server_max_window_bits = bits(10);
        terms.fallback = true;
    });
    for answer in ["", "; server_max_window_bits=10", "; server_max_window_bits=15"] {
        assert!(check(&client, &[&format!("permessage-deflate{answer}")]).is_ok());
    }
}

// Both.

#[test]
fn window_bits_are_8_to_15() {
    assert_eq!(WindowBits::new(7), None);
    assert_eq!(WindowBits::new(16), None);
    assert_eq!(bits(8).window(), 256);
    assert_eq!(bits(15).window(), 32_768);
    assert_eq!(bits(12).get(), 12);
}

fn terms() -> impl Strategy<Value = Supported> {
    (any::<(bool, bool, bool, bool)>(), 8..=15_u8, 8..=15_u8).prop_map(|(flags, server, client)| {
        let (compresses, server_takeover, client_takeover, fallback) = flags;
        if !compresses {
            return Supported::default();
        }
        supported(|terms| {
            terms.server_no_context_takeover = server_takeover;
            terms.client_no_context_takeover = client_takeover;
            terms.server_max_window_bits = bits(server);
            terms.client_max_window_bits = bits(client);
            terms.fallback = fallback;
        })
    })
}

/// Whether a server that compresses may accept an offer with these parameters: each is known, occurs once and has a valid value,
/// and none requires a window of 256 octets, which our server doesn't support.
fn is_acceptable(params: &[(String, Option<String>)]) -> bool {
    let once = |name: &str| params.iter().filter(|(other, _)| other == name).count() == 1;
    let bits = ["8", "9", "10", "11", "12", "13", "14", "15"];
    params.iter().all(|(name, value)| {
        let good = match (&name[..], value.as_deref()) {
            ("server_no_context_takeover" | "client_no_context_takeover", value) => value.is_none(),
            ("server_max_window_bits", Some(value)) => bits[1..].contains(&value),
            ("client_max_window_bits", Some(value)) => bits.contains(&value),
            ("client_max_window_bits", None) => true,
            _ => false,
        };
        good && once(name)
    })
}

proptest! {
    #[test]
    fn two_endpoints_of_ours_always_come_to_terms(client in terms(), server in terms()) {
        let offer = client.offer().to_string();
        let fields = (!client.is_empty()).then_some(offer.as_bytes());
        let accepted = server.accept(fields).expect("our own offer");
        let answer = accepted.answer().to_string();
        let fields = (!accepted.is_empty()).then_some(answer.as_bytes());
        let agreed = client.check(fields).expect("our own answer");
        // Two endpoints that compress always agree, unless a window of 256 octets is required, which our server doesn't support.
        let impossible =
            |client: Terms| client.server_max_window_bits == bits(8) && !client.fallback;
        let expected = match (client.deflate, server.deflate) {
            (Some(client), Some(_)) => !impossible(client),
            _ => false,
        };
        prop_assert_eq!((accepted.deflate.is_some(), agreed.deflate.is_some()), (expected, expected));
        let (Some(mine), Some(yours)) = (accepted.deflate, agreed.deflate) else { return Ok(()) };
        // What the client has promised may be stricter than the answer, and never less strict.
        prop_assert_eq!(mine.server_no_context_takeover, yours.server_no_context_takeover);
        prop_assert_eq!(mine.server_max_window_bits, yours.server_max_window_bits);
        prop_assert!(mine.client_no_context_takeover <= yours.client_no_context_takeover);
        let window = |bits: Option<WindowBits>| bits.unwrap_or(WindowBits::MAX);
        prop_assert!(window(yours.client_max_window_bits) <= window(mine.client_max_window_bits));
        prop_assert!(window(mine.server_max_window_bits) >= bits(9));
    }

    #[test]
    fn any_octets_are_answered_or_refused(field in proptest::collection::vec(any::<u8>(), 0..80), server in terms()) {
        // Random octets don't name a known extension: as an offer they lead to no agreement, as an answer they are wrong.
        let well_formed = elements([&field[..]]).all(|element| element.is_ok());
        let agreed = well_formed.then(Agreed::default);
        prop_assert_eq!(server.accept([&field[..]]).ok(), agreed);
        prop_assert!(server.check([&field[..]]).is_err());
    }

    #[test]
    fn any_parameters_are_answered_or_declined(
        mut params in proptest::collection::vec(
            (prop_oneof![4 => "(server|client)_max_window_bits", 4 => "(server|client)_no_context_takeover", 1 => "x"],
             proptest::option::of(prop_oneof!["[0-9]{1,3}", "8|9|1[0-5]"])), 0..5),
        twice in proptest::bool::weighted(0.2),
        server in terms(),
    ) {
        params.extend(params.first().filter(|_| twice).cloned());
        let offer = params.iter().fold("permessage-deflate".to_owned(), |offer, (name, value)| match value {
            Some(value) => format!("{offer}; {name}={value}"),
            None => format!("{offer}; {name}"),
        });
        let agreed = server.accept([offer.as_bytes()]).expect("well-formed");
        prop_assert_eq!(!agreed.is_empty(), server.deflate.is_some() && is_acceptable(&params), "{}", offer);
        if agreed.is_empty() {
            return Ok(());
        }
        // Every requirement of the offer is met, and the client is asked for nothing that its offer doesn't allow.
        let answer = agreed.answer().to_string();
        let answer = elements([answer.as_bytes()]).next().expect("one").expect("well-formed");
        let value = |wanted: &str| answer.params().find(|p| p.name() == wanted).map(|p| p.value().map(|v| v.to_string()));
        let offered = |wanted: &str| params.iter().find(|(name, _)| name == wanted);
        if offered("server_no_context_takeover").is_some() {
            prop_assert_eq!(value("server_no_context_takeover"), Some(None));
        }
        if let Some((_, Some(most))) = offered("server_max_window_bits") {
            let chosen: u8 = value("server_max_window_bits").flatten().expect("a value").parse().expect("a number");
            prop_assert!(chosen <= most.parse().expect("a number") && chosen >= 9);
        }
        if offered("client_max_window_bits").is_none() {
            prop_assert_eq!(value("client_max_window_bits"), None);
        }
    }
}
