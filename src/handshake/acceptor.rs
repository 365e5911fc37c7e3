//! The server's side of the handshake up to its answer: it gets the bytes that arrive, and yields the client's request.
//!
//! The answer is made in `acceptance`, `refusal` and `request_error`.

use core::time::Duration;

use super::head_buffer::{HeadBuffer, HeadBytes};
use super::head_reader::HeadReader;
use super::head_scan::HeadScan;
use super::limits::HeadLimits;
use super::request::{ParsedRequest, Request};
use super::request_error::RequestError;
use crate::frame::Input;
use crate::words::time::timeout;

/// What a client has asked for.
#[derive(Debug)]
pub enum Asked<'i> {
    /// A WebSocket. Answer with [`Request::accept`] or a [`Refusal`](super::Refusal).
    WebSocket(Request<'i>),
    /// Something other than a WebSocket, with GET: a page, or a health check. Answer with a [`Refusal`](super::Refusal), or with
    /// the answer of [`RequestError::PlainRequest`].
    Plain(Request<'i>),
    /// The request broke a rule or did not come in time. Answer with [`RequestError::answer`].
    Refused(RequestError),
}

/// The server's side of the handshake.
///
/// ```text
///                 head complete
///   reading ---------------------> over, the request is delivered
///      |       broken rule, limit
///      +-------------------------> over, refused
///              deadline, end
/// ```
///
/// A head that arrives in one piece is neither copied nor allocated for. The pieces of any other head are put together, in
/// memory that the acceptor allocates ([`new`](Self::new)) or in a buffer that the caller lends
/// ([`with_buffer`](Self::with_buffer)).
///
#[cfg_attr(all(feature = "alloc", feature = "std"), doc = "```")]
#[cfg_attr(not(all(feature = "alloc", feature = "std")), doc = "```ignore")]
/// use std::io::Read;
/// use std::time::Instant;
/// use sockless::handshake::{Acceptance, Acceptor, Asked, HandshakeMisuse, HeadLimits};
/// use sockless::{Config, Connection, Input, Server, endpoint};
///
/// /// Waits for a client's request, and answers it: the connection, and what came after the request.
/// fn open(stream: &mut impl Read) -> Result<(Connection<Server>, Vec<u8>), HandshakeMisuse> {
///     let started = Instant::now();
///     let mut acceptor = Acceptor::new(&HeadLimits::default(), started.elapsed());
///     let mut buffer = [0; 4096];
///     let mut input = Input::none();
///     let connection = loop {
///         match acceptor.poll(&mut input, started.elapsed()) {
///             None => {} // more is needed
///             Some(Asked::WebSocket(request)) if request.path() == "/chat" => {
///                 let subprotocol = request.choose_subprotocol(&["chat"]);
///                 let acceptance = Acceptance::new().with_subprotocol(subprotocol);
///                 break endpoint::accept(&request, &acceptance, Config::default())?.0;
///             }
///             // The usual answer to anything else.
///             Some(asked) => break asked.into_connection(Config::default(), started.elapsed()),
///         }
///         // A stream that may block for ever needs a timeout: `acceptor.timeout(started.elapsed())`.
///         input = Input::read(stream.read(&mut buffer), &mut buffer);
///     };
///     Ok((connection, input.into_rest().to_vec()))
/// }
///
/// # struct Stream(&'static [u8]);
/// # impl Read for Stream {
/// #     fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> { let few = buffer.len().min(50); self.0.read(&mut buffer[..few]) }
/// # }
/// // A stream that gives fifty bytes at a time.
/// let mut stream = Stream(
///     b"GET /chat HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
/// );
/// let (connection, first) = open(&mut stream)?;
/// // The answer waits in the connection's output: the loop around it writes it before it reads.
/// assert!(connection.output().starts_with(b"HTTP/1.1 101 "));
/// assert!(first.is_empty());
/// # Ok::<(), HandshakeMisuse>(())
/// ```
#[derive(Debug)]
#[must_use = "a handshake does nothing until it is polled"]
pub struct Acceptor<'b> {
    reader: HeadReader<'b>,
}

