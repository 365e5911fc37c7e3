//! The target of a request: a path with an optional query, or an absolute http or https URI (RFC 9112, section 3.2).

use super::authority::Authority;

/// A request target, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    /// The host and port, if the target is absolute.
    pub(super) authority: Option<&'a str>,
    /// Never empty.
    pub(super) path: &'a str,
    /// The query, if there is a question mark.
    pub(super) query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// Takes a target apart. The asterisk and the bare authority are none for a GET request; a fragment is never sent; browsers
    /// leave some characters bare that RFC 3986 wants percent-encoded, and those pass.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if !is_bare(text) {
            return None;
        }
        if text.starts_with('/') {
            return Some(Self::at(None, text));
        }
        let (scheme, rest) = text.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        Authority::parse(authority.as_bytes()).ok()?;
        Some(Self::at(Some(authority), resource))
    }

    /// Whether `text` is a target. A path needs not be taken apart for that.
    pub(super) fn is_valid(text: &'a str) -> bool {
        if text.starts_with('/') { is_bare(text) } else { Self::parse(text).is_some() }
    }

    fn at(authority: Option<&'a str>, resource: &'a str) -> Self {
        let (path, query) = match resource.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (resource, None),
        };
        Self { authority, path: if path.is_empty() { "/" } else { path }, query }
    }
}

/// Whether `text` consists of what may stand in a target: visible ASCII without the mark of a fragment.
fn is_bare(text: &str) -> bool {
    text.bytes().fold(true, |fine, byte| fine & matches!(byte, b'!'..=b'~') & (byte != b'#'))
}
