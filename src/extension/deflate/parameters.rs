//! The parameters of `permessage-deflate`: what they mean and how they are written in the header (RFC 7692, section 7.1).
//!
//! Whether an offer or an answer is acceptable is decided in `terms`.

use core::fmt;

use crate::extension::header::{Params, Value};
use crate::words::role::Role;

/// The registered name of the extension.
pub(crate) const NAME: &str = "permessage-deflate";

const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";

/// The base-2 logarithm of the size of an LZ77 sliding window: 8 to 15, for 256 to 32,768 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(u8);

impl WindowBits {
    /// 8: a window of 256 bytes.
    ///
    /// The compressor here doesn't support it: a server declines it, and a client whose server asks for it sends uncompressed.
    pub const MIN: Self = Self(8);
    /// 15: a window of 32,768 bytes.
    pub const MAX: Self = Self(15);
    /// 9: the smallest window that messages are compressed with.
    pub(crate) const COMPRESSIBLE: Self = Self(9);

    /// The value, if it is from 8 to 15.
    pub const fn new(bits: u8) -> Option<Self> {
        if bits >= Self::MIN.0 && bits <= Self::MAX.0 { Some(Self(bits)) } else { None }
    }

    /// The number of bits.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The size of the window in bytes.
    pub const fn window(self) -> usize {
        1 << self.0
    }

    /// Parses the value of one of the two parameters for windows; `None` if it is invalid.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
    //# This parameter has a decimal
    //# integer value without leading zeroes between 8 to 15, inclusive,
    //# indicating the base-2 logarithm of the LZ77 sliding window size, and
    //# MUST conform to the ABNF below.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    //# If a value is specified for this parameter, the value MUST
    //# conform to the ABNF below.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.1
    //# The "server_max_window_bits"
    //# extension parameter in an extension negotiation response has a
    //# decimal integer value without leading zeroes between 8 to 15,
    //# inclusive, indicating the base-2 logarithm of the LZ77 sliding window
    //# size, and MUST conform to the ABNF below.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.2.2
    //# The
    //# "client_max_window_bits" extension parameter in an extension
    //# negotiation response has a decimal integer value without leading
    //# zeroes between 8 to 15 inclusive indicating the base-2 logarithm of
    //# the LZ77 sliding window size and MUST conform to the ABNF below.
    fn parse(value: Value<'_>) -> Option<Self> {
        let mut digits = value.bytes();
        let bits = match (digits.next()?, digits.next()) {
            (digit @ b'8'..=b'9', None) => digit - b'0',
            (b'1', Some(digit @ b'0'..=b'5')) => 10 + (digit - b'0'),
            _ => return None,
        };
        if digits.next().is_none() { Self::new(bits) } else { None }
    }
}

impl fmt::Display for WindowBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The "agreed parameters": the contents of a server's answer. Its [`Display`](fmt::Display) form is the element of the
/// `Sec-WebSocket-Extensions` header.
///
/// They bind both endpoints. What [`Supported::check`](crate::extension::Supported::check) returns to a client also contains the
/// hints of its offer that the answer doesn't repeat, since the client has promised to follow them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Whether the server compresses each message independently of earlier ones.
    pub server_no_context_takeover: bool,
    /// Whether the client compresses each message independently of earlier ones.
    pub client_no_context_takeover: bool,
    /// The largest window that the server may compress with; 32,768 bytes if absent.
    pub server_max_window_bits: Option<WindowBits>,
    /// The largest window that the client may compress with; 32,768 bytes if absent.
    pub client_max_window_bits: Option<WindowBits>,
}

/// What was agreed on for the messages of one direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    window: WindowBits,
    takeover: bool,
}

impl Direction {
    pub(super) const fn new(window: WindowBits, takeover: bool) -> Self {
        Self { window, takeover }
    }

    /// The largest window that the sender may use.
    pub(crate) const fn window(self) -> WindowBits {
        self.window
    }

    /// Whether the sender may refer to earlier messages.
    pub(crate) const fn has_takeover(self) -> bool {
        self.takeover
    }
}

