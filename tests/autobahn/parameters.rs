//! What the suite doesn't look at: whether an answer follows from the offer, and whether messages keep to what was agreed on.

use sockless::extension::Supported;
use sockless::extension::deflate::{Terms, WindowBits};
use sockless::{Client, Server};

use crate::inflation::noise;
use crate::script::Cut;
use crate::session::{Opened, Session};
use crate::wire::*;

/// An element of the header, by its parameters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Element {
    server_alone: bool,
    client_alone: bool,
    server_bits: Option<u8>,
    /// The parameter, and its value.
    client_bits: Option<Option<u8>>,
}

impl Element {
    /// All elements whose windows are among these.
    fn all(server_bits: &[Option<u8>], client_bits: &[Option<Option<u8>>]) -> Vec<Self> {
        let mut all = Vec::new();
        for flags in 0..4 {
            for &server_bits in server_bits {
                for &client_bits in client_bits {
                    let (server_alone, client_alone) = (flags & 1 != 0, flags & 2 != 0);
                    all.push(Self { server_alone, client_alone, server_bits, client_bits });
                }
            }
        }
        all
    }

    fn every() -> Vec<Self> {
        let bits = || (8..=15).map(Some);
        let server: Vec<Option<u8>> = [None].into_iter().chain(bits()).collect();
        let client: Vec<Option<Option<u8>>> =
            [None, Some(None)].into_iter().chain(bits().map(Some)).collect();
        Self::all(&server, &client)
    }

    fn write(self) -> String {
        let mut text = "permessage-deflate".to_owned();
        if let Some(bits) = self.client_bits {
            text.push_str("; client_max_window_bits");
            text.extend(bits.map(|bits| format!("={bits}")));
        }
        if self.client_alone {
            text.push_str("; client_no_context_takeover");
        }
        text.extend(self.server_bits.map(|bits| format!("; server_max_window_bits=\"{bits}\"")));
        if self.server_alone {
            text.push_str("; server_no_context_takeover");
        }
        text
    }

    /// Reads an element that an endpoint has sent: every parameter once at most, and with a value as it has to be.
    fn read(text: &str) -> Self {
        let mut parts = text.split("; ");
        assert_eq!(parts.next(), Some("permessage-deflate"), "{text}");
        let mut element = Self::default();
        let bits = |value: &str| -> u8 {
            let bits: u8 = value.parse().expect("a number");
            assert!((8..=15).contains(&bits) && bits.to_string() == value, "{text}");
            bits
        };
        for part in parts {
            let before = element;
            match part.split_once('=') {
                None if part == "server_no_context_takeover" => element.server_alone = true,
                None if part == "client_no_context_takeover" => element.client_alone = true,
                None if part == "client_max_window_bits" => element.client_bits = Some(None),
                Some(("client_max_window_bits", value)) => {
                    element.client_bits = Some(Some(bits(value)));
                }
                Some(("server_max_window_bits", value)) => element.server_bits = Some(bits(value)),
                _ => panic!("unknown: {text}"),
            }
            assert_ne!(element, before, "repeated: {text}");
        }
        element
    }
}

fn window(bits: u8) -> WindowBits {
    WindowBits::new(bits).expect("8 to 15")
}

/// Terms that differ in everything that there is to choose.
fn every_terms() -> Vec<Terms> {
    let bits = [8, 9, 12, 15];
    let mut all = Vec::new();
    for flags in 0..4 {
        for server_bits in bits {
            for client_bits in bits {
                let mut terms = Terms::default();
                terms.server_no_context_takeover = flags & 1 != 0;
                terms.client_no_context_takeover = flags & 2 != 0;
                terms.server_max_window_bits = window(server_bits);
                terms.client_max_window_bits = window(client_bits);
                all.push(terms);
            }
        }
    }
    all
}

