//! A host with an optional port, as it stands in `Host` and in URLs (RFC 3986, sections 3.2.2 and 3.2.3). User information is no
//! part of it.

use core::net::Ipv6Addr;

/// A host and what stands behind its colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Authority<'a> {
    /// A name, an IPv4 address, or an IP literal in its brackets; never empty.
    pub(super) host: &'a str,
    /// The port; `None` if there is none, or none behind the colon.
    pub(super) port: Option<u16>,
}

/// Which half of an authority is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Malformed {
    Host,
    Port,
}

impl<'a> Authority<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let (host, rest) = if text.starts_with('[') {
            let end = text.find(']').ok_or(Malformed::Host)? + 1;
            let (literal, rest) = text.split_at(end);
            if !is_ip_literal(&literal[1..end - 1]) {
                return Err(Malformed::Host);
            }
            (literal, rest)
        } else {
            let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
            if name.is_empty() || !is_encoded(name.as_bytes(), b"") {
                return Err(Malformed::Host);
            }
            (name, rest)
        };
        let port = match rest.strip_prefix(':') {
            None if rest.is_empty() => None,
            None => return Err(Malformed::Host),
            Some("") => None,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Some(digits.parse().map_err(|_| Malformed::Port)?)
            }
            Some(_) => return Err(Malformed::Port),
        };
        Ok(Self { host, port })
    }
}

/// Whether `text` may stand in the brackets of an IP literal. Zone identifiers mean nothing to a peer and are not taken.
fn is_ip_literal(text: &str) -> bool {
    if text.parse::<Ipv6Addr>().is_ok() {
        return true;
    }
    let Some((version, address)) =
        text.strip_prefix(['v', 'V']).and_then(|future| future.split_once('.'))
    else {
        return false;
    };
    let in_address = |byte: u8| is_unreserved(byte) || is_sub_delim(byte) || byte == b':';
    !version.is_empty()
        && version.bytes().all(|byte| byte.is_ascii_hexdigit())
        && !address.is_empty()
        && address.bytes().all(in_address)
}

/// Whether `bytes` consist of unreserved characters, subcomponent delimiters, percent-encoded octets, and those of `more`.
pub(super) fn is_encoded(bytes: &[u8], more: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [] => return true,
            [b'%', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                rest
            }
            [byte, rest @ ..]
                if is_unreserved(*byte) || is_sub_delim(*byte) || more.contains(byte) =>
            {
                rest
            }
            _ => return false,
        };
    }
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn is_sub_delim(byte: u8) -> bool {
    matches!(byte, b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=')
}
