//! What was sent, to whom, as bytes: a history has nothing else, and other servers read it. What arrives is not trusted.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use crate::socket::fields::{
    put, put_all, put_event, take_all, take_event, take_shared, take_text,
};
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

    pub(in crate::socket) fn put(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::One(id) => {
                bytes.push(ONE);
                put(bytes, id.as_bytes());
            }
            Self::Many { rooms, except, except_ids } => {
                bytes.push(MANY);
                put_all(bytes, rooms.iter().map(String::as_bytes));
                put_all(bytes, except.iter().map(String::as_bytes));
                put_all(bytes, except_ids.iter().map(|id| id.as_bytes()));
            }
        }
    }

    pub(in crate::socket) fn take(bytes: &mut Bytes) -> Option<Self> {
        match bytes.try_get_u8().ok()? {
            ONE => Some(Self::One(take_shared(bytes)?)),
            MANY => {
                let rooms = take_all(bytes, take_text)?;
                let except = take_all(bytes, take_text)?;
                let except_ids = take_all(bytes, take_shared)?;
                Some(Self::Many { rooms, except, except_ids })
            }
            _ => None,
        }
    }
}

impl Publication {
    pub(in crate::socket) fn encode(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(64 + self.payload.len());
        self.audience.put(&mut bytes);
        put_event(&mut bytes, &self.name, &self.payload);
        bytes.into()
    }

    /// `None` if these bytes are none that [`encode`](Self::encode) writes.
    pub(in crate::socket) fn decode(mut bytes: Bytes) -> Option<Self> {
        let audience = Audience::take(&mut bytes)?;
        let (name, payload) = take_event(&mut bytes)?;
        bytes.is_empty().then_some(Self { audience, name, payload })
    }
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
