#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(any(feature = "tokio", feature = "client")), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

#[cfg(feature = "client")]
pub mod client;
pub mod engine;
mod entropy;
mod json_string;
#[cfg(feature = "tokio")]
pub mod service;
mod slots;
pub mod socket;

pub use entropy::Entropy;
