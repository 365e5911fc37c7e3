//! The clients: they know of the protocol what they need to count answers, and check each one's length.

pub mod broadcast;
pub mod echo;
mod frames;
pub mod idle;
pub mod polling;
mod websocket;

use std::io;

/// What is wrong with an answer.
pub fn wrong(what: impl Into<String>) -> io::Error {
    io::Error::other(what.into())
}
