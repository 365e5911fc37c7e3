//! Groups 12 and 13: permessage-deflate over kinds of content, sizes of messages and fragments, and agreed parameters.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::case::{Case, Weight};
use crate::cases::expect::{comes_back, end};
use crate::cases::offer::{NAME, param};
use crate::cases::rules;
use crate::stage::Stage;
use crate::verdict::{Closing, Finding, Level};
use crate::wire::random::Random;

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

/// What a client asks for of its server, in each element of its offers; what a server asks for of its client, the best first.
const PARAMETERS: [(&[&str], &[&str]); 7] = [
    (&[""], &[""]),
    (&["; server_no_context_takeover"], &["; client_no_context_takeover"]),
    (&["; server_max_window_bits=9"], &["; client_max_window_bits=9"]),
    (&["; server_max_window_bits=15"], &["; client_max_window_bits=15"]),
    (
        &["; server_no_context_takeover; server_max_window_bits=9"],
        &["; client_no_context_takeover; client_max_window_bits=9"],
    ),
    (
        &["; server_no_context_takeover; server_max_window_bits=15"],
        &["; client_no_context_takeover; client_max_window_bits=15"],
    ),
    (
        &[
            "; server_no_context_takeover; server_max_window_bits=9",
            "; server_no_context_takeover",
            "",
        ],
        &[
            "; client_no_context_takeover; client_max_window_bits=9",
            "; client_no_context_takeover",
            "",
        ],
    ),
];

/// What the messages are cut out of.
struct Content {
    text: bool,
    bytes: Vec<u8>,
    /// Where a message may begin and end.
    places: Vec<u32>,
}

impl Content {
    fn new(text: bool, bytes: Vec<u8>) -> Self {
        let begins = |at: &usize| !text || bytes[*at] & 0xC0 != 0x80;
        let places = (0..bytes.len()).filter(begins).map(|at| at as u32).collect();
        Self { text, bytes, places }
    }

    /// `len` code points or octets from this one on, and from the beginning again.
    fn message(&self, from: usize, len: usize) -> Vec<u8> {
        let count = self.places.len();
        let (mut at, mut left, mut message) = (from % count, len, Vec::with_capacity(len * 2));
        while left > 0 {
            let end = (at + left).min(count);
            let place = |i: usize| self.places.get(i).map_or(self.bytes.len(), |at| *at as usize);
            message.extend_from_slice(&self.bytes[place(at)..place(end)]);
            left -= end - at;
            at = 0;
        }
        message
    }
}

/// Of the kinds of the suite's five files: JSON, a picture, prose, HTML, a file that is compressed for the most part. A compressor is
/// about as quick with them as with the suite's, or quicker: its time is the testee's, and not what is tested.
static CONTENTS: LazyLock<[Arc<Content>; 5]> = LazyLock::new(|| {
    let words = ["Faust", "größer", "Gretchen", "heißt", "und", "der", "Pudel", "Kern", "ach"];
    let mut random = Random::new(1, "content");
    let draw = random.octets(300_000);
    let word = |i: usize| words[usize::from(draw[i]) % words.len()];
    let json: String = (0..2500)
        .map(|i| {
            let name = word(i);
            format!("{{\"type\": \"Feature\", \"id\": {i}, \"properties\": {{\"name\": \"{name}\", \"visible\": true, \"tags\": [], \"parent\": null}}}},\n")
        })
        .collect();
    let picture = draw.iter().enumerate().map(|(i, grain)| {
        let grain = if *grain < 8 { grain % 2 } else { 0 };
        (i % 512 / 8) as u8 + grain
    });
    let sentence = |i: usize| {
        let words: Vec<&str> = (0..6 + i % 9).map(|k| word(i * 16 + k)).collect();
        format!("{}. ", words.join(" "))
    };
    let prose: String = draw[..5000].iter().map(|i| sentence(usize::from(i % 64))).collect();
    let html: String = (0..4000)
        .map(|i| {
            let (left, right, line) = (word(i), word(i + 1), i % 100);
            format!("<tr class=\"line\"><td class=\"left\">{left}</td><td class=\"right\"><a href=\"#{line}\">{right}</a></td></tr>\n")
        })
        .collect();
    let mixed = draw.chunks(1280).flat_map(|part| [&part[..part.len() / 5], &[0; 1024]].concat());
    [
        Content::new(true, json.into_bytes()),
        Content::new(false, picture.take(260_000).collect()),
        Content::new(false, prose.into_bytes()),
        Content::new(true, html.into_bytes()),
        Content::new(false, mixed.collect()),
    ]
    .map(Arc::new)
});

