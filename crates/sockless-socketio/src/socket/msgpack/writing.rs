//! A packet written as MessagePack. Its JSON was checked, or written by serde.

use alloc::string::String;
use alloc::vec::Vec;

use bytes::Bytes;
use rmp::encode as put;

use crate::engine::Frame;
use crate::socket::namespace::Namespace;
use crate::socket::payload::Payload;

/// What a packet carries.
#[derive(Clone, Copy)]
pub(in crate::socket) enum Data<'d> {
    /// JSON, if anything.
    Json(Option<&'d str>),
    /// Arguments, after a name if there is one.
    Arguments(Option<&'d str>, &'d Payload),
}

/// Writes a packet of this type.
pub(in crate::socket) fn write(
    kind: u8,
    namespace: &Namespace,
    id: Option<u64>,
    data: Data<'_>,
) -> Frame {
    let has_data = !matches!(data, Data::Json(None));
    let members = 2 + u32::from(id.is_some()) + u32::from(has_data);
    let mut packet = Vec::with_capacity(64 + namespace.len() + data.len());
    // Writing to memory can't fail: nor below.
    let _ = put::write_map_len(&mut packet, members);
    let _ = put::write_str(&mut packet, "type");
    let _ = put::write_uint(&mut packet, kind.into());
    let _ = put::write_str(&mut packet, "nsp");
    let _ = put::write_str(&mut packet, namespace);
    if let Some(id) = id {
        let _ = put::write_str(&mut packet, "id");
        let _ = put::write_uint(&mut packet, id);
    }
    if has_data {
        let _ = put::write_str(&mut packet, "data");
    }
    match data {
        Data::Json(None) => {}
        Data::Json(Some(json)) => Converting { json, at: 0, attachments: &[] }.value(&mut packet),
        Data::Arguments(name, payload) => {
            let attachments = payload.attachments();
            Converting { json: payload.json(), at: 0, attachments }.arguments(name, &mut packet);
        }
    }
    Frame::Binary(packet.into())
}

impl Data<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Json(json) => json.map_or(0, str::len),
            Self::Arguments(name, payload) => name.map_or(0, str::len) + payload.len(),
        }
    }
}

/// JSON of which it is known that it is.
struct Converting<'j> {
    json: &'j str,
    at: usize,
    attachments: &'j [Bytes],
}

impl<'j> Converting<'j> {
    /// The next byte that is no space, which stays the next.
    fn peek(&mut self) -> u8 {
        let rest = &self.json.as_bytes()[self.at.min(self.json.len())..];
        let spaces = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        self.at += spaces;
        // There is a byte more wherever one is asked for.
        rest.get(spaces).copied().unwrap_or(b']')
    }