impl Parameters {
    /// What was agreed on for the messages that the role `R` sends.
    pub(crate) fn sent_by<R: Role>(self) -> Direction {
        if R::MASKS { self.sent_by_client() } else { self.sent_by_server() }
    }

    /// What was agreed on for the messages of the server.
    fn sent_by_server(self) -> Direction {
        let window = self.server_max_window_bits.unwrap_or(WindowBits::MAX);
        Direction::new(window, !self.server_no_context_takeover)
    }

    /// What was agreed on for the messages of the client.
    fn sent_by_client(self) -> Direction {
        let window = self.client_max_window_bits.unwrap_or(WindowBits::MAX);
        Direction::new(window, !self.client_no_context_takeover)
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        WrittenParameters { parameters: *self, bare_client_window: false }.fmt(f)
    }
}

/// The parameters as they are written in the header, in an offer or in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WrittenParameters {
    parameters: Parameters,
    /// Whether `client_max_window_bits` is written without a value, which only an offer may do.
    bare_client_window: bool,
}

impl WrittenParameters {
    /// An offer. It always has `client_max_window_bits`, so that the server may ask for a smaller window.
    pub(super) const fn offer(parameters: Parameters) -> Self {
        Self { parameters, bare_client_window: parameters.client_max_window_bits.is_none() }
    }

    /// The parameters. A `client_max_window_bits` without a value is absent in them.
    pub(super) const fn parameters(&self) -> Parameters {
        self.parameters
    }

    /// The largest window that a server may ask the client for, if an offer allows it to ask.
    pub(super) const fn askable_client_window(&self) -> Option<WindowBits> {
        match self.parameters.client_max_window_bits {
            None if self.bare_client_window => Some(WindowBits::MAX),
            hint => hint,
        }
    }

    /// Whether `client_max_window_bits` is written without a value.
    pub(super) const fn has_bare_client_window(&self) -> bool {
        self.bare_client_window
    }

    /// Parses the parameters of an element; `None` if one is unknown or repeated, or has an invalid value.
    pub(super) fn parse(params: Params<'_>) -> Option<Self> {
        let mut bare_client_window = false;
        let mut parsed = Parameters::default();
        for param in params {
            match (param.name(), param.value()) {
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
                //# The "server_no_context_takeover" extension parameter in an extension
                //# negotiation response has no value.
                (SERVER_NO_CONTEXT_TAKEOVER, None) if !parsed.server_no_context_takeover => {
                    parsed.server_no_context_takeover = true;
                }
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
                //# The "client_no_context_takeover" extension parameter in an extension
                //# negotiation response has no value.
                (CLIENT_NO_CONTEXT_TAKEOVER, None) if !parsed.client_no_context_takeover => {
                    parsed.client_no_context_takeover = true;
                }
                (SERVER_MAX_WINDOW_BITS, Some(value))
                    if parsed.server_max_window_bits.is_none() =>
                {
                    parsed.server_max_window_bits = Some(WindowBits::parse(value)?);
                }
                (CLIENT_MAX_WINDOW_BITS, value)
                    if parsed.client_max_window_bits.is_none() && !bare_client_window =>
                {
                    match value {
                        Some(value) => {
                            parsed.client_max_window_bits = Some(WindowBits::parse(value)?);
                        }
                        None => bare_client_window = true,
                    }
                }
                _ => return None,
            }
        }
        Some(Self { parameters: parsed, bare_client_window })
    }
}

impl fmt::Display for WrittenParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parameters = &self.parameters;
        f.write_str(NAME)?;
        if parameters.server_no_context_takeover {
            write!(f, "; {SERVER_NO_CONTEXT_TAKEOVER}")?;
        }
        if parameters.client_no_context_takeover {
            write!(f, "; {CLIENT_NO_CONTEXT_TAKEOVER}")?;
        }
        if let Some(bits) = parameters.server_max_window_bits {
            write!(f, "; {SERVER_MAX_WINDOW_BITS}={bits}")?;
        }
        if let Some(bits) = parameters.client_max_window_bits {
            write!(f, "; {CLIENT_MAX_WINDOW_BITS}={bits}")?;
        } else if self.bare_client_window {
            write!(f, "; {CLIENT_MAX_WINDOW_BITS}")?;
        }
        Ok(())
    }
}
