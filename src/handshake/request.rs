//! A client's request as the server sees it before it answers (RFC 6455, section 4.2.1), and how its head is parsed.
//!
//! Where the head ends is found by `head_scan`; the rules for its fields are in `request_fields`; the answer is made in
//! `acceptance` and `refusal`.

use core::fmt;
use core::mem::MaybeUninit;

use super::acceptance::{Acceptance, Switching};
use super::field::{Field, Fields, values_of};
use super::head_buffer::HeadBytes;
use super::head_scan::HeadScan;
use super::limits::HeadLimits;
use super::misuse::HandshakeMisuse;
use super::request_error::RequestError;
use super::request_fields::RequestFields;
use super::subprotocols::{Subprotocols, choose_subprotocol};
use super::target::Target;
use crate::extension::header;

/// A request that follows the rules: one for a WebSocket, or a plain one.
///
/// It borrows the head if that arrived in one piece. To answer later, when the buffer is needed again, copy it with
/// [`into_owned`](Self::into_owned).
#[derive(Clone)]
pub struct Request<'i> {
    head: HeadBytes<'i>,
    parsed: ParsedRequest,
}

/// Where the parts of a request's head are that [`Request`] needs.
#[derive(Clone, Copy)]
pub(super) struct ParsedRequest {
    /// Where the target ends; it begins after `GET `.
    target_end: usize,
    /// Where the key begins, if the request asks for a WebSocket.
    key: Option<usize>,
    has_subprotocols: bool,
}

/// Up to this number, fields are parsed with a small array on the stack.
const FEW: usize = 32;

const METHOD: &str = "GET";
/// What comes between the target and the first field.
const VERSION: &str = " HTTP/1.1\r\n";

impl<'i> Request<'i> {
    /// Decodes a request from a buffer that holds a whole head, and whatever follows it, which is returned beside the request: the client's
    /// first frames.
    ///
    /// For callers that put the head together themselves; an [`Acceptor`](super::Acceptor) takes input that is cut anywhere.
    ///
    /// # Errors
    ///
    /// If the head breaks a rule: send the error's [`answer`](RequestError::answer). An incomplete head is [`Truncated`](RequestError::Truncated): read on.
    pub fn decode(bytes: &'i [u8], limits: &HeadLimits) -> Result<(Self, &'i [u8]), RequestError> {
        let mut scan = HeadScan::after_empty_lines(limits);
        let found = scan.scan(bytes)?;
        if !found.is_complete() {
            return Err(RequestError::Truncated);
        }
        let head = found.piece(bytes);
        let parsed = ParsedRequest::parse(head, scan.fields())?;
        let rest = bytes.get(found.end()..).unwrap_or_default();
        Ok((Self::new(HeadBytes::Borrowed(head), parsed), rest))
    }

    pub(super) const fn new(head: HeadBytes<'i>, parsed: ParsedRequest) -> Self {
        Self { head, parsed }
    }

    /// The method: always `GET`. A request with another one is answered with 405 before the application sees it.
    pub const fn method(&self) -> &'static str {
        METHOD
    }

    /// The request target as it was sent.
    pub fn target(&self) -> &str {
        let target = self.head.as_slice().get(METHOD.len() + 1..self.parsed.target_end);
        target.and_then(|target| core::str::from_utf8(target).ok()).unwrap_or_default()
    }

    /// The path of the target.
    pub fn path(&self) -> &str {
        Target::parse(self.target()).map_or("/", |target| target.path())
    }

    /// The query of the target, without its question mark.
    pub fn query(&self) -> Option<&str> {
        Target::parse(self.target()).and_then(|target| target.query())
    }

    /// The host that the client wants to reach, with the port if it names one: from an absolute target, or from `Host`.
    pub fn host(&self) -> &str {
        let absolute = Target::parse(self.target()).and_then(|target| target.authority());
        absolute.or_else(|| self.text("host")).unwrap_or_default()
    }

    /// The origin of the script that asks for the connection. A client that sends none is not a browser.
    pub fn origin(&self) -> Option<&str> {
        self.text("origin")
    }

    /// All header fields, in their order.
    pub fn fields(&self) -> impl Iterator<Item = Field<'_>> + Clone {
        self.lines()
    }

    fn lines(&self) -> Fields<'_> {
        Fields::new(
            self.head.as_slice().get(self.parsed.target_end + VERSION.len()..).unwrap_or_default(),
        )
    }

    /// The value of the first field called `name`.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.lines().value(name)
    }

    /// The value of the first field called `name`, if it is text.
    fn text(&self, name: &str) -> Option<&str> {
        self.lines().find(|field| field.is(name)).and_then(|field| field.text())
    }

    /// Whether the request asks for a WebSocket.
    pub const fn is_upgrade(&self) -> bool {
        self.parsed.key.is_some()
    }

    /// The subprotocols that the client offers, in its order of preference.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
    //# The |Sec-WebSocket-Protocol| header field MAY appear multiple times
    //# in an HTTP request (which is logically the same as a single
    //# |Sec-WebSocket-Protocol| header field that contains all values).
    pub fn subprotocols(&self) -> impl Iterator<Item = &str> + Clone {
        let any = self.parsed.has_subprotocols;
        Subprotocols::new(if any { self.lines() } else { Fields::new(&[]) })
    }

    /// The first of the server's `supported` subprotocols that the client offers.
    pub fn choose_subprotocol<'s>(&self, supported: &[&'s str]) -> Option<&'s str> {
        choose_subprotocol(self.subprotocols(), supported)
    }

    /// The extensions that the client offers, in its order of preference.
    pub fn extensions(&self) -> impl Iterator<Item = header::Element<'_>> {
        let values = values_of(self.fields(), "sec-websocket-extensions");
        header::elements(values).map_while(Result::ok)
    }

    /// Checks an acceptance against the request, and makes the answer that switches protocols.
    ///
    /// # Errors
    ///
    /// If the request asks for no WebSocket, the client does not offer the subprotocol, or a field can't be sent: a mistake of the program. The request can
    /// still be answered, with status 500, say.
    pub fn accept<'a>(
        &self,
        acceptance: &Acceptance<'a>,
    ) -> Result<Switching<'a>, HandshakeMisuse> {
        acceptance.answer(self.fields(), self.key().ok_or(HandshakeMisuse::PlainRequest)?)
    }

    /// The value of `Sec-WebSocket-Key`, if the request asks for a WebSocket.
    fn key(&self) -> Option<&[u8; 24]> {
        self.head.as_slice().get(self.parsed.key?..)?.first_chunk()
    }

    /// The request with a copy of its head, so that the buffer can be used again.
    #[cfg(feature = "alloc")]
    pub fn into_owned(self) -> Request<'static> {
        Request { head: self.head.into_owned(), ..self }
    }
}

