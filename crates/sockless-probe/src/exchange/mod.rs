//! An open connection with a testee: frames out, events in, and what a case may wait for. How a case is judged as a whole is for
//! the cases.

mod agreement;
mod context;
mod event;
mod session;

pub(crate) use agreement::Agreement;
pub(crate) use context::Context;
pub(crate) use event::Event;
pub(crate) use session::Session;
