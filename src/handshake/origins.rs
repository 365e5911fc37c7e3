//! Origins: what may be one, and a server's allow-list of them (RFC 6455, sections 4.2.2 and 10.2).

/// Origins that a server expects, compared as a whole: no prefixes, no suffixes, no wildcards.
///
/// A browser says truthfully which page opens a connection. A server that identifies users by their cookies has to check it, or
/// any page can act in the name of its visitor.
///
/// ```
/// use sockless::handshake::Origins;
///
/// let origins = Origins::new(&["https://example.com", "https://www.example.com:8443"]);
/// assert!(origins.allows(Some("https://example.com")));
/// assert!(!origins.allows(Some("https://example.com.evil.example")));
/// assert!(!origins.allows(Some("null")));
/// assert!(!origins.allows(None));
/// assert!(origins.or_none().allows(None));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Origins<'a> {
    allowed: &'a [&'a str],
    none: bool,
}

impl<'a> Origins<'a> {
    /// These origins and no others, in their ASCII serialization: scheme, host, and the port where it is not the scheme's own.
    pub const fn new(allowed: &'a [&'a str]) -> Self {
        Self { allowed, none: false }
    }

    /// The same, and clients that send no origin: they are not browsers, and could send any origin they like.
    #[must_use]
    pub const fn or_none(mut self) -> Self {
        self.none = true;
        self
    }

    /// Whether a request with this origin is expected. If not, the answer is 403.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-10.2
    //# Servers that are not intended to process input from any web page but
    //# only for certain sites SHOULD verify the |Origin| field is an origin
    //# they expect.  If the origin indicated is unacceptable to the server,
    //# then it SHOULD respond to the WebSocket handshake with a reply
    //# containing HTTP 403 Forbidden status code.
    pub fn allows(&self, origin: Option<&str>) -> bool {
        match origin {
            // RFC 6455, section 4.2.2, has the server convert the origin to lower case.
            Some(origin) => self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)),
            None => self.none,
        }
    }
}

/// Whether `value` has the form of an origin: visible ASCII, with spaces between the origins of a chain of redirects (RFC 6454).
pub(super) fn is_origin(value: &[u8]) -> bool {
    !value.is_empty() && value.iter().fold(true, |fine, byte| fine & matches!(byte, b' '..=b'~'))
}
