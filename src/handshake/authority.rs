//! A host with an optional port, as it stands in `Host` and in URLs (RFC 3986, sections 3.2.2 and 3.2.3). User information is no
//! part of it.

use core::net::Ipv6Addr;

/// A host and what stands behind its colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority {
    /// How many bytes the host has: a name, an IPv4 address, or an IP literal in its brackets; never none.
    pub(super) host: usize,
    /// The port; `None` if there is none, or none behind the colon.
    pub(super) port: Option<u16>,
}

/// Which half of an authority is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Host,
    Port,
}

impl Authority {
    pub(super) fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let host = if text.first() == Some(&b'[') {
            let end = text.iter().position(|byte| *byte == b']').ok_or(Malformed::Host)?;
            if !is_ip_literal(&text[1..end]) {
                return Err(Malformed::Host);
            }
            end + 1
        } else {
            let end = Part::Name.span(text);
            if end == 0 {
                return Err(Malformed::Host);
            }
            end
        };
        let port = match &text[host..] {
            [] | [b':'] => None,
            [b':', digits @ ..] => Some(port(digits).ok_or(Malformed::Port)?),
            _ => return Err(Malformed::Host),
        };
        Ok(Self { host, port })
    }
}

fn port(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |port, digit| {
        if !digit.is_ascii_digit() {
            return None;
        }
        port.checked_mul(10)?.checked_add(u16::from(digit - b'0'))
    })
}

/// Whether `text` may stand in the brackets of an IP literal. Zone identifiers mean nothing to a peer and are not taken.
fn is_ip_literal(text: &[u8]) -> bool {
    if let [b'v' | b'V', rest @ ..] = text {
        let version = rest.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        return match &rest[version..] {
            [b'.', address @ ..] => {
                let in_address = |byte: &u8| {
                    *byte == b':'
                        || (*byte != b'%' && Part::Name.holds(core::slice::from_ref(byte)))
                };
                version > 0 && !address.is_empty() && address.iter().all(in_address)
            }
            _ => false,
        };
    }
    core::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// The parts of a URI that differ in which characters may stand bare.
#[derive(Clone, Copy)]
pub(super) enum Part {
    Name = 1,
    Path = 2,
    Query = 4,
}

/// In which parts each byte may stand bare: the unreserved characters and the subcomponent delimiters in all of them.
static BARE: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'.' | b'_' | b'~' => 7,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => 7,
            b':' | b'@' | b'/' => Part::Path as u8 | Part::Query as u8,
            b'?' => Part::Query as u8,
            _ => 0,
        };
        byte += 1;
    }
    table
};

impl Part {
    /// Whether `bytes` consist of characters that may stand bare in this part, and of percent-encoded octets.
    pub(super) fn holds(self, bytes: &[u8]) -> bool {
        self.span(bytes) == bytes.len()
    }

    /// How many bytes at the front do.
    fn span(self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if BARE[usize::from(*byte)] & self as u8 != 0 {
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
