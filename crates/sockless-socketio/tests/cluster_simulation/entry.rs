//! The entries of a stream and the records of clients as the judge reads them: from their bytes, by code of its own.

use std::collections::BTreeSet;

use sockless_channels::{Epoch, Position};

#[derive(Clone, Debug)]
pub(crate) enum Audience {
    One(String),
    Many { rooms: Vec<String>, except: Vec<String>, except_ids: Vec<String> },
}

#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// An event with this number.
    Event(u64),
    Ask,
    Join(Vec<String>),
    Leave(Vec<String>),
    Data(String),
    Disconnect,
    Moved,
}

#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) audience: Audience,
    pub(crate) deed: Deed,
}

impl Audience {
    pub(crate) fn has(&self, id: &str, its: &BTreeSet<String>) -> bool {
        match self {
            Self::One(one) => one == id,
            Self::Many { rooms, except, except_ids } => {
                (rooms.is_empty() || rooms.iter().any(|room| its.contains(room)))
                    && !except.iter().any(|room| its.contains(room))
                    && !except_ids.iter().any(|except| except == id)
            }
        }
    }
}

struct Reader<'b>(&'b [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> u8 {
        let (first, rest) = self.0.split_first().expect("a byte");
        self.0 = rest;
        *first
    }

    fn number<const N: usize>(&mut self) -> u64 {
        (0..N).fold(0, |number, _| number << 8 | u64::from(self.byte()))
    }

    fn bytes(&mut self) -> Vec<u8> {
        let len = self.number::<4>() as usize;
        let (bytes, rest) = self.0.split_at(len);
        self.0 = rest;
        bytes.to_vec()
    }

    fn text(&mut self) -> String {
        String::from_utf8(self.bytes()).expect("text")
    }

    fn texts(&mut self) -> Vec<String> {
        (0..self.number::<4>()).map(|_| self.text()).collect()
    }

    fn position(&mut self) -> Position {
        Position::new(Epoch::new(self.number::<8>()), self.number::<8>())
    }
}

pub(crate) fn entry(bytes: &[u8]) -> Entry {
    let mut reader = Reader(bytes);
    assert_eq!(reader.byte(), 1, "the version");
    reader.text();
    reader.number::<8>();
    let audience = match reader.byte() {
        1 => Audience::One(reader.text()),
        2 => {
            let (rooms, except, except_ids) = (reader.texts(), reader.texts(), reader.texts());
            Audience::Many { rooms, except, except_ids }
        }
        other => panic!("an audience {other}"),
    };
    let deed = match reader.byte() {
        b'E' => {
            reader.text();
            let json: serde_json::Value = serde_json::from_str(&reader.text()).expect("JSON");
            Deed::Event(json[0].as_u64().expect("a number"))
        }
        b'A' => Deed::Ask,
        b'J' => Deed::Join(reader.texts()),
        b'L' => Deed::Leave(reader.texts()),
        b'D' => Deed::Data(reader.text()),
        b'X' => Deed::Disconnect,
        b'M' => Deed::Moved,
        other => panic!("a deed {other}"),
    };
    Entry { audience, deed }
}

/// At which position a record is what it says.
pub(crate) fn record_at(bytes: &[u8]) -> Position {
    let mut reader = Reader(bytes);
    assert_eq!(reader.byte(), 1, "the version");
    reader.text();
    reader.text();
    reader.position();
    reader.position()
}
