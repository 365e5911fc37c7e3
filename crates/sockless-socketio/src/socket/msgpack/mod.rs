//! The other form of packets: each is one binary message, a map in MessagePack, and what is binary in JavaScript lies where it belongs.
//!
//! `reading` makes JSON and attachments of it, as packets have them everywhere else, and `writing` goes the other way. What can't be said in
//! JSON becomes what `JSON.stringify` would make of it.

mod reading;
mod writing;

pub(super) use reading::read;
pub(super) use writing::{Data, write};
