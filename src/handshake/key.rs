//! `Sec-WebSocket-Key`, and the `Sec-WebSocket-Accept` that answers it (RFC 6455, sections 4.1 and 4.2.2).

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
//# concatenating /key/, defined
//# above in step 4 in Section 4.2.2, with the string "258EAFA5-
//# E914-47DA-95CA-C5AB0DC85B11", taking the SHA-1 hash of this
//# concatenated value to obtain a 20-byte value and base64-
//# encoding (see Section 4 of [RFC4648]) this 20-byte hash.
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The value of `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`, as a server sends it and a client expects it.
///
/// The key is hashed as it was received, without decoding it.
///
/// ```
/// use sockless::handshake::accept_key;
///
/// assert_eq!(&accept_key(b"dGhlIHNhbXBsZSBub25jZQ=="), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &[u8]) -> [u8; 28] {
    let hash: [u8; 20] = Sha1::new().chain_update(key).chain_update(GUID).finalize().into();
    let mut accept = [0; 28];
    // Twenty bytes are always twenty-eight characters.
    let _ = STANDARD.encode_slice(hash, &mut accept);
    accept
}

/// The value of a `Sec-WebSocket-Key`: sixteen bytes in base64.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct WebSocketKey([u8; 24]);

impl WebSocketKey {
    /// The key that a client sends for its nonce.
    pub(super) fn from_nonce(nonce: [u8; 16]) -> Self {
        let mut key = [0; 24];
        let _ = STANDARD.encode_slice(nonce, &mut key);
        Self(key)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //# A |Sec-WebSocket-Key| header field with a base64-encoded (see
    //# Section 4 of [RFC4648]) value that, when decoded, is 16 bytes in
    //# length.
    /// Checks the form of a key that a client has sent: 22 characters of the alphabet and two of padding. The bits of the last
    /// character beyond the sixteen bytes may be set, as they are in the sample that RFC 6455 itself prints.
    pub(super) fn check_form(value: &[u8]) -> Option<&[u8; 24]> {
        let key: &[u8; 24] = value.try_into().ok()?;
        let (data, padding) = key.split_at(22);
        let in_alphabet = |byte: &u8| byte.is_ascii_alphanumeric() | matches!(byte, b'+' | b'/');
        let fine = data.iter().fold(padding == b"==", |fine, byte| fine & in_alphabet(byte));
        fine.then_some(key)
    }

    /// A key whose form has been checked.
    #[cfg(feature = "http")]
    pub(super) const fn from_checked(key: &[u8; 24]) -> Self {
        Self(*key)
    }

    /// The key as it is sent.
    pub(super) fn bytes(&self) -> &[u8; 24] {
        &self.0
    }

    /// The value of `Sec-WebSocket-Accept` that answers this key.
    pub(super) fn accept_value(&self) -> [u8; 28] {
        accept_key(&self.0)
    }
}

impl fmt::Debug for WebSocketKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}
