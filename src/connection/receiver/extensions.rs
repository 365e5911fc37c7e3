//! The receiving half and the extensions that a handshake agreed on.

#[cfg(feature = "deflate")]
use alloc::boxed::Box;

use super::Receiver;
#[cfg(feature = "deflate")]
use crate::connection::incoming::Incoming;
#[cfg(feature = "deflate")]
use crate::connection::receive_transform::ReceiveTransform;
use crate::extension::Agreed;
#[cfg(feature = "deflate")]
use crate::extension::deflate;
use crate::words::role::Role;

impl<R: Role> Receiver<R> {
    /// The same half with the extensions that a handshake agreed on. Only before the first poll: what arrives begins anew.
    #[must_use]
    #[cfg_attr(not(feature = "deflate"), allow(unused_mut))]
    pub fn with_extensions(mut self, agreed: Agreed) -> Self {
        #[cfg(feature = "deflate")]
        if let Some(parameters) = agreed.deflate {
            let direction = parameters.sent_by::<R::Peer>();
            let pool = self.config.deflate.pool.clone();
            let transform =
                ReceiveTransform::new(Box::new(deflate::DeflateDecoder::new(direction, pool)));
            self.incoming = Incoming::transformed(&self.config, transform);
        }
        let _ = agreed;
        self
    }

    /// Gives back the memory that compression doesn't need between messages. The history of earlier messages stays, where the
    /// peer may refer to it; without context takeover nothing stays.
    #[cfg(feature = "deflate")]
    pub fn release(&mut self) {
        self.incoming.release();
    }
}
