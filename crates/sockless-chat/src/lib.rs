//! The parts of the program `sockless-chat`. `docs/design.md` says what each knows and must not know.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test may"))]

pub mod chat;
pub mod log;
pub mod server;
pub mod settings;
pub mod store;
pub mod together;
pub mod token;