/// What a server answers to a client's offers: the first of `wanted` that one of the offers allows.
fn choose(offers: &[String], wanted: &[&str]) -> Option<String> {
    for wanted in wanted {
        for offer in offers {
            let mut params = offer.split(';').map(str::trim);
            if params.next() != Some(NAME) {
                continue;
            }
            let bits = "client_max_window_bits";
            if wanted.contains(bits) && param(offer, bits).is_none() {
                continue;
            }
            let mut answer = NAME.to_owned();
            for param in params.filter(|param| param.starts_with("server_")) {
                answer.push_str("; ");
                answer.push_str(param);
            }
            answer.push_str(wanted);
            return Some(answer);
        }
    }
    None
}

fn run(
    stage: &mut Stage<'_>,
    parameters: usize,
    content: usize,
    (len, fragment): (usize, usize),
    wait: Duration,
) -> Finding {
    let (asks, wants) = PARAMETERS[parameters];
    let offer =
        |ask: &&str| format!("{NAME}; client_no_context_takeover; client_max_window_bits{ask}");
    let offers: Vec<String> = asks.iter().map(offer).collect();
    let ask = stage.ask().set("Sec-WebSocket-Extensions", &offers.join(", "));
    let opened = stage.open_with(&ask, &|offers| choose(offers, wants));
    let mut session = match opened {
        Ok(session) => session,
        Err(finding) => return Finding { closing: Closing::Failed, ..finding },
    };
    if session.agreement.is_none() {
        let why = "The testee does not agree on permessage-deflate with these parameters.";
        return end(session, Finding::unimplemented(why));
    }
    let count = stage.setting.messages;
    session.max_received = (3 * len as u64 + 64) * count as u64 * 2 + (1 << 20);
    let until = stage.within(wait);
    let content = Arc::clone(&CONTENTS[content]);
    let mut from = 0;
    for _ in 0..count {
        let message = content.message(from, len);
        from += len;
        let frames = session.message_frames(content.text, &message, fragment);
        session.send_chopped(&frames, usize::MAX);
        if let Err(finding) = comes_back(&mut session, content.text, &message, until) {
            return end(session, finding);
        }
    }
    let compressed = session.compressed;
    let finding =
        Finding::ok(format!("All {count} messages came back, {compressed} of them compressed."));
    end(session, finding)
}

fn group(group: u32, sub: usize, parameters: usize, content: usize, cases: &mut Vec<Case>) {
    for (n, (len, fragment)) in (1..).zip(SIZES) {
        let cut = match fragment {
            0 => String::new(),
            fragment => format!(" in fragments of {fragment} B"),
        };
        let name = ["JSON", "a picture", "prose", "HTML", "a mixed file"][content];
        let offered = match PARAMETERS[parameters].0 {
            [""] => "without further parameters".to_owned(),
            asks => format!("with {}", asks.join(" | ").replace("; ", " ").trim()),
        };
        let says =
            format!("Compressed messages of {len} characters of {name}{cut} come back, {offered}.");
        let wait = Duration::from_secs(if len <= 64 { 60 } else { 480 });
        cases.push(Case {
            id: format!("{group}.{sub}.{n}"),
            chapter: "autobahn",
            level: Level::Must,
            says,
            rule: &rules::COMPRESSED,
            weight: Weight::Heavy,
            limit: wait + Duration::from_secs(10),
            only: None,
            script: Box::new(move |stage| run(stage, parameters, content, (len, fragment), wait)),
        });
    }
}

pub(in crate::cases) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for content in 0..5 {
        group(12, content + 1, 0, content, &mut cases);
    }
    for parameters in 0..PARAMETERS.len() {
        group(13, parameters + 1, parameters, 0, &mut cases);
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_between_code_points_and_go_round() {
        for content in CONTENTS.iter() {
            let count = content.places.len();
            let message = content.message(count - 3, 7);
            if content.text {
                let text = std::str::from_utf8(&message).expect("text");
                assert_eq!(text.chars().count(), 7);
            } else {
                assert_eq!(message.len(), 7);
            }
            assert_eq!(content.message(1, 3), content.message(1 + count, 3));
        }
    }

    #[test]
    fn a_clients_offer_is_answered_as_it_allows() {
        let offers =
            ["permessage-deflate; server_max_window_bits=10; client_max_window_bits".to_owned()];
        let answer = choose(&offers, PARAMETERS[4].1);
        let expected = "permessage-deflate; server_max_window_bits=10; client_no_context_takeover; client_max_window_bits=9";
        assert_eq!(answer.as_deref(), Some(expected));
        let plain = ["x-other".to_owned(), NAME.to_owned()];
        assert_eq!(choose(&plain, PARAMETERS[2].1), None);
        let answer = choose(&plain, PARAMETERS[6].1);
        assert_eq!(answer.as_deref(), Some("permessage-deflate; client_no_context_takeover"));
        assert_eq!(choose(&[], PARAMETERS[0].1), None);
    }
}
