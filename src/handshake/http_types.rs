//! The types of the `http` crate: requests and answers from and to them (feature `http`).
//!
//! For streams that another HTTP server or client reads and writes. It hands over the stream once it has upgraded it; the rules of
//! the handshake are checked here, the same as elsewhere.

use alloc::vec::Vec;

use ::http::header::HeaderMap;
use ::http::{Method, StatusCode, Version};

use super::accept::{Acceptance, Switching};
use super::connector::Connector;
use super::demand::{Demand, Once};
use super::field::{Field, Fields, values};
use super::header_map::{copy, fields};
use super::key::Key;
use super::misuse::Misuse;
use super::offer::Opening;
use super::refusal::Refusal;
use super::request::{Request, judge_extensions};
use super::request_error::RequestError;
use super::response::Response;
use super::response_error::ResponseError;
use super::sink::Write as _;
use super::subprotocols::choose;
use crate::established::Established;
use crate::words::token::{elements, token};

/// A request that another HTTP server has read, found to ask for a WebSocket by the rules.
#[derive(Clone, Debug)]
pub struct Upgrade<'h> {
    headers: &'h HeaderMap,
    key: Key,
}

impl<'h> Upgrade<'h> {
    /// Checks a request that came over HTTP/1.1. Those over HTTP/2 and HTTP/3 are for [`connect`](super::connect).
    ///
    /// # Errors
    ///
    /// If it does not ask for a WebSocket ([`RequestError::PlainRequest`]), or breaks a rule.
    pub fn check<B>(request: &'h ::http::Request<B>) -> Result<Self, RequestError> {
        if request.version() != Version::HTTP_11 {
            return Err(RequestError::HttpVersion);
        }
        if request.method() != Method::GET {
            return Err(RequestError::Method);
        }
        let headers = request.headers();
        let mut demand = Demand::default();
        fields(headers).for_each(|field| demand.note(field));
        demand.judge_request()?;
        let key = demand.judge_upgrade()?.ok_or(RequestError::PlainRequest)?;
        if !matches!(demand.extensions, Once::Absent) {
            judge_extensions(values(fields(headers), "sec-websocket-extensions"))?;
        }
        Ok(Self { headers, key: Key::of(key) })
    }

    /// The subprotocols that the client would like to speak, the one it likes most first.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> + Clone {
        let fields = fields(self.headers).filter(|field| field.is("sec-websocket-protocol"));
        fields.flat_map(|field| elements(field.value)).filter_map(token)
    }

    /// The first of the server's `supported` subprotocols that the client offers.
    pub fn choose_subprotocol<'s>(&self, supported: &[&'s str]) -> Option<&'s str> {
        choose(self.subprotocols(), supported)
    }

    /// Checks an acceptance against the request, and makes the answer that switches protocols.
    ///
    /// # Errors
    ///
    /// If the subprotocol is none that the client offers, or a field can't be sent.
    pub fn accept<'a>(&self, acceptance: &Acceptance<'a>) -> Result<Switching<'a>, Misuse> {
        acceptance.apply(fields(self.headers), self.key.bytes())
    }
}

impl<'a> Connector<'a, '_> {
    /// What was agreed on, if an answer that another HTTP client has read switches protocols by the rules.
    ///
    /// # Errors
    ///
    /// If it breaks a rule. A status other than 101 is for the caller to look at first; here it is
    /// [`ResponseError::Status`].
    pub fn check_http<B>(
        &self,
        response: &::http::Response<B>,
    ) -> Result<Established<'a>, ResponseError> {
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(ResponseError::Status);
        }
        if response.version() != Version::HTTP_11 {
            return Err(ResponseError::HttpVersion);
        }
        self.judge_fields(fields(response.headers()))
    }
}

impl TryFrom<&Request<'_>> for ::http::Request<()> {
    type Error = ::http::Error;

    /// Fails where the target is more than the `http` crate takes for a URI.
    fn try_from(request: &Request<'_>) -> Result<Self, ::http::Error> {
        let mut converted = Self::new(());
        *converted.uri_mut() = request.target().parse()?;
        copy(request.fields(), converted.headers_mut())?;
        Ok(converted)
    }
}

impl TryFrom<&Response<'_>> for ::http::Response<Vec<u8>> {
    type Error = ::http::Error;

    fn try_from(response: &Response<'_>) -> Result<Self, ::http::Error> {
        build(response.status(), response.fields(), response.body().to_vec())
    }
}

impl TryFrom<&Opening<'_>> for ::http::Request<()> {
    type Error = ::http::Error;

    /// The target is the path and the query: a client that wants an absolute URI has the URL.
    fn try_from(opening: &Opening<'_>) -> Result<Self, ::http::Error> {
        let head = opening.collect();
        let mut converted = Self::new(());
        let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        *converted.uri_mut() = target.try_into()?;
        copy(behind_start_line(&head), converted.headers_mut())?;
        Ok(converted)
    }
}

impl TryFrom<&Switching<'_>> for ::http::Response<()> {
    type Error = ::http::Error;

    fn try_from(switching: &Switching<'_>) -> Result<Self, ::http::Error> {
        build(101, behind_start_line(&switching.collect()), ())
    }
}

impl TryFrom<&Refusal<'_>> for ::http::Response<Vec<u8>> {
    type Error = ::http::Error;

    fn try_from(refusal: &Refusal<'_>) -> Result<Self, ::http::Error> {
        let head = refusal.collect();
        build(refusal.status(), behind_start_line(&head), refusal.body().to_vec())
    }
}

impl TryFrom<RequestError> for ::http::Response<()> {
    type Error = ::http::Error;

    fn try_from(error: RequestError) -> Result<Self, ::http::Error> {
        build(error.status(), behind_start_line(error.answer()), ())
    }
}

/// The fields of a head that we have written: so that no second list of them can differ from the first.
fn behind_start_line(head: &[u8]) -> Fields<'_> {
    let end = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |end| end + 1);
    Fields::new(&head[end..])
}

fn build<'h, B>(
    status: u16,
    fields: impl Iterator<Item = Field<'h>>,
    body: B,
) -> Result<::http::Response<B>, ::http::Error> {
    let mut converted = ::http::Response::new(body);
    *converted.status_mut() = StatusCode::from_u16(status)?;
    copy(fields, converted.headers_mut())?;
    Ok(converted)
}
