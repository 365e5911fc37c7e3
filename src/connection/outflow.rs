//! The sending side of the negotiated extension: which messages it transforms.

use alloc::boxed::Box;

use crate::extension::door::Encode;
use crate::frame::Fragment;

/// The sending side of the negotiated extension.
#[derive(Default)]
pub(crate) struct Outflow(pub(super) Option<Box<State>>);

#[cfg_attr(not(feature = "deflate"), allow(dead_code))]
pub(super) struct State {
    pub(super) extension: Box<dyn Encode>,
    /// Whether messages that begin now are transformed.
    pub(super) on: bool,
    /// Whether the message under way is transformed.
    pub(super) transforms: bool,
    /// The window, as a power of two, that the peer has for what we send.
    pub(super) window: u8,
    /// From how many bytes on a message goes out as it is if its transformed form isn't shorter.
    pub(super) waives: usize,
}

impl Outflow {
    /// Encodes with this extension.
    #[cfg(feature = "deflate")]
    pub(crate) fn new(extension: Box<dyn Encode>, window: u8, waives: usize) -> Self {
        let state = State { extension, on: true, transforms: false, window, waives };
        Self(Some(Box::new(state)))
    }

    /// Sets whether messages that begin from now on are transformed.
    #[cfg(feature = "deflate")]
    pub(crate) fn switch(&mut self, on: bool) {
        if let Some(state) = &mut self.0 {
            state.on = on;
        }
    }

    /// Gives back the memory that isn't needed between messages.
    #[cfg(feature = "deflate")]
    pub(crate) fn release(&mut self) {
        if let Some(state) = &mut self.0 {
            state.extension.release();
        }
    }

    /// Whether no extension has been negotiated.
    #[inline(always)]
    pub(crate) fn is_absent(&self) -> bool {
        self.0.is_none()
    }

    /// Whether the fragment belongs to a message that is transformed. A whole message is not if it is shorter than the threshold.
    #[inline]
    pub(crate) fn takes(&self, fragment: &Fragment, threshold: usize) -> bool {
        let Some(state) = &self.0 else {
            return false;
        };
        match fragment.first {
            Some(_) => state.on && !(fragment.fin && fragment.len < threshold as u64),
            None => state.transforms,
        }
    }
}
