//! The chapters about the opening handshake, as one program. `handshake_cost` is a program by itself, since it brings an allocator
//! that counts in its way.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]

mod heads;

mod handshake_client;
mod handshake_extensions;
mod handshake_h2;
mod handshake_http;
mod handshake_server;
mod handshake_split;