#[test]
fn every_answer_of_a_server_follows_from_the_offer_and_its_terms() {
    let offers = Element::every();
    for terms in every_terms() {
        let supported = Supported::default().with_deflate(terms);
        for offer in &offers {
            let text = offer.write();
            let agreed = supported.accept([text.as_bytes()]).expect("a header by its grammar");
            // A window of 256 octets is what no compressor at hand keeps to.
            if offer.server_bits == Some(8) {
                assert!(agreed.is_empty(), "{text}");
                continue;
            }
            let answer = Element::read(&agreed.answer().to_string());
            let place = format!("{text}, {terms:?}: {answer:?}");
            // What the client requests, and what the server wants of itself.
            let alone = offer.server_alone || terms.server_no_context_takeover;
            assert_eq!(answer.server_alone, alone, "{place}");
            let allowed = offer.server_bits.unwrap_or(15);
            let wanted = terms.server_max_window_bits.get().max(9);
            assert_eq!(answer.server_bits.unwrap_or(15), allowed.min(wanted), "{place}");
            assert!(offer.server_bits.is_none() || answer.server_bits.is_some(), "{place}");
            // What the client hints at, and what the server wants of it.
            let alone = offer.client_alone || terms.client_no_context_takeover;
            assert_eq!(answer.client_alone, alone, "{place}");
            match (offer.client_bits, answer.client_bits) {
                (_, Some(None)) => panic!("no value: {place}"),
                (None, asked) => assert_eq!(asked, None, "{place}"),
                (Some(hint), asked) => {
                    let limit = hint.unwrap_or(15).min(terms.client_max_window_bits.get());
                    assert_eq!(asked.map_or(15, |asked| asked.unwrap_or(15)), limit, "{place}");
                }
            }
        }
    }
}

#[test]
fn a_client_takes_exactly_the_answers_that_follow_from_its_offer() {
    let answers = Element::every();
    for terms in every_terms().into_iter().flat_map(|terms| [terms, terms.with_fallback()]) {
        let supported = Supported::default().with_deflate(terms);
        let offered = supported.offer().to_string();
        let offers: Vec<Element> = offered.split(", ").map(Element::read).collect();
        let first = offers[0];
        assert_eq!(first.server_alone, terms.server_no_context_takeover, "{offered}");
        assert_eq!(first.server_bits.unwrap_or(15), terms.server_max_window_bits.get());
        for answer in &answers {
            // It has to follow from one of the offers, and from that offer wholly.
            let follows = |offer: &Element| {
                let alone = answer.server_alone || !offer.server_alone;
                let window = offer
                    .server_bits
                    .is_none_or(|bits| answer.server_bits.is_some_and(|answer| answer <= bits));
                let client = answer
                    .client_bits
                    .is_none_or(|bits| offer.client_bits.is_some() && bits.is_some());
                alone && window && client
            };
            let text = answer.write();
            let taken = supported.check([text.as_bytes()]).is_ok();
            assert_eq!(taken, offers.iter().any(follows), "{offered}: {text}");
        }
    }
}

/// Headers with a parameter that is unknown, repeated, or has no value that it may have.
fn invalid() -> Vec<String> {
    let mut params: Vec<String> =
        ["x", "x=1", "server_no_context_takeover=1", "client_no_context_takeover=\"1\""]
            .map(str::to_owned)
            .into();
    for name in ["server_no_context_takeover", "client_no_context_takeover"] {
        params.push(format!("{name}; {name}"));
    }
    for name in ["server_max_window_bits", "client_max_window_bits"] {
        for value in ["0", "7", "16", "08", "008", "1", "150", "256", "-9", "nine", "9x"] {
            params.push(format!("{name}={value}"));
        }
        params.push(format!("{name}=10; {name}=10"));
    }
    params.push("server_max_window_bits".to_owned());
    params.iter().map(|params| format!("permessage-deflate; {params}")).collect()
}

