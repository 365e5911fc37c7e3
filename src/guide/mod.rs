//! The guide: what the reference of single items doesn't say. Documentation only; there is no code here.
//!
//! | chapter | for those who |
//! |---|---|
//! | [`design`] | want to know what is promised, how it is built, and why it is not built otherwise |
//! | [`driver`] | put Sockless under a runtime of their own |
//! | [`asynchronous`] | write a driver for an asynchronous runtime: what is raced, dropped and kept |
//! | [`backpressure`] | have peers that read slowly, or send fast |
//! | [`timers`] | need keepalives, idle times, and deadlines |
//! | [`closing`] | want every connection to end well, in whatever order things happen |
//! | [`testing`] | test what they have built on it, without sockets and without waiting |
//! | [`compression`] | consider `permessage-deflate`, and have to pay for it |
//! | [`migration`] | come from tungstenite, and drive the engine themselves |
//!
//! All code of ours in it is compiled and run with the tests. A chapter needs no code that isn't in it or in one above it, but for [`asynchronous`], whose pieces are
//! those of a program among the tests.

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
#[doc = include_str!("migration.md")]
#[doc = "\n# Reference\n\n[`Connection`](crate::Connection), [`Message`](crate::Message), [`handshake::Connector`](crate::handshake::Connector), [`frame::Limits`](crate::frame::Limits)"]
pub mod migration {}
#[doc = include_str!("testing.md")]
#[doc = "\n# Reference\n\n[`connection::Entropy`](crate::connection::Entropy), [`Connection::client_with`](crate::Connection::client_with), [`Input`](crate::Input)"]
pub mod testing {}
#[doc = include_str!("timers.md")]
#[doc = "\n# Reference\n\n[`Want::deadline`](crate::Want::deadline), [`Config`](crate::Config), [`handshake::HeadLimits`](crate::handshake::HeadLimits), [`connection::Keepalive`](crate::connection::Keepalive)"]
pub mod timers {}
