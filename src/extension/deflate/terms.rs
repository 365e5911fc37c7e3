//! Negotiation of `permessage-deflate` (RFC 7692, sections 5 and 7): a server accepts or declines one offer, a client makes one
//! and checks the answer.
//!
//! How parameters are written is in `parameters`; the list of all extensions is read and written in `negotiation`.

use core::fmt;

use super::parameters::{Parameters, WindowBits, WrittenParameters};
use crate::extension::answer_error::AnswerError;
use crate::extension::header::Params;

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
    /// The server compresses each message independently of earlier ones; a client requires that of the server.
    pub server_no_context_takeover: bool,
    /// The client compresses each message independently of earlier ones; a server asks the client to, a client says so in its
    /// offer.
    pub client_no_context_takeover: bool,
    /// The server compresses with a window of at most this size; a client requires that of the server.
    ///
    /// For a server, [`WindowBits::MIN`] means 9, the smallest window that it can compress with.
    pub server_max_window_bits: WindowBits,
    /// The client compresses with a window of at most this size; a server asks the client to if the offer allows it, a client says
    /// so in its offer.
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
    /// The same terms, the server compressing each message independently of earlier ones.
    #[must_use]
    pub const fn with_server_no_context_takeover(mut self) -> Self {
        self.server_no_context_takeover = true;
        self
    }

    /// The same terms, the client compressing each message independently of earlier ones.
    #[must_use]
    pub const fn with_client_no_context_takeover(mut self) -> Self {
        self.client_no_context_takeover = true;
        self
    }

    /// The same terms with another limit on the server's window.
    #[must_use]
    pub const fn with_server_max_window_bits(mut self, bits: WindowBits) -> Self {
        self.server_max_window_bits = bits;
        self
    }

    /// The same terms with another limit on the client's window.
    #[must_use]
    pub const fn with_client_max_window_bits(mut self, bits: WindowBits) -> Self {
        self.client_max_window_bits = bits;
        self
    }

    /// The same terms, with a second choice in a client's offer that requires nothing of the server.
    #[must_use]
    pub const fn with_fallback(mut self) -> Self {
        self.fallback = true;
        self
    }

    /// Answers one offer as a server: the parameters of the answer, or `None` to decline.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7
    //# A server MUST decline an extension negotiation offer for this
    //# extension if any of the following conditions are met:
    pub(in crate::extension) fn accept(&self, params: Params<'_>) -> Option<Parameters> {
        let written = WrittenParameters::parse(params)?;
        let offer = written.parameters();
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5
        //# The element MUST represent a PMCE that
        //# is fully supported by the server.
        Some(Parameters {
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
            //# By including this extension parameter in an extension negotiation offer, a
            //# client prevents the peer server from using context takeover.
            server_no_context_takeover: offer.server_no_context_takeover
                || self.server_no_context_takeover,
            // In an offer this is a hint that the client will do so anyway. Agreeing saves the memory for its history.
            client_no_context_takeover: offer.client_no_context_takeover
                || self.client_no_context_takeover,
            server_max_window_bits: self.accept_server_window(offer.server_max_window_bits)?,
            client_max_window_bits: self.ask_client_window(written.askable_client_window()),
        })
    }

    /// Chooses the server's window for the answer, if it has to be mentioned there. The outer `None` declines the offer.
    fn accept_server_window(&self, offered: Option<WindowBits>) -> Option<Option<WindowBits>> {
        let own = self.server_max_window_bits.max(WindowBits::COMPRESSIBLE);
        match offered {
            // The compressor doesn't support a window of 256 bytes.
            Some(offered) if offered < WindowBits::COMPRESSIBLE => None,
            //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
            //# A server accepts an extension negotiation offer with this parameter by
            //# including the "server_max_window_bits" extension parameter in the
            //# extension negotiation response to send back to the client with the same or
            //# smaller value as the offer.
            Some(offered) => Some(Some(offered.min(own))),
            None => Some(limit_to_mention(own)),
        }
    }

    /// Chooses the window to ask the client for in the answer, if it has to be mentioned there. `askable` is the largest one that
    /// the offer allows to ask for.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    //# If a received extension negotiation offer doesn't have the
    //# "client_max_window_bits" extension parameter, the corresponding
    //# extension negotiation response to the offer MUST NOT include the
    //# "client_max_window_bits" extension parameter.
    fn ask_client_window(&self, askable: Option<WindowBits>) -> Option<WindowBits> {
        limit_to_mention(askable?.min(self.client_max_window_bits))
    }

    /// A client's offers, as they are written in the header.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //# To offer use of a PMCE, a client MUST include the extension name of
    //# the PMCE in the "Sec-WebSocket-Extensions" header field of its
    //# opening handshake of the WebSocket connection.
    pub(in crate::extension) fn offer(&self) -> impl fmt::Display {
        let second = Parameters {
            client_no_context_takeover: self.client_no_context_takeover,
            client_max_window_bits: limit_to_mention(self.client_max_window_bits),
            ..Parameters::default()
        };
        //= https://www.rfc-editor.org/rfc/rfc7692#section-5
        //# In a PMCE negotiation offer, the client MUST inform the server of its
        //# LZ77 window size so that the server uses an LZ77 window size that is
        //# not greater than the LZ77 window size of the client.
        let first = Parameters {
            server_no_context_takeover: self.server_no_context_takeover,
            server_max_window_bits: limit_to_mention(self.server_max_window_bits),
            ..second
        };
        let has_second = self.fallback && first != second;
        Offers {
            first: WrittenParameters::offer(first),
            second: has_second.then(|| WrittenParameters::offer(second)),
        }
    }

    /// Checks, as a client, the answer to its offers, and says what both agree on.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7
    //# A client MUST _Fail the WebSocket Connection_ if the peer server
    //# accepted an extension negotiation offer for this extension with an
    //# extension negotiation response meeting any of the following
    //# conditions:
    pub(in crate::extension) fn check(
        &self,
        params: Params<'_>,
    ) -> Result<Parameters, AnswerError> {
        let written = WrittenParameters::parse(params).ok_or(AnswerError::InvalidParameter)?;
        // Without a value the parameter is defined for offers only.
        if written.has_bare_client_window() {
            return Err(AnswerError::InvalidParameter);
        }
        let answer = written.parameters();
        let client_max_window_bits = match answer.client_max_window_bits {
            Some(asked) => Some(asked.min(self.client_max_window_bits)),
            None => limit_to_mention(self.client_max_window_bits),
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

/// A limit on a window as the parameter that says so; `None` if it is the largest window, which is what an absent parameter means.
fn limit_to_mention(window: WindowBits) -> Option<WindowBits> {
    (window < WindowBits::MAX).then_some(window)
}

/// The offers of a client: one, or two in order of preference.
struct Offers {
    first: WrittenParameters,
    second: Option<WrittenParameters>,
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
