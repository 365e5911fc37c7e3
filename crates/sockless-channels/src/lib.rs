#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(feature = "redis")]
extern crate std;

mod broker;
mod config;
mod delivery;
mod entropy;
mod history;
mod keys;
mod memory;
mod misuse;
mod node;
mod position;
#[cfg(feature = "redis")]
pub mod redis;
mod request;
mod retention;
mod roster;

pub use broker::{Broker, Held};
pub use config::Config;
pub use delivery::{
    Change, Delivery, Event, Fate, Look, Loss, PublicationId, Recovery, Start, Subscriber,
};
pub use entropy::Entropy;
pub use memory::Memory;
pub use misuse::Misuse;
pub use node::{LONGEST_KEY, LONGEST_NAME, Members, Node, NodeHeld};
pub use position::{Epoch, ParsePositionError, Position};
pub use request::{Answer, Command, Page, Push, ReadFrom, Request, RequestId};
pub use retention::Retention;
