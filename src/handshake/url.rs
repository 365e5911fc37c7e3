//! `ws:` and `wss:` URLs (RFC 6455, section 3).
//!
//! Relative URLs, normalisation and internationalised names are not supported: a handshake needs four substrings of ASCII. A crate
//! for URLs would bring normalisation that RFC 6455 doesn't ask for, tables for names, and an allocation.

use core::{error, fmt};

use super::authority::{Authority, AuthorityError, UriPart};
use super::sink::Sink;

/// A `ws:` or `wss:` URL in the parts that the handshake needs. It borrows the text.
///
/// ```
/// use sockless::handshake::Url;
///
/// let url = Url::parse("wss://example.com/chat?room=1")?;
/// assert!(url.is_secure());
/// assert_eq!((url.host(), url.port()), ("example.com", 443));
/// assert_eq!((url.path(), url.query()), ("/chat", Some("room=1")));
/// # Ok::<(), sockless::handshake::UrlError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    secure: bool,
    host: &'a str,
    port: u16,
    path: &'a str,
    query: &'a str,
}

/// Why a text is not a WebSocket URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlError {
    /// A scheme other than `ws` and `wss`, or none.
    Scheme,
    /// User information before the host. Credentials belong in an `Authorization` field.
    UserInfo,
    /// A missing or malformed host.
    Host,
    /// A port that is not a number up to 65535.
    Port,
    /// A character in the path that has to be percent-encoded.
    Path,
    /// A character in the query that has to be percent-encoded.
    Query,
    /// A fragment. Write a `#` that doesn't begin one as `%23`.
    Fragment,
}

impl<'a> Url<'a> {
    /// Splits a URL into its parts.
    ///
    /// # Errors
    ///
    /// If it is not a WebSocket URL: the error names the part that is wrong, for whoever gave the URL.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The components of the WebSocket URI passed into this algorithm
    //# (/host/, /port/, /resource name/, and /secure/ flag) MUST be
    //# valid according to the specification of WebSocket URIs specified
    //# in Section 3.  If any of the components are invalid, the client
    //# MUST _Fail the WebSocket Connection_ and abort these steps.
    pub fn parse(text: &'a str) -> Result<Self, UrlError> {
        let (scheme, rest) = text.split_once("://").ok_or(UrlError::Scheme)?;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# The URI is called "secure" (and it is said that "the secure flag is set") if
        //# the scheme component matches "wss" case-insensitively.
        let secure = if scheme.eq_ignore_ascii_case("wss") {
            true
        } else if scheme.eq_ignore_ascii_case("ws") {
            false
        } else {
            return Err(UrlError::Scheme);
        };
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# Fragment identifiers are meaningless in the context of WebSocket URIs
        //# and MUST NOT be used on these URIs.  As with any URI scheme, the
        //# character "#", when not indicating the start of a fragment, MUST be
        //# escaped as %23.
        if rest.contains('#') {
            return Err(UrlError::Fragment);
        }
        let (authority, path_query) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let parsed = Authority::parse(authority.as_bytes())?;
        let host = &authority[..parsed.host_len()];
        let (path, query) = path_query.split_once('?').unwrap_or((path_query, ""));
        if !UriPart::Path.is_valid(path.as_bytes()) {
            return Err(UrlError::Path);
        }
        if !UriPart::Query.is_valid(query.as_bytes()) {
            return Err(UrlError::Query);
        }
        let port = parsed.port().unwrap_or(default_port(secure));
        Ok(Self { secure, host, port, path, query })
    }

    /// Whether the scheme is `wss`, so that the connection uses TLS.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host as it is written in the URL: a name, an IPv4 address, or an IPv6 address in brackets.
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The host as a resolver and TLS want it: an IPv6 address has no brackets.
    pub fn address(&self) -> &'a str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(self.host)
    }

    /// The port of the URL, or the scheme's default: 80 or 443.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path; `/` if the URL has none.
    pub const fn path(&self) -> &'a str {
        if self.path.is_empty() { "/" } else { self.path }
    }

    /// The query without its question mark, unless it is empty.
    pub const fn query(&self) -> Option<&'a str> {
        if self.query.is_empty() { None } else { Some(self.query) }
    }

    /// Writes the resource name: the path, and the query with its question mark.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-3
    //# "/" if the path component is empty o the path component o "?" if the query
    //# component is non-empty o the query component
    pub(super) fn put_resource(&self, sink: &mut impl Sink) {
        sink.put(self.path().as_bytes());
        if let Some(query) = self.query() {
            sink.put(b"?");
            sink.put(query.as_bytes());
        }
    }

    /// Writes the host, and the port unless it is the scheme's default.
    pub(super) fn put_authority(&self, sink: &mut impl Sink) {
        sink.put(self.host.as_bytes());
        if self.port != default_port(self.secure) {
            sink.put(b":");
            sink.put_number(u64::from(self.port));
        }
    }
}

/// The port of a URL that names none.
//= https://www.rfc-editor.org/rfc/rfc6455#section-3
//# the default for "ws" is port 80, while the default for "wss" is port 443.
const fn default_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

impl<'a> TryFrom<&'a str> for Url<'a> {
    type Error = UrlError;

    fn try_from(text: &'a str) -> Result<Self, UrlError> {
        Self::parse(text)
    }
}

/// The URL, in the form that the handshake uses: with a path, without the scheme's default port.
impl fmt::Display for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.secure { "wss" } else { "ws" };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port != default_port(self.secure) {
            write!(f, ":{}", self.port)?;
        }
        f.write_str(self.path())?;
        self.query().map_or(Ok(()), |query| write!(f, "?{query}"))
    }
}

impl fmt::Debug for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query is left out: it often contains a secret.
        f.debug_struct("Url")
            .field("secure", &self.secure)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

impl From<AuthorityError> for UrlError {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::Host => Self::Host,
            AuthorityError::Port => Self::Port,
        }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scheme => "the URL of a WebSocket begins with ws:// or wss://",
            Self::UserInfo => "the URL of a WebSocket has no user information",
            Self::Host => "the URL has no valid host",
            Self::Port => "the URL has no valid port",
            Self::Path => "the path of the URL has a character that must be percent-encoded",
            Self::Query => "the query of the URL has a character that must be percent-encoded",
            Self::Fragment => "the URL of a WebSocket has no fragment",
        })
    }
}

impl error::Error for UrlError {}
