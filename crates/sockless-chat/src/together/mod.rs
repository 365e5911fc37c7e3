//! Many servers as one: the log that all of them write to and follow, who is online elsewhere, and what can't be proven.
//!
//! [`Together`] is a machine around a node of `sockless-channels`. Writes of this server's chat and answers and pushes of the channels come
//! in; commands for the channels come out, and what has [`Happened`], in the order in which it happened for all. It knows no socket, clock or
//! task, and nothing of what a chat makes of it.

mod doubt;
mod entry;
mod ids;
mod log;
mod own;

pub use entry::State;
pub use ids::id_of;
pub use log::{Happened, Options, Together};
