//! Making frames. Writing them to a file, and syncing it, is the caller's business.

use alloc::vec::Vec;

use super::frame::{HEADER, HEADER_LEN, OVERHEAD, PREFIX, checksum};
use crate::Entropy;
use crate::reliable::SessionId;

/// How much larger than the state a journal may be before it is compacted, however small the state is.
const SLACK: u64 = 1 << 20;

/// Makes the frames of one journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    salt: [u8; 8],
    /// The serial number of the last frame.
    serial: u64,
    /// The serial number of the last frame that is synced.
    synced: u64,
    /// The octets of the file.
    len: u64,
}

impl Writer {
    /// A writer for a new file, whose first octets are appended to `bytes`. The salt is random: who knows it could send messages
    /// that look like frames where the file was cut.
    pub fn new(bytes: &mut Vec<u8>, entropy: &mut impl Entropy) -> Self {
        let mut salt = [0; 8];
        entropy.fill(&mut salt);
        Self::with_salt(bytes, salt)
    }

    fn with_salt(bytes: &mut Vec<u8>, salt: [u8; 8]) -> Self {
        bytes.extend_from_slice(&HEADER);
        bytes.extend_from_slice(&salt);
        Self { salt, serial: 0, synced: 0, len: HEADER_LEN as u64 }
    }

    /// A writer that goes on with a file after its last whole frame, all of it being synced.
    pub(super) fn resume(salt: [u8; 8], serial: u64, len: u64) -> Self {
        Self { salt, serial, synced: serial, len }
    }

    /// Appends a frame to `bytes`: its serial number. The records are a [`Batch`](crate::reliable::Batch)'s; the effects are the application's, and mean
    /// nothing here.
    ///
    /// # Panics
    ///
    /// If records and effects together reach 4 GiB.
    pub fn frame(
        &mut self,
        bytes: &mut Vec<u8>,
        id: SessionId,
        records: &[u8],
        effects: &[u8],
    ) -> u64 {
        self.serial += 1;
        let body = OVERHEAD - PREFIX + records.len() + effects.len();
        let len = u32::try_from(body).expect("a frame is shorter than 4 GiB").to_le_bytes();
        let start = bytes.len();
        bytes.reserve(PREFIX + body);
        bytes.extend_from_slice(&len);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.serial.to_le_bytes());
        bytes.extend_from_slice(&self.synced.to_le_bytes());
        bytes.extend_from_slice(&id.to_bytes());
        bytes.extend_from_slice(&(records.len() as u32).to_le_bytes());
        bytes.extend_from_slice(records);
        bytes.extend_from_slice(effects);
        let sum = checksum(self.salt, len, &bytes[start + PREFIX..]);
        bytes[start + 4..start + PREFIX].copy_from_slice(&sum.to_le_bytes());
        self.len += (PREFIX + body) as u64;
        self.serial
    }

    /// All frames up to this one are on stable storage.
    pub fn synced(&mut self, serial: u64) {
        self.synced = self.synced.max(serial.min(self.serial));
    }

    /// The octets of the file so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there is no frame yet.
    pub fn is_empty(&self) -> bool {
        self.serial == 0
    }

    /// Whether a new file of `live` octets (about what the snapshots would need) should take the place of this one: then all
    /// compactions together write no more than was written anyway.
    pub fn wants_compaction(&self, live: u64) -> bool {
        self.len > live.saturating_mul(2).saturating_add(SLACK)
    }
}

/// A journal of one snapshot: a session's state as bytes, checked and versioned, with the application's effects beside it. The
/// records are a [snapshot](crate::Session::snapshot)'s or an [export](crate::Session::export)'s.
pub fn export(id: SessionId, records: &[u8], effects: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    Writer::with_salt(&mut bytes, [0; 8]).frame(&mut bytes, id, records, effects);
    bytes
}
