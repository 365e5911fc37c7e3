//! The server's side of the handshake, up to its answer: a machine that is fed with what arrives.

use core::time::Duration;

use super::gather::{Gather, Stored};
use super::limits::Limits;
use super::request::{Parsed, Request};
use super::request_error::RequestError;
use super::scan::Scan;
use crate::words::time::Instant;

/// What a client has asked for.
#[derive(Debug)]
pub enum Asked<'i> {
    /// A WebSocket. To be answered with [`Request::accept`] or a [`Refusal`](super::Refusal).
    WebSocket(Request<'i>),
    /// Something else than a WebSocket, with GET: a page, or a health check. To be answered with a
    /// [`Refusal`](super::Refusal), or with [`RequestError::PlainRequest`]'s answer.
    Plain(Request<'i>),
    /// Nothing that could be answered otherwise than with [`RequestError::answer`].
    Refused(RequestError),
}

/// The server's side of the handshake.
///
/// ```text
///                 head complete
///   reading ---------------------> over, the request is out
///      |       broken rule, limit
///      +-------------------------> over, refused
///              deadline, end
/// ```
///
/// A head that arrives in one piece is neither copied nor allocated for. Otherwise its pieces are gathered, in memory of the
/// machine's own ([`new`](Self::new)) or in a buffer that the caller lends ([`with_buffer`](Self::with_buffer)).
#[derive(Debug)]
pub struct Acceptor<'b> {
    limits: Limits,
    scan: Scan,
    gather: Gather<'b>,
    deadline: Option<Instant>,
    over: bool,
    work: u64,
}

impl<'b> Acceptor<'b> {
    /// A server's handshake on a stream that was opened at `now`.
    #[cfg(feature = "alloc")]
    pub fn new(limits: &Limits, now: Duration) -> Acceptor<'static> {
        Acceptor::with(limits, now, Gather::own())
    }

    /// The same, with a buffer to gather a head in that does not arrive whole. No head may be longer than the buffer.
    pub fn with_buffer(limits: &Limits, now: Duration, buffer: &'b mut [u8]) -> Self {
        Self::with(limits, now, Gather::lent(buffer))
    }

    fn with(limits: &Limits, now: Duration, gather: Gather<'b>) -> Self {
        let mut limits = *limits;
        limits.head = limits.head.min(gather.room());
        let scan = Scan::request(&limits);
        let deadline = limits.timeout.map(|timeout| Instant::new(now).after(timeout));
        Self { limits, scan, gather, deadline, over: false, work: 0 }
    }

    /// Takes what has arrived since the last call, if anything, and the time.
    ///
    /// `None`: all of `input` was taken, and more is needed. When the answer is a request, [`Request::consumed`] says how much
    /// of `input` was taken. Once the handshake is over nothing is taken, and the answer is `None`.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.2.1
    //# If
    //# the server, while reading the handshake, finds that the client did
    //# not send a handshake that matches the description below (note that as
    //# per [RFC2616], the order of the header fields is not important),
    //# including but not limited to any violations of the ABNF grammar
    //# specified for the components of the handshake, the server MUST stop
    //# processing the client's handshake and return an HTTP response with an
    //# appropriate error code (such as 400 Bad Request).
    pub fn poll<'i>(&mut self, input: &'i [u8], now: Duration) -> Option<Asked<'i>>
    where
        'b: 'i,
    {
        if self.over {
            return None;
        }
        match self.read(input) {
            Ok(None) if self.deadline.is_some_and(|deadline| Instant::new(now) >= deadline) => {
                Some(self.refuse(RequestError::Timeout))
            }
            Ok(None) => None,
            Ok(Some(request)) => {
                self.over = true;
                Some(if request.is_upgrade() {
                    Asked::WebSocket(request)
                } else {
                    Asked::Plain(request)
                })
            }
            Err(error) => Some(self.refuse(error)),
        }
    }

    /// Notes that the client's stream has ended.
    pub fn end(&mut self) -> Option<Asked<'static>> {
        if self.over { None } else { Some(self.refuse(RequestError::Truncated)) }
    }

    /// When [`poll`](Self::poll) is to be called at the latest, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        if self.over { None } else { self.deadline.map(Instant::since_origin) }
    }

    /// How many octets have been handed to the scan and to the parser so far: linear in what has arrived, at any split.
    pub const fn work(&self) -> u64 {
        self.work
    }

    fn read<'i>(&mut self, input: &'i [u8]) -> Result<Option<Request<'i>>, RequestError>
    where
        'b: 'i,
    {
        if self.work == 0 && input.ends_with(b"\r\n\r\n") {
            self.work = 2 * input.len() as u64;
            if let Some(parsed) = Parsed::at_once(input, &self.limits) {
                return Ok(Some(Request::new(Stored::Borrowed(input), parsed?, input.len())));
            }
        }
        let found = self.scan.push(input)?;
        let end = found.start + found.len;
        self.work += end as u64;
        let piece = input.get(found.start..end).unwrap_or_default();
        if !found.complete {
            self.gather.keep(piece, self.scan.limit());
            return Ok(None);
        }
        let whole = self.gather.whole(piece, self.scan.limit());
        self.work += whole.len() as u64;
        let parsed = Parsed::parse(whole, self.scan.fields())?;
        Ok(Some(Request::new(self.gather.take(piece), parsed, end)))
    }

    fn refuse<'i>(&mut self, error: RequestError) -> Asked<'i> {
        self.over = true;
        self.gather.clear();
        Asked::Refused(error)
    }
}
