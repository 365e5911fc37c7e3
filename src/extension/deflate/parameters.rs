//! The parameters of `permessage-deflate` (RFC 7692, section 7.1): what they are and how they are written. Whether an offer or
//! an answer is acceptable doesn't live here.

use core::fmt;

use crate::extension::header::{Params, Value};
use crate::words::role::Role;

/// The registered name of the extension.
pub const NAME: &str = "permessage-deflate";

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
    /// No compressor at hand keeps to it: a server declines to compress so, and a client told to sends uncompressed.
    pub const MIN: Self = Self(8);
    /// 15: a window of 32,768 bytes.
    pub const MAX: Self = Self(15);
    /// 9: the smallest window that messages are compressed with.
    pub(crate) const COMPRESSIBLE: Self = Self(9);

    /// The value, if it is one of 8 to 15.
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
    fn read(value: Value<'_>) -> Option<Self> {
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
/// They bind both endpoints. In what [`Supported::check`](crate::extension::Supported::check) returns to a client, the
/// client's own hints are applied on top of the answer, since it has promised to keep to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Parameters {
    /// Whether the server compresses each message for itself.
    pub server_no_context_takeover: bool,
    /// Whether the client compresses each message for itself.
    pub client_no_context_takeover: bool,
    /// The largest window that the server may compress with; absent, it is 32,768 bytes.
    pub server_max_window_bits: Option<WindowBits>,
    /// The largest window that the client may compress with; absent, it is 32,768 bytes.
    pub client_max_window_bits: Option<WindowBits>,
}

/// How messages that go one way are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Direction {
    /// The largest window that the sender may use.
    pub(crate) window: WindowBits,
    /// Whether the sender may refer to earlier messages.
    pub(crate) takeover: bool,
}

impl Parameters {
    /// How the messages are compressed that an endpoint in the role `R` sends.
    pub(crate) fn sent_by<R: Role>(self) -> Direction {
        if R::MASKS { self.sent_by_client() } else { self.sent_by_server() }
    }

    fn sent_by_server(self) -> Direction {
        Direction {
            window: self.server_max_window_bits.unwrap_or(WindowBits::MAX),
            takeover: !self.server_no_context_takeover,
        }
    }

    fn sent_by_client(self) -> Direction {
        Direction {
            window: self.client_max_window_bits.unwrap_or(WindowBits::MAX),
            takeover: !self.client_no_context_takeover,
        }
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Written {
            server_no_context_takeover: self.server_no_context_takeover,
            client_no_context_takeover: self.client_no_context_takeover,
            server_max_window_bits: self.server_max_window_bits,
            client_max_window_bits: self.client_max_window_bits.map(Some),
        }
        .fmt(f)
    }
}

/// An element of the header as it is written, in an offer as in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) server_no_context_takeover: bool,
    pub(super) client_no_context_takeover: bool,
    pub(super) server_max_window_bits: Option<WindowBits>,
    /// The parameter, if it is there, with the value that it may have in an offer and must have in an answer.
    pub(super) client_max_window_bits: Option<Option<WindowBits>>,
}

impl Written {
    /// Reads the parameters of an element; none if one is unknown or repeated, or has an invalid value.
    pub(super) fn read(params: Params<'_>) -> Option<Self> {
        let mut written = Self::default();
        for param in params {
            match (param.name(), param.value()) {
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.1
                //# The "server_no_context_takeover" extension parameter in an extension
                //# negotiation response has no value.
                (SERVER_NO_CONTEXT_TAKEOVER, None) if !written.server_no_context_takeover => {
                    written.server_no_context_takeover = true;
                }
                //= https://www.rfc-editor.org/rfc/rfc7692#section-7.1.1.2
                //# The "client_no_context_takeover" extension parameter in an extension
                //# negotiation response has no value.
                (CLIENT_NO_CONTEXT_TAKEOVER, None) if !written.client_no_context_takeover => {
                    written.client_no_context_takeover = true;
                }
                (SERVER_MAX_WINDOW_BITS, Some(value))
                    if written.server_max_window_bits.is_none() =>
                {
                    written.server_max_window_bits = Some(WindowBits::read(value)?);
                }
                (CLIENT_MAX_WINDOW_BITS, value) if written.client_max_window_bits.is_none() => {
                    written.client_max_window_bits = Some(match value {
                        Some(value) => Some(WindowBits::read(value)?),
                        None => None,
                    });
                }
                _ => return None,
            }
        }
        Some(written)
    }
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NAME)?;
        if self.server_no_context_takeover {
            write!(f, "; {SERVER_NO_CONTEXT_TAKEOVER}")?;
        }
        if self.client_no_context_takeover {
            write!(f, "; {CLIENT_NO_CONTEXT_TAKEOVER}")?;
        }
        if let Some(bits) = self.server_max_window_bits {
            write!(f, "; {SERVER_MAX_WINDOW_BITS}={bits}")?;
        }
        match self.client_max_window_bits {
            Some(Some(bits)) => write!(f, "; {CLIENT_MAX_WINDOW_BITS}={bits}"),
            Some(None) => write!(f, "; {CLIENT_MAX_WINDOW_BITS}"),
            None => Ok(()),
        }
    }
}
