//! Groups 12 and 13: permessage-deflate over kinds of content, sizes of messages and fragments, and agreed parameters.

use sockless::extension::deflate::Terms;
use sockless::{Client, Server};

use crate::inflation::noise;
use crate::script::Cut;
use crate::session::{Opened, Session};
use crate::wire::*;

/// Without optimisation large messages are this much smaller than in the suite.
const SCALE: usize = if cfg!(debug_assertions) { 16 } else { 1 };
/// The suite sends a thousand messages in each case.
const MESSAGES: usize = if cfg!(debug_assertions) { 4 } else { 20 };

/// The length of the messages, and that of the fragments; 0 for a message in one frame.
const SIZES: [(usize, usize); 18] = [
    (16, 0),
    (64, 0),
    (256, 0),
    (1024, 0),
    (4096, 0),
    (8192, 0),
    (16384, 0),
    (32768, 0),
    (65536, 0),
    (131_072, 0),
    (8192, 256),
    (16384, 256),
    (32768, 256),
    (65536, 256),
    (131_072, 256),
    (131_072, 1024),
    (131_072, 4096),
    (131_072, 32768),
];

/// The client's header in the suite, after the name; the answer that it has to get here; the answers that the suite's server gives
/// to a client.
const PARAMETERS: [(&[&str], &str, &str); 7] = [
    (&[""], "", ""),
    (
        &["; server_no_context_takeover"],
        "; server_no_context_takeover",
        "; client_no_context_takeover",
    ),
    (&["; server_max_window_bits=9"], "; server_max_window_bits=9", "; client_max_window_bits=9"),
    (
        &["; server_max_window_bits=15"],
        "; server_max_window_bits=15",
        "; client_max_window_bits=15",
    ),
    (
        &["; server_no_context_takeover; server_max_window_bits=9"],
        "; server_no_context_takeover; server_max_window_bits=9",
        "; client_no_context_takeover; client_max_window_bits=9",
    ),
    (
        &["; server_no_context_takeover; server_max_window_bits=15"],
        "; server_no_context_takeover; server_max_window_bits=15",
        "; client_no_context_takeover; client_max_window_bits=15",
    ),
    (
        &[
            "; server_no_context_takeover; server_max_window_bits=9",
            "; server_no_context_takeover",
            "",
        ],
        "; server_no_context_takeover; server_max_window_bits=9",
        "; client_no_context_takeover; client_max_window_bits=9",
    ),
];

/// What the messages are cut out of.
struct Content {
    kind: u8,
    /// The places where a message may begin and end.
    places: Vec<usize>,
    bytes: Vec<u8>,
    /// Whether messages of a few words get shorter.
    compressible: bool,
}

impl Content {
    fn text(text: String, kind: u8) -> Self {
        let places = text.char_indices().map(|(at, _)| at).collect();
        Self { kind, places, bytes: text.into_bytes(), compressible: true }
    }

    fn octets(bytes: Vec<u8>, compressible: bool) -> Self {
        Self { kind: BINARY, places: (0..bytes.len()).collect(), bytes, compressible }
    }

    /// Like the five kinds of the suite: JSON, a picture, prose, HTML, a file that is compressed for the most part.
    fn of(sub: usize) -> Self {
        let words = ["Faust", "größer", "Gretchen", "heißt", "und", "der", "Pudel", "Kern", "ach"];
        let draw = noise(sub as u64, 30_000);
        let word = |i: usize| words[usize::from(draw[i]) % words.len()];
        match sub {
            1 => {
                let entry =
                    |i| format!("{{\"id\": {i}, \"{}\": [\"{}\", null]}},\n", word(i), word(i + 1));
                Self::text((0..3000).map(entry).collect(), TEXT)
            }
            2 => {
                let pixel = |(i, grain): (usize, &u8)| (i % 512 / 8) as u8 + grain % 2;
                Self::octets(draw.iter().enumerate().map(pixel).collect(), true)
            }
            3 => Self::text((0..20_000).map(|i| format!("{} ", word(i))).collect(), BINARY),
            4 => {
                let entry = |i| {
                    format!(
                        "<p class=\"{}\">{} &ndash; {}</p>\n",
                        word(i),
                        word(i + 1),
                        word(i + 2)
                    )
                };
                Self::text((0..3000).map(entry).collect(), TEXT)
            }
            _ => Self::octets(draw, false),
        }
    }

