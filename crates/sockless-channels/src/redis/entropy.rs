//! Random numbers for a node in a real process: seeded by the operating system, then made here.

use crate::entropy::Entropy;

/// A sequence (SplitMix64) that begins where the operating system says.
///
/// It is for numbers that must not be the same by chance. None of them is a secret.
#[derive(Debug)]
pub(super) struct Seeded(u64);

impl Seeded {
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        getrandom::u64().map(Self)
    }
}

impl Entropy for Seeded {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }
}
