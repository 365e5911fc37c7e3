//! What a client offers, and the request that it makes (RFC 6455, section 4.1).
//!
//! The answer is checked in `connector` and `response_fields`.

use core::fmt;

use super::field::{Field, check_added};
use super::key::WebSocketKey;
use super::misuse::HandshakeMisuse;
use super::origins::is_origin;
use super::sink::{Encodable, Sink, encoding_methods};
use super::url::Url;
use crate::extension::Supported;
use crate::words::token::is_token;

/// What a client asks for: the URL, and what it would like to use on the connection.
///
/// ```
/// use sockless::handshake::{Field, Offer, Url};
///
/// let fields = [Field::new("Authorization", "Bearer 6bdf")];
/// let offer = Offer::new(Url::parse("wss://example.com/chat")?)
///     .with_subprotocols(&["v2.chat", "chat"])
///     .with_fields(&fields);
/// # Ok::<(), sockless::handshake::UrlError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    url: Url<'a>,
    subprotocols: &'a [&'a str],
    extensions: Supported,
    origin: Option<&'a str>,
    fields: &'a [Field<'a>],
}

impl<'a> Offer<'a> {
    /// A connection to `url`, without subprotocols, extensions, origin and further fields.
    pub fn new(url: Url<'a>) -> Self {
        Self { url, subprotocols: &[], extensions: Supported::default(), origin: None, fields: &[] }
    }

    /// The same with subprotocols for the server to choose from, in order of preference.
    #[must_use]
    pub fn with_subprotocols(mut self, subprotocols: &'a [&'a str]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// The same with extensions that may be used.
    #[must_use]
    pub fn with_extensions(mut self, supported: impl Into<Supported>) -> Self {
        self.extensions = supported.into();
        self
    }

    /// The same with the origin of the script on whose behalf the connection is opened. Browsers have to send it, others may.
    #[must_use]
    pub fn with_origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// The same with further header fields, such as cookies or authorization.
    #[must_use]
    pub fn with_fields(mut self, fields: &'a [Field<'a>]) -> Self {
        self.fields = fields;
        self
    }

    pub(super) const fn url(&self) -> Url<'a> {
        self.url
    }

    pub(super) const fn subprotocols(&self) -> &'a [&'a str] {
        self.subprotocols
    }

    pub(super) const fn extensions(&self) -> Supported {
        self.extensions
    }

    pub(super) const fn origin(&self) -> Option<&'a str> {
        self.origin
    }

    /// The further fields.
    pub(super) const fn fields(&self) -> &'a [Field<'a>] {
        self.fields
    }

    /// Checks that a request can be made from the offer.
    pub(super) fn check(&self) -> Result<(), HandshakeMisuse> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The elements that comprise this value
        //# MUST be non-empty strings with characters in the range U+0021 to
        //# U+007E not including separator characters as defined in
        //# [RFC2616] and MUST all be unique strings.
        for (at, name) in self.subprotocols.iter().enumerate() {
            if !is_token(name.as_bytes()) {
                return Err(HandshakeMisuse::Subprotocol);
            }
            if self.subprotocols[..at].contains(name) {
                return Err(HandshakeMisuse::RepeatedSubprotocol);
            }
        }
        if self.origin.is_some_and(|origin| !is_origin(origin.as_bytes())) {
            return Err(HandshakeMisuse::Origin);
        }
        if self.fields.iter().any(|field| field.is("origin")) {
            return Err(HandshakeMisuse::OwnedField);
        }
        check_added(self.fields)
    }
}

/// A client's request, checked and ready to be written. Frames may be sent only after the answer has been checked.
#[derive(Clone, Copy)]
pub struct Opening<'a> {
    offer: Offer<'a>,
    key: WebSocketKey,
}

impl<'a> Opening<'a> {
    /// A request for an offer that has been [checked](Offer::check).
    pub(super) const fn new(offer: Offer<'a>, key: WebSocketKey) -> Self {
        Self { offer, key }
    }

    encoding_methods!("request");
}

impl Encodable for Opening<'_> {
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# Once a connection to the server has been established (including a
    //# connection via a proxy or over a TLS-encrypted tunnel), the client
    //# MUST send an opening handshake to the server.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The handshake MUST be a valid HTTP request as specified by
    //# [RFC2616].
    fn write_to(&self, sink: &mut impl Sink) {
        let Offer { url, subprotocols, extensions, origin, fields } = &self.offer;
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The method of the request MUST be GET, and the HTTP version MUST
        //# be at least 1.1.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The "Request-URI" part of the request MUST match the /resource
        //# name/ defined in Section 3 (a relative URI) or be an absolute
        //# http/https URI that, when parsed, has a /resource name/, /host/,
        //# and /port/ that match the corresponding ws/wss URI.
        sink.put(b"GET ");
        url.put_resource(sink);
        sink.put(b" HTTP/1.1\r\n");
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain a |Host| header field whose value
        //# contains /host/ plus optionally ":" followed by /port/ (when not
        //# using the default port).
        sink.put(b"Host: ");
        url.put_authority(sink);
        sink.put(b"\r\n");
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain an |Upgrade| header field whose value
        //# MUST include the "websocket" keyword.
        sink.put(b"Upgrade: websocket\r\n");
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST contain a |Connection| header field whose value
        //# MUST include the "Upgrade" token.
        sink.put(b"Connection: Upgrade\r\n");
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST include a header field with the name
        //# |Sec-WebSocket-Key|.  The value of this header field MUST be a
        //# nonce consisting of a randomly selected 16-byte value that has
        //# been base64-encoded (see Section 4 of [RFC4648]).
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.1
        //# The |Sec-WebSocket-Key| header field MUST NOT appear more than once
        //# in an HTTP request.
        sink.put_field("Sec-WebSocket-Key", self.key.bytes());
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST include a header field with the name
        //# |Sec-WebSocket-Version|.  The value of this header field MUST be
        //# 13.
        //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
        //# However, the |Sec-WebSocket-Version| header field MUST NOT appear
        //# more than once in an HTTP request.
        sink.put(b"Sec-WebSocket-Version: 13\r\n");
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# The request MUST include a header field with the name |Origin|
        //# [RFC6454] if the request is coming from a browser client.
        if let Some(origin) = origin {
            sink.put_field("Origin", origin.as_bytes());
        }
        if let [first, rest @ ..] = subprotocols {
            sink.put(b"Sec-WebSocket-Protocol: ");
            sink.put(first.as_bytes());
            for name in rest {
                sink.put(b", ");
                sink.put(name.as_bytes());
            }
            sink.put(b"\r\n");
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
        //# Any extension-token used MUST be a registered token (see
        //# Section 11.4).  The parameters supplied with any given extension MUST
        //# be defined for that extension.
        if !extensions.is_empty() {
            sink.put(b"Sec-WebSocket-Extensions: ");
            sink.put_display(&extensions.header());
            sink.put(b"\r\n");
        }
        for field in *fields {
            sink.put_field(field.name, field.value);
        }
        sink.put(b"\r\n");
    }
}

impl fmt::Debug for Opening<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opening").field("offer", &self.offer).finish_non_exhaustive()
    }
}
