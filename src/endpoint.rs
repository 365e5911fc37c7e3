//! From an opening handshake to a connection. A server's answer is sent before the first frame; input that has arrived after the
//! head is the first frames.
//!
//! # Both ends in memory
//!
//! ```
//! use core::time::Duration;
//! use sockless::handshake::{Acceptance, Acceptor, Answered, Asked, Connector, HeadLimits, Offer, Url};
//! use sockless::{Config, Event, Input, endpoint};
//!
//! let (limits, now) = (HeadLimits::default(), Duration::ZERO);
//! let offer = Offer::new(Url::parse("ws://example.com/chat")?).with_subprotocols(&["chat"]);
//! let mut connector = Connector::new(offer, &limits, now)?;
//! let request = connector.request().to_vec();
//!
//! // The server accepts, and greets in the same packet.
//! let Some(Asked::WebSocket(request)) = Acceptor::new(&limits, now).poll(&request, now) else {
//!     panic!("a request for a WebSocket");
//! };
//! let acceptance = Acceptance::new().with_subprotocol(request.choose_subprotocol(&["chat"]));
//! let (mut server, _) = endpoint::accept(&request, &acceptance, Config::default())?;
//! server.send_text("hello")?;
//!
//! // The client finds both.
//! let mut packet = server.output().to_vec();
//! server.wrote(packet.len());
//! let Some(Answered::Open { established, response }) = connector.poll(&packet, now) else {
//!     panic!("an open connection");
//! };
//! assert_eq!(established.subprotocol, Some("chat"));
//! let mut client = endpoint::client(&established, Config::default());
//! let head = response.consumed();
//! let mut input = Input::new(&mut packet[head..]);
//! match client.poll(&mut input, now) {
//!     Some(Event::Text(text)) => assert_eq!(&*text, "hello"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::sync::Arc;

use crate::connection::{Config, Connection};
use crate::established::Established;
use crate::handshake::{Acceptance, HandshakeMisuse, Request};
#[cfg(feature = "getrandom")]
use crate::words::role::Client;
use crate::words::role::Server;

/// Accepts a request: returns the server's connection, whose output begins with the answer, and what was agreed on. Pass the input
/// after [`Request::consumed`] to the connection. The client waits for the answer: write the output before anything else is waited for.
///
/// # Errors
///
/// If the acceptance does not match the request, a mistake of the program. Nothing has been sent: answer with a
/// [`Refusal`](crate::handshake::Refusal) of status 500.
pub fn accept<'a>(
    request: &Request<'_>,
    acceptance: &Acceptance<'a>,
    config: impl Into<Arc<Config>>,
) -> Result<(Connection<Server>, Established<'a>), HandshakeMisuse> {
    let switching = request.accept(acceptance)?;
    let established = switching.established();
    let connection = server(&established, config).with_head(switching.to_vec());
    Ok((connection, established))
}

/// A server's connection on a stream whose handshake is over, whether it was ours or another HTTP server's, over HTTP/1.1, HTTP/2
/// or HTTP/3.
pub fn server(established: &Established<'_>, config: impl Into<Arc<Config>>) -> Connection<Server> {
    Connection::server(config).with_extensions(established.extensions)
}

/// A client's connection on a stream whose handshake is over. Pass the input after
/// [`Response::consumed`](crate::handshake::Response::consumed) to the connection.
#[cfg(feature = "getrandom")]
pub fn client(established: &Established<'_>, config: impl Into<Arc<Config>>) -> Connection<Client> {
    Connection::client(config).with_extensions(established.extensions)
}
