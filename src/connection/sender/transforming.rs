//! The sending half and the negotiated extension: frames of transformed messages into the queue (RFC 7692, section 6.1). Which messages
//! it transforms, and what it makes of a payload, is decided by `SendTransform`.

#[cfg(feature = "deflate")]
use alloc::boxed::Box;

use super::Sender;
use crate::connection::keys::Side;
#[cfg(feature = "deflate")]
use crate::connection::send_gate::SendGate;
#[cfg(feature = "deflate")]
use crate::connection::send_transform::SendTransform;
use crate::extension::Agreed;
#[cfg(feature = "deflate")]
use crate::extension::deflate;
#[cfg(feature = "deflate")]
use crate::frame::Encoder;
use crate::frame::Fragment;
use crate::frame::MAX_LEN;

/// How much room is made for a transformed payload at first: its own length, within these bounds.
const ROOM: (usize, usize) = (1 << 10, 16 << 10);

impl<R: Side> Sender<R> {
    /// The same half with the extensions that a handshake agreed on. Only before anything is sent: gate and encoder begin anew.
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
                self.gate = SendGate::new(true);
                self.transform = SendTransform::new(Box::new(encoder), window, waives);
                self.encoder = Encoder::with_level(self.config.simd.beside_compression());
            }
        }
        let _ = agreed;
        self
    }

    /// Sets whether messages that begin from now on are compressed, where the handshake has agreed on compression. At first they
    /// are. See [what to know](crate::extension::deflate#before-it-is-switched-on) about secrets.
    #[cfg(feature = "deflate")]
    pub fn set_compression(&mut self, on: bool) {
        self.transform.set_on(on);
    }

    /// Gives back the memory that compression doesn't need between messages, the history of earlier ones included: the next
    /// message is compressed by itself.
    #[cfg(feature = "deflate")]
    pub fn release(&mut self) {
        self.transform.release();
    }

    /// Whether the extension transforms the message that the fragment belongs to.
    #[inline]
    pub(super) fn transforms(&self, fragment: &Fragment) -> bool {
        #[cfg(feature = "deflate")]
        let threshold = self.config.deflate.threshold;
        #[cfg(not(feature = "deflate"))]
        let threshold = 0;
        self.transform.takes(fragment, threshold)
    }

    /// Queues a fragment that has been admitted, transformed. False if nothing was queued: then it is to go out as it is.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //# An endpoint MUST use the following algorithm to send a message in the
    //# form of a compressed message.
    #[inline(never)]
    pub(super) fn send_transformed(&mut self, fragment: Fragment, payload: &[u8]) -> bool {
        // The header's length depends on what follows it: there is room for any, and the payload moves up to the header.
        let batch = self.output.batch(MAX_LEN + payload.len().clamp(ROOM.0, ROOM.1));
        let start = batch.len();
        batch.resize(start + MAX_LEN, 0);
        let Some(len) = self.transform.append(&fragment, payload, batch) else {
            batch.truncate(start);
            return false;
        };
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# An endpoint MUST NOT set the "Per-Message Compressed" bit of control
        //# frames and non-first fragments of a data message.
        let rsv1 = fragment.first.is_some();
        let key = R::next_key(&mut self.keys);
        //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
        //# The opcode of the first frame of a compressed message indicates the opcode
        //# of the original message.
        let header =
            self.encoder.begin_checked(Fragment { rsv1, len: len as u64, ..fragment }, key);
        let end = start + header.len();
        batch.copy_within(start + MAX_LEN.., end);
        batch.truncate(end + len);
        batch[start..end].copy_from_slice(&header);
        if R::MASKS {
            let (mask, level) = self.encoder.mask();
            mask.apply(level, &mut batch[end..]);
        }
        self.encoder.written(len);
        self.count_data_frame(&fragment);
        true
    }
}
