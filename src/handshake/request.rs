//! A client's request as the server sees it before it answers (RFC 6455, section 4.2.1). Finding the end of the head, and
//! answering, don't live here.

use core::fmt;
use core::mem::MaybeUninit;

use super::accept::{Acceptance, Switching};
use super::demand::{Demand, Once, Tokens};
use super::field::{Field, Fields, values};
use super::gather::Stored;
use super::limits::Limits;
use super::misuse::Misuse;
use super::request_error::RequestError;
use super::scan::Scan;
use super::subprotocols::Subprotocols;
use super::target::Target;
use crate::extension::header;

/// A request that has been found to follow the rules: one for a WebSocket, or a plain one.
///
/// It borrows the head where that arrived whole. To answer later, when the buffer is needed again, [`into_owned`](Self::into_owned)
/// copies it.
#[derive(Clone)]
pub struct Request<'i> {
    head: Stored<'i>,
    parsed: Parsed,
    consumed: usize,
}

/// What parsing a head has found out.
#[derive(Clone, Copy)]
pub(super) struct Parsed {
    /// Where the target ends: it begins behind `GET `.
    target_end: usize,
    /// Where the key begins, if the request asks for a WebSocket.
    key: Option<usize>,
    subprotocols: bool,
}

/// How many fields are parsed with a small array on the stack.
const FEW: usize = 32;

const METHOD: &str = "GET";
/// What stands between the target and the first field.
const VERSION: &str = " HTTP/1.1\r\n";

/// The extensions that browsers offer, as they write them.
const USUAL_EXTENSIONS: [&[u8]; 2] =
    [b"permessage-deflate; client_max_window_bits", b"permessage-deflate"];

impl<'i> Request<'i> {
    /// Decodes a request from a buffer that holds a whole head, and whatever follows it.
    ///
    /// For those who gather the head themselves; an [`Acceptor`](super::Acceptor) does so at any split. [`consumed`](Self::consumed)
    /// says where the head ends.
    ///
    /// # Errors
    ///
    /// If the head breaks a rule. A head that is not complete is [`Truncated`](RequestError::Truncated).
    pub fn decode(bytes: &'i [u8], limits: &Limits) -> Result<Self, RequestError> {
        let mut scan = Scan::request(limits);
        let found = scan.push(bytes)?;
        if !found.complete {
            return Err(RequestError::Truncated);
        }
        let end = found.start + found.len;
        let head = bytes.get(found.start..end).unwrap_or_default();
        let parsed = Parsed::parse(head, scan.fields())?;
        Ok(Self::new(Stored::Borrowed(head), parsed, end))
    }

    pub(super) const fn new(head: Stored<'i>, parsed: Parsed, consumed: usize) -> Self {
        Self { head, parsed, consumed }
    }

    /// The method: always `GET`. Others are refused by themselves.
    pub const fn method(&self) -> &'static str {
        METHOD
    }

    /// The request target as it was sent.
    pub fn target(&self) -> &str {
        let target = self.head.bytes().get(METHOD.len() + 1..self.parsed.target_end);
        target.and_then(|target| core::str::from_utf8(target).ok()).unwrap_or_default()
    }

    /// The path of the target.
    pub fn path(&self) -> &str {
        Target::parse(self.target()).map_or("/", |target| target.path)
    }

    /// The query of the target, without its question mark.
    pub fn query(&self) -> Option<&str> {
        Target::parse(self.target()).and_then(|target| target.query)
    }

    /// The host that the client wants to reach, with the port if it names one: that of an absolute target, or `Host`.
    pub fn host(&self) -> &str {
        let absolute = Target::parse(self.target()).and_then(|target| target.authority);
        absolute.or_else(|| self.text("host")).unwrap_or_default()
    }

    /// The origin of the script that asks for the connection. Without it, the client is not a browser.
    pub fn origin(&self) -> Option<&str> {
        self.text("origin")
    }

    /// All header fields, in their order.
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(
            self.head.bytes().get(self.parsed.target_end + VERSION.len()..).unwrap_or_default(),
        )
    }

    /// The value of the first field called `name`.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        self.fields().value(name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.fields().find(|field| field.is(name)).and_then(|field| field.text())
    }

    /// Whether the request asks for a WebSocket.
    pub const fn is_upgrade(&self) -> bool {
        self.parsed.key.is_some()
    }

    /// The subprotocols that the client would like to speak, the one it likes most first.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-11.3.4
    //# The |Sec-WebSocket-Protocol| header field MAY appear multiple times
    //# in an HTTP request (which is logically the same as a single
    //# |Sec-WebSocket-Protocol| header field that contains all values).
    pub fn subprotocols(&self) -> Subprotocols<'_> {
        Subprotocols::new(if self.parsed.subprotocols { self.fields() } else { Fields::new(&[]) })
    }

    /// The first of the server's `supported` subprotocols that the client offers.
    pub fn choose_subprotocol<'s>(&self, supported: &[&'s str]) -> Option<&'s str> {
        self.subprotocols().choose(supported)
    }

    /// The extensions that the client offers, the one it likes most first.
    pub fn extensions(&self) -> impl Iterator<Item = header::Element<'_>> {
        let values = values(self.fields(), "sec-websocket-extensions");
        header::elements(values).map_while(Result::ok)
    }

    /// Checks an acceptance against the request, and makes the answer that switches protocols.
    ///
    /// # Errors
    ///
    /// If the request asks for no WebSocket, the subprotocol is none that the client offers, or a field can't be sent. The
    /// request can still be answered.
    pub fn accept<'a>(&self, acceptance: &Acceptance<'a>) -> Result<Switching<'a>, Misuse> {
        acceptance.apply(self.fields(), self.key().ok_or(Misuse::PlainRequest)?)
    }

    fn key(&self) -> Option<&[u8; 24]> {
        self.head.bytes().get(self.parsed.key?..)?.first_chunk()
    }

    /// How many bytes of the input that completed the head belong to the head. What follows them is the client's first frames.
    pub const fn consumed(&self) -> usize {
        self.consumed
    }

    /// The request with a copy of its head, so that the buffer is free.
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
            .field("fields", &self.fields())
            .finish()
    }
}

