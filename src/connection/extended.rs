//! Taking over what a handshake agreed on about extensions, and what an application can ask of an extension in use.

#[cfg(feature = "deflate")]
use alloc::boxed::Box;

#[cfg(feature = "deflate")]
use super::inflow::Inflow;
use super::keys::Side;
#[cfg(feature = "deflate")]
use super::outflow::Outflow;
use super::receiver::Receiver;
use super::sender::Sender;
use super::whole::Connection;
use crate::extension::Agreed;
#[cfg(feature = "deflate")]
use crate::extension::deflate;
#[cfg(feature = "deflate")]
use crate::frame::{Decoder, Encoder};
use crate::words::role::Role;
#[cfg(feature = "deflate")]
use crate::words::simd::{Instructions, Level};

/// The SIMD level for masking beside compression. Many a CPU slows its clock down for a while after 512-bit vectors: the masking of
/// a few hundred bytes would cost the compression of them a tenth of its time.
#[cfg(feature = "deflate")]
fn beside_deflate(level: Level) -> Level {
    match level.instructions() {
        Instructions::Avx512 => Level::new(Instructions::Avx2).unwrap_or(level),
        _ => level,
    }
}

impl<R: Role> Receiver<R> {
    /// The same half, at the beginning of a connection, with the extensions that a handshake agreed on.
    #[must_use]
    #[cfg_attr(not(feature = "deflate"), allow(unused_mut))]
    pub fn with_extensions(mut self, agreed: Agreed) -> Self {
        #[cfg(feature = "deflate")]
        if let Some(parameters) = agreed.deflate {
            let direction = parameters.sent_by::<R::Peer>();
            let pool = self.config.deflate.pool.clone();
            self.inflow = Inflow::new(Box::new(deflate::DeflateDecoder::new(direction, pool)));
            self.decoder = Decoder::with_level(beside_deflate(self.config.simd)).claiming_rsv1();
        }
        let _ = agreed;
        self
    }

    /// Gives back the memory that compression doesn't need between messages. The history of earlier messages stays, where the
    /// peer may refer to it; without context takeover nothing stays.
    #[cfg(feature = "deflate")]
    pub fn release(&mut self) {
        self.inflow.release();
    }
}

impl<R: Side> Sender<R> {
    /// The same half, at the beginning of a connection, with the extensions that a handshake agreed on.
    #[must_use]
    #[cfg_attr(not(feature = "deflate"), allow(unused_mut))]
    pub fn with_extensions(mut self, agreed: Agreed) -> Self {
        #[cfg(feature = "deflate")]
        if let Some(parameters) = agreed.deflate {
            let direction = parameters.sent_by::<R>();
            if let Some(encoder) = deflate::DeflateEncoder::new(direction, &self.config.deflate) {
                // A history is worth keeping, unless the message has displaced it anyway.
                let waives = if direction.has_takeover() { direction.window().window() } else { 0 };
                let window = direction.window().get();
                self.outflow = Outflow::new(Box::new(encoder), window, waives);
                self.encoder = Encoder::with_level(beside_deflate(self.config.simd));
            }
        }
        let _ = agreed;
        self
    }

    /// Sets whether messages that begin from now on are compressed, where the handshake has agreed on compression. At first they
    /// are. See [what to know](crate::extension::deflate#before-it-is-switched-on) about secrets.
    #[cfg(feature = "deflate")]
    pub fn set_compression(&mut self, on: bool) {
        self.outflow.switch(on);
    }

    /// Gives back the memory that compression doesn't need between messages, the history of earlier ones included: the next
    /// message is compressed by itself.
    #[cfg(feature = "deflate")]
    pub fn release(&mut self) {
        self.outflow.release();
    }
}

impl<R: Side> Connection<R> {
    /// The same connection, at its beginning, with the extensions that a handshake agreed on.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-5
    //# If a server responds with a valid PMCE element in the "Sec-WebSocket-
    //# Extensions" header and _the WebSocket Connection is established_,
    //# both endpoints MUST use the algorithm described in Section 6 and the
    //# message payload transformation (compressing and decompressing)
    //# procedure of the PMCE configured with the "agreed parameters"
    //# returned by the server to exchange messages.
    #[must_use]
    pub fn with_extensions(self, agreed: Agreed) -> Self {
        let (receiver, sender) = self.split();
        Self::join(receiver.with_extensions(agreed), sender.with_extensions(agreed))
    }

    /// Sets whether messages that begin from now on are compressed, where the handshake has agreed on compression. At first they
    /// are. See [what to know](crate::extension::deflate#before-it-is-switched-on) about secrets.
    #[cfg(feature = "deflate")]
    pub fn set_compression(&mut self, on: bool) {
        self.sender.set_compression(on);
    }

    /// Gives back the memory that compression doesn't need between messages. Of the peer's messages the history stays, where the
    /// peer may refer to it; of ours nothing stays, and the next one is compressed by itself.
    #[cfg(feature = "deflate")]
    pub fn release(&mut self) {
        self.receiver.release();
        self.sender.release();
    }
}
