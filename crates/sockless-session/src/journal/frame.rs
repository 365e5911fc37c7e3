//! The form of a frame: what is written and what is read agree here.

use crc32fast::Hasher;

/// What a journal begins with, before its salt.
pub(super) const HEADER: [u8; 8] = *b"SLSJ\x01\0\0\0";

/// The octets before the first frame.
pub(super) const HEADER_LEN: usize = 16;

/// The length of a frame without records and effects: length, checksum, serial, synced, id, length of records.
pub(super) const OVERHEAD: usize = 44;

/// The octets of length and checksum.
pub(super) const PREFIX: usize = 8;

/// The checksum of a frame: of the file's salt, of the frame's length, and of what follows the checksum.
pub(super) fn checksum(salt: [u8; 8], len: [u8; 4], body: &[u8]) -> u32 {
    let mut hasher = Hasher::new();
    hasher.update(&salt);
    hasher.update(&len);
    hasher.update(body);
    hasher.finalize()
}
