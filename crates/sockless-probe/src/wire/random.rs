//! Numbers that follow from the seed and a case's id, so that a case replays.

/// SplitMix64.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64, id: &str) -> Self {
        // FNV-1a: any id gives another stream.
        let hash = id.bytes().fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
        });
        Self(seed ^ hash)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A masking key.
    pub(crate) fn key(&mut self) -> [u8; 4] {
        (self.next() as u32).to_be_bytes()
    }

    /// Octets without a repetition that a compressor would find.
    pub(crate) fn octets(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| (self.next() >> 24) as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn the_same_seed_and_id_give_the_same_numbers_and_others_give_others() {
        let first = |seed, id| Random::new(seed, id).next();
        assert_eq!(first(1, "1.1.1"), first(1, "1.1.1"));
        assert_ne!(first(1, "1.1.1"), first(2, "1.1.1"));
        assert_ne!(first(1, "1.1.1"), first(1, "1.1.2"));
    }
}
