//! The guide: what the reference of single items doesn't say. Documentation only; there is no code here.
//!
//! | chapter | for those who | its programs | beside the engine |
//! |---|---|---|---|
//! | [`driver`] | put Sockless under a runtime of their own | a server, and a client that talks to it | |
//! | [`large`] | send or receive files, or whatever is longer than memory | both sides of a transfer, on the client's loop, without an opening handshake | |
//! | [`asynchronous`] | write a driver for an asynchronous runtime: what is raced, dropped and kept | the server once more | `smol` |
//! | [`backpressure`] | have peers that read slowly, or send fast | the connection alone | |
//! | [`timers`] | need keepalives, idle times, and deadlines | the connection alone | |
//! | [`closing`] | want every connection to end well, in whatever order things happen | the connection alone | |
//! | [`testing`] | test what they have built on it, without sockets and without waiting | two connections in memory | |
//! | [`compression`] | consider `permessage-deflate`, and have to pay for it | the handshake and the connection alone | the feature `deflate` |
//! | [`frames`] | need frames alone, without an allocator | a decoder, an encoder | no default features |
//! | [`migration`] | come from tungstenite, and drive the engine themselves | a request that is looked at | |
//! | [`design`] | want to know what is promised, how it is built, and why it is not built otherwise | none | |
//!
//! Every program is whole: it stands in one block, with no line hidden, and is a `src/main.rs` as it is, in a package that depends on `sockless` and on what the last column
//! names. So no chapter needs the code of another, but for the opening handshake in `large`: it says where to put that of `driver`. They are not one program that grows, but those that have a stream have one loop, word for word, and what is
//! about the connection alone changes that connection's settings in any of them. All of them are compiled with the tests and run there.
//!
//! ```toml
//! [dependencies]
//! sockless = { path = "../sockless" } # a clone of the repository; `version = "0.1"` once it is published
//! ```

#[doc = include_str!("asynchronous.md")]
#[doc = "\n# Reference\n\n[`Connection`](crate::Connection), [`Input`](crate::Input), [`Want`](crate::Want), [`handshake::Acceptor`](crate::handshake::Acceptor)"]
pub mod asynchronous {}
#[doc = include_str!("backpressure.md")]
#[doc = "\n# Reference\n\n[`Config`](crate::Config), [`Connection::is_congested`](crate::Connection::is_congested), [`Connection::queued`](crate::Connection::queued), [`SendError`](crate::SendError), [`Prepared`](crate::Prepared)"]
pub mod backpressure {}
#[doc = include_str!("closing.md")]
#[doc = "\n# Reference\n\n[`Connection::close`](crate::Connection::close), [`Want`](crate::Want), [`Outcome`](crate::Outcome), [`Failure`](crate::Failure), [`CloseCode`](crate::CloseCode)"]
pub mod closing {}
#[cfg_attr(feature = "deflate", doc = include_str!("compression.md"))]
#[cfg_attr(
    not(feature = "deflate"),
    doc = "This chapter needs the feature `deflate`, as its code does."
)]
pub mod compression {}
#[doc = include_str!("design.md")]
#[doc = "\n# Reference\n\n[`Connection`](crate::Connection), [`frame`](crate::frame), [`handshake`](crate::handshake), [`endpoint`](crate::endpoint)"]
pub mod design {}
#[doc = include_str!("driver.md")]
#[doc = "\n# Reference\n\n[`Connection`](crate::Connection), [`Input`](crate::Input), [`Event`](crate::Event), [`Want`](crate::Want), [`handshake::Acceptor`](crate::handshake::Acceptor), [`endpoint`](crate::endpoint)"]
pub mod driver {}
#[doc = include_str!("frames.md")]
#[doc = "\n# Reference\n\n[`Decoder`](crate::frame::Decoder), [`Encoder`](crate::frame::Encoder), [`Piece`](crate::frame::Piece), [`Fragment`](crate::frame::Fragment), [`Violation`](crate::frame::Violation)"]
pub mod frames {}
#[doc = include_str!("large.md")]
#[doc = "\n# Reference\n\n[`Delivery`](crate::Delivery), [`Part`](crate::message::Part), [`Connection::begin_binary`](crate::Connection::begin_binary), [`Connection::stream_frame`](crate::Connection::stream_frame), [`frame::Limits`](crate::frame::Limits)"]
pub mod large {}
#[doc = include_str!("migration.md")]
#[doc = "\n# Reference\n\n[`Connection`](crate::Connection), [`Message`](crate::Message), [`handshake::Connector`](crate::handshake::Connector), [`frame::Limits`](crate::frame::Limits)"]
pub mod migration {}
#[doc = include_str!("testing.md")]
#[doc = "\n# Reference\n\n[`connection::Entropy`](crate::connection::Entropy), [`Connection::client_with`](crate::Connection::client_with), [`Input`](crate::Input)"]
pub mod testing {}
#[doc = include_str!("timers.md")]
#[doc = "\n# Reference\n\n[`Want::deadline`](crate::Want::deadline), [`Config`](crate::Config), [`handshake::HeadLimits`](crate::handshake::HeadLimits), [`connection::Keepalive`](crate::connection::Keepalive)"]
pub mod timers {}
