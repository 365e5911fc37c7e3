//! `ws:` and `wss:` URLs (RFC 6455, section 3). Resolving, normalising and internationalised names don't live here.
//!
//! What a handshake needs of a URL is four substrings of ASCII. A crate for URLs would bring normalisation that RFC 6455 doesn't
//! ask for, tables for internationalised names, and an allocation.

use core::{error, fmt};

use super::authority::{Authority, Malformed, Part};
use super::sink::Sink;

/// A `ws:` or `wss:` URL, in the parts that the handshake needs. It borrows the text.
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

/// Why a text is not the URL of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum UrlError {
    /// A scheme other than `ws` and `wss`, or none.
    Scheme,
    /// User information before the host. What it is for belongs into an `Authorization` field.
    UserInfo,
    /// No host, or one that is malformed.
    Host,
    /// A port that is not a number up to 65535.
    Port,
    /// A character in the path that has to be percent-encoded.
    Path,
    /// A character in the query that has to be percent-encoded.
    Query,
    /// A fragment. A `#` that is not one is written as `%23`.
    Fragment,
}

impl<'a> Url<'a> {
    /// Takes a URL apart.
    ///
    /// # Errors
    ///
    /// If it is not the URL of a WebSocket.
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
        let Authority { host, port } = Authority::parse(authority.as_bytes())?;
        let (path, query) = path_query.split_once('?').unwrap_or((path_query, ""));
        if !Part::Path.holds(path.as_bytes()) {
            return Err(UrlError::Path);
        }
        if !Part::Query.holds(query.as_bytes()) {
            return Err(UrlError::Query);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-3
        //# the default for "ws" is port 80, while the default for "wss" is port 443.
        let default = if secure { 443 } else { 80 };
        Ok(Self { secure, host: &authority[..host], port: port.unwrap_or(default), path, query })
    }

    /// Whether TLS is to be used: the scheme is `wss`.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host as it stands in the URL: a name, an IPv4 address, or an IPv6 address in brackets.
    pub const fn host(&self) -> &'a str {
        self.host
    }

    /// The host as it is connected to, or put into a TLS server name: an IPv6 address without its brackets.
    pub fn address(&self) -> &'a str {
        self.host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(self.host)
    }

    /// The port: that of the URL, or the scheme's own, which is 80 or 443.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The path; `/` if the URL has none.
    pub const fn path(&self) -> &'a str {
        if self.path.is_empty() { "/" } else { self.path }
    }

    /// The query, unless it is empty.
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

    /// Writes the host, and the port where it is not the scheme's own.
    pub(super) fn put_authority(&self, sink: &mut impl Sink) {
        sink.put(self.host.as_bytes());
        if self.port != if self.secure { 443 } else { 80 } {
            sink.put(b":");
            sink.put_number(u64::from(self.port));
        }
    }
}

impl fmt::Debug for Url<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The query often carries a token.
        f.debug_struct("Url")
            .field("secure", &self.secure)
            .field("host", &self.host)
            .field("port", &self.port)
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}

impl From<Malformed> for UrlError {
    fn from(malformed: Malformed) -> Self {
        match malformed {
            Malformed::Host => Self::Host,
            Malformed::Port => Self::Port,
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
