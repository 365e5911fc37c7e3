//! The handshake in the types of the `http` crate (feature `http`).
//!
//! For streams whose HTTP is read and written by another server or client, which hands the stream over after the upgrade. The
//! rules of the handshake are in `request_fields` and `response_fields`.

use alloc::vec::Vec;

use ::http::header::HeaderMap;
use ::http::{Method, StatusCode, Version};

use super::acceptance::{Acceptance, Switching};
use super::connector::Connector;
use super::field::{Field, Fields};
use super::header_map::{append_fields, header_fields};
use super::key::WebSocketKey;
use super::misuse::HandshakeMisuse;
use super::offer::Opening;
use super::refusal::Refusal;
use super::request::Request;
use super::request_error::RequestError;
use super::request_fields::RequestFields;
use super::response::Response;
use super::response_error::ResponseError;
use super::subprotocols::choose_subprotocol;
use crate::established::Established;
use crate::words::token::{elements, token};

/// A request that another HTTP server has read, and that asks for a WebSocket by the rules.
#[derive(Clone, Debug)]
pub struct Upgrade<'h> {
    headers: &'h HeaderMap,
    key: WebSocketKey,
}

impl<'h> Upgrade<'h> {
    /// Checks a request that came over HTTP/1.1. Those over HTTP/2 and HTTP/3 are for [`connect`](super::connect).
    ///
    /// # Errors
    ///
    /// If it does not ask for a WebSocket ([`RequestError::PlainRequest`]), or breaks a rule: answer with the error's [`status`](RequestError::status).
    pub fn check<B>(request: &'h ::http::Request<B>) -> Result<Self, RequestError> {
        if request.version() != Version::HTTP_11 {
            return Err(RequestError::HttpVersion);
        }
        if request.method() != Method::GET {
            return Err(RequestError::Method);
        }
        let headers = request.headers();
        let mut fields = RequestFields::default();
        header_fields(headers).for_each(|field| fields.add(field));
        fields.check_request()?;
        let key = fields.check_upgrade()?.ok_or(RequestError::PlainRequest)?;
        fields.check_extensions(header_fields(headers))?;
        Ok(Self { headers, key: WebSocketKey::from_checked(key) })
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> + Clone {
        let all = header_fields(self.headers);
        let fields = all.filter(|field| field.is("sec-websocket-protocol"));
        fields.flat_map(|field| elements(field.value)).filter_map(token)
    }

    /// The first of the server's `supported` subprotocols that the client offers.
    pub fn choose_subprotocol<'s>(&self, supported: &[&'s str]) -> Option<&'s str> {
        choose_subprotocol(self.subprotocols(), supported)
    }

    /// Checks an acceptance against the request, and makes the answer that switches protocols.
    ///
    /// # Errors
    ///
    /// If the client does not offer the subprotocol, or a field can't be sent: a mistake of the program. Answer with status 500, say.
    pub fn accept<'a>(
        &self,
        acceptance: &Acceptance<'a>,
    ) -> Result<Switching<'a>, HandshakeMisuse> {
        acceptance.answer(header_fields(self.headers), self.key.bytes())
    }
}

impl<'a> Connector<'a, '_> {
    /// Checks an answer that another HTTP client has read, and says what it agrees on.
    ///
    /// # Errors
    ///
    /// If it breaks a rule: drop the stream. A status other than 101 is [`ResponseError::Status`] here: the caller should look at the status first.
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
        self.check_fields(header_fields(response.headers()))
    }
}

impl TryFrom<&Request<'_>> for ::http::Request<()> {
    type Error = ::http::Error;

    /// Fails if the `http` crate doesn't accept the target as a URI.
    fn try_from(request: &Request<'_>) -> Result<Self, ::http::Error> {
        let mut converted = Self::new(());
        *converted.uri_mut() = request.target().parse()?;
        append_fields(request.fields(), converted.headers_mut())?;
        Ok(converted)
    }
}

impl TryFrom<&Response<'_>> for ::http::Response<Vec<u8>> {
    type Error = ::http::Error;

    fn try_from(response: &Response<'_>) -> Result<Self, ::http::Error> {
        build_response(response.status(), response.fields(), response.body().to_vec())
    }
}

impl TryFrom<&Opening<'_>> for ::http::Request<()> {
    type Error = ::http::Error;

    /// The target is the path and the query. For an absolute URI the client has the URL.
    fn try_from(opening: &Opening<'_>) -> Result<Self, ::http::Error> {
        let head = opening.to_vec();
        let mut converted = Self::new(());
        let target = head.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
        *converted.uri_mut() = target.try_into()?;
        append_fields(fields_after_start_line(&head), converted.headers_mut())?;
        Ok(converted)
    }
}

impl TryFrom<&Switching<'_>> for ::http::Response<()> {
    type Error = ::http::Error;

    fn try_from(switching: &Switching<'_>) -> Result<Self, ::http::Error> {
        build_response(101, fields_after_start_line(&switching.to_vec()), ())
    }
}

impl TryFrom<&Refusal<'_>> for ::http::Response<Vec<u8>> {
    type Error = ::http::Error;

    fn try_from(refusal: &Refusal<'_>) -> Result<Self, ::http::Error> {
        let head = refusal.to_vec();
        build_response(refusal.status(), fields_after_start_line(&head), refusal.body().to_vec())
    }
}

impl TryFrom<RequestError> for ::http::Response<()> {
    type Error = ::http::Error;

    fn try_from(error: RequestError) -> Result<Self, ::http::Error> {
        build_response(error.status(), fields_after_start_line(error.answer()), ())
    }
}

/// The fields of a head that we have encoded. Reading them from it, rather than listing them again, keeps both forms the same.
fn fields_after_start_line(head: &[u8]) -> Fields<'_> {
    let end = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |end| end + 1);
    Fields::new(&head[end..])
}

/// A response with this status, these fields and this body.
fn build_response<'h, B>(
    status: u16,
    fields: impl Iterator<Item = Field<'h>>,
    body: B,
) -> Result<::http::Response<B>, ::http::Error> {
    let mut converted = ::http::Response::new(body);
    *converted.status_mut() = StatusCode::from_u16(status)?;
    append_fields(fields, converted.headers_mut())?;
    Ok(converted)
}
