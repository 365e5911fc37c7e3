//! Negotiation of `permessage-deflate` (RFC 7692, sections 5 and 7): a server accepts or declines one offer, a client makes one
//! and checks the answer.

use core::fmt;

use super::parameters::{Parameters, WindowBits, Written};
use crate::extension::header::Params;
use crate::extension::negotiation::AnswerError;

/// The terms on which an endpoint is willing to use `permessage-deflate`.
///
/// The fields have the names of the extension's parameters. The default limits nothing: the best compression, and the most
/// memory.
///
/// ```
/// use sockless::extension::Supported;
/// use sockless::extension::deflate::Terms;
///
/// let server = Supported::default().with_deflate(Terms::default().with_client_no_context_takeover());
/// let agreed = server.accept([&b"permessage-deflate; client_max_window_bits"[..]])?;
/// assert_eq!(agreed.answer().to_string(), "permessage-deflate; client_no_context_takeover");
/// # Ok::<(), sockless::extension::header::Malformed>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Terms {
    /// A server compresses each message for itself; a client requires that of the server.
    pub server_no_context_takeover: bool,
    /// A server asks this of the client; a client does it, and says so in its offer.
    pub client_no_context_takeover: bool,
    /// A server compresses with a window of at most this size; a client requires that of the server.
    ///
    /// A server takes [`WindowBits::MIN`] for 9, the smallest window that it can compress with.
    pub server_max_window_bits: WindowBits,
    /// A server asks the client, if its offer allows it, to compress with a window of at most this size; a client does it,
    /// and says so in its offer.
    pub client_max_window_bits: WindowBits,
    /// A client that requires something of the server also offers the extension without it, as its second choice.
    pub fallback: bool,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            server_no_context_takeover: false,
            client_no_context_takeover: false,
            server_max_window_bits: WindowBits::MAX,
            client_max_window_bits: WindowBits::MAX,
            fallback: false,
        }
    }
}

impl Terms {
    /// The same terms, the server compressing each message for itself.
    #[must_use]
    pub const fn with_server_no_context_takeover(mut self) -> Self {
        self.server_no_context_takeover = true;
        self
    }

    /// The same terms, the client compressing each message for itself.
    #[must_use]
    pub const fn with_client_no_context_takeover(mut self) -> Self {
        self.client_no_context_takeover = true;
        self
    }

    /// The same terms with another window of the server's.
    #[must_use]
    pub const fn with_server_max_window_bits(mut self, bits: WindowBits) -> Self {
        self.server_max_window_bits = bits;
        self
    }

    /// The same terms with another window of the client's.
    #[must_use]
    pub const fn with_client_max_window_bits(mut self, bits: WindowBits) -> Self {
        self.client_max_window_bits = bits;
        self
    }

    /// The same terms, a client requiring nothing of the server in its second choice.
    #[must_use]
    pub const fn with_fallback(mut self) -> Self {
        self.fallback = true;
        self
    }

    /// A server's choice about one offer: the parameters to answer with, or none if it declines.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7
    //# A server MUST decline an extension negotiation offer for this
    //# extension if any of the following conditions are met:
    pub(in crate::extension) fn accept(&self, params: Params<'_>) -> Option<Parameters> {
        let offer = Written::read(params)?;
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5
        //# The element MUST represent a PMCE that
        //# is fully supported by the server.
        Some(Parameters {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
            //# By including this extension parameter in an extension negotiation offer, a
            //# client prevents the peer server from using context takeover.
            server_no_context_takeover: offer.server_no_context_takeover
                || self.server_no_context_takeover,
            // In an offer it is a hint that the client will do it anyway: agreeing saves the memory for its history.
            client_no_context_takeover: offer.client_no_context_takeover
                || self.client_no_context_takeover,
            server_max_window_bits: self.accept_server_window(offer.server_max_window_bits)?,
            client_max_window_bits: self.ask_client_window(offer.client_max_window_bits),
        })
    }

