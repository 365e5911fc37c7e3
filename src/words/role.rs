//! The two roles of RFC 6455: a client masks its frames, a server does not.
//!
//! Roles are types, so that the code of each is compiled without the branches of the other.

use core::fmt;

mod sealed {
    pub trait Sealed {}
}

/// An endpoint's role: [`Server`] or [`Client`]. Sealed.
pub trait Role:
    sealed::Sealed + Copy + Default + fmt::Debug + Send + Sync + Unpin + 'static
{
    /// Whether the frames that this role sends are masked (RFC 6455, section 5.1).
    const MASKS: bool;
    /// The role at the other end.
    type Peer: Role<Peer = Self>;
    /// What masking a frame takes: a key for a client, nothing for a server.
    type Key: Copy + fmt::Debug + Send + Sync + Unpin + 'static;

    /// The masking key in the header of a frame, if it has one.
    fn octets(key: Self::Key) -> Option<[u8; 4]>;
}

/// The endpoint that answered the opening handshake. It receives masked frames and sends unmasked ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Server;

/// The endpoint that began the opening handshake. It sends masked frames and receives unmasked ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Client;

impl sealed::Sealed for Server {}
impl sealed::Sealed for Client {}

impl Role for Server {
    const MASKS: bool = false;
    type Peer = Client;
    type Key = ();

    #[inline]
    fn octets((): ()) -> Option<[u8; 4]> {
        None
    }
}

impl Role for Client {
    const MASKS: bool = true;
    type Peer = Server;
    type Key = [u8; 4];

    #[inline]
    fn octets(key: [u8; 4]) -> Option<[u8; 4]> {
        Some(key)
    }
}
