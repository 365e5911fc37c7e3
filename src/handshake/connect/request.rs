//! A client's extended CONNECT as the server sees it, and its acceptance (RFC 8441, sections 4 and 5).
//!
//! The rules that its fields share with HTTP/1.1 are in `request_fields`.

use core::fmt;

use super::error::ConnectRequestError;
use super::stream_fields::{
    StreamFieldError, check_own_stream_field, check_stream_field, to_field,
};
use super::value::FieldValue;
use crate::established::Established;
use crate::extension::header;
use crate::handshake::acceptance::Acceptance;
use crate::handshake::authority::Authority;
use crate::handshake::collected::SingleField;
use crate::handshake::field::Field;
use crate::handshake::misuse::HandshakeMisuse;
use crate::handshake::request_fields::RequestFields;
use crate::handshake::subprotocols::choose_subprotocol;
use crate::handshake::target::Target;
use crate::words::token::{elements, token};

/// An extended CONNECT for a WebSocket that follows the rules. `I` is the iterator over its fields.
#[derive(Clone)]
pub struct ConnectRequest<'h, I> {
    fields: I,
    secure: bool,
    authority: &'h str,
    path: &'h str,
}

impl<'h, I: Iterator<Item = (&'h [u8], &'h [u8])> + Clone> ConnectRequest<'h, I> {
    /// Takes the fields of a request, the pseudo-header fields first.
    ///
    /// # Errors
    ///
    /// If they are not an extended CONNECT for a WebSocket. [`ConnectRequestError::status`] is the answer.
    pub fn decode(fields: impl IntoIterator<IntoIter = I>) -> Result<Self, ConnectRequestError> {
        let fields = fields.into_iter();
        let pseudo = PseudoFields::collect(fields.clone())?;
        // RFC 8441, section 4: "On requests that contain the :protocol pseudo-header field, the :scheme and :path
        // pseudo-header fields of the target URI (see Section 5) MUST also be included."
        let scheme = pseudo
            .scheme
            .require(ConnectRequestError::PseudoField, ConnectRequestError::PseudoField)?;
        let path = pseudo
            .path
            .require(ConnectRequestError::PseudoField, ConnectRequestError::PseudoField)?;
        let authority = pseudo
            .authority
            .require(ConnectRequestError::PseudoField, ConnectRequestError::PseudoField)?;

        let secure = if scheme.eq_ignore_ascii_case(b"https") {
            true
        } else if scheme.eq_ignore_ascii_case(b"http") {
            false
        } else {
            return Err(ConnectRequestError::Scheme);
        };
        Authority::parse(authority).map_err(|_| ConnectRequestError::Authority)?;
        let authority =
            core::str::from_utf8(authority).map_err(|_| ConnectRequestError::Authority)?;
        let path = core::str::from_utf8(path).map_err(|_| ConnectRequestError::Path)?;
        if !path.starts_with('/') || Target::parse(path).is_none() {
            return Err(ConnectRequestError::Path);
        }

        let request = Self { fields, secure, authority, path };
        request.check_fields()?;
        Ok(request)
    }

    /// Checks the ordinary fields.
    fn check_fields(&self) -> Result<(), ConnectRequestError> {
        let mut fields = RequestFields::default();
        for (name, value) in self.fields.clone().filter(|(name, _)| !name.starts_with(b":")) {
            // RFC 8441, section 5: "[RFC6455] requires the use of Connection and Upgrade header fields that are not part
            // of HTTP/2.  They MUST NOT be included in the CONNECT request defined here."
            check_stream_field(name, value).map_err(|error| match error {
                StreamFieldError::Name => ConnectRequestError::FieldName,
                StreamFieldError::Value => ConnectRequestError::FieldValue,
                StreamFieldError::Connection => ConnectRequestError::ConnectionField,
            })?;
            let name = core::str::from_utf8(name).map_err(|_| ConnectRequestError::FieldName)?;
            fields.add(Field { name, value });
        }
        if !fields.host_agrees_with(self.authority) {
            return Err(ConnectRequestError::Authority);
        }
        fields.check_origin()?;
        fields.check_version()?;
        fields.check_subprotocols()?;
        fields.check_extensions(self.all_fields())?;
        Ok(())
    }

