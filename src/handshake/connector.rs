//! The client's side of the handshake: it has the request to send, and checks the answer as its bytes arrive.
//!
//! The rules for the fields of an answer are in `response_fields`.

use core::time::Duration;

use super::field::Field;
use super::head_buffer::HeadBuffer;
use super::head_reader::HeadReader;
use super::head_scan::HeadScan;
use super::key::WebSocketKey;
use super::limits::HeadLimits;
use super::misuse::HandshakeMisuse;
use super::offer::{Offer, Opening};
use super::response::{ParsedResponse, Response};
use super::response_error::ResponseError;
use super::response_fields::ResponseFields;
use crate::established::Established;
use crate::frame::Input;
use crate::words::time::timeout;

/// How many interim answers (1xx) are skipped before the handshake fails.
const MAX_INTERIMS: u8 = 8;

/// What a server has answered.
#[derive(Debug)]
pub enum Answered<'a, 'i> {
    /// The connection is open. What is left in the input are the server's first frames.
    Open {
        /// What the handshake agreed on.
        established: Established<'a>,
        /// The answer: cookies may have come with it.
        response: Response<'i>,
    },
    /// A status other than 101: a redirect, a demand for authorization, an error. The application decides what to do about it;
    /// the connection is not open, and will not be.
    Refused(Response<'i>),
    /// An answer that breaks the rules, or none in time. Close the connection.
    Failed(ResponseError),
}

//= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
//# it MUST open a connection, send an opening
//# handshake, and read the server's handshake in response.
/// The client's side of the handshake.
///
/// ```text
///            1xx
///           +----+
///           v    |     101 that fits
///          waiting ----------------------> over, open
///             |        other status
///             +--------------------------> over, refused
///             |        anything else
///             +--------------------------> over, failed
/// ```
///
/// Write the [`request`](Self::request) first. Frames can be sent only once [`Answered::Open`] has brought what they need.
///
#[cfg_attr(all(feature = "std", feature = "alloc", feature = "getrandom"), doc = "```")]
#[cfg_attr(not(all(feature = "std", feature = "alloc", feature = "getrandom")), doc = "```ignore")]
/// use std::error::Error;
/// use std::io::{self, Read, Write};
/// use std::time::Instant;
/// use sockless::handshake::{Answered, Connector, HeadLimits, Offer, Url};
/// use sockless::{Client, Config, Connection, Input, endpoint};
///
/// /// Opens a connection on a stream, with what came after the server's answer.
/// fn open(stream: &mut (impl Read + Write), url: &str) -> Result<(Connection<Client>, Vec<u8>), Box<dyn Error>> {
///     let started = Instant::now();
///     let offer = Offer::new(Url::parse(url)?);
///     let mut connector = Connector::new(offer, &HeadLimits::default(), started.elapsed())?;
///     stream.write_all(&connector.request().to_vec())?;
///     let mut buffer = [0; 4096];
///     let mut input = Input::none();
///     loop {
///         match connector.poll(&mut input, started.elapsed()) {
///             None => {} // more is needed
///             Some(Answered::Open { established, .. }) => {
///                 let connection = endpoint::client(&established, Config::default());
///                 return Ok((connection, input.into_rest().to_vec()));
///             }
///             // A redirect, 401: the application's to follow.
///             Some(Answered::Refused(response)) => return Err(format!("status {}", response.status()).into()),
///             Some(Answered::Failed(error)) => return Err(error.into()),
///         }
///         // A stream that may block for ever needs a timeout: `connector.timeout(started.elapsed())`.
///         input = Input::read(stream.read(&mut buffer), &mut buffer);
///     }
/// }
///
/// # struct Refusing(&'static [u8]);
/// # impl Read for Refusing {
/// #     fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> { self.0.read(buffer) }
/// # }
/// # impl Write for Refusing {
/// #     fn write(&mut self, bytes: &[u8]) -> io::Result<usize> { Ok(bytes.len()) }
/// #     fn flush(&mut self) -> io::Result<()> { Ok(()) }
/// # }
/// // A stream on which somebody refuses.
/// let mut stream = Refusing(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
/// let error = open(&mut stream, "ws://example.com/chat").unwrap_err();
/// assert_eq!(error.to_string(), "status 401");
/// ```
#[derive(Debug)]
#[must_use = "a handshake does nothing until its request is written, and it is polled"]
pub struct Connector<'a, 'b> {
    offer: Offer<'a>,
    key: WebSocketKey,
    reader: HeadReader<'b>,
    /// How many interim answers have been skipped.
    interims: u8,
}

impl<'a> Connector<'a, 'static> {
    /// A client's handshake that begins at `now`, with a nonce from the operating system.
    ///
    /// # Errors
    ///
    /// If the offer can't be written: the error names what is wrong with it. It is the program's to mend, or its user's who gave the value.
    ///
    /// # Panics
    ///
    /// If the operating system gives no entropy: without it there is no safe way to go on.
    #[cfg(feature = "getrandom")]
    pub fn new(
        offer: Offer<'a>,
        limits: &HeadLimits,
        now: Duration,
    ) -> Result<Self, HandshakeMisuse> {
        let mut nonce = [0; 16];
        if let Err(error) = getrandom::fill(&mut nonce) {
            panic!("the operating system gives no entropy: {error}");
        }
        Self::with_nonce(offer, nonce, limits, now)
    }

