//! What is said of a Close frame: what it gave as the reason, and whose was the first.

use crate::words::close_code::CloseCode;

/// What a Close frame said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum CloseStatus {
    /// There was no Close frame.
    #[default]
    Absent,
    /// There was a Close frame without a code.
    Empty,
    /// There was a Close frame with this code.
    Code(CloseCode),
}

impl CloseStatus {
    /// Whether there was a Close frame.
    pub const fn is_present(self) -> bool {
        !matches!(self, Self::Absent)
    }

    /// The code in the frame.
    pub const fn code(self) -> Option<CloseCode> {
        match self {
            Self::Code(code) => Some(code),
            _ => None,
        }
    }

    /// The number that RFC 6455, section 7.1.5, gives this: the code in the frame, 1005 where there was no code, 1006 where there
    /// was no frame.
    pub const fn number(self) -> u16 {
        match self {
            //= https://www.rfc-editor.org/rfc/rfc6455#section-7.1.5
            //# If _The WebSocket Connection is Closed_ and no Close control frame was
            //# received by the endpoint (such as could occur if the underlying transport
            //# connection is lost), _The WebSocket Connection Close Code_ is considered
            //# to be 1006.
            Self::Absent => 1006,
            Self::Empty => 1005,
            Self::Code(code) => code.get(),
        }
    }
}

impl From<Option<CloseCode>> for CloseStatus {
    fn from(code: Option<CloseCode>) -> Self {
        code.map_or(Self::Empty, Self::Code)
    }
}

/// Who began the closing handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Initiator {
    /// This endpoint.
    Local,
    /// The peer.
    Remote,
}
