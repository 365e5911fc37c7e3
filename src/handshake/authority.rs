//! The grammar of a host with an optional port, in `Host` and in URLs, and of the URI parts beside it (RFC 3986, section 3).
//!
//! User information is not accepted. The default port of a scheme is in `url`.

use core::net::Ipv6Addr;

/// A host and its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    host_len: usize,
    port: Option<u16>,
}

/// Which half of an authority is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AuthorityError {
    Host,
    Port,
}

impl Authority {
    /// The length of the host at the beginning of the text: a name, an IPv4 address, or an IP literal with its brackets. It is
    /// never 0.
    pub(super) const fn host_len(&self) -> usize {
        self.host_len
    }

    /// The port; `None` if there is no colon, or nothing after it.
    pub(super) const fn port(&self) -> Option<u16> {
        self.port
    }

    /// Parses a text that is an authority and nothing else.
    pub(super) fn parse(text: &[u8]) -> Result<Self, AuthorityError> {
        let host_len = if text.first() == Some(&b'[') {
            let end = text.iter().position(|byte| *byte == b']').ok_or(AuthorityError::Host)?;
            if !is_ip_literal(&text[1..end]) {
                return Err(AuthorityError::Host);
            }
            end + 1
        } else {
            let end = UriPart::Name.valid_len(text);
            if end == 0 {
                return Err(AuthorityError::Host);
            }
            end
        };
        let port = match &text[host_len..] {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(parse_port(digits).ok_or(AuthorityError::Port)?),
            _ => return Err(AuthorityError::Host),
        };
        Ok(Self { host_len, port })
    }
}

/// The port that these digits make, up to 65535.
fn parse_port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |port, digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        port.checked_mul(10)?.checked_add(u16::from(digit - b'0'))
    })
}

/// Whether `text` is the inside of an IP literal, without its brackets. Zone identifiers mean nothing to a peer and are refused.
fn is_ip_literal(text: &[u8]) -> bool {
    if let [b'v' | b'V', rest @ ..] = text {
        let version = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        return match &rest[version..] {
            [b'.', address @ ..] => {
                let in_address = |byte: &u8| {
                    *byte == b':'
                        || (*byte != b'%' && UriPart::Name.is_valid(core::slice::from_ref(byte)))
                };
                version > 0 && !address.is_empty() && address.iter().all(in_address)
            }
            _ => false,
        };
    }
    core::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// The parts of a URI, which differ in the characters that need no percent-encoding. The numbers are bits of [`UNENCODED`].
#[derive(Clone, Copy)]
pub(super) enum UriPart {
    Name = 1,
    Path = 2,
    Query = 4,
}

/// The parts in which each byte needs no percent-encoding: the unreserved characters and the subcomponent delimiters need none in
/// any part.
static UNENCODED: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => 7,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => 7,
            b':' | b'@' | b'/' => UriPart::Path as u8 | UriPart::Query as u8,
            b'?' => UriPart::Query as u8,
            _ => 0,
        };
        byte += 1;
    }
    table
};

impl UriPart {
    /// Whether `bytes` consist of characters that this part allows, and of percent-encoded octets.
    pub(super) fn is_valid(self, bytes: &[u8]) -> bool {
        self.valid_len(bytes) == bytes.len()
    }

    /// The number of bytes before the first one that this part doesn't allow.
    fn valid_len(self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if UNENCODED[usize::from(*byte)] & self as u8 != 0 {
                at += 1;
            } else if let [b'%', high, low, ..] = &bytes[at..]
                && high.is_ascii_hexdigit()
                && low.is_ascii_hexdigit()
            {
                at += 3;
            } else {
                break;
            }
        }
        at
    }
}
