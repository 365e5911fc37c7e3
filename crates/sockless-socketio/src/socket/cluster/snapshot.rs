//! The record of a client as other servers read it: what a client gets back, as it was at an offset of its namespace's stream. What arrives is
//! not trusted.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};
use sockless_channels::{Epoch, Position};

use crate::socket::fields::{put, put_all, take_all, take_shared, take_text};
use crate::socket::namespace::Namespace;
use crate::socket::recovery::{Membership, Record};

/// The first byte of a record: servers of another version write another one.
const VERSION: u8 = 1;

/// A record and the position at which it was so.
#[derive(Clone, Debug)]
pub(super) struct Snapshot {
    pub(super) record: Record,
    pub(super) at: Position,
}

impl Snapshot {
    pub(super) fn encode(&self) -> Bytes {
        let Record { namespace, id, since, rooms, membership, data } = &self.record;
        let mut bytes = Vec::with_capacity(128);
        bytes.push(VERSION);
        put(&mut bytes, namespace.as_bytes());
        put(&mut bytes, id.as_bytes());
        put_position(&mut bytes, *since);
        put_position(&mut bytes, self.at);
        put_all(&mut bytes, rooms.iter().map(|room| room.as_bytes()));
        bytes.push(u8::from(data.is_some()));
        put(&mut bytes, data.as_deref().unwrap_or_default().as_bytes());
        let (from, changes) = membership.parts();
        bytes.extend_from_slice(&from.to_be_bytes());
        let changes: Vec<Vec<u8>> = changes
            .map(|(after, room, joined)| {
                let mut change = Vec::with_capacity(9 + room.len());
                change.extend_from_slice(&after.to_be_bytes());
                change.push(u8::from(joined));
                change.extend_from_slice(room.as_bytes());
                change
            })
            .collect();
        put_all(&mut bytes, changes.iter().map(|change| &change[..]));
        bytes.into()
    }

    /// `None` if these bytes are none that [`encode`](Self::encode) writes.
    pub(super) fn decode(mut bytes: Bytes) -> Option<Self> {
        if bytes.try_get_u8().ok()? != VERSION {
            return None;
        }
        let namespace = Namespace::new(&take_text(&mut bytes)?)?;
        let id = take_shared(&mut bytes)?;
        let (since, at) = (take_position(&mut bytes)?, take_position(&mut bytes)?);
        let rooms = take_all(&mut bytes, take_shared)?.into_iter().collect();
        let has_data = take_bool(&mut bytes)?;
        let data = take_shared(&mut bytes)?;
        if !has_data && !data.is_empty() {
            return None;
        }
        let from = bytes.try_get_u64().ok()?;
        let changes = take_all(&mut bytes, |bytes| {
            let mut change = crate::socket::fields::take(bytes)?;
            let (after, joined) = (change.try_get_u64().ok()?, take_bool(&mut change)?);
            Some((after, Arc::from(String::from_utf8(change.into()).ok()?), joined))
        })?;
        let membership = Membership::of(from, changes)?;
        let data = has_data.then_some(data);
        let record = Record { namespace, id, since, rooms, membership, data };
        (bytes.is_empty() && since.epoch() == at.epoch()).then_some(Self { record, at })
    }
}

fn put_position(bytes: &mut Vec<u8>, position: Position) {
    bytes.extend_from_slice(&position.epoch().number().to_be_bytes());
    bytes.extend_from_slice(&position.offset().to_be_bytes());
}

fn take_position(bytes: &mut Bytes) -> Option<Position> {
    let (epoch, offset) = (bytes.try_get_u64().ok()?, bytes.try_get_u64().ok()?);
    Some(Position::new(Epoch::new(epoch), offset))
}

fn take_bool(bytes: &mut Bytes) -> Option<bool> {
    match bytes.try_get_u8().ok()? {
        0 => Some(false),
        1 => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshots() -> [Snapshot; 2] {
        let at = |offset| Position::new(Epoch::new(9), offset);
        let mut membership = Membership::new(3);
        membership.note(4, "a".into(), true, 9);
        membership.note(6, "é".into(), false, 9);
        let record = Record {
            namespace: Namespace::main(),
            id: "id".into(),
            since: at(3),
            rooms: ["id", "a"].map(Arc::from).into(),
            membership,
            data: Some("17".into()),
        };
        let bare = Record {
            rooms: [].into(),
            membership: Membership::new(3),
            data: None,
            ..record.clone()
        };
        [record, bare].map(|record| Snapshot { record, at: at(7) })
    }

    #[test]
    fn what_was_written_is_read() {
        for snapshot in snapshots() {
            let read = Snapshot::decode(snapshot.encode()).expect("a record");
            assert_eq!(alloc::format!("{read:?}"), alloc::format!("{snapshot:?}"));
        }
    }

    #[test]
    fn what_was_cut_or_changed_is_not_taken_for_it() {
        for snapshot in snapshots() {
            let (bytes, shown) = (snapshot.encode(), alloc::format!("{snapshot:?}"));
            for end in 0..bytes.len() {
                assert!(Snapshot::decode(bytes.slice(..end)).is_none(), "cut at {end}");
            }
            for at in 0..bytes.len() {
                let mut changed = bytes.to_vec();
                changed[at] ^= 0x80;
                let read = Snapshot::decode(changed.into());
                assert!(read.is_none_or(|read| alloc::format!("{read:?}") != shown), "at {at}");
            }
        }
    }
}
