//! The Redis form: channels that any number of programs share. Needs tokio and the feature `redis`.

mod carrier;
mod entropy;
mod handles;
mod settings;
mod shared;
mod wire;

pub use handles::{Channels, Health, OpenError, Presence, PublishError, Published, Subscription};
pub use settings::Settings;