    /// Goes past a byte if it is the next.
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == byte;
        self.at += usize::from(is_next);
        is_next
    }

    /// A string as it is written, with its quotes.
    fn quoted(&mut self) -> &'j str {
        self.peek();
        let rest = &self.json[self.at.min(self.json.len())..];
        let mut escaped = false;
        let end = rest.bytes().skip(1).position(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        let quoted = &rest[..end.map_or(rest.len(), |end| end + 2)];
        self.at += quoted.len();
        quoted
    }

    /// What is neither a string nor has anything in it.
    fn word(&mut self) -> &'j str {
        self.peek();
        let rest = &self.json[self.at.min(self.json.len())..];
        let ends = |byte: u8| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace();
        let word = &rest[..rest.bytes().position(ends).unwrap_or(rest.len())];
        // JSON has a word here; anything else is gone past.
        self.at += word.len().max(1);
        word
    }

    fn arguments(&mut self, name: Option<&str>, packet: &mut Vec<u8>) {
        self.take(b'[');
        let begin = open(packet);
        if let Some(name) = name {
            let _ = put::write_str(packet, name);
        }
        let count = self.elements(packet) + u32::from(name.is_some());
        close_array(packet, begin, count);
    }

    /// The elements of an array that has begun: how many.
    fn elements(&mut self, packet: &mut Vec<u8>) -> u32 {
        let mut count = 0;
        while self.at < self.json.len() && !self.take(b']') {
            self.take(b',');
            self.value(packet);
            count += 1;
        }
        count
    }

    fn value(&mut self, packet: &mut Vec<u8>) {
        match self.peek() {
            b'"' => {
                let text = unquoted(self.quoted());
                let _ = put::write_str(packet, &text);
            }
            b'[' => {
                self.at += 1;
                let begin = open(packet);
                let count = self.elements(packet);
                close_array(packet, begin, count);
            }
            b'{' => {
                self.at += 1;
                self.members(packet);
            }
            _ => number(self.word(), packet),
        }
    }

    /// The members of an object that has begun. One that stands for an attachment becomes its bytes.
    fn members(&mut self, packet: &mut Vec<u8>) {
        let begin = open(packet);
        let (mut count, mut stands, mut number) = (0, false, None);
        while self.at < self.json.len() && !self.take(b'}') {
            self.take(b',');
            let key = unquoted(self.quoted());
            self.take(b':');
            let _ = put::write_str(packet, &key);
            self.peek();
            let from = self.at;
            self.value(packet);
            let json = &self.json[from..self.at.min(self.json.len())];
            match &*key {
                "_placeholder" => stands = json == "true",
                "num" => number = json.parse::<usize>().ok(),
                _ => {}
            }
            count += 1;
        }
        match number.filter(|_| stands).and_then(|number| self.attachments.get(number)) {
            Some(bytes) => {
                packet.truncate(begin);
                let _ = put::write_bin(packet, bytes);
            }
            None => close_map(packet, begin, count),
        }
    }
}

/// Leaves room for the shortest head of an array or a map: how many values it has is known only when they are written. Returns its place.
fn open(packet: &mut Vec<u8>) -> usize {
    packet.push(0);
    packet.len() - 1
}

fn close_array(packet: &mut Vec<u8>, begin: usize, count: u32) {
    let mut head = Vec::new();
    let _ = put::write_array_len(&mut head, count);
    packet.splice(begin..=begin, head);
}

fn close_map(packet: &mut Vec<u8>, begin: usize, count: u32) {
    let mut head = Vec::new();
    let _ = put::write_map_len(&mut head, count);
    packet.splice(begin..=begin, head);
}

/// The text of a string. What is no character, half of a pair alone, becomes the one that stands for those.
fn unquoted(quoted: &str) -> String {
    let inside = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if !inside.contains('\\') {
        return inside.into();
    }
    serde_json::from_str(quoted).unwrap_or_else(|_| {
        let bytes = serde_json::from_str::<Loose>(quoted).map(|loose| loose.0).unwrap_or_default();
        let mut text = String::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            text.push_str(chunk.valid());
            // Of the three bytes of such a half, this is the first.
            if chunk.invalid().first() == Some(&0xed) {
                text.push(char::REPLACEMENT_CHARACTER);
            }
        }
        text
    })
}

/// The bytes of a string that need not be characters.
struct Loose(Vec<u8>);

impl<'de> serde::Deserialize<'de> for Loose {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl serde::de::Visitor<'_> for Reader {
            type Value = Loose;

            fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str("a string")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Loose, E> {
                Ok(Loose(bytes.into()))
            }
        }
        deserializer.deserialize_bytes(Reader)
    }
}

/// A number, or one of the three words. What is beyond all numbers is infinite, as in JavaScript.
fn number(word: &str, packet: &mut Vec<u8>) {
    let _ = match word {
        "null" => put::write_nil(packet).map_err(drop),
        "true" => put::write_bool(packet, true).map_err(drop),
        "false" => put::write_bool(packet, false).map_err(drop),
        _ => {
            if let Ok(number) = word.parse() {
                put::write_uint(packet, number).map(drop).map_err(drop)
            } else if let Ok(number) = word.parse() {
                put::write_sint(packet, number).map(drop).map_err(drop)
            } else {
                put::write_f64(packet, word.parse().unwrap_or(f64::NAN)).map_err(drop)
            }
        }
    };
}
