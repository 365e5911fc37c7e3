//! The opening handshake (RFC 6455, section 4) in both roles, as state machines: the bytes that arrive go in, the outcome comes out.
//!
//! - A server makes an [`Acceptor`] for each stream. It yields a [`Request`] that follows every rule, which the application
//!   answers with an [`Acceptance`] or a [`Refusal`]; or it says which rule the request breaks, and has the HTTP answer
//!   ready ([`RequestError::answer`]).
//! - A client makes a [`Connector`] from an [`Offer`]. It has the request to be written, and yields what the server has
//!   [answered](Answered).
//!
//! Both are polled with an [`Input`](crate::Input), as a connection is, and end with [`Established`](crate::established::Established), from which
//! a connection is made. What they leave in the input are the peer's first frames: the connection is polled with the same input next.
//!
//! Nothing here needs an allocator: a caller without one lends a buffer for a head that arrives in several pieces, and another one
//! to write into. [`Request::decode`] and [`Response::decode`] read a head that the caller has put together. For streams that
//! another HTTP server has upgraded there is [`accept_key`] (with the feature `http` also `Upgrade`), for those of HTTP/2 and
//! HTTP/3 there is [`connect`].
//!
//! # Both ends in memory
//!
//! ```
//! use core::time::Duration;
//! use sockless::Input;
//! use sockless::handshake::{
//!     Acceptance, Acceptor, Answered, Asked, Connector, HeadLimits, Offer, Refusal, RequestError, Url,
//! };
//!
//! let (limits, now) = (HeadLimits::default(), Duration::ZERO);
//!
//! // The client asks. The nonce has to be random; `Connector::new` draws it from the operating system.
//! let offer = Offer::new(Url::parse("ws://example.com/chat")?).with_subprotocols(&["v2.chat", "chat"]);
//! let mut client = Connector::with_nonce(offer, *b"the sample nonce", &limits, now)?;
//! let mut request = client.request().to_vec();
//!
//! // The server looks at the request, and answers.
//! let mut server = Acceptor::new(&limits, now);
//! let answer = match server.poll(&mut Input::new(&mut request), now) {
//!     Some(Asked::WebSocket(request)) if request.path() == "/chat" => {
//!         let subprotocol = request.choose_subprotocol(&["chat"]);
//!         let switching = request.accept(&Acceptance::new().with_subprotocol(subprotocol))?;
//!         assert_eq!(switching.established().subprotocol, Some("chat"));
//!         switching.to_vec()
//!     }
//!     Some(Asked::WebSocket(_)) => Refusal::new(404, &[], b"")?.to_vec(),
//!     Some(Asked::Plain(_)) => RequestError::PlainRequest.answer().to_vec(),
//!     Some(Asked::Refused(error)) => error.answer().to_vec(),
//!     None => unreachable!("the whole request has arrived"),
//! };
//!
//! // The client checks the answer. What follows it are frames.
//! let mut arrived = answer.clone();
//! arrived.extend_from_slice(b"\x81\x02hi");
//! let mut input = Input::new(&mut arrived);
//! match client.poll(&mut input, now) {
//!     Some(Answered::Open { established, .. }) => {
//!         assert_eq!(established.subprotocol, Some("chat"));
//!         assert_eq!(input.into_rest(), b"\x81\x02hi");
//!     }
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where the RFCs leave a choice
//!
//! - Lines end with CRLF and nothing else; folded lines are refused, in answers too.
//! - A key is hashed as it was received. Surplus bits in its last character are accepted: RFC 6455 prints such a key.
//! - RFC 6455 lets a server split `Sec-WebSocket-Extensions` over several fields (section 4.2.2) and forbids it (11.3.2). A client
//!   here joins them; a server here sends one.
//! - An answer in which `Upgrade`, `Connection`, `Sec-WebSocket-Accept` or `Sec-WebSocket-Protocol` is repeated fails, as does
//!   one that announces a body for a switch of protocols. Other fields, such as `Set-Cookie`, may be repeated.
//! - A subprotocol that a client lists twice counts as listed once.

mod acceptance;
mod acceptor;
mod authority;
mod collected;
pub mod connect;
mod connector;
mod field;
mod head_buffer;
mod head_reader;
mod head_scan;
#[cfg(feature = "http")]
mod header_map;
#[cfg(feature = "http")]
mod http_types;
mod key;
mod limits;
mod misuse;
mod offer;
mod origins;
mod refusal;
mod request;
mod request_error;
mod request_fields;
mod response;
mod response_error;
mod response_fields;
mod sink;
mod subprotocols;
mod target;
mod url;
mod version;

pub use acceptance::{Acceptance, Switching};
pub use acceptor::{Acceptor, Asked};
pub use connector::{Answered, Connector};
pub use field::Field;
#[cfg(feature = "http")]
pub use http_types::Upgrade;
pub use key::accept_key;
pub use limits::HeadLimits;
pub use misuse::HandshakeMisuse;
pub use offer::{Offer, Opening};
pub use origins::Origins;
pub use refusal::Refusal;
pub use request::Request;
pub use request_error::RequestError;
pub use response::Response;
pub use response_error::ResponseError;
pub use url::{Url, UrlError};
