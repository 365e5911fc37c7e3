//! Connection state recovery: a client that comes back within a time gets what it has missed, in its rooms and under its id, or hears that
//! it was not recovered.
//!
//! A client gets a private id when it is accepted, and from then on its position is known: a quiet client, to which nothing was ever sent,
//! comes back as well as a busy one. What is sent to it carries the position after it, which the client says when it comes back. Positions
//! are compared and never looked up.
//!
//! What was sent is in `history`, and how it is written there in `publication`; which rooms a client was in at which position in
//! `membership`; those who have gone and may come back in `records`. When any of it is used is decided in `admitting` and `sending`.

mod history;
mod membership;
mod publication;
mod records;
mod settings;

pub(super) use history::History;
pub(super) use membership::Membership;
pub(super) use publication::{Audience, Publication};
pub(super) use records::{Record, Records};
pub use settings::Recovery;
