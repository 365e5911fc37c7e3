//! Extensions (RFC 6455, section 9): what is offered and agreed on, and what an agreed one does to messages.
//!
//! [`Supported`] is what an endpoint is willing to use: a server
//! [accepts](Supported::accept) from it, a client [offers](Supported::offer) it and [checks](Supported::check) the answer. Both
//! end with [`Agreed`].
//!
//! The interface through which an extension transforms the payload of messages is internal until there is a second extension.

mod agreed;
mod answer_error;
#[cfg(feature = "deflate")]
pub mod deflate;
#[cfg(feature = "alloc")]
#[cfg_attr(not(feature = "deflate"), allow(dead_code))]
pub(crate) mod door;
#[doc(hidden)]
pub mod header;
mod malformed;
mod negotiation;

pub use agreed::Agreed;
#[cfg(feature = "handshake")]
pub(crate) use agreed::Answer;
pub use answer_error::AnswerError;
pub use malformed::Malformed;
#[cfg(feature = "handshake")]
pub(crate) use negotiation::ExtensionOffer;
pub use negotiation::Supported;
