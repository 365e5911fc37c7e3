//! A server's answer as the client sees it, and how its head is parsed: the status, the fields, and the bytes that came with them.
//!
//! Where the head ends is found by `head_scan`; whether the answer opens a connection is decided by `Connector::classify`.

use core::fmt;
use core::mem::MaybeUninit;

use super::field::{Field, Fields, values_of};
use super::head_buffer::HeadBytes;
use super::head_scan::HeadScan;
use super::limits::HeadLimits;
use super::response_error::ResponseError;
use super::version::is_version;
use crate::words::token::elements;

/// An answer. It borrows the head if that arrived in one piece.
#[derive(Clone)]
pub struct Response<'i> {
    head: HeadBytes<'i>,
    parsed: ParsedResponse,
    /// The beginning of the body.
    body: HeadBytes<'i>,
}

/// What the status line of an answer says, and where the fields begin.
#[derive(Clone, Copy)]
pub(super) struct ParsedResponse {
    status: u16,
    fields_start: usize,
    /// Whether the version is HTTP/1.1, not 1.0.
    http_1_1: bool,
}

/// Up to this number, fields are parsed with a small array on the stack.
const FEW: usize = 32;

impl<'i> Response<'i> {
    /// Decodes an answer from a buffer that holds a whole head, and whatever follows it, which is taken for the beginning of the
    /// [body](Self::body).
    ///
    /// For callers that put the head together themselves; a [`Connector`](super::Connector) takes input that is cut anywhere.
    ///
    /// # Errors
    ///
    /// If the head breaks a rule of HTTP: drop the stream. An incomplete head is [`Truncated`](ResponseError::Truncated): read on.
    pub fn decode(bytes: &'i [u8], limits: &HeadLimits) -> Result<Self, ResponseError> {
        let mut scan = HeadScan::at_once(limits);
        let found = scan.scan(bytes)?;
        if !found.is_complete() {
            return Err(ResponseError::Truncated);
        }
        let (head, body) = bytes.split_at_checked(found.end()).unwrap_or((bytes, &[]));
        let parsed = ParsedResponse::parse(head, scan.fields())?;
        Ok(Self::new(HeadBytes::Borrowed(head), parsed, body))
    }

    pub(super) const fn new(head: HeadBytes<'i>, parsed: ParsedResponse, body: &'i [u8]) -> Self {
        Self { head, parsed, body: HeadBytes::Borrowed(body) }
    }

    /// The same answer with the beginning of its body.
    pub(super) fn with_body(mut self, body: &'i [u8]) -> Self {
        self.body = HeadBytes::Borrowed(body);
        self
    }

    /// The status.
    pub const fn status(&self) -> u16 {
        self.parsed.status
    }

    /// All header fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> + Clone {
        self.lines()
    }

    fn lines(&self) -> Fields<'_> {
        Fields::new(self.head.as_slice().get(self.parsed.fields_start..).unwrap_or_default())
    }

    /// The value of the first field called `name`.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.lines().value(name)
    }

    /// The versions of the WebSocket protocol that the server speaks, where it says so with a refusal.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.5
    //# The |Sec-WebSocket-Version| header field MAY appear multiple times in
    //# an HTTP response (which is logically the same as a single
    //# |Sec-WebSocket-Version| header field that contains all values).
    pub fn versions(&self) -> impl Iterator<Item = u8> {
        values_of(self.fields(), "sec-websocket-version")
            .flat_map(elements)
            .filter(|version| is_version(version))
            .filter_map(|version| core::str::from_utf8(version).ok()?.parse().ok())
    }

    /// The beginning of a refusal's body: what came after the head in the input that completed it. How long the body is, and how it is
    /// encoded, takes an HTTP client to find out. An answer that opens the connection has none: what follows it are the server's first
    /// frames, which are left in the input.
    pub fn body(&self) -> &[u8] {
        self.body.as_slice()
    }

    /// The answer with a copy of its bytes, so that the buffer can be used again.
    #[cfg(feature = "alloc")]
    pub fn into_owned(self) -> Response<'static> {
        Response { head: self.head.into_owned(), body: self.body.into_owned(), ..self }
    }

    /// Whether the version is HTTP/1.1.
    pub(super) const fn is_http_1_1(&self) -> bool {
        self.parsed.http_1_1
    }
}

impl fmt::Debug for Response<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("fields", &self.lines())
            .field("body", &self.body().len())
            .finish()
    }
}

impl ParsedResponse {
    /// Parses a head that the scan has found to be complete; `fields` is the number of its fields.
    pub(super) fn parse(head: &[u8], fields: usize) -> Result<Self, ResponseError> {
        if fields <= FEW { parse::<FEW>(head) } else { parse_many_fields(head) }
    }

    /// Whether another answer follows: the status is 1xx, but not the switch of protocols.
    pub(super) const fn is_interim(&self) -> bool {
        self.status < 200 && self.status != 101
    }
}

/// Parses a head with more than `FEW` fields. Not inlined, so that heads with few don't reserve this function's stack.
#[inline(never)]
fn parse_many_fields(head: &[u8]) -> Result<ParsedResponse, ResponseError> {
    parse::<{ u8::MAX as usize }>(head)
}

/// Parses a head with at most `FIELDS` fields.
fn parse<const FIELDS: usize>(head: &[u8]) -> Result<ParsedResponse, ResponseError> {
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
    // The space after the status is required even if no reason follows it.
    if head.get(12) != Some(&b' ') {
        return Err(ResponseError::StatusLine);
    }
    let Some(status @ 100..=599) = parsed.code else {
        return Err(ResponseError::Status);
    };
    // There is a line feed: the scan has found the end of the head.
    let end = head.iter().position(|byte| *byte == b'\n').unwrap_or_default();
    Ok(ParsedResponse { status, fields_start: end + 1, http_1_1: parsed.version == Some(1) })
}