    /// `len` code points or octets from this one on, and from the beginning again.
    fn message(&self, from: usize, len: usize) -> Vec<u8> {
        let count = self.places.len();
        let piece = |i: usize| {
            let at = self.places[i % count];
            let end = self.places.get(i % count + 1).copied().unwrap_or(self.bytes.len());
            &self.bytes[at..end]
        };
        (from..from + len).flat_map(piece).copied().collect()
    }
}

pub(crate) fn ids() -> Vec<String> {
    let group = |group: usize, subs: usize| {
        (1..=subs).flat_map(move |sub| (1..=SIZES.len()).map(move |n| format!("{group}.{sub}.{n}")))
    };
    group(12, 5).chain(group(13, PARAMETERS.len())).collect()
}

/// A sub-group: these parameters, this content, every size.
fn sub_group<R: Opened>(parameters: usize, content: &Content) {
    let (offers, answer, given) = PARAMETERS[parameters];
    let offers: Vec<String> = offers
        .iter()
        .map(|offer| {
            format!("permessage-deflate; client_no_context_takeover; client_max_window_bits{offer}")
        })
        .collect();
    let (theirs, ours, agreed) = if R::MASKS {
        let given = format!("permessage-deflate{given}");
        (given.clone(), "permessage-deflate; client_max_window_bits".to_owned(), given)
    } else {
        // The client's hint that it compresses each message by itself is made use of: it is in the answer.
        let (takeover, window) = match answer.find("; server_max") {
            Some(at) => answer.split_at(at),
            None => (answer, ""),
        };
        let answer = format!("permessage-deflate{takeover}; client_no_context_takeover{window}");
        (offers.join(", "), answer.clone(), answer)
    };
    let mut from = 0;
    for (len, fragment) in SIZES {
        let scale = if len > 4096 { SCALE } else { 1 };
        let (len, fragment) = (len / scale, fragment / scale);
        let (conn, header) = R::handshake(Terms::default(), &theirs);
        assert_eq!(header.as_deref(), Some(&*ours));
        let mut session = Session::new(conn.expect("an open connection"), &agreed);
        for i in 0..MESSAGES {
            let cut = match i % 4 {
                0 => Cut::Whole,
                1 if len <= 1024 => Cut::Bytes(1),
                1 => Cut::Bytes(64),
                2 => Cut::Frames,
                _ => Cut::Bytes(997),
            };
            let message = content.message(from, len);
            from += len;
            session.exchange(content.kind, &message, fragment, cut);
        }
        // Messages of less than 32 octets go out as they are.
        if content.compressible && len >= 64 {
            assert_eq!(session.compressed, MESSAGES, "{len}");
        }
        session.close();
    }
}

macro_rules! sub_groups {
    ($($name:ident: $parameters:literal, $content:literal;)*) => {
        mod server {
            $(#[test] fn $name() {
                super::sub_group::<super::Server>($parameters, &super::Content::of($content));
            })*
        }
        mod client {
            $(#[test] fn $name() {
                super::sub_group::<super::Client>($parameters, &super::Content::of($content));
            })*
        }
    };
}

sub_groups! {
    group_12_1: 0, 1;
    group_12_2: 0, 2;
    group_12_3: 0, 3;
    group_12_4: 0, 4;
    group_12_5: 0, 5;
    group_13_1: 0, 1;
    group_13_2: 1, 1;
    group_13_3: 2, 1;
    group_13_4: 3, 1;
    group_13_5: 4, 1;
    group_13_6: 5, 1;
    group_13_7: 6, 1;
}
