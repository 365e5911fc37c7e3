//! Strings in JSON: which of their bytes stand for themselves, and how they are written.

use alloc::borrow::ToOwned;
use alloc::string::String;

/// How many bytes at the beginning stand for themselves inside a string of JSON.
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    let sure = plain_pieces(bytes, is_plain_64);
    let sure = sure + plain_pieces(&bytes[sure..], is_plain_8);
    let rest = &bytes[sure..];
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | 0..b' ');
    sure + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// The same in pieces of this size, up to the first of which it isn't sure.
fn plain_pieces<const N: usize>(bytes: &[u8], is_plain: impl Fn(&[u8; N]) -> bool) -> usize {
    let (pieces, _) = bytes.as_chunks();
    N * pieces.iter().take_while(|piece| is_plain(piece)).count()
}

/// How far a byte is from the special ones: 0 for these alone. Without branches, so that many are looked at together.
fn distance(byte: u8) -> u8 {
    (byte ^ b'"').min(byte ^ b'\\').min(byte.saturating_sub(b' ' - 1))
}

fn is_plain_64(piece: &[u8; 64]) -> bool {
    piece.iter().fold(u8::MAX, |least, byte| least.min(distance(*byte))) > 0
}

/// Eight bytes are looked at together. It may say no where none is special.
fn is_plain_8(piece: &[u8; 8]) -> bool {
    const EACH: u64 = u64::from_ne_bytes([1; 8]);
    let piece = u64::from_ne_bytes(*piece);
    // The highest bit of each byte that is below a number; bytes above may be found with it, and non-ASCII ones never are.
    let below = |bytes: u64, least: u64| bytes.wrapping_sub(EACH * least) & !bytes;
    let quote = below(piece ^ (EACH * u64::from(b'"')), 1);
    let backslash = below(piece ^ (EACH * u64::from(b'\\')), 1);
    (below(piece, 32) | quote | backslash) & (EACH << 7) == 0
}

/// The JSON of a string, with its quotes.
pub(crate) fn json_string(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    push_json_string(text, &mut json);
    json
}

/// Appends the JSON of a string, with its quotes.
pub(crate) fn push_json_string(text: &str, json: &mut String) {
    if plain_len(text.as_bytes()) == text.len() {
        json.reserve(text.len() + 3);
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        // A string is always JSON.
        json.push_str(&serde_json::to_string(text).unwrap_or_else(|_| "\"\"".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn strings_are_written_as_serde_writes_them(
            text in prop_oneof!["[a-zé\u{1}\"\\\\]{0,80}", "[a-z\u{7f}é]{0,150}", any::<String>()],
        ) {
            prop_assert_eq!(json_string(&text), serde_json::to_string(&text).expect("JSON"));
        }

        #[test]
        fn a_special_byte_is_found_wherever_it_is(
            before in proptest::collection::vec(b' '..=255, 0..150),
            special in prop_oneof![0..b' ', Just(b'"'), Just(b'\\')],
            after in any::<Vec<u8>>(),
        ) {
            let before: Vec<_> = before.into_iter().filter(|byte| distance(*byte) > 0).collect();
            let len = before.len();
            prop_assert_eq!(plain_len(&before), len);
            prop_assert_eq!(plain_len(&[before, [special].to_vec(), after].concat()), len);
        }
    }
}