impl<'b> Acceptor<'b> {
    /// A server's handshake on a stream that was opened at `now`.
    #[cfg(feature = "alloc")]
    pub fn new(limits: &HeadLimits, now: Duration) -> Acceptor<'static> {
        Acceptor::new_in(HeadBuffer::own(), limits, now)
    }

    /// A server's handshake on a stream that was opened at `now`, with a buffer for a head that arrives in several pieces. No head may be
    /// longer than the buffer.
    pub fn with_buffer(limits: &HeadLimits, now: Duration, buffer: &'b mut [u8]) -> Self {
        Self::new_in(HeadBuffer::lent(buffer), limits, now)
    }

    /// A server's handshake that puts a head together in `buffer`.
    fn new_in(buffer: HeadBuffer<'b>, limits: &HeadLimits, now: Duration) -> Self {
        Self { reader: HeadReader::new(limits, HeadScan::after_empty_lines, now, buffer) }
    }

    /// Takes what has arrived since the last call, if anything, and the time.
    ///
    /// `None`: all of the input was taken, and more is needed. With a request, what follows its head is left in the input: the client's first
    /// frames, for the connection to [poll](crate::Connection::poll). Once the handshake is over nothing more is taken, and the result is `None`.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //# If
    //# the server, while reading the handshake, finds that the client did
    //# not send a handshake that matches the description below (note that as
    //# per [RFC2616], the order of the header fields is not important),
    //# including but not limited to any violations of the ABNF grammar
    //# specified for the components of the handshake, the server MUST stop
    //# processing the client's handshake and return an HTTP response with an
    //# appropriate error code (such as 400 Bad Request).
    #[must_use = "the request is in what is returned"]
    pub fn poll<'i>(&mut self, input: &mut Input<'i>, now: Duration) -> Option<Asked<'i>>
    where
        'b: 'i,
    {
        if self.reader.is_finished() {
            return None;
        }
        match self.read_request(input) {
            Ok(None) if input.is_eof() => Some(self.refuse(RequestError::Truncated)),
            Ok(None) if self.reader.is_overdue(now) => Some(self.refuse(RequestError::Timeout)),
            Ok(None) => None,
            Ok(Some(request)) => {
                self.reader.finish();
                Some(if request.is_upgrade() {
                    Asked::WebSocket(request)
                } else {
                    Asked::Plain(request)
                })
            }
            Err(error) => Some(self.refuse(error)),
        }
    }

    /// When to call [`poll`](Self::poll) at the latest, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        self.reader.deadline()
    }

    /// How long a call that reads may block: until the [deadline](Self::deadline), and never for no time at all. `None`: as long as it likes.
    pub fn timeout(&self, now: Duration) -> Option<Duration> {
        timeout(self.deadline(), now)
    }

    /// How many octets have been scanned or parsed so far: linear in what has arrived, however it was cut.
    pub const fn work(&self) -> u64 {
        self.reader.work()
    }

    /// Reads on. Returns the request once its head is complete.
    fn read_request<'i>(
        &mut self,
        input: &mut Input<'i>,
    ) -> Result<Option<Request<'i>>, RequestError>
    where
        'b: 'i,
    {
        if let Some(parsed) = self.reader.read_at_once(input.peek(), ParsedRequest::parse_unscanned)
        {
            let head = input.take_shared(input.len());
            return Ok(Some(Request::new(HeadBytes::Borrowed(head), parsed?)));
        }
        let head = self.reader.read(input, ParsedRequest::parse)?;
        Ok(head.map(|head| Request::new(self.reader.take_bytes(&head), head.parsed())))
    }

    /// Ends the handshake with an error.
    fn refuse<'i>(&mut self, error: RequestError) -> Asked<'i> {
        self.reader.abandon();
        Asked::Refused(error)
    }
}
