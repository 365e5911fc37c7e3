//! The extended CONNECT in the types of the `http` crate (feature `http`), as libraries for HTTP/2 and HTTP/3 use them.
//!
//! Each of those libraries keeps `:protocol` beside the request, in its own type, so it is an argument here. The rules of the
//! handshake are in `request` and `opening`.

use ::http::{Method, StatusCode, Uri, Version};

use super::error::ConnectRequestError;
use super::opening::{ConnectAnswered, ConnectOpening};
use super::request::{ConnectAccepted, ConnectRequest};
use super::value::FieldValue;
use crate::handshake::field::Field;
use crate::handshake::header_map::{HeaderFields, append_fields, header_fields};

/// The fields of a request in the types of the `http` crate.
#[derive(Clone)]
pub struct HttpFields<'h> {
    pseudo: core::array::IntoIter<Option<(&'h [u8], &'h [u8])>, 5>,
    fields: HeaderFields<'h>,
}

impl<'h> Iterator for HttpFields<'h> {
    type Item = (&'h [u8], &'h [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let pseudo = self.pseudo.by_ref().flatten().next();
        pseudo.or_else(|| self.fields.next().map(|field| (field.name.as_bytes(), field.value)))
    }
}

impl core::fmt::Debug for HttpFields<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("HttpFields")
    }
}

impl<'h> ConnectRequest<'h, HttpFields<'h>> {
    /// Takes a request that an HTTP library has read, with its `:protocol`.
    ///
    /// # Errors
    ///
    /// If it is not an extended CONNECT for a WebSocket. Answer with [`ConnectRequestError::status`].
    pub fn from_http<B>(
        request: &'h ::http::Request<B>,
        protocol: Option<&'h str>,
    ) -> Result<Self, ConnectRequestError> {
        let uri = request.uri();
        let pseudo = [
            (":method", Some(request.method().as_str())),
            (":protocol", protocol),
            (":scheme", uri.scheme_str()),
            (":path", uri.path_and_query().map(|path| path.as_str())),
            (":authority", uri.authority().map(|authority| authority.as_str())),
        ]
        .map(|(name, value)| value.map(|value| (name.as_bytes(), value.as_bytes())));
        let fields = header_fields(request.headers());
        Self::decode(HttpFields { pseudo: pseudo.into_iter(), fields })
    }
}

impl<'a> ConnectOpening<'a> {
    /// Checks an answer that an HTTP library has read.
    pub fn check_http<B>(&self, response: &::http::Response<B>) -> ConnectAnswered<'a> {
        let fields =
            header_fields(response.headers()).map(|field| (field.name.as_bytes(), field.value));
        self.check(response.status().as_u16(), fields)
    }
}

impl TryFrom<&ConnectOpening<'_>> for ::http::Request<()> {
    type Error = ::http::Error;

    /// The request without its `:protocol`, which is `websocket`.
    fn try_from(opening: &ConnectOpening<'_>) -> Result<Self, ::http::Error> {
        let mut uri = Uri::builder();
        for (name, value) in opening.fields() {
            uri = match name {
                ":scheme" => uri.scheme(&*value.to_vec()),
                ":authority" => uri.authority(value.to_vec()),
                ":path" => uri.path_and_query(value.to_vec()),
                _ => uri,
            };
        }
        let mut converted = Self::new(());
        *converted.method_mut() = Method::CONNECT;
        *converted.version_mut() = Version::HTTP_2;
        *converted.uri_mut() = uri.build()?;
        let fields = opening.fields().filter(|(name, _)| !name.starts_with(':'));
        append_values(fields, converted.headers_mut())?;
        Ok(converted)
    }
}

impl TryFrom<&ConnectAccepted<'_>> for ::http::Response<()> {
    type Error = ::http::Error;

    fn try_from(accepted: &ConnectAccepted<'_>) -> Result<Self, ::http::Error> {
        let mut converted = Self::new(());
        *converted.version_mut() = Version::HTTP_2;
        append_values(accepted.fields(), converted.headers_mut())?;
        Ok(converted)
    }
}

impl TryFrom<ConnectRequestError> for ::http::Response<()> {
    type Error = ::http::Error;

    fn try_from(error: ConnectRequestError) -> Result<Self, ::http::Error> {
        let mut converted = Self::new(());
        *converted.status_mut() = StatusCode::from_u16(error.status())?;
        *converted.version_mut() = Version::HTTP_2;
        let fields = error.fields().iter().map(|(name, value)| Field::new(name, value));
        append_fields(fields, converted.headers_mut())?;
        Ok(converted)
    }
}

/// Appends fields to a header map, encoding their values.
fn append_values<'a>(
    fields: impl Iterator<Item = (&'a str, FieldValue<'a>)>,
    headers: &mut ::http::HeaderMap,
) -> Result<(), ::http::Error> {
    for (name, value) in fields {
        append_fields([Field { name, value: &value.to_vec() }].into_iter(), headers)?;
    }
    Ok(())
}
