//! The client's role in Socket.IO 5: events with acknowledgements in namespaces, over any number of sessions of Engine.IO.
//!
//! [`Client`] decides, and its driver carries out, as everywhere in this crate. It outlives its sessions: after one has ended, the next one
//! is put in its place, and the namespaces are joined anew, with what the server needs to recover what was missed.
//!
//! What happens is in `machine`, what is known of a namespace in `place`, what recovery needs in `recovery`.

mod machine;
mod output;
mod place;
mod recovery;

pub use machine::Client;
pub use output::{Asked, DisconnectReason, Event, Repeat, ReplyTo};