    /// All fields whose names are text.
    fn all_fields(&self) -> impl Iterator<Item = Field<'h>> + Clone {
        self.fields.clone().filter_map(to_field)
    }

    /// Whether the scheme is `https`.
    pub const fn is_secure(&self) -> bool {
        self.secure
    }

    /// The host that the client wants to reach, with the port if it names one.
    pub const fn authority(&self) -> &'h str {
        self.authority
    }

    /// The path and the query as they were sent.
    pub const fn target(&self) -> &'h str {
        self.path
    }

    /// The path.
    pub fn path(&self) -> &'h str {
        Target::parse(self.path).map_or("/", |target| target.path())
    }

    /// The query, without its question mark.
    pub fn query(&self) -> Option<&'h str> {
        Target::parse(self.path).and_then(|target| target.query())
    }

    /// The value of the first field called `name`, in lower case.
    pub fn field(&self, name: &str) -> Option<&'h [u8]> {
        self.fields.clone().find(|field| field.0 == name.as_bytes()).map(|field| field.1)
    }

    /// The origin of the script that asks for the connection. A client that sends none is not a browser.
    pub fn origin(&self) -> Option<&'h str> {
        self.field("origin").and_then(|origin| core::str::from_utf8(origin).ok())
    }

    /// The subprotocols that the client offers, in its order of preference.
    pub fn subprotocols(&self) -> impl Iterator<Item = &'h str> + Clone {
        let fields = self.fields.clone();
        fields
            .filter(|field| field.0 == b"sec-websocket-protocol")
            .flat_map(|field| elements(field.1))
            .filter_map(token)
    }

    /// The first of the server's `supported` subprotocols that the client offers.
    pub fn choose_subprotocol<'s>(&self, supported: &[&'s str]) -> Option<&'s str> {
        choose_subprotocol(self.subprotocols(), supported)
    }

    /// The extensions that the client offers, in its order of preference.
    pub fn extensions(&self) -> impl Iterator<Item = header::Element<'h>> {
        let fields = self.fields.clone();
        let values = fields.filter(|field| field.0 == b"sec-websocket-extensions");
        header::elements(values.map(|field| field.1)).map_while(Result::ok)
    }

    /// Checks an acceptance against the request, and makes the answer.
    ///
    /// # Errors
    ///
    /// If the client does not offer the subprotocol, or a field can't be sent: a mistake of the program. The request can still be answered, with status 500, say.
    pub fn accept<'a>(
        &self,
        acceptance: &Acceptance<'a>,
    ) -> Result<ConnectAccepted<'a>, HandshakeMisuse> {
        let established = acceptance.agree_with(self.all_fields())?;
        let fields = acceptance.fields();
        fields.iter().try_for_each(check_own_stream_field)?;
        Ok(ConnectAccepted { established, fields })
    }
}

impl<I> fmt::Debug for ConnectRequest<'_, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectRequest")
            .field("secure", &self.secure)
            .field("authority", &self.authority)
            .finish_non_exhaustive()
    }
}

/// The pseudo-header fields of a request.
#[derive(Default)]
struct PseudoFields<'h> {
    method: SingleField<'h>,
    protocol: SingleField<'h>,
    scheme: SingleField<'h>,
    path: SingleField<'h>,
    authority: SingleField<'h>,
}

impl<'h> PseudoFields<'h> {
    /// Collects them from all fields. An error unless they ask for an extended CONNECT to the WebSocket protocol.
    fn collect(
        fields: impl Iterator<Item = (&'h [u8], &'h [u8])>,
    ) -> Result<Self, ConnectRequestError> {
        let mut pseudo = Self::default();
        let mut after_ordinary = false;
        for (name, value) in fields {
            if !name.starts_with(b":") {
                after_ordinary = true;
                continue;
            }
            let known = match name {
                b":method" => &mut pseudo.method,
                b":protocol" => &mut pseudo.protocol,
                b":scheme" => &mut pseudo.scheme,
                b":path" => &mut pseudo.path,
                b":authority" => &mut pseudo.authority,
                _ => return Err(ConnectRequestError::PseudoField),
            };
            if after_ordinary {
                return Err(ConnectRequestError::PseudoField);
            }
            known.add(value);
        }
        if pseudo
            .method
            .require(ConnectRequestError::NotExtended, ConnectRequestError::PseudoField)?
            != b"CONNECT"
        {
            return Err(ConnectRequestError::NotExtended);
        }
        let protocol = pseudo
            .protocol
            .require(ConnectRequestError::NotExtended, ConnectRequestError::PseudoField)?;
        if !protocol.eq_ignore_ascii_case(b"websocket") {
            return Err(ConnectRequestError::UnknownProtocol);
        }
        Ok(pseudo)
    }
}

/// The answer that opens the WebSocket, checked and ready to be sent. Frames may follow it at once.
#[derive(Clone, Copy, Debug)]
pub struct ConnectAccepted<'a> {
    established: Established<'a>,
    fields: &'a [Field<'a>],
}

impl<'a> ConnectAccepted<'a> {
    /// What the handshake agreed on.
    pub const fn established(&self) -> Established<'a> {
        self.established
    }

    /// The status: 200.
    pub const fn status(&self) -> u16 {
        200
    }

    /// The fields, without `:status`.
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, FieldValue<'a>)> + Clone {
        let extensions = self.established.extensions.header();
        let subprotocol = self.established.subprotocol;
        subprotocol
            .map(|name| ("sec-websocket-protocol", FieldValue::from_bytes(name.as_bytes())))
            .into_iter()
            .chain(
                (!extensions.is_empty())
                    .then_some(("sec-websocket-extensions", FieldValue::from_answer(extensions))),
            )
            .chain(
                self.fields.iter().map(|field| (field.name, FieldValue::from_bytes(field.value))),
            )
    }
}
