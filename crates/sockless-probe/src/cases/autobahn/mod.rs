//! The cases of the Autobahn test suite, by its numbers and its verdicts.

pub(super) mod closing;
pub(super) mod compressed;
pub(super) mod framing;
pub(super) mod large;
mod script;
mod scripted;
pub(super) mod text;
