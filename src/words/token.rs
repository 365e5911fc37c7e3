//! Header tokens and comma-separated lists of them: the grammar that header field values share (RFC 9110, section 5.6, which
//! replaces RFC 2616, section 2). What the tokens of a field mean is decided in `handshake`.

/// Whether each byte may be in a token.
static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = matches!(byte as u8,
            b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
            | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z');
        byte += 1;
    }
    table
};

/// Whether `byte` may be in a token.
#[inline]
pub const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// Whether `bytes` are a token: at least one character, no separators, no controls, nothing outside ASCII.
///
/// ```
/// use sockless::words::token::is_token;
///
/// assert!(is_token(b"graphql-transport-ws"));
/// assert!(!is_token(b""));
/// assert!(!is_token(b"a b"));
/// ```
pub fn is_token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().all(|byte| is_token_byte(*byte))
}

/// `bytes` as a string, if they are a token.
pub fn token(bytes: &[u8]) -> Option<&str> {
    if is_token(bytes) { core::str::from_utf8(bytes).ok() } else { None }
}

/// `bytes` without the optional whitespace (spaces and tabs) around them.
pub fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// The elements of a comma-separated list, trimmed; empty elements are left out. Quoted strings are not supported.
///
/// ```
/// use sockless::words::token::elements;
///
/// assert!(elements(b", keep-alive,Upgrade\t,").eq([&b"keep-alive"[..], b"Upgrade"]));
/// ```
pub fn elements(list: &[u8]) -> Elements<'_> {
    Elements { rest: Some(list) }
}

/// Whether a comma-separated list has `token` among its elements, without regard to ASCII case.
#[cfg(feature = "handshake")]
#[inline]
pub(crate) fn list_contains(list: &[u8], token: &str) -> bool {
    let token = token.as_bytes();
    // Nearly always the list is just the token.
    list == token || elements(list).any(|element| element.eq_ignore_ascii_case(token))
}

/// The iterator that [`elements`] returns.
#[derive(Clone, Debug)]
pub struct Elements<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        while let Some(rest) = self.rest {
            let element = match rest.iter().position(|byte| *byte == b',') {
                Some(comma) => {
                    self.rest = rest.get(comma + 1..);
                    &rest[..comma]
                }
                None => {
                    self.rest = None;
                    rest
                }
            };
            let element = trim(element);
            if !element.is_empty() {
                return Some(element);
            }
        }
        None
    }
}
