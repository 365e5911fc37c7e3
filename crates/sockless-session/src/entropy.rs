//! Where randomness comes from: the caller. What it is used for (jitter, session ids) lives with its user.

/// A source of bytes that nobody can predict.
///
/// A program passes the operating system's, or a cryptographic generator seeded by it; a test passes one that it can predict.
///
/// ```
/// use sockless_session::Entropy;
///
/// /// For tests alone: everybody can predict it.
/// struct Counter(u8);
///
/// impl Entropy for Counter {
///     fn fill(&mut self, bytes: &mut [u8]) {
///         for byte in bytes {
///             self.0 = self.0.wrapping_add(1);
///             *byte = self.0;
///         }
///     }
/// }
///
/// let mut bytes = [0; 3];
/// Counter(0).fill(&mut bytes);
/// assert_eq!(bytes, [1, 2, 3]);
/// ```
pub trait Entropy {
    /// Fills `bytes`.
    fn fill(&mut self, bytes: &mut [u8]);
}

impl<E: Entropy + ?Sized> Entropy for &mut E {
    fn fill(&mut self, bytes: &mut [u8]) {
        (**self).fill(bytes);
    }
}
