//! The client's side of the handshake: the request, and a machine that is fed with the answer.

use core::time::Duration;

use super::field::Field;
use super::gather::Gather;
use super::key::Key;
use super::limits::Limits;
use super::misuse::Misuse;
use super::offer::{Offer, Opening};
use super::response::{Parsed, Response};
use super::response_error::ResponseError;
use super::scan::Scan;
use super::verdict::Verdict;
use crate::established::Established;
use crate::words::time::Instant;

/// How many interim answers are skipped.
const INTERIMS: u8 = 8;

/// What a server has answered.
#[derive(Debug)]
pub enum Answered<'a, 'i> {
    /// The connection is open. What follows the head are the server's first frames.
    Open {
        /// What the handshake agreed on.
        established: Established<'a>,
        /// The answer: cookies may have come with it.
        response: Response<'i>,
    },
    /// Something else than a switch of protocols: a redirect, a demand for authorization, an error. It is for the application
    /// to follow it; the connection is not open, and will not be.
    Refused(Response<'i>),
    /// An answer that breaks the rules, or none. The connection is to be closed.
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
/// [`request`](Self::request) is to be written first. Sending frames is possible only with what
/// [`Answered::Open`] brings.
#[derive(Debug)]
pub struct Connector<'a, 'b> {
    offer: Offer<'a>,
    key: Key,
    limits: Limits,
    scan: Scan,
    gather: Gather<'b>,
    interims: u8,
    deadline: Option<Instant>,
    over: bool,
    work: u64,
}

impl<'a> Connector<'a, 'static> {
    /// A client's handshake that begins at `now`, with a nonce from the operating system.
    ///
    /// # Errors
    ///
    /// If the offer can't be written.
    ///
    /// # Panics
    ///
    /// If the operating system has no entropy to give: there is no safe way on without it.
    #[cfg(feature = "getrandom")]
    pub fn new(offer: Offer<'a>, limits: &Limits, now: Duration) -> Result<Self, Misuse> {
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
    /// If the offer can't be written.
    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# The nonce
    //# MUST be selected randomly for each connection.
    #[cfg(feature = "alloc")]
    pub fn with_nonce(
        offer: Offer<'a>,
        nonce: [u8; 16],
        limits: &Limits,
        now: Duration,
    ) -> Result<Self, Misuse> {
        Connector::with(offer, nonce, limits, now, Gather::own())
    }
}

impl<'a, 'b> Connector<'a, 'b> {
    /// A client's handshake that begins at `now`, with a buffer to gather a head in that does not arrive whole. No head may be
    /// longer than the buffer.
    ///
    /// The nonce has to be chosen at random, anew for every handshake.
    ///
    /// # Errors
    ///
    /// If the offer can't be written.
    pub fn with_buffer(
        offer: Offer<'a>,
        nonce: [u8; 16],
        limits: &Limits,
        now: Duration,
        buffer: &'b mut [u8],
    ) -> Result<Self, Misuse> {
        Self::with(offer, nonce, limits, now, Gather::lent(buffer))
    }

    fn with(
        offer: Offer<'a>,
        nonce: [u8; 16],
        limits: &Limits,
        now: Duration,
        gather: Gather<'b>,
    ) -> Result<Self, Misuse> {
        offer.check()?;
        let mut limits = *limits;
        limits.head = limits.head.min(gather.room());
        Ok(Self {
            offer,
            key: Key::from_nonce(nonce),
            limits,
            scan: Scan::response(&limits),
            gather,
            interims: 0,
            deadline: limits.timeout.map(|timeout| Instant::new(now).after(timeout)),
            over: false,
            work: 0,
        })
    }

    /// The request, to be written before anything else.
    pub const fn request(&self) -> Opening<'a> {
        Opening::new(self.offer, self.key)
    }

    /// Takes what has arrived since the last call, if anything, and the time.
    ///
    /// `None`: all of `input` was taken, and more is needed. When the answer has come, [`Response::consumed`] says how much of
    /// `input` was taken. Once the handshake is over nothing is taken, and the answer is `None`.
    pub fn poll<'i>(&mut self, input: &'i [u8], now: Duration) -> Option<Answered<'a, 'i>>
    where
        'b: 'i,
    {
        if self.over {
            return None;
        }
        match self.read(input) {
            Ok(None) if self.deadline.is_some_and(|deadline| Instant::new(now) >= deadline) => {
                Some(self.fail(ResponseError::Timeout))
            }
            Ok(None) => None,
            Ok(Some(response)) => {
                self.over = true;
                Some(self.judge(response))
            }
            Err(error) => Some(self.fail(error)),
        }
    }

