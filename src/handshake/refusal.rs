//! An application's answer that opens no connection: any final status, with fields and a body.
//!
//! The answers to requests that break a rule are in `request_error`.

use core::fmt;

use super::field::{Field, check_added};
use super::misuse::HandshakeMisuse;
use super::sink::{Encodable, Sink, encoding_methods};

/// An answer that opens no connection, checked and ready to be written: a refusal, or the page that a plain request asks for. It
/// announces that the connection is closed after it; drop whatever the client has sent after its head.
///
/// ```
/// use sockless::handshake::{Field, Refusal};
///
/// let fields = [Field::new("WWW-Authenticate", "Bearer")];
/// let refusal = Refusal::new(401, &fields, b"who are you?")?;
/// assert!(refusal.to_vec().starts_with(b"HTTP/1.1 401 Unauthorized\r\n"));
/// # Ok::<(), sockless::handshake::HandshakeMisuse>(())
/// ```
#[derive(Clone, Copy)]
pub struct Refusal<'a> {
    status: u16,
    fields: &'a [Field<'a>],
    body: &'a [u8],
}

impl<'a> Refusal<'a> {
    /// A refusal with a status, further header fields, and a body.
    ///
    /// With 426, the fields that tell the client which protocol and version to use are added.
    ///
    /// # Errors
    ///
    /// If the status is not final, a field can't be sent, or there is a body where the status allows none: a mistake of the program. One of a status alone can always be made.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# If the server does not wish to accept this
    //# connection, it MUST return an appropriate HTTP error code
    //# (e.g., 403 Forbidden) and abort the WebSocket handshake
    //# described in this section.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.2
    //# If the
    //# requested service is not available, the server MUST send an
    //# appropriate HTTP error code (such as 404 Not Found) and abort
    //# the WebSocket handshake.
    pub fn new(
        status: u16,
        fields: &'a [Field<'a>],
        body: &'a [u8],
    ) -> Result<Self, HandshakeMisuse> {
        if !(200..=599).contains(&status) {
            return Err(HandshakeMisuse::Status);
        }
        // A 205 has a body too, of which nothing may be sent (RFC 9110, section 15.3.6).
        if (is_bodiless(status) || status == 205) && !body.is_empty() {
            return Err(HandshakeMisuse::Body);
        }
        check_added(fields)?;
        Ok(Self { status, fields, body })
    }

    /// A page: status 200, HTML in UTF-8. For a browser that asks for no WebSocket yet, but for the page that will.
    pub const fn page(html: &'a str) -> Self {
        const FIELDS: &[Field<'static>] =
            &[Field { name: "Content-Type", value: b"text/html; charset=utf-8" }];
        Self { status: 200, fields: FIELDS, body: html.as_bytes() }
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.status
    }

    /// The body.
    pub const fn body(&self) -> &'a [u8] {
        self.body
    }

    encoding_methods!("answer");
}

impl Encodable for Refusal<'_> {
    fn write_to(&self, sink: &mut impl Sink) {
        sink.put(b"HTTP/1.1 ");
        sink.put_number(u64::from(self.status));
        sink.put(b" ");
        sink.put(reason_phrase(self.status).as_bytes());
        sink.put(b"\r\n");
        if self.status == 426 {
            sink.put(
                b"Connection: close, Upgrade\r\n\
                Upgrade: websocket\r\n\
                Sec-WebSocket-Version: 13\r\n",
            );
        } else {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.2
            //# To do so, the server MUST simply _Close the WebSocket Connection_ (Section
            //# 7.1.1).
            sink.put(b"Connection: close\r\n");
        }
        for field in self.fields {
            sink.put_field(field.name, field.value);
        }
        if !is_bodiless(self.status) {
            sink.put(b"Content-Length: ");
            sink.put_number(self.body.len() as u64);
            sink.put(b"\r\n");
        }
        sink.put(b"\r\n");
        sink.put(self.body);
    }
}

/// Whether an answer with this status has no body.
const fn is_bodiless(status: u16) -> bool {
    matches!(status, 204 | 304)
}

/// The usual reason phrase of a common status; empty for any other.
const fn reason_phrase(status: u16) -> &'static str {
    match status {
        200 => "OK",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        421 => "Misdirected Request",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}

impl fmt::Debug for Refusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("status", &self.status)
            .field("fields", &self.fields)
            .field("body", &self.body.len())
            .finish()
    }
}