    /// The server's own window; the outer option is none if the offer has to be declined.
    fn accept_server_window(&self, offered: Option<WindowBits>) -> Option<Option<WindowBits>> {
        let own = self.server_max_window_bits.max(WindowBits::COMPRESSIBLE);
        match offered {
            // No compressor at hand keeps to a window of 256 bytes.
            Some(offered) if offered < WindowBits::COMPRESSIBLE => None,
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
            //# A server accepts an extension negotiation offer with this parameter by
            //# including the "server_max_window_bits" extension parameter in the
            //# extension negotiation response to send back to the client with the same or
            //# smaller value as the offer.
            Some(offered) => Some(Some(offered.min(own))),
            None if own < WindowBits::MAX => Some(Some(own)),
            None => Some(None),
        }
    }

    /// The window that the client is asked to keep to.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    //# If a received extension negotiation offer doesn't have the
    //# "client_max_window_bits" extension parameter, the corresponding
    //# extension negotiation response to the offer MUST NOT include the
    //# "client_max_window_bits" extension parameter.
    fn ask_client_window(&self, offered: Option<Option<WindowBits>>) -> Option<WindowBits> {
        let hint = offered?.unwrap_or(WindowBits::MAX);
        let asked = hint.min(self.client_max_window_bits);
        (asked < WindowBits::MAX).then_some(asked)
    }

    /// A client's offers, as they stand in the header.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //# To offer use of a PMCE, a client MUST include the extension name of
    //# the PMCE in the "Sec-WebSocket-Extensions" header field of its
    //# opening handshake of the WebSocket connection.
    pub(in crate::extension) fn offer(&self) -> impl fmt::Display {
        let client_max_window_bits = self.client_max_window_bits;
        let second = Written {
            client_no_context_takeover: self.client_no_context_takeover,
            // A client always offers this one: every server may ask for less memory.
            client_max_window_bits: Some(
                (client_max_window_bits < WindowBits::MAX).then_some(client_max_window_bits),
            ),
            ..Written::default()
        };
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5
        //# In a PMCE negotiation offer, the client MUST inform the server of its
        //# LZ77 window size so that the server uses an LZ77 window size that is
        //# not greater than the LZ77 window size of the client.
        let first = Written {
            server_no_context_takeover: self.server_no_context_takeover,
            server_max_window_bits: (self.server_max_window_bits < WindowBits::MAX)
                .then_some(self.server_max_window_bits),
            ..second
        };
        Offers { first, second: (self.fallback && first != second).then_some(second) }
    }

    /// A client's check of the answer to its offers.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7
    //# A client MUST _Fail the WebSocket Connection_ if the peer server
    //# accepted an extension negotiation offer for this extension with an
    //# extension negotiation response meeting any of the following
    //# conditions:
    pub(in crate::extension) fn check(
        &self,
        params: Params<'_>,
    ) -> Result<Parameters, AnswerError> {
        let answer = Written::read(params).ok_or(AnswerError::InvalidParameter)?;
        let client_max_window_bits = match answer.client_max_window_bits {
            // Without a value the parameter is defined for offers only.
            Some(None) => return Err(AnswerError::InvalidParameter),
            Some(Some(asked)) => Some(asked.min(self.client_max_window_bits)),
            None => (self.client_max_window_bits < WindowBits::MAX)
                .then_some(self.client_max_window_bits),
        };
        // The second choice requires nothing of the server.
        if !self.fallback {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
            //# By including this parameter in an extension negotiation offer, a client
            //# limits the LZ77 sliding window size that the server will use to compress
            //# messages.
            let window = answer.server_max_window_bits.unwrap_or(WindowBits::MAX);
            if window > self.server_max_window_bits
                || self.server_no_context_takeover && !answer.server_no_context_takeover
            {
                return Err(AnswerError::NotAsOffered);
            }
        }
        Ok(Parameters {
            server_no_context_takeover: answer.server_no_context_takeover,
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
            //# A client MUST support the "client_no_context_takeover" extension
            //# parameter in an extension negotiation response.
            client_no_context_takeover: answer.client_no_context_takeover
                || self.client_no_context_takeover,
            server_max_window_bits: answer.server_max_window_bits,
            client_max_window_bits,
        })
    }
}

/// One offer, and perhaps a second choice behind it.
struct Offers {
    first: Written,
    second: Option<Written>,
}

impl fmt::Display for Offers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        match self.second {
            Some(second) => write!(f, ", {second}"),
            None => Ok(()),
        }
    }
}
