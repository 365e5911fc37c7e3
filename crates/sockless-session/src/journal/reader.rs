//! Reading a journal: its frames one by one, and the sessions that they make.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::vec::Vec;
use core::fmt;

use super::frame::{HEADER, HEADER_LEN, OVERHEAD, PREFIX, checksum};
use super::writer::Writer;
use crate::reliable::{Payload, Saved, SavedError, SessionId};

/// Why a journal can't be used. Nothing of it is lost: it is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplayError {
    /// It doesn't begin like a journal.
    NotAJournal,
    /// It is of a version that this library doesn't know.
    Version,
    /// What had been synced is damaged, at this offset.
    Damaged {
        /// The offset of the first frame that is damaged.
        offset: usize,
    },
    /// The frame at this offset is whole, but its records don't make a session.
    Records {
        /// The offset of the frame.
        offset: usize,
        /// What is wrong.
        error: SavedError,
    },
}

impl fmt::Display for ReplayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAJournal => f.write_str("the file isn't a journal"),
            Self::Version => f.write_str("the journal is of an unknown version"),
            Self::Damaged { offset } => write!(f, "the journal is damaged at octet {offset}"),
            Self::Records { offset, error } => write!(f, "in the frame at octet {offset}: {error}"),
        }
    }
}

impl core::error::Error for ReplayError {}

/// A frame of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Where it begins.
    pub offset: usize,
    /// Its serial number.
    pub serial: u64,
    /// The last frame that was synced when it was made.
    pub synced: u64,
    /// The session.
    pub id: SessionId,
    /// The session's records.
    pub records: &'a [u8],
    /// The application's effects.
    pub effects: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The frame that begins here, if it is whole, and its length.
    fn parse(salt: [u8; 8], bytes: &'a [u8], offset: usize) -> Option<(Self, usize)> {
        let rest = bytes.get(offset..)?;
        let (len, rest) = rest.split_first_chunk::<4>()?;
        let (sum, rest) = rest.split_first_chunk::<4>()?;
        let body = rest.get(..usize::try_from(u32::from_le_bytes(*len)).ok()?)?;
        if checksum(salt, *len, body) != u32::from_le_bytes(*sum) {
            return None;
        }
        let total = PREFIX + body.len();
        let (serial, body) = body.split_first_chunk::<8>()?;
        let (synced, body) = body.split_first_chunk::<8>()?;
        let (id, body) = body.split_first_chunk::<16>()?;
        let (records, body) = body.split_first_chunk::<4>()?;
        let records = usize::try_from(u32::from_le_bytes(*records)).ok()?;
        let (records, effects) = body.split_at_checked(records)?;
        let (serial, synced) = (u64::from_le_bytes(*serial), u64::from_le_bytes(*synced));
        let id = SessionId::from_bytes(*id);
        Some((Self { offset, serial, synced, id, records, effects }, total))
    }

    /// Whether a frame could begin here whose serial number is within these bounds. Says so without looking at all of it.
    fn is_plausible(bytes: &[u8], offset: usize, after: u64, most: u64) -> bool {
        let Some(rest) = bytes.get(offset..) else { return false };
        let Some((head, _)) = rest.split_first_chunk::<OVERHEAD>() else { return false };
        let mut serial = [0; 8];
        serial.copy_from_slice(&head[PREFIX..PREFIX + 8]);
        (after..=most).contains(&u64::from_le_bytes(serial))
    }
}

/// Reads the frames of a journal.
#[derive(Debug)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    salt: [u8; 8],
    offset: usize,
    serial: u64,
    done: bool,
}

impl<'a> Reader<'a> {
    /// A reader for these bytes. A file that was cut before its first 16 octets were there is an empty journal.
    ///
    /// # Errors
    ///
    /// They aren't a journal, or not of a known version.
    pub fn new(bytes: &'a [u8]) -> Result<Self, ReplayError> {
        let head = &bytes[..bytes.len().min(HEADER.len())];
        let mut reader = Self { bytes, salt: [0; 8], offset: 0, serial: 0, done: true };
        // Some file systems leave zeros where nothing was written yet.
        if bytes.iter().all(|octet| *octet == 0) {
            return Ok(reader);
        }
        if !HEADER.starts_with(head) {
            let ours = head.starts_with(&HEADER[..4]);
            return Err(if ours { ReplayError::Version } else { ReplayError::NotAJournal });
        }
        if let Some((head, _)) = bytes.split_first_chunk::<HEADER_LEN>() {
            reader.salt.copy_from_slice(&head[HEADER.len()..]);
            (reader.offset, reader.done) = (HEADER_LEN, false);
        }
        Ok(reader)
    }

