//! An allow-list of origins (RFC 6455, sections 4.2.2 and 10.2).

/// Origins that a server expects, compared as a whole: no prefixes, no suffixes, no wildcards.
///
/// A browser says truthfully on whose behalf it opens a connection. A server that relies on cookies has to look at it, or any page
/// can speak in its user's name.
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

    /// The same, and clients that send no origin: they are no browsers, and could send whatever they like.
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
            // The origin is converted to lower case before it is looked at (RFC 6455, section 4.2.2).
            Some(origin) => self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)),
            None => self.none,
        }
    }
}
