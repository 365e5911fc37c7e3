//! The grammar of a version in `Sec-WebSocket-Version` (RFC 6455, section 4.3).

/// Whether `value` is one version: a number from 0 to 255 without leading zeros.
pub(super) fn is_version(value: &[u8]) -> bool {
    match value {
        [b'0'] => true,
        [b'0', ..] => false,
        [_, ..] if value.len() <= 3 && value.iter().all(u8::is_ascii_digit) => {
            value.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')) <= 255
        }
        _ => false,
    }
}