impl fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("path", &self.path())
            .field("upgrade", &self.is_upgrade())
            .field("fields", &self.lines())
            .finish()
    }
}

impl ParsedRequest {
    /// Parses a head that the scan has found to be complete; `fields` is the number of its fields.
    pub(super) fn parse(head: &[u8], fields: usize) -> Result<Self, RequestError> {
        if fields <= FEW { parse::<FEW>(head) } else { parse_many_fields(head) }
    }

    /// Parses an input that has not been scanned, if it is one whole head and nothing else, as nearly every first input is.
    /// `None` if it is not, or breaks a rule of HTTP: then it has to be scanned, to learn which.
    pub(super) fn parse_unscanned(
        input: &[u8],
        limits: &HeadLimits,
    ) -> Option<Result<Self, RequestError>> {
        if input.len() > limits.head || input.first().is_none_or(|byte| *byte <= b' ') {
            return None;
        }
        let mut fields = [const { MaybeUninit::uninit() }; FEW];
        let mut parsed = httparse::Request::new(&mut []);
        match parsed.parse_with_uninit_headers(input, &mut fields) {
            Ok(httparse::Status::Complete(len))
                if len == input.len()
                    && parsed.headers.len() <= usize::from(limits.fields)
                    && lines_end_with_crlf(input, parsed.headers) =>
            {
                Some(Self::check(input, &parsed))
            }
            _ => None,
        }
    }

    /// Checks a head that `httparse` has taken apart.
    fn check(head: &[u8], parsed: &httparse::Request<'_, '_>) -> Result<Self, RequestError> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# An HTTP/1.1 or higher GET request,
        if parsed.version != Some(1) {
            return Err(RequestError::HttpVersion);
        }
        if parsed.method != Some(METHOD) {
            return Err(RequestError::Method);
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
        //# including a "Request-URI" [RFC2616] that should be interpreted as a /resource
        //# name/ defined in Section 3 (or an absolute HTTP/HTTPS URI containing the
        //# /resource name/).
        let target = parsed.path.unwrap_or_default();
        if !Target::is_valid(target) {
            return Err(RequestError::Target);
        }
        let all =
            || parsed.headers.iter().map(|field| Field { name: field.name, value: field.value });
        let mut fields = RequestFields::default();
        all().for_each(|field| fields.add(field));
        fields.check_request()?;
        let key = fields.check_upgrade()?;
        if key.is_some() {
            fields.check_extensions(all())?;
        }
        Ok(Self {
            target_end: METHOD.len() + 1 + target.len(),
            key: key.map(|key| offset_in(head, key)),
            has_subprotocols: fields.has_subprotocols(),
        })
    }
}

/// Whether every line before a field ends with CRLF; `fields` are parts of `head`. `httparse` accepts lines that end with a line
/// feed alone, but no line feed elsewhere, so nothing else has to be checked.
fn lines_end_with_crlf(head: &[u8], fields: &[httparse::Header<'_>]) -> bool {
    fields.iter().all(|field| {
        let before = head.get(..offset_in(head, field.name.as_bytes()));
        before.is_some_and(|before| before.ends_with(b"\r\n"))
    })
}

/// Where a part of a head begins in it.
fn offset_in(head: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(head.as_ptr().addr())
}

/// Parses a head with more than `FEW` fields. Not inlined, so that heads with few don't reserve this function's stack.
#[inline(never)]
fn parse_many_fields(head: &[u8]) -> Result<ParsedRequest, RequestError> {
    parse::<{ u8::MAX as usize }>(head)
}

/// Parses a head with at most `FIELDS` fields.
fn parse<const FIELDS: usize>(head: &[u8]) -> Result<ParsedRequest, RequestError> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    match parsed.parse_with_uninit_headers(head, &mut fields) {
        Ok(httparse::Status::Complete(len)) if len == head.len() => {
            ParsedRequest::check(head, &parsed)
        }
        Ok(_) => Err(RequestError::RequestLine),
        Err(error) => Err(explain(error, head)),
    }
}

/// The rule that the client broke, from the parser's error and the head.
#[cold]
fn explain(error: httparse::Error, head: &[u8]) -> RequestError {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => RequestError::Field,
        httparse::Error::TooManyHeaders => RequestError::TooManyFields,
        httparse::Error::Version => {
            let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
            match line.split(|byte| *byte == b' ').nth(2) {
                Some([b'H', b'T', b'T', b'P', b'/', major, b'.', minor])
                    if major.is_ascii_digit() && minor.is_ascii_digit() =>
                {
                    RequestError::HttpVersion
                }
                _ => RequestError::RequestLine,
            }
        }
        _ => RequestError::RequestLine,
    }
}
