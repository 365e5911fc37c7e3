//! Where random numbers come from: the caller.

/// A source of random bytes, for the ids of sessions and sockets.
///
/// Whoever knows the id of a session can take it over, so outside of tests it has to be seeded by the operating system. Any closure that
/// returns 16 bytes is a source:
///
/// ```
/// use sockless_socketio::Entropy;
///
/// let mut count = 0_u128;
/// let mut source = move || {
///     count += 1;
///     count.to_le_bytes()
/// };
/// assert_ne!(source.bytes(), source.bytes());
/// ```
pub trait Entropy {
    /// The next random bytes.
    fn bytes(&mut self) -> [u8; 16];
}

impl<F: FnMut() -> [u8; 16]> Entropy for F {
    fn bytes(&mut self) -> [u8; 16] {
        self()
    }
}

/// An id of 22 letters that nobody guesses.
pub(crate) fn draw_id(entropy: &mut impl Entropy) -> alloc::sync::Arc<str> {
    use base64::Engine as _;
    base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(entropy.bytes()).into()
}
