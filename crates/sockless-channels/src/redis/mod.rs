//! The Redis form: channels that any number of programs share. Needs tokio and the feature `redis`.
//!
//! Everything that is decided is decided by a [`Node`](crate::Node) and by three scripts inside Redis, which do what a
//! [`Broker`](crate::Broker) does. What is here carries bytes: one task, one connection.
//! [`Carrier`] carries for a node of yours.
//!
//! ```no_run
//! use sockless_channels::redis::{Channels, Settings};
//! use sockless_channels::{Delivery, Start};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let channels = Channels::open(Settings::new("redis://127.0.0.1/"))?;
//! let published = channels.publish("room", None, "hello".into()).await?;
//! println!("it is at {}", published.position);
//!
//! let mut ann = channels.subscribe("room", Start::Oldest)?;
//! loop {
//!     match ann.next().await {
//!         Delivery::Started { position, recovery } => println!("at {position}, {recovery:?}"),
//!         Delivery::Publication { position, payload } => println!("{position}: {payload:?}"),
//!         Delivery::Gap { after, position, loss } => println!("{after} to {position}: {loss:?}"),
//!     }
//! }
//! # }
//! ```
//!
//! # Where things are in Redis
//!
//! | key | type | content |
//! |---|---|---|
//! | `h:` and the channel | hash | epoch, where it began, newest offset, the run in which it was written, bytes in all |
//! | `s:` and the channel | stream | the publications: the first half of an entry's id is its offset |
//! | `k:`, length and name of the channel, the key | string | where the publication with this idempotency key is |
//! | `t:` and the channel | sorted set | when each member's time is up |
//! | `i:` and the channel | hash | what each member shows |
//! | `p:` and the channel | pub/sub | what was published, `E` for another epoch, `M` for a change of members |
//!
//! All of them after the prefix, and all with an expiry.

mod carrier;
mod entropy;
mod handles;
mod settings;
mod shared;
mod task;
mod wire;

pub use carrier::{Carried, Carrier};
pub use handles::{Channels, Health, OpenError, Presence, PublishError, Published, Subscription};
pub use settings::Settings;
