//! The handshake over HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220): an extended CONNECT, as lists of names and values.
//!
//! An HTTP library sends and receives the fields; here they are made and checked. There is no key, no `Upgrade` and no `Connection`,
//! and the answer is 200. On the stream that it opens, frames are masked, fragmented and closed as over TCP. The stream's end
//! (END_STREAM, or a FIN in HTTP/3) is the end of the connection's input; a reset with CANCEL or H3_REQUEST_CANCELLED is a lost
//! connection.
//!
//! ```
//! use sockless::handshake::{Acceptance, Offer, Url, connect};
//!
//! // The client, once the server's settings allow it.
//! let offer = Offer::new(Url::parse("wss://server.example.com/chat")?).with_subprotocols(&["chat"]);
//! let opening = connect::ConnectOpening::new(offer)?;
//! let sent: Vec<(String, Vec<u8>)> =
//!     opening.fields().map(|(name, value)| (name.to_string(), value.to_vec())).collect();
//!
//! // The server.
//! let arrived = sent.iter().map(|(name, value)| (name.as_bytes(), &value[..]));
//! let request = connect::ConnectRequest::decode(arrived)?;
//! assert_eq!((request.authority(), request.path()), ("server.example.com", "/chat"));
//! let acceptance = Acceptance::new().with_subprotocol(request.choose_subprotocol(&["chat"]));
//! let accepted = request.accept(&acceptance)?;
//! let sent: Vec<(String, Vec<u8>)> =
//!     accepted.fields().map(|(name, value)| (name.to_string(), value.to_vec())).collect();
//!
//! // The client again.
//! let arrived = sent.iter().map(|(name, value)| (name.as_bytes(), &value[..]));
//! match opening.check(accepted.status(), arrived) {
//!     connect::ConnectAnswered::Open(established) => assert_eq!(established.subprotocol, Some("chat")),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
#[cfg(feature = "http")]
mod http_types;
mod opening;
mod request;
mod setting;
mod stream_fields;
mod value;

pub use error::ConnectRequestError;
#[cfg(feature = "http")]
#[doc(hidden)]
pub use http_types::HttpFields;
pub use opening::{ConnectAnswered, ConnectOpening};
pub use request::{ConnectAccepted, ConnectRequest};
pub use setting::{Setting, SettingError};
pub use value::FieldValue;
