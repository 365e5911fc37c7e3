//! The extensions that both endpoints agreed on, and the header with which a server says so. How they agree is decided in `negotiation`.

use core::fmt;

#[cfg(feature = "deflate")]
use super::deflate::Parameters;

/// The extensions that both endpoints agreed on, with their parameters: none by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Agreed {
    /// The parameters of `permessage-deflate`, if it is in use.
    #[cfg(feature = "deflate")]
    pub deflate: Option<Parameters>,
}

impl Agreed {
    /// The value of the `Sec-WebSocket-Extensions` header in a server's answer: empty without any extension in use, where the header
    /// [has to be left out](Self::is_empty).
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //# To accept the use of an offered PMCE, a server MUST include the
    //# extension name of the PMCE in the "Sec-WebSocket-Extensions" header
    //# field of its opening handshake of the WebSocket connection.
    pub fn answer(&self) -> impl fmt::Display + fmt::Debug + Copy + use<> {
        self.header()
    }

    /// The same, as a type that can be kept.
    pub(crate) const fn header(&self) -> Answer {
        Answer(*self)
    }

    /// Whether no extension is in use.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The value of the `Sec-WebSocket-Extensions` header in a server's answer, as its [`Display`](fmt::Display) form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer(Agreed);

#[cfg(feature = "handshake")]
impl Answer {
    /// Whether there is nothing to say, and so no header to send.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //# A server declining all offered PMCEs MUST NOT include any element
    //# with PMCE names.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(feature = "deflate")]
        if let Some(parameters) = self.0.deflate {
            return fmt::Display::fmt(&parameters, f);
        }
        f.write_str("")
    }
}
