//! `Sec-WebSocket-Key`, and the `Sec-WebSocket-Accept` that answers it (RFC 6455, sections 4.1 and 4.2.2).

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::block_api::compress;
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
    let hash = match key.try_into() {
        Ok(key) => hash_of_valid(key),
        Err(_) => Sha1::new().chain_update(key).chain_update(GUID).finalize().into(),
    };
    let mut accept = [0; 28];
    // Twenty bytes are always twenty-eight characters.
    let _ = STANDARD.encode_slice(hash, &mut accept);
    accept
}

/// The hash of a key that is as long as it has to be: what is hashed is then two blocks of which only the key is to be filled in.
fn hash_of_valid(key: &[u8; 24]) -> [u8; 20] {
    let [mut first, second] = BLOCKS;
    first[..key.len()].copy_from_slice(key);
    let mut state = INITIAL;
    compress(&mut state, &[first, second]);
    let mut hash = [0; 20];
    for (bytes, word) in hash.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    hash
}

/// The key's place, the GUID, a bit that ends it, and the number of bits (FIPS 180-4, section 5.1.1).
const BLOCKS: [[u8; 64]; 2] = {
    let mut blocks = [[0; 64]; 2];
    let mut at = 0;
    while at < GUID.len() {
        blocks[0][24 + at] = GUID[at];
        at += 1;
    }
    blocks[0][24 + GUID.len()] = 0x80;
    let bits = (8 * (24 + GUID.len()) as u16).to_be_bytes();
    blocks[1][62] = bits[0];
    blocks[1][63] = bits[1];
    blocks
};

/// The state before the first block (FIPS 180-4, section 5.3.1).
const INITIAL: [u32; 5] = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476, 0xC3D2_E1F0];

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
