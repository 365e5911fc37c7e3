//! Where random numbers come from: the caller.

/// A source of random numbers, for epochs, for the idempotency keys of publications that come without one, and for the jitter of
/// reconnecting.
///
/// Two epochs of a channel must never be the same by chance, so outside of tests it has to be seeded by the operating system. Any
/// closure that returns numbers is a source:
///
/// ```
/// use sockless_channels::Entropy;
///
/// let mut state = 1_u64;
/// let mut source = move || {
///     state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
///     state
/// };
/// assert_ne!(source.number(), source.number());
/// ```
pub trait Entropy {
    /// The next random number.
    fn number(&mut self) -> u64;
}

impl<F: FnMut() -> u64> Entropy for F {
    fn number(&mut self) -> u64 {
        self()
    }
}
