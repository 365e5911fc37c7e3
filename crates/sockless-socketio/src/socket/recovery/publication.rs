//! What was sent, to whom, as bytes: a history has nothing else, and other servers read it. What arrives is not trusted.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use crate::socket::payload::Payload;

/// To whom something was sent, whoever they were then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::socket) enum Audience {
    /// The socket with this id.
    One(Arc<str>),
    /// Those in any of these rooms, or all if there are none; but for those in these, and for the sockets with these ids.
    Many { rooms: Vec<String>, except: Vec<String>, except_ids: Vec<Arc<str>> },
}

/// An event that was sent to somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::socket) struct Publication {
    pub(in crate::socket) audience: Audience,
    pub(in crate::socket) name: String,
    pub(in crate::socket) payload: Payload,
}

/// The first byte, which says how the others are to be read.
const ONE: u8 = 1;
const MANY: u8 = 2;

impl Audience {
    /// Whether the socket with this id, which was in these rooms, is one of them.
    pub(in crate::socket) fn has(&self, id: &str, its: &BTreeSet<Arc<str>>) -> bool {
        match self {
            Self::One(one) => **one == *id,
            Self::Many { rooms, except, except_ids } => {
                let inside = |room: &String| its.contains(room.as_str());
                (rooms.is_empty() || rooms.iter().any(inside))
                    && !except.iter().any(inside)
                    && !except_ids.iter().any(|except| **except == *id)
            }
        }
    }
}

impl Publication {
    pub(in crate::socket) fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(64 + self.payload.len());
        match &self.audience {
            Audience::One(id) => {
                bytes.push(ONE);
                put(&mut bytes, id.as_bytes());
            }
            Audience::Many { rooms, except, except_ids } => {
                bytes.push(MANY);
                put_all(&mut bytes, rooms.iter().map(String::as_bytes));
                put_all(&mut bytes, except.iter().map(String::as_bytes));
                put_all(&mut bytes, except_ids.iter().map(|id| id.as_bytes()));
            }
        }
        put(&mut bytes, self.name.as_bytes());
        put(&mut bytes, self.payload.json().as_bytes());
        put_all(&mut bytes, self.payload.attachments().iter().map(|attachment| &**attachment));
        bytes.into()
    }

    /// `None` if these bytes are none that [`encode`](Self::encode) writes.
    pub(in crate::socket) fn decode(mut bytes: Bytes) -> Option<Self> {
        let audience = match bytes.try_get_u8().ok()? {
            ONE => Audience::One(take_text(&mut bytes)?.as_str().into()),
            MANY => {
                let rooms = take_all(&mut bytes, take_text)?;
                let except = take_all(&mut bytes, take_text)?;
                let except_ids =
                    take_all(&mut bytes, |bytes| Some(take_text(bytes)?.as_str().into()))?;
                Audience::Many { rooms, except, except_ids }
            }
            _ => return None,
        };
        let name = take_text(&mut bytes)?;
        let json = take_text(&mut bytes)?;
        if !crate::socket::json::is_array(&json) {
            return None;
        }
        let attachments = take_all(&mut bytes, take)?;
        let payload = Payload::checked(json, attachments);
        bytes.is_empty().then_some(Self { audience, name, payload })
    }
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    // Nothing that fits into a message is longer.
    bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    put_count(bytes, part.len());
    bytes.extend_from_slice(part);
}

fn put_all<'p>(bytes: &mut Vec<u8>, parts: impl ExactSizeIterator<Item = &'p [u8]>) {
    put_count(bytes, parts.len());
    parts.for_each(|part| put(bytes, part));
}

fn take(bytes: &mut Bytes) -> Option<Bytes> {
    let len = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
    (len <= bytes.len()).then(|| bytes.split_to(len))
}

fn take_text(bytes: &mut Bytes) -> Option<String> {
    String::from_utf8(take(bytes)?.into()).ok()
}

fn take_all<T>(bytes: &mut Bytes, one: impl Fn(&mut Bytes) -> Option<T>) -> Option<Vec<T>> {
    let count = bytes.try_get_u32().ok()?;
    // A count that lies ends with the bytes: nothing is reserved for it.
    (0..count).map(|_| one(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn publications() -> Vec<Publication> {
        let mut payload = Payload::new().with("é\u{1e}").expect("JSON");
        payload.push_binary(vec![0, 255]);
        payload.push_binary(Vec::new());
        let many = Audience::Many {
            rooms: vec!["a".into(), String::new()],
            except: vec!["b".into()],
            except_ids: vec!["id".into()],
        };
        let one = Audience::One("id".into());
        [one, many]
            .map(|audience| Publication { audience, name: "n".into(), payload: payload.clone() })
            .into()
    }

    #[test]
    fn what_was_written_is_read() {
        for publication in publications() {
            assert_eq!(Publication::decode(publication.encode()), Some(publication));
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_not_taken_for_it() {
        for publication in publications() {
            let bytes = publication.encode();
            for end in 0..bytes.len() {
                assert_eq!(Publication::decode(bytes.slice(..end)), None, "cut at {end}");
            }
            for at in 0..bytes.len() {
                let mut changed = bytes.to_vec();
                changed[at] ^= 0x80;
                let read = Publication::decode(changed.into());
                assert_ne!(read.as_ref(), Some(&publication), "changed at {at}");
            }
            assert_eq!(Publication::decode([&bytes[..], b"x"].concat().into()), None);
        }
    }

    #[test]
    fn an_audience_knows_who_is_in_it() {
        let rooms: BTreeSet<Arc<str>> = ["a", "c"].map(Arc::from).into();
        let many = |rooms: &[&str], except: &[&str], ids: &[&str]| Audience::Many {
            rooms: rooms.iter().map(|room| String::from(*room)).collect(),
            except: except.iter().map(|room| String::from(*room)).collect(),
            except_ids: ids.iter().map(|id| Arc::from(*id)).collect(),
        };
        assert!(many(&[], &[], &[]).has("me", &rooms));
        assert!(many(&["b", "a"], &[], &["you"]).has("me", &rooms));
        assert!(!many(&["b"], &[], &[]).has("me", &rooms));
        assert!(!many(&["a"], &["c"], &[]).has("me", &rooms));
        assert!(!many(&[], &[], &["me"]).has("me", &rooms));
        assert!(Audience::One("me".into()).has("me", &rooms));
        assert!(!Audience::One("a".into()).has("me", &rooms), "an id is no room");
    }
}
