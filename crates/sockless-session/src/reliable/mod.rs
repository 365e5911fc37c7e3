//! Reliable delivery: the subprotocol `sockless.reliable.v1`, both roles, as one state machine.
//!
//! A [`Session`] is one side's end of it. What it does with whom:
//!
//! ```text
//!  application      send, request, accept, end -->  +---------+  --> poll_output    the connection of the moment
//!                   <-- what receive and poll say   | Session |  <-- receive, lost
//!  storage          <-- take_batch                  +---------+
//!                   synced -->                         ^  |
//!                                                  now |  v deadline
//! ```
//!
//! [`spec`] is the protocol's text. Storage is the business of [`journal`](crate::journal); a server's sessions are kept in a
//! [`Table`].

mod config;
mod error;
mod id;
mod message;
mod number;
mod outbox;
mod output;
mod session;
mod table;
mod window;
mod wire;

/// The protocol's specification.
#[doc = include_str!("spec.md")]
pub mod spec {}

pub use config::{Acceptance, Config, Probe};
pub use error::{CloseReason, Denial, LinkError, Misuse, SendError, SendFailure, Violation};
pub use id::SessionId;
pub use message::{Incoming, Kind, Message, Payload};
pub use number::LAST as LAST_NUMBER;
pub use output::{Head, Output};
pub use session::{
    Batch, End, Event, Failed, Fate, Link, MOST_OPENINGS, Mark, Received, Role, Saved, SavedError,
    Session, Stage, Status,
};
pub use table::{Admission, Limits as TableLimits, Table};
pub use window::Window;
pub use wire::{Opening, Refusal};

/// The name of the subprotocol, for `Sec-WebSocket-Protocol`.
pub const SUBPROTOCOL: &str = "sockless.reliable.v1";