impl Parsed {
    /// Parses a head that the scan has found to be complete, with so many fields.
    pub(super) fn parse(head: &[u8], fields: usize) -> Result<Self, RequestError> {
        if fields <= FEW { parse::<FEW>(head) } else { parse_many(head) }
    }

    /// Parses input that ends like a head, and is, as nearly always, one whole head and nothing else. It is not scanned first.
    /// `None` if it is anything else, or there is anything wrong with it in HTTP: then the scan has to say what.
    pub(super) fn at_once(input: &[u8], limits: &Limits) -> Option<Result<Self, RequestError>> {
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
                Some(Self::judge(input, &parsed))
            }
            _ => None,
        }
    }

    fn judge(head: &[u8], parsed: &httparse::Request<'_, '_>) -> Result<Self, RequestError> {
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
        let fields =
            || parsed.headers.iter().map(|field| Field { name: field.name, value: field.value });
        let mut demand = Demand::default();
        fields().for_each(|field| demand.note(field));
        demand.judge_request()?;
        let key = demand.judge_upgrade()?;
        match demand.extensions {
            // What browsers and most other clients send needs no look at its grammar.
            Once::One(list) if USUAL_EXTENSIONS.contains(&list) => {}
            Once::One(list) if key.is_some() => judge_extensions([list])?,
            Once::Repeated if key.is_some() => {
                judge_extensions(values(fields(), "sec-websocket-extensions"))?;
            }
            _ => {}
        }
        Ok(Self {
            target_end: METHOD.len() + 1 + target.len(),
            key: key.map(|key| offset(head, key)),
            subprotocols: demand.subprotocols == Tokens::Some,
        })
    }
}

/// Whether each line before one of these fields, which lie in `head`, ends with CRLF. httparse lets a line feed pass without a
/// carriage return, and lets none pass that ends no line.
fn lines_end_with_crlf(head: &[u8], fields: &[httparse::Header<'_>]) -> bool {
    fields.iter().all(|field| {
        let before = head.get(..offset(head, field.name.as_bytes()));
        before.is_some_and(|before| before.ends_with(b"\r\n"))
    })
}

/// Where a part of a head begins in it.
fn offset(head: &[u8], part: &[u8]) -> usize {
    part.as_ptr().addr().wrapping_sub(head.as_ptr().addr())
}

#[inline(never)]
fn parse_many(head: &[u8]) -> Result<Parsed, RequestError> {
    parse::<{ u8::MAX as usize }>(head)
}

fn parse<const FIELDS: usize>(head: &[u8]) -> Result<Parsed, RequestError> {
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut parsed = httparse::Request::new(&mut []);
    match parsed.parse_with_uninit_headers(head, &mut fields) {
        Ok(httparse::Status::Complete(len)) if len == head.len() => Parsed::judge(head, &parsed),
        Ok(_) => Err(RequestError::RequestLine),
        Err(error) => Err(blame(error, head)),
    }
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-9.1
//# If a value is received by either the client or
//# the server during negotiation that does not conform to the ABNF
//# below, the recipient of such malformed data MUST immediately _Fail
//# the WebSocket Connection_.
//= https://www.rfc-editor.org/rfc/rfc6455#section-4.3
//# ; When using the quoted-string syntax variant, the value
//# ; after quoted-string unescaping MUST conform to the
//# ; 'token' ABNF.
pub(super) fn judge_extensions<'h>(
    values: impl IntoIterator<Item = &'h [u8]>,
) -> Result<(), RequestError> {
    header::check(values).map_err(|_| RequestError::InvalidExtensions)
}

/// What the client did wrong where the parser gave up.
#[cold]
fn blame(error: httparse::Error, head: &[u8]) -> RequestError {
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
