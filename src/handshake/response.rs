//! A server's answer as the client sees it: the status, the header fields, and as much of a body as came with the head.

use core::fmt;
use core::mem::MaybeUninit;

use super::demand::is_version;
use super::field::{Fields, values};
use super::gather::Stored;
use super::limits::Limits;
use super::response_error::ResponseError;
use super::scan::Scan;
use crate::words::token::elements;

/// An answer. It borrows the head where that arrived whole.
#[derive(Clone)]
pub struct Response<'i> {
    head: Stored<'i>,
    parsed: Parsed,
    body: Stored<'i>,
    consumed: usize,
}

/// What parsing a head has found out.
#[derive(Clone, Copy)]
pub(super) struct Parsed {
    status: u16,
    /// Where the fields begin.
    fields: usize,
    /// Whether the version is HTTP/1.1, not 1.0.
    current: bool,
}

/// How many fields are parsed with a small array on the stack.
const FEW: usize = 32;

impl<'i> Response<'i> {
    /// Decodes an answer from a buffer that holds a whole head, and whatever follows it.
    ///
    /// For those who gather the head themselves; a [`Connector`](super::Connector) does so at any split.
    ///
    /// # Errors
    ///
    /// If the head breaks a rule of HTTP. A head that is not complete is [`Truncated`](ResponseError::Truncated).
    pub fn decode(bytes: &'i [u8], limits: &Limits) -> Result<Self, ResponseError> {
        let mut scan = Scan::response(limits);
        let found = scan.push(bytes)?;
        if !found.complete {
            return Err(ResponseError::Truncated);
        }
        let (head, body) = bytes.split_at_checked(found.len).unwrap_or((bytes, &[]));
        let parsed = Parsed::parse(head, scan.fields())?;
        Ok(Self::new(Stored::Borrowed(head), parsed, body, found.len))
    }

    pub(super) const fn new(
        head: Stored<'i>,
        parsed: Parsed,
        body: &'i [u8],
        consumed: usize,
    ) -> Self {
        Self { head, parsed, body: Stored::Borrowed(body), consumed }
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.parsed.status
    }

    /// All header fields, in their order.
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(self.head.bytes().get(self.parsed.fields..).unwrap_or_default())
    }

    /// The value of the first field called `name`.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields().value(name)
    }

    /// The versions of the WebSocket protocol that the server speaks, where it says so with a refusal.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
    //# The |Sec-WebSocket-Version| header field MAY appear multiple times in
    //# an HTTP response (which is logically the same as a single
    //# |Sec-WebSocket-Version| header field that contains all values).
    pub fn versions(&self) -> impl Iterator<Item = u8> {
        values(self.fields(), "sec-websocket-version")
            .flat_map(elements)
            .filter(|version| is_version(version))
            .filter_map(|version| core::str::from_utf8(version).ok()?.parse().ok())
    }

    /// What came behind the head in the input that completed it: the first frames of an open connection, or the beginning of a
    /// refusal's body. How long a body is, and how it is encoded, is for an HTTP client to say.
    pub fn body(&self) -> &[u8] {
        self.body.bytes()
    }

    /// How many bytes of the input that completed the head belong to the head, or to interim answers before it. What follows
    /// them is [`body`](Self::body).
    pub const fn consumed(&self) -> usize {
        self.consumed
    }

    /// The answer with a copy of its bytes, so that the buffer is free.
    #[cfg(feature = "alloc")]
    pub fn into_owned(self) -> Response<'static> {
        Response { head: self.head.into_owned(), body: self.body.into_owned(), ..self }
    }

    /// Whether the version is HTTP/1.1.
    pub(super) const fn is_current(&self) -> bool {
        self.parsed.current
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("fields", &self.fields())
            .field("body", &self.body().len())
            .finish()
    }
}

impl Parsed {
    /// Parses a head that the scan has found to be complete, with so many fields.
    pub(super) fn parse(head: &[u8], fields: usize) -> Result<Self, ResponseError> {
        if fields <= FEW { parse::<FEW>(head) } else { parse_many(head) }
    }

    /// Whether other answers follow: all 1xx but the switch of protocols.
    pub(super) const fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }
}

#[inline(never)]
fn parse_many(head: &[u8]) -> Result<Parsed, ResponseError> {
    parse::<{ u8::MAX as usize }>(head)
}

fn parse<const FIELDS: usize>(head: &[u8]) -> Result<Parsed, ResponseError> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut parsed = httparse::Response::new(&mut []);
    match httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut parsed,
        head,
        &mut fields,
    ) {
        Ok(httparse::Status::Complete(len)) if len == head.len() => {}
        Ok(_) => return Err(ResponseError::StatusLine),
        Err(httparse::Error::HeaderName | httparse::Error::HeaderValue) => {
            return Err(ResponseError::Field);
        }
        Err(httparse::Error::TooManyHeaders) => return Err(ResponseError::TooManyFields),
        Err(_) => return Err(ResponseError::StatusLine),
    }
    // The space before the reason is part of the line even where the reason is not.
    if head.get(12) != Some(&b' ') {
        return Err(ResponseError::StatusLine);
    }
    let Some(status @ 100..=599) = parsed.code else {
        return Err(ResponseError::Status);
    };
    // The scan has seen that the status line ends.
    let end = head.iter().position(|byte| *byte == b'\n').unwrap_or_default();
    Ok(Parsed { status, fields: end + 1, current: parsed.version == Some(1) })
}
