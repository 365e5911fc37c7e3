//! The negotiated extension on the sending side: which messages it transforms, and what it makes of them. `Sender::send_transformed` puts
//! the result into frames.

use alloc::boxed::Box;
use alloc::vec::Vec;

use bytes::Bytes;

use crate::extension::door::Encode;
use crate::frame::Fragment;
use crate::message::Prepared;

/// The sending side of the negotiated extension, if there is one.
#[derive(Default)]
pub(super) struct SendTransform(Option<Box<State>>);

#[cfg_attr(not(feature = "deflate"), allow(dead_code))]
struct State {
    extension: Box<dyn Encode>,
    /// Whether messages that begin now are transformed.
    on: bool,
    /// Whether the open message is transformed.
    in_message: bool,
    /// The window, as a power of two, that the peer has for what we send.
    window: u8,
    /// From how many bytes on a message goes out as it is if its transformed form isn't shorter.
    waives: usize,
}

impl SendTransform {
    /// Encodes with this extension.
    #[cfg(feature = "deflate")]
    pub(super) fn new(extension: Box<dyn Encode>, window: u8, waives: usize) -> Self {
        let state = State { extension, on: true, in_message: false, window, waives };
        Self(Some(Box::new(state)))
    }

    /// Sets whether messages that begin from now on are transformed, if there is an extension.
    #[cfg(feature = "deflate")]
    pub(super) fn set_on(&mut self, on: bool) {
        if let Some(state) = &mut self.0 {
            state.on = on;
        }
    }

    /// Gives back the memory that isn't needed between messages.
    #[cfg(feature = "deflate")]
    pub(super) fn release(&mut self) {
        if let Some(state) = &mut self.0 {
            state.extension.release();
        }
    }

    /// Whether the fragment belongs to a message that is transformed. A whole message is not if it is shorter than the threshold.
    #[inline]
    pub(super) fn takes(&self, fragment: &Fragment, threshold: usize) -> bool {
        let Some(state) = &self.0 else {
            return false;
        };
        match fragment.first {
            Some(_) => state.on && !(fragment.fin && fragment.len < threshold as u64),
            None => state.in_message,
        }
    }

    /// Whether a message is open that is transformed.
    pub(super) fn is_in_message(&self) -> bool {
        self.0.as_ref().is_some_and(|state| state.in_message)
    }

    /// Appends the transformed payload of a fragment that it [takes](Self::takes) to `out`: its length. `None` if the payload had better go out
    /// as it is, and `out` may hold anything then after what it held.
    pub(super) fn append(
        &mut self,
        fragment: &Fragment,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let state = self.0.as_mut()?;
        let start = out.len();
        state.extension.encode(payload, fragment.fin, out);
        let len = out.len() - start;
        let whole = fragment.fin && fragment.first.is_some();
        if whole && len >= payload.len() && payload.len() >= state.waives {
            state.extension.forget();
            return None;
        }
        state.in_message = !fragment.fin;
        Some(len)
    }

    /// The transformed form of a prepared message, if it has one that the peer can take, to be sent now.
    pub(super) fn take_prepared<'m>(&mut self, message: &'m Prepared) -> Option<&'m Bytes> {
        let state = self.0.as_mut().filter(|state| state.on)?;
        let frame = message.transformed(state.window)?;
        // The peer's history gets what the encoder's doesn't.
        state.extension.forget();
        Some(frame)
    }
}