    /// A client's handshake that begins at `now`.
    ///
    /// The nonce has to be chosen at random, anew for every handshake.
    ///
    /// # Errors
    ///
    /// If the offer can't be written: the error names what is wrong with it. It is the program's to mend, or its user's who gave the value.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The nonce
    //# MUST be selected randomly for each connection.
    #[cfg(feature = "alloc")]
    pub fn with_nonce(
        offer: Offer<'a>,
        nonce: [u8; 16],
        limits: &HeadLimits,
        now: Duration,
    ) -> Result<Self, HandshakeMisuse> {
        Connector::new_in(HeadBuffer::own(), offer, nonce, limits, now)
    }
}

impl<'a, 'b> Connector<'a, 'b> {
    /// A client's handshake that begins at `now`, with a buffer for a head that arrives in several pieces. No head may be longer
    /// than the buffer.
    ///
    /// The nonce has to be chosen at random, anew for every handshake.
    ///
    /// # Errors
    ///
    /// If the offer can't be written: the error names what is wrong with it. It is the program's to mend, or its user's who gave the value.
    pub fn with_buffer(
        offer: Offer<'a>,
        nonce: [u8; 16],
        limits: &HeadLimits,
        now: Duration,
        buffer: &'b mut [u8],
    ) -> Result<Self, HandshakeMisuse> {
        Self::new_in(HeadBuffer::lent(buffer), offer, nonce, limits, now)
    }

    /// A client's handshake that puts a head together in `buffer`.
    fn new_in(
        buffer: HeadBuffer<'b>,
        offer: Offer<'a>,
        nonce: [u8; 16],
        limits: &HeadLimits,
        now: Duration,
    ) -> Result<Self, HandshakeMisuse> {
        offer.check()?;
        Ok(Self {
            offer,
            key: WebSocketKey::from_nonce(nonce),
            reader: HeadReader::new(limits, HeadScan::at_once, now, buffer),
            interims: 0,
        })
    }

    /// The request. Write it before anything else.
    pub const fn request(&self) -> Opening<'a> {
        Opening::new(self.offer, self.key)
    }

    /// Takes what has arrived since the last call, if anything, and the time.
    ///
    /// `None`: all of the input was taken, and more is needed. What follows the head of an answer that opens the connection is left in the
    /// input, for the connection to [poll](crate::Connection::poll); what follows that of a refusal comes with it, as the beginning of its
    /// [body](Response::body). Once the handshake is over nothing more is taken, and the result is `None`.
    #[must_use = "the answer is in what is returned"]
    pub fn poll<'i>(&mut self, input: &mut Input<'i>, now: Duration) -> Option<Answered<'a, 'i>>
    where
        'b: 'i,
    {
        if self.reader.is_finished() {
            return None;
        }
        match self.read_response(input) {
            Ok(None) if input.is_eof() => Some(self.fail(ResponseError::Truncated)),
            Ok(None) if self.reader.is_overdue(now) => Some(self.fail(ResponseError::Timeout)),
            Ok(None) => None,
            Ok(Some(response)) => {
                self.reader.finish();
                Some(self.classify(response, input))
            }
            Err(error) => Some(self.fail(error)),
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

    /// Reads on, past interim answers. Returns the final answer once its head is complete.
    fn read_response<'i>(
        &mut self,
        input: &mut Input<'i>,
    ) -> Result<Option<Response<'i>>, ResponseError>
    where
        'b: 'i,
    {
        loop {
            let Some(head) = self.reader.read(input, ParsedResponse::parse)? else {
                return Ok(None);
            };
            if !head.parsed().is_interim() {
                let bytes = self.reader.take_bytes(&head);
                return Ok(Some(Response::new(bytes, head.parsed(), &[])));
            }
            self.interims += 1;
            if self.interims > MAX_INTERIMS {
                return Err(ResponseError::TooManyInterims);
            }
            self.reader.begin_next(HeadScan::at_once);
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# Once the client's opening handshake has been sent, the client MUST
    //# wait for a response from the server before sending any further data.
    //# The client MUST validate the server's response as follows:
    /// Decides what the final answer means for the handshake.
    fn classify<'i>(&self, response: Response<'i>, input: &mut Input<'i>) -> Answered<'a, 'i> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the status code received from the server is not 101, the client handles the
        //# response per HTTP [RFC2616] procedures.
        if response.status() != 101 {
            return Answered::Refused(response.with_body(input.take_shared(input.len())));
        }
        match self.check_switch(&response) {
            Ok(established) => Answered::Open { established, response },
            Err(error) => Answered::Failed(error),
        }
    }

    /// Checks an answer with status 101, and says what it agrees on.
    fn check_switch(&self, response: &Response<'_>) -> Result<Established<'a>, ResponseError> {
        if !response.is_http_1_1() {
            return Err(ResponseError::HttpVersion);
        }
        self.check_fields(response.fields())
    }

    /// Checks the fields of an answer with status 101, and says what they agree on.
    pub(super) fn check_fields<'h>(
        &self,
        fields: impl Iterator<Item = Field<'h>> + Clone,
    ) -> Result<Established<'a>, ResponseError> {
        let collected = ResponseFields::collect(fields.clone());
        collected.check_switch(&self.key)?;
        collected.check_choice(&self.offer, fields)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
    //# To do so, the client MUST _Fail the WebSocket Connection_ as defined in Section
    //# 7.1.7.
    /// Ends the handshake with an error.
    fn fail<'i>(&mut self, error: ResponseError) -> Answered<'a, 'i> {
        self.reader.abandon();
        Answered::Failed(error)
    }
}