    /// Where the frames that have been read end. After the last one: up to where the file is worth keeping.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// The next frame: `None` after the last whole one.
    ///
    /// # Errors
    ///
    /// What had been synced is damaged.
    pub fn read(&mut self) -> Result<Option<Frame<'a>>, ReplayError> {
        if self.done {
            return Ok(None);
        }
        match Frame::parse(self.salt, self.bytes, self.offset) {
            Some((frame, len)) if frame.serial == self.serial + 1 => {
                self.offset += len;
                self.serial = frame.serial;
                Ok(Some(frame))
            }
            // Whole, but not the one that follows: it was put there, not torn.
            Some(_) => Err(ReplayError::Damaged { offset: self.offset }),
            None => {
                self.done = true;
                self.check_tail()?;
                Ok(None)
            }
        }
    }

    /// Looks in what follows for a frame that says that the damaged one had been synced.
    fn check_tail(&self) -> Result<(), ReplayError> {
        let damaged = self.serial + 1;
        // Each frame takes this much at least.
        let most = damaged + (self.bytes.len() / OVERHEAD) as u64;
        for offset in self.offset + 1..self.bytes.len() {
            if !Frame::is_plausible(self.bytes, offset, damaged, most) {
                continue;
            }
            if let Some((frame, _)) = Frame::parse(self.salt, self.bytes, offset)
                && frame.synced >= damaged
            {
                return Err(ReplayError::Damaged { offset: self.offset });
            }
        }
        Ok(())
    }

    /// A writer that goes on after the last frame that was read. The file has to be cut at [`offset`](Self::offset) first. If that is
    /// 0 there is no file to go on with: `None`.
    pub fn into_writer(self) -> Option<Writer> {
        let (salt, len) = (self.salt, self.offset as u64);
        (len > 0).then(|| Writer::resume(salt, self.serial, len))
    }
}

/// What a journal held.
#[derive(Debug)]
pub struct Replay<M> {
    /// The sessions that haven't ended, or whose end the application may not have seen yet.
    pub sessions: BTreeMap<SessionId, Saved<M>>,
    /// The application's effects, in their order. Those of a frame without any aren't there.
    pub effects: Vec<(SessionId, Vec<u8>)>,
    /// How many octets at the end weren't worth keeping: what was being written when it was cut.
    pub torn: usize,
    /// Goes on with the file, once it has been cut to its whole frames; `None` if not even the first octets are there.
    pub writer: Option<Writer>,
}

/// Makes sessions of a journal.
///
/// # Errors
///
/// The journal can't be used as it is.
pub fn replay<M: Payload>(bytes: &[u8]) -> Result<Replay<M>, ReplayError> {
    let mut reader = Reader::new(bytes)?;
    let (mut sessions, mut effects) = (BTreeMap::new(), Vec::new());
    while let Some(frame) = reader.read()? {
        let Frame { offset, id, records, .. } = frame;
        let failed = |error| ReplayError::Records { offset, error };
        match sessions.entry(id) {
            _ if records.is_empty() => {}
            Entry::Vacant(vacant) => {
                vacant.insert(Saved::apply(None, records).map_err(failed)?);
            }
            Entry::Occupied(occupied) => {
                let (id, saved) = occupied.remove_entry();
                sessions.insert(id, Saved::apply(Some(saved), records).map_err(failed)?);
            }
        }
        if let Some(saved) = sessions.get(&id)
            && saved.id() != id
        {
            return Err(failed(SavedError::OutOfOrder));
        }
        if !frame.effects.is_empty() {
            effects.push((id, frame.effects.to_vec()));
        }
    }
    let torn = bytes.len() - reader.offset();
    Ok(Replay { sessions, effects, torn, writer: reader.into_writer() })
}
