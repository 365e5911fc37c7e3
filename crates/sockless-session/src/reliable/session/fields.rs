//! The fields of records: how they are written and read. What the records mean lives in `saved`.

use alloc::vec::Vec;
use core::fmt;

use super::super::number::LAST;
use super::Stage;
use super::ending::End;

/// The stages in the order of their numbers in a record.
const STAGES: [Stage; 9] = [
    Stage::New,
    Stage::Established,
    Stage::Ending,
    Stage::Ended(End::Local),
    Stage::Ended(End::Remote),
    Stage::Ended(End::Expired),
    Stage::Ended(End::Unknown),
    Stage::Ended(End::Refused),
    Stage::Ended(End::Diverged),
];

/// Appends a number.
pub(super) fn put(records: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        records.push(number as u8 | 0x80);
        number >>= 7;
    }
    records.push(number as u8);
}

/// A stage as it is written.
pub(super) fn stage_index(stage: Stage) -> u8 {
    STAGES.iter().position(|other| *other == stage).unwrap_or_default() as u8
}

/// Why records don't make a session. The journal was damaged in a way that its checksums can't see, or its parts were mixed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SavedError {
    /// A record ends too early, or has a field that can't be.
    Malformed,
    /// The records are of a version that this library doesn't know.
    Version,
    /// The first record isn't the whole state.
    NoSnapshot,
    /// A record doesn't follow from those before it: some are absent, doubled, or another session's.
    OutOfOrder,
}

impl fmt::Display for SavedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "a record is malformed",
            Self::Version => "the records are of an unknown version",
            Self::NoSnapshot => "the first record isn't the whole state",
            Self::OutOfOrder => "a record doesn't follow from those before it",
        })
    }
}

impl core::error::Error for SavedError {}

/// What is left of the records.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn tag(&mut self) -> Option<u8> {
        self.octet().ok()
    }

    pub(super) fn octet(&mut self) -> Result<u8, SavedError> {
        let (first, rest) = self.0.split_first().ok_or(SavedError::Malformed)?;
        self.0 = rest;
        Ok(*first)
    }

    /// A number up to the greatest that a message can have.
    pub(super) fn number(&mut self) -> Result<u64, SavedError> {
        let mut number = 0;
        for shift in (0..63).step_by(7) {
            let octet = self.octet()?;
            number |= u64::from(octet & 0x7F) << shift;
            if octet & 0x80 == 0 {
                return if number <= LAST { Ok(number) } else { Err(SavedError::Malformed) };
            }
        }
        Err(SavedError::Malformed)
    }

    pub(super) fn bytes(&mut self) -> Result<&'a [u8], SavedError> {
        let len = usize::try_from(self.number()?).map_err(|_| SavedError::Malformed)?;
        let (bytes, rest) = self.0.split_at_checked(len).ok_or(SavedError::Malformed)?;
        self.0 = rest;
        Ok(bytes)
    }

    pub(super) fn id(&mut self) -> Result<[u8; 16], SavedError> {
        let (id, rest) = self.0.split_first_chunk().ok_or(SavedError::Malformed)?;
        self.0 = rest;
        Ok(*id)
    }

    pub(super) fn stage(&mut self) -> Result<Stage, SavedError> {
        STAGES.get(usize::from(self.octet()?)).copied().ok_or(SavedError::Malformed)
    }
}
