#![doc = include_str!("../../../docs/cluster.md")]

mod answering;
mod asking;
mod calls;
mod coming;
mod deed;
mod doing;
mod going;
mod passing;
mod pump;
mod returning;
mod settings;
mod snapshot;
mod state;
mod stream;

pub use asking::{Found, Inquiry};
pub use settings::Cluster;
pub use state::Channels;

pub(super) use state::State;
