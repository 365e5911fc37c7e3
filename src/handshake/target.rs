//! The grammar of a request's target: a path with an optional query, or an absolute http or https URI (RFC 9112, section 3.2).
//!
//! The URLs of clients, which are stricter, are in `url`.

use super::authority::Authority;

/// A request target in its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target<'a> {
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Target<'a> {
    /// The host and port, if the target is absolute.
    pub(super) const fn authority(&self) -> Option<&'a str> {
        self.authority
    }

    /// The path, which is never empty.
    pub(super) const fn path(&self) -> &'a str {
        self.path
    }

    /// The query, if there is a question mark.
    pub(super) const fn query(&self) -> Option<&'a str> {
        self.query
    }

    /// Splits a target into its parts. An asterisk or a bare authority is no target of a GET request, and a fragment is never
    /// sent. Browsers leave some characters unencoded that RFC 3986 wants percent-encoded: those are accepted.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        if !has_only_target_characters(text) {
            return None;
        }
        if text.starts_with('/') {
            return Some(Self::split(None, text));
        }
        let (scheme, rest) = text.split_once("://")?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return None;
        }
        let (authority, resource) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        Authority::parse(authority.as_bytes()).ok()?;
        Some(Self::split(Some(authority), resource))
    }

    /// Whether `text` is a target. A path is checked without splitting it.
    pub(super) fn is_valid(text: &'a str) -> bool {
        if text.starts_with('/') {
            has_only_target_characters(text)
        } else {
            Self::parse(text).is_some()
        }
    }

    /// Splits what follows the authority into path and query.
    fn split(authority: Option<&'a str>, resource: &'a str) -> Self {
        let (path, query) = match resource.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (resource, None),
        };
        Self { authority, path: if path.is_empty() { "/" } else { path }, query }
    }
}

/// Whether `text` consists of visible ASCII without `#`, which would begin a fragment.
fn has_only_target_characters(text: &str) -> bool {
    text.bytes().fold(true, |fine, byte| fine & matches!(byte, b'!'..=b'~') & (byte != b'#'))
}
