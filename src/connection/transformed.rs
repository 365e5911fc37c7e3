//! Messages into the queue through the negotiated extension: the frames that come of it.
//!
//! How an extension transforms a payload is its own business; when something may be sent, the sender's.

use super::keys::Side;
use super::send_error::SendError;
use super::sender::Sender;
use crate::frame::header::MAX_LEN;
use crate::frame::{Fragment, Misuse};
use crate::message::Prepared;
use crate::words::opcode::Kind;
use crate::words::role::Server;

/// How much room is made for a transformed payload at first: its own length, within these bounds.
const ROOM: (usize, usize) = (1 << 10, 16 << 10);

impl<R: Side> Sender<R> {
    /// Whether the extension transforms the message that the fragment belongs to.
    #[inline]
    pub(super) fn transforms(&self, fragment: &Fragment) -> bool {
        #[cfg(feature = "deflate")]
        let threshold = self.config.deflate.threshold;
        #[cfg(not(feature = "deflate"))]
        let threshold = 0;
        self.outflow.takes(fragment, threshold)
    }

    /// Queues a fragment that has been admitted, transformed. False if nothing was queued: then it is to go out as it is.
    //= https://www.rfc-editor.org/rfc/rfc7692#section-6.1
    //# An endpoint MUST use the following algorithm to send a message in the
    //# form of a compressed message.
    #[inline(never)]
    pub(super) fn send_transformed(&mut self, fragment: Fragment, payload: &[u8]) -> bool {
        let Some(state) = &mut self.outflow.0 else {
            return false;
        };
        // The header's length depends on what comes behind it: there is room for any, and the payload moves up to the header.
        let batch = self.output.batch(MAX_LEN + payload.len().clamp(ROOM.0, ROOM.1));
        let start = batch.len();
        batch.resize(start + MAX_LEN, 0);
        state.extension.encode(payload, fragment.fin, batch);
        let len = batch.len() - start - MAX_LEN;
        let whole = fragment.fin && fragment.first.is_some();
        if whole && len >= payload.len() && payload.len() >= state.waives {
            batch.truncate(start);
            state.extension.forget();
            return false;
        }
        state.transforms = !fragment.fin;
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
        self.count(&fragment);
        true
    }

    /// Whether a frame may be queued whose payload the extension doesn't see.
    ///
    /// # Errors
    ///
    /// The frame would go on with a message that is transformed.
    pub(super) fn check_untouched(&self, first: Option<Kind>) -> Result<(), SendError> {
        match &self.outflow.0 {
            Some(state) if state.transforms && first.is_none() => {
                Err(SendError::Misuse(Misuse::MessageOpen))
            }
            _ => Ok(()),
        }
    }
}

impl Sender<Server> {
    /// Queues the transformed form of a prepared message, if it has one that the peer can take. It has been admitted.
    pub(super) fn send_prepared_transformed(&mut self, message: &Prepared) -> bool {
        let Some(state) = self.outflow.0.as_mut().filter(|state| state.on) else {
            return false;
        };
        let Some(frame) = message.transformed(state.window) else {
            return false;
        };
        // The peer's history gets what the encoder's doesn't.
        state.extension.forget();
        self.queue_frame(frame);
        true
    }
}
