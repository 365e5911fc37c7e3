//! The entries of a namespace's stream: what is done, to whom, and who has written it. What arrives is not trusted.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use crate::socket::fields::{
    put, put_all, put_event, take_all, take_event, take_shared, take_text,
};
use crate::socket::payload::Payload;
use crate::socket::recovery::Audience;

/// The first byte of an entry: servers of another version write another one.
const VERSION: u8 = 1;

/// Something that is done to sockets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// They get an event.
    Event { name: String, payload: Payload },
    /// They get an event that they are to acknowledge within a time, in milliseconds. Those who are away don't get it later.
    Ask { question: u64, timeout: u64, name: String, payload: Payload },
    /// They join rooms.
    Join(Vec<String>),
    /// They leave rooms.
    Leave(Vec<String>),
    /// This is put to them, as JSON.
    Data(Arc<str>),
    /// They are disconnected, and don't come back; or else their whole sessions are closed.
    Disconnect { close: bool },
    /// They are at the server that has written this.
    Moved,
}

/// A deed, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The server that has written it.
    pub(super) by: Arc<str>,
    /// Its number among all that this server has written into this stream.
    pub(super) number: u64,
    pub(super) audience: Audience,
    pub(super) deed: Deed,
}

impl Entry {
    pub(super) fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(96 + self.deed.len());
        bytes.push(VERSION);
        put(&mut bytes, self.by.as_bytes());
        bytes.extend_from_slice(&self.number.to_be_bytes());
        self.audience.put(&mut bytes);
        match &self.deed {
            Deed::Event { name, payload } => {
                bytes.push(b'E');
                put_event(&mut bytes, name, payload);
            }
            Deed::Ask { question, timeout, name, payload } => {
                bytes.push(b'A');
                bytes.extend_from_slice(&question.to_be_bytes());
                bytes.extend_from_slice(&timeout.to_be_bytes());
                put_event(&mut bytes, name, payload);
            }
            Deed::Join(rooms) => {
                bytes.push(b'J');
                put_all(&mut bytes, rooms.iter().map(String::as_bytes));
            }
            Deed::Leave(rooms) => {
                bytes.push(b'L');
                put_all(&mut bytes, rooms.iter().map(String::as_bytes));
            }
            Deed::Data(json) => {
                bytes.push(b'D');
                put(&mut bytes, json.as_bytes());
            }
            Deed::Disconnect { close } => {
                bytes.push(b'X');
                bytes.push(u8::from(*close));
            }
            Deed::Moved => bytes.push(b'M'),
        }
        bytes.into()
    }

    /// `None` if these bytes are none that [`encode`](Self::encode) writes.
    pub(super) fn decode(mut bytes: Bytes) -> Option<Self> {
        if bytes.try_get_u8().ok()? != VERSION {
            return None;
        }
        let by = take_shared(&mut bytes)?;
        let number = bytes.try_get_u64().ok()?;
        let audience = Audience::take(&mut bytes)?;
        let deed = match bytes.try_get_u8().ok()? {
            b'E' => {
                let (name, payload) = take_event(&mut bytes)?;
                Deed::Event { name, payload }
            }
            b'A' => {
                let (question, timeout) = (bytes.try_get_u64().ok()?, bytes.try_get_u64().ok()?);
                let (name, payload) = take_event(&mut bytes)?;
                Deed::Ask { question, timeout, name, payload }
            }
            b'J' => Deed::Join(take_all(&mut bytes, take_text)?),
            b'L' => Deed::Leave(take_all(&mut bytes, take_text)?),
            b'D' => Deed::Data(take_shared(&mut bytes)?),
            b'X' => match bytes.try_get_u8().ok()? {
                0 => Deed::Disconnect { close: false },
                1 => Deed::Disconnect { close: true },
                _ => return None,
            },
            b'M' => Deed::Moved,
            _ => return None,
        };
        bytes.is_empty().then_some(Self { by, number, audience, deed })
    }
}

impl Deed {
    fn len(&self) -> usize {
        match self {
            Self::Event { payload, .. } | Self::Ask { payload, .. } => payload.len(),
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn entries() -> Vec<Entry> {
        let mut payload = Payload::new().with("é\u{1e}").expect("JSON");
        payload.push_binary(vec![0, 255]);
        let name = String::from("n");
        let deeds = [
            Deed::Event { name: name.clone(), payload: payload.clone() },
            Deed::Ask { question: 7, timeout: 900, name, payload },
            Deed::Join(vec!["a".into(), String::new()]),
            Deed::Leave(vec!["a".into()]),
            Deed::Data("{\"a\":1}".into()),
            Deed::Disconnect { close: false },
            Deed::Disconnect { close: true },
            Deed::Moved,
        ];
        let entry = |(number, deed)| Entry {
            by: "server".into(),
            number,
            audience: Audience::One("id".into()),
            deed,
        };
        (0..).zip(deeds).map(entry).collect()
    }

    #[test]
    fn what_was_written_is_read() {
        for entry in entries() {
            assert_eq!(Entry::decode(entry.encode()), Some(entry));
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_not_taken_for_it() {
        for entry in entries() {
            let bytes = entry.encode();
            for end in 0..bytes.len() {
                assert_eq!(Entry::decode(bytes.slice(..end)), None, "cut at {end}");
            }
            for at in 0..bytes.len() {
                let mut changed = bytes.to_vec();
                changed[at] ^= 0x80;
                assert_ne!(Entry::decode(changed.into()).as_ref(), Some(&entry), "at {at}");
            }
            assert_eq!(Entry::decode([&bytes[..], b"x"].concat().into()), None);
        }
    }
}
