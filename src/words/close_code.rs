//! Close status codes (RFC 6455, section 7.4, and the IANA registry).

use core::fmt;

/// A status code that may be in a Close frame.
///
/// Codes that must not be sent (0-999, 1004-1006, 1015-2999, 5000 and up) have no value of this type. For "no code" and "closed
/// abnormally", which are 1005 and 1006 in other libraries, the code is absent here.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(core::num::NonZeroU16);

impl CloseCode {
    /// 1000: the purpose of the connection has been fulfilled.
    pub const NORMAL: Self = Self::constant(1000);
    /// 1001: the endpoint is going away.
    pub const GOING_AWAY: Self = Self::constant(1001);
    /// 1002: a protocol error.
    pub const PROTOCOL_ERROR: Self = Self::constant(1002);
    /// 1003: a type of data that the endpoint can't accept.
    pub const UNSUPPORTED_DATA: Self = Self::constant(1003);
    /// 1007: data that doesn't match the type of the message, such as text that isn't UTF-8.
    pub const INVALID_PAYLOAD: Self = Self::constant(1007);
    /// 1008: a message that violates the endpoint's policy.
    pub const POLICY_VIOLATION: Self = Self::constant(1008);
    /// 1009: a message too big to process.
    pub const MESSAGE_TOO_BIG: Self = Self::constant(1009);
    /// 1010: the client expected an extension that the server did not negotiate.
    pub const MANDATORY_EXTENSION: Self = Self::constant(1010);
    /// 1011: an unexpected condition in the endpoint.
    pub const INTERNAL_ERROR: Self = Self::constant(1011);
    /// 1012: the service is restarting.
    pub const SERVICE_RESTART: Self = Self::constant(1012);
    /// 1013: the service is overloaded; try again later.
    pub const TRY_AGAIN_LATER: Self = Self::constant(1013);
    /// 1014: a gateway got an invalid answer from its upstream server.
    pub const BAD_GATEWAY: Self = Self::constant(1014);

    /// A code that is known to be valid; the build fails otherwise.
    const fn constant(code: u16) -> Self {
        match Self::new(code) {
            Some(code) => code,
            None => panic!("not a code for the wire"),
        }
    }

    /// The code, if it may be sent and received in a Close frame.
    pub const fn new(code: u16) -> Option<Self> {
        match code {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
            //# 1015 is a reserved value and MUST NOT be set as a status code in a Close
            //# control frame by an endpoint.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
            //# 1006 is a reserved value and MUST NOT be set as a status code in a Close
            //# control frame by an endpoint.
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1
            //# 1005 is a reserved value and MUST NOT be set as a status code in a Close
            //# control frame by an endpoint.
            1000..=1003 | 1007..=1014 | 3000..=4999 => match core::num::NonZeroU16::new(code) {
                Some(code) => Some(Self(code)),
                None => None,
            },
            _ => None,
        }
    }

    /// What the code is called in RFC 6455 and in IANA's registry, in lower case. `None` for codes that libraries and applications define: 3000 to 4999.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::NORMAL => "normal closure",
            Self::GOING_AWAY => "going away",
            Self::PROTOCOL_ERROR => "protocol error",
            Self::UNSUPPORTED_DATA => "unsupported data",
            Self::INVALID_PAYLOAD => "invalid frame payload data",
            Self::POLICY_VIOLATION => "policy violation",
            Self::MESSAGE_TOO_BIG => "message too big",
            Self::MANDATORY_EXTENSION => "mandatory extension",
            Self::INTERNAL_ERROR => "internal server error",
            Self::SERVICE_RESTART => "service restart",
            Self::TRY_AGAIN_LATER => "try again later",
            Self::BAD_GATEWAY => "bad gateway",
            _ => return None,
        })
    }

    /// The number on the wire.
    pub const fn get(self) -> u16 {
        self.0.get()
    }
}

/// A number that may not be in a Close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCodeError(u16);

impl fmt::Display for CloseCodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} may not be in a Close frame: codes are 1000-1003, 1007-1014 and 3000-4999",
            self.0
        )
    }
}

impl core::error::Error for CloseCodeError {}

impl TryFrom<u16> for CloseCode {
    type Error = CloseCodeError;

    fn try_from(code: u16) -> Result<Self, CloseCodeError> {
        Self::new(code).ok_or(CloseCodeError(code))
    }
}

impl From<CloseCode> for u16 {
    fn from(code: CloseCode) -> Self {
        code.get()
    }
}

impl fmt::Debug for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CloseCode({})", self.0)
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
