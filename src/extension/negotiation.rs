//! Negotiation of extensions (RFC 6455, section 9.1): a server chooses among the offers, a client checks the answer.
//!
//! What the parameters of an extension mean is decided by that extension: for `permessage-deflate` in `deflate::terms`.

use core::fmt;

use super::agreed::Agreed;
use super::answer_error::AnswerError;
#[cfg(feature = "deflate")]
use super::deflate;
use super::header::{self, Element, Malformed};

/// The extensions that an endpoint is willing to use: none, unless they are added.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Supported {
    /// The terms on which `permessage-deflate` may be used, if it may.
    #[cfg(feature = "deflate")]
    pub deflate: Option<deflate::Terms>,
}

impl Supported {
    /// These extensions, and `permessage-deflate` on these terms.
    #[cfg(feature = "deflate")]
    #[must_use]
    pub const fn with_deflate(mut self, terms: deflate::Terms) -> Self {
        self.deflate = Some(terms);
        self
    }

    /// Whether no extension may be used.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Chooses, as a server, among a client's offers: for each extension the first acceptable one.
    ///
    /// `fields` are the values of the request's `Sec-WebSocket-Extensions` fields, in order. An offer of an unknown extension
    /// or with invalid parameters is declined, and the next one is considered; in the end nothing may be agreed on.
    ///
    /// # Errors
    ///
    /// The header is malformed, in whatever place: the request has to be refused with status 400.
    pub fn accept<'a, F>(&self, fields: F) -> Result<Agreed, Malformed>
    where
        F: IntoIterator<Item = &'a [u8]>,
    {
        let mut agreed = Agreed::default();
        for element in header::elements(fields) {
            self.accept_element(element?, &mut agreed);
        }
        Ok(agreed)
    }

    /// The value of the `Sec-WebSocket-Extensions` header with which a client offers what it supports: empty if that is nothing, where
    /// the header [has to be left out](Self::is_empty).
    pub fn offer(&self) -> impl fmt::Display + fmt::Debug + Copy + use<> {
        self.header()
    }

    /// The same, as a type that can be kept.
    pub(crate) const fn header(&self) -> ExtensionOffer {
        ExtensionOffer(*self)
    }

    /// Checks, as a client, a server's answer to what was [offered](Supported::offer).
    ///
    /// `fields` are the values of the answer's `Sec-WebSocket-Extensions` fields, in order. RFC 6455, section 11.3.2, forbids
    /// a server more than one of them while section 4.2.2 allows it; they are taken as one list, to which all the other
    /// rules apply.
    ///
    /// # Errors
    ///
    /// The answer doesn't follow from the offer: the connection has to be failed.
    pub fn check<'a, F>(&self, fields: F) -> Result<Agreed, AnswerError>
    where
        F: IntoIterator<Item = &'a [u8]>,
    {
        let mut agreed = Agreed::default();
        for element in header::elements(fields) {
            self.check_element(element?, &mut agreed)?;
        }
        Ok(agreed)
    }

    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //# A server MUST NOT accept a PMCE extension negotiation offer together
    //# with another extension if the PMCE will conflict with the extension
    //# on their use of the RSV1 bit.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //# A server MUST NOT accept a PMCE extension negotiation offer together
    //# with another extension if the PMCE will be applied to the output of
    //# the extension and any of the following conditions applies to the
    //# extension:
    // There is no other extension, and one element at most is accepted.
    /// Takes the first acceptable offer of each extension into `agreed`; any other offer changes nothing.
    #[cfg_attr(not(feature = "deflate"), allow(unused_variables))]
    fn accept_element(&self, element: Element<'_>, agreed: &mut Agreed) {
        #[cfg(feature = "deflate")]
        if let (Some(terms), None, deflate::NAME) = (&self.deflate, agreed.deflate, element.name())
        {
            agreed.deflate = terms.accept(element.params());
        }
    }

    /// Checks one element of a server's answer, and adds what it settles to `agreed`.
    #[cfg_attr(not(feature = "deflate"), allow(unused_variables))]
    fn check_element(&self, element: Element<'_>, agreed: &mut Agreed) -> Result<(), AnswerError> {
        #[cfg(feature = "deflate")]
        if let (Some(terms), deflate::NAME) = (&self.deflate, element.name()) {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-5
            //# A client that received a response
            //# accepting a PMCE extension negotiation offer together with such an
            //# extension MUST _Fail the WebSocket Connection_.
            //= https://www.rfc-editor.org/rfc/rfc7692#section-5
            //# A client that receives a response accepting a PMCE extension
            //# negotiation offer together with such an extension MUST _Fail the
            //# WebSocket Connection_.
            if agreed.deflate.is_some() {
                return Err(AnswerError::Repeated);
            }
            agreed.deflate = Some(terms.check(element.params())?);
            return Ok(());
        }
        //= https://www.rfc-editor.org/rfc/rfc6455#section-4.1
        //# If the response includes a |Sec-WebSocket-Extensions| header
        //# field and this header field indicates the use of an extension
        //# that was not present in the client's handshake (the server has
        //# indicated an extension not requested by the client), the client
        //# MUST _Fail the WebSocket Connection_.
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5
        //# If a server gives an invalid response, such as accepting a PMCE that
        //# the client did not offer, the client MUST _Fail the WebSocket
        //# Connection_.
        Err(AnswerError::NotOffered)
    }
}

/// `permessage-deflate` on these terms, and nothing else.
#[cfg(feature = "deflate")]
impl From<deflate::Terms> for Supported {
    fn from(terms: deflate::Terms) -> Self {
        Self::default().with_deflate(terms)
    }
}

/// The value of the `Sec-WebSocket-Extensions` header in a client's request, as its [`Display`](fmt::Display) form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ExtensionOffer(Supported);

#[cfg(feature = "handshake")]
impl ExtensionOffer {
    /// Whether there is nothing to offer, and so no header to send.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for ExtensionOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "deflate")]
        if let Some(terms) = &self.0.deflate {
            return terms.offer().fmt(f);
        }
        f.write_str("")
    }
}
