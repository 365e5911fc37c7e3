//! Masking keys: the source of a client's key for each frame (RFC 6455, sections 5.3 and 10.3).

use alloc::boxed::Box;

use crate::words::role::{Client, Role, Server};

/// A source of bytes that nobody can predict.
///
/// A client masks every frame with a key from it; a test passes one that it can predict.
pub trait Entropy {
    /// Fills `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);

    /// The next masking key: four bytes of [`fill`](Self::fill), unless the source has a faster way to make them.
    #[inline]
    fn key(&mut self) -> [u8; 4] {
        let mut key = [0; 4];
        self.fill(&mut key);
        key
    }
}

/// A role together with its source of masking keys. Sealed, like [`Role`].
pub trait Side: Role {
    /// The source of masking keys: nothing for a server.
    type Keys: Send + Sync + Unpin;

    /// The next frame's masking key.
    fn next_key(keys: &mut Self::Keys) -> Self::Key;
}

impl Side for Server {
    type Keys = ();

    #[inline]
    fn next_key((): &mut ()) {}
}

impl Side for Client {
    type Keys = Box<dyn Entropy + Send + Sync>;

    //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
    //# The masking key is a 32-bit value chosen at random by the client.
    //# When preparing a masked frame, the client MUST pick a fresh masking
    //# key from the set of allowed 32-bit values.
    #[inline]
    fn next_key(keys: &mut Self::Keys) -> [u8; 4] {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-10.3
        //# Clients MUST choose a new masking key for each frame, using an algorithm that
        //# cannot be predicted by end applications that provide data.
        keys.key()
    }
}

/// The default source: ChaCha12, seeded by the operating system.
#[cfg(feature = "getrandom")]
pub struct Generator(chacha20::ChaCha12Rng);

#[cfg(feature = "getrandom")]
impl Generator {
    /// A generator seeded by the operating system.
    ///
    /// # Panics
    ///
    /// If the operating system has no entropy to give: there is no safe way on without it.
    pub fn new() -> Self {
        let mut seed = [0; 32];
        //= https://www.rfc-editor.org/rfc/rfc6455#section-5.3
        //# The masking key needs to be unpredictable; thus, the masking key MUST be
        //# derived from a strong source of entropy, and the masking key for a given frame
        //# MUST NOT make it simple for a server/proxy to predict the masking key for a
        //# subsequent frame.
        if let Err(error) = getrandom::fill(&mut seed) {
            panic!("the operating system gives no entropy: {error}");
        }
        Self::from_seed(seed)
    }

    /// A generator whose output is a function of `seed`.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        use chacha20::rand_core::SeedableRng as _;
        Self(chacha20::ChaCha12Rng::from_seed(seed))
    }
}

#[cfg(feature = "getrandom")]
impl Default for Generator {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(feature = "getrandom")]
impl Entropy for Generator {
    #[inline]
    fn fill(&mut self, bytes: &mut [u8]) {
        use chacha20::rand_core::Rng as _;
        self.0.fill_bytes(bytes);
    }

    #[inline]
    fn key(&mut self) -> [u8; 4] {
        use chacha20::rand_core::Rng as _;
        self.0.next_u32().to_le_bytes()
    }
}

#[cfg(feature = "getrandom")]
impl core::fmt::Debug for Generator {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Generator")
    }
}