    /// Notes that the server's stream has ended.
    pub fn end(&mut self) -> Option<Answered<'a, 'static>> {
        if self.over { None } else { Some(self.fail(ResponseError::Truncated)) }
    }

    /// When [`poll`](Self::poll) is to be called at the latest, if nothing arrives before.
    pub fn deadline(&self) -> Option<Duration> {
        if self.over { None } else { self.deadline.map(Instant::since_origin) }
    }

    /// How many octets have been handed to the scan and to the parser so far: linear in what has arrived, at any split.
    pub const fn work(&self) -> u64 {
        self.work
    }

    /// The first answer that is not interim.
    fn read<'i>(&mut self, input: &'i [u8]) -> Result<Option<Response<'i>>, ResponseError>
    where
        'b: 'i,
    {
        let mut consumed = 0;
        loop {
            let rest = input.get(consumed..).unwrap_or_default();
            let found = self.scan.push(rest)?;
            self.work += found.len as u64;
            let (piece, behind) = rest.split_at_checked(found.len).unwrap_or((rest, &[]));
            if !found.complete {
                self.gather.keep(piece, self.scan.limit());
                return Ok(None);
            }
            consumed += found.len;
            let whole = self.gather.whole(piece, self.scan.limit());
            self.work += whole.len() as u64;
            let parsed = Parsed::parse(whole, self.scan.fields())?;
            if !parsed.is_interim() {
                return Ok(Some(Response::new(self.gather.take(piece), parsed, behind, consumed)));
            }
            self.interims += 1;
            if self.interims > INTERIMS {
                return Err(ResponseError::TooManyInterims);
            }
            self.gather.clear();
            self.scan = Scan::response(&self.limits);
        }
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
    //# Once the client's opening handshake has been sent, the client MUST
    //# wait for a response from the server before sending any further data.
    //# The client MUST validate the server's response as follows:
    fn judge<'i>(&self, response: Response<'i>) -> Answered<'a, 'i> {
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the status code received from the server is not 101, the client handles the
        //# response per HTTP [RFC2616] procedures.
        if response.status() != 101 {
            return Answered::Refused(response);
        }
        match self.judge_switch(&response) {
            Ok(established) => Answered::Open { established, response },
            Err(error) => Answered::Failed(error),
        }
    }

    fn judge_switch(&self, response: &Response<'_>) -> Result<Established<'a>, ResponseError> {
        if !response.is_current() {
            return Err(ResponseError::HttpVersion);
        }
        self.judge_fields(response.fields())
    }

    pub(super) fn judge_fields<'h>(
        &self,
        fields: impl Iterator<Item = Field<'h>> + Clone,
    ) -> Result<Established<'a>, ResponseError> {
        let verdict = Verdict::of(fields.clone());
        verdict.judge_switch(&self.key)?;
        verdict.judge_choice(&self.offer, fields)
    }

    //= https://www.rfc-editor.org/rfc/rfc6455#section-7.2.1
    //# To do so, the client MUST _Fail the WebSocket Connection_ as defined in Section
    //# 7.1.7.
    fn fail<'i>(&mut self, error: ResponseError) -> Answered<'a, 'i> {
        self.over = true;
        self.gather.clear();
        Answered::Failed(error)
    }
}