#[test]
fn a_server_answers_nothing_to_an_invalid_offer_and_goes_on_without() {
    for offer in invalid() {
        let (conn, answer) = Server::handshake(Terms::default(), &offer);
        assert!(conn.is_some(), "{offer}");
        assert_eq!(answer, None, "{offer}");
        // The next one may be better.
        let (_, answer) =
            Server::handshake(Terms::default(), &format!("{offer}, permessage-deflate"));
        assert_eq!(answer.as_deref(), Some("permessage-deflate"), "{offer}");
    }
}

#[test]
fn a_client_fails_an_invalid_answer() {
    let twice = "permessage-deflate, permessage-deflate".to_owned();
    let valueless = "permessage-deflate; client_max_window_bits".to_owned();
    let other = "permessage-bzip2".to_owned();
    for answer in invalid().into_iter().chain([twice, valueless, other]) {
        assert!(Client::handshake(Terms::default(), &answer).0.is_none(), "{answer}");
    }
    assert!(Client::handshake(Terms::default(), "").0.is_some());
}

/// Large windows need large messages: two of the four combinations of takeover are enough for them.
fn takes_long(bits: u8, element: Element) -> bool {
    bits > 12 && element.server_alone != element.client_alone
}

/// Messages whose repetitions are just out of reach of a window, and just within.
fn exchange<R: Opened>(mut session: Session<R>, bits: u8, compresses: bool) {
    let window = 1_usize << bits;
    // The peer's compressor looks back a little less far than its window.
    for distance in [window - 300.min(window / 2), window + 50] {
        let block = noise(u64::from(bits), distance);
        let message = [&block[..], &block[..], b"the end, the end, the end, the end"].concat();
        session.exchange(BINARY, &message, 0, Cut::Bytes(1000));
    }
    for (i, text) in ["{\"n\": 1, \"m\": [1, 1, 1, 1, 1]}", "{\"n\": 2, \"m\": [2, 2, 2, 2, 2]}"]
        .iter()
        .cycle()
        .take(6)
        .enumerate()
    {
        let text = text.repeat(3 + i);
        session.exchange(TEXT, text.as_bytes(), 10, Cut::Bytes(1));
    }
    assert_eq!(session.compressed > 0, compresses);
    session.close();
}

#[test]
fn messages_keep_to_the_answer_of_a_server() {
    for server_bits in 9..=15 {
        let client_bits = 8 + (server_bits - 9 + 5) % 8;
        for element in Element::all(&[Some(server_bits)], &[None, Some(Some(client_bits))]) {
            if takes_long(server_bits, element) {
                continue;
            }
            let (conn, answer) = Server::handshake(Terms::default(), &element.write());
            let answer = answer.expect("an answer");
            assert_eq!(Element::read(&answer).server_bits, Some(server_bits));
            exchange(Session::new(conn.expect("open"), &answer), server_bits, true);
        }
    }
}

#[test]
fn messages_keep_to_the_answer_of_a_clients_server() {
    for client_bits in 8..=15 {
        let server_bits = 8 + (client_bits + 3) % 8;
        for element in Element::all(&[None, Some(server_bits)], &[Some(Some(client_bits))]) {
            if takes_long(client_bits, element) {
                continue;
            }
            let answer = element.write();
            let (conn, _) = Client::handshake(Terms::default(), &answer);
            let answer = answer.replace('"', "");
            // A client whose server answers with 8 bits sends plain messages.
            exchange(Session::new(conn.expect("open"), &answer), client_bits, client_bits > 8);
        }
    }
}

#[test]
fn a_clients_own_hints_bind_it() {
    for bits in 8..=15 {
        let terms = Terms::default()
            .with_client_max_window_bits(window(bits))
            .with_client_no_context_takeover();
        // The server leaves both out, and could take more.
        let (conn, offered) = Client::handshake(terms, "permessage-deflate");
        let offered = Element::read(&offered.expect("an offer"));
        assert!(offered.client_alone);
        assert_eq!(offered.client_bits, Some((bits < 15).then_some(bits)));
        let kept = format!(
            "permessage-deflate; client_no_context_takeover; client_max_window_bits={bits}"
        );
        exchange(Session::new(conn.expect("open"), &kept), bits, bits > 8);
    }
}
