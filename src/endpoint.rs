//! From an opening handshake to a connection. A server's answer is sent before the first frame; what the handshake has left in the input are
//! the peer's first frames.
//!
//! A server has one loop for everybody: a client that is answered with a page, or with what is wrong with its request, gets a connection that
//! writes this answer and ends ([`Asked::into_connection`](crate::handshake::Asked::into_connection),
//! [`Refusal::into_connection`](crate::handshake::Refusal::into_connection)).
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
//! let mut request = connector.request().to_vec();
//!
//! // The server accepts, and greets in the same packet.
//! let mut input = Input::new(&mut request);
//! let Some(Asked::WebSocket(request)) = Acceptor::new(&limits, now).poll(&mut input, now) else {
//!     panic!("a request for a WebSocket");
//! };
//! let acceptance = Acceptance::new().with_subprotocol(request.choose_subprotocol(&["chat"]));
//! let (mut server, _) = endpoint::accept(&request, &acceptance, Config::default())?;
//! server.send_text("hello")?;
//!
//! // The client finds both.
//! let mut packet = server.output().to_vec();
//! server.wrote(packet.len());
//! let mut input = Input::new(&mut packet);
//! let Some(Answered::Open { established, .. }) = connector.poll(&mut input, now) else {
//!     panic!("an open connection");
//! };
//! assert_eq!(established.subprotocol, Some("chat"));
//! let mut client = endpoint::client(&established, Config::default());
//! match client.poll(&mut input, now) {
//!     Some(Event::Text(text)) => assert_eq!(&*text, "hello"),
//!     other => panic!("{other:?}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::connection::{Config, Connection};
use crate::established::Established;
use crate::handshake::{Acceptance, Asked, HandshakeMisuse, Refusal, Request, RequestError};
#[cfg(feature = "getrandom")]
use crate::words::role::Client;
use crate::words::role::Server;

/// Accepts a request: returns the server's connection, whose output begins with the answer, and what was agreed on. What is left in the
/// input is for the connection to poll. The client waits for the answer: write the output before anything else is waited for.
///
/// # Errors
///
/// If the acceptance does not match the request, a mistake of the program. Nothing has been sent: answer with a
/// [`Refusal`] of status 500.
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

/// A client's connection on a stream whose handshake is over. What is left in the input is for the connection to poll.
#[cfg(feature = "getrandom")]
pub fn client(established: &Established<'_>, config: impl Into<Arc<Config>>) -> Connection<Client> {
    Connection::client(config).with_extensions(established.extensions)
}

impl Asked<'_> {
    /// The connection to go on with, whatever was asked for: open, if it was a WebSocket, without a subprotocol or an extension; and otherwise one
    /// that writes the answer to a plain request (426), or to one that breaks a rule, and ends.
    ///
    /// To decide otherwise, look at the request before: [`accept`] has every choice, and a [`Refusal`] any answer.
    ///
    /// ```
    /// use core::time::Duration;
    /// use sockless::handshake::{Acceptor, Asked, HeadLimits, Refusal};
    /// use sockless::{Config, Input, Want};
    ///
    /// let now = Duration::ZERO;
    /// let mut input = *b"GET /health HTTP/1.1\r\nHost: example.com\r\n\r\n";
    /// let mut input = Input::new(&mut input);
    /// let asked = Acceptor::new(&HeadLimits::default(), now).poll(&mut input, now).expect("a request");
    /// let mut connection = match asked {
    ///     Asked::Plain(request) if request.path() == "/health" => {
    ///         Refusal::new(200, &[], b"fine")?.into_connection(Config::default(), now)
    ///     }
    ///     asked => asked.into_connection(Config::default(), now),
    /// };
    ///
    /// // The loop is the one for every connection.
    /// assert!(connection.output().ends_with(b"fine"));
    /// connection.wrote(connection.output().len());
    /// assert_eq!(connection.want(), Want::ShutdownWrite);
    /// connection.shut();
    /// assert!(connection.poll(&mut Input::eof(), now).is_none());
    /// assert!(matches!(connection.want(), Want::Done(_)));
    /// # Ok::<(), sockless::handshake::HandshakeMisuse>(())
    /// ```
    pub fn into_connection(
        self,
        config: impl Into<Arc<Config>>,
        now: Duration,
    ) -> Connection<Server> {
        let config = config.into();
        let error = match self {
            Self::WebSocket(request) => {
                match accept(&request, &Acceptance::new(), Arc::clone(&config)) {
                    Ok((connection, _)) => return connection,
                    Err(_) => RequestError::PlainRequest,
                }
            }
            Self::Plain(_) => RequestError::PlainRequest,
            Self::Refused(error) => error,
        };
        answered(error.answer().to_vec(), config, now)
    }
}

impl Refusal<'_> {
    /// A connection that writes this answer and ends, for the loop that serves all connections: it is never open, and what the client still sends
    /// is thrown away. That may take as long as a [closing handshake](Config::close), from `now` on. Its outcome is
    /// [`Failure::Refused`](crate::Failure::Refused).
    pub fn into_connection(
        self,
        config: impl Into<Arc<Config>>,
        now: Duration,
    ) -> Connection<Server> {
        answered(self.to_vec(), config.into(), now)
    }
}

/// A connection that writes an answer and ends. Generic, so that it is compiled where a program calls it: compiled here, it would make
/// `Connection::poll` five instructions longer for each small message, in programs that never call it.
fn answered(answer: Vec<u8>, config: impl Into<Arc<Config>>, now: Duration) -> Connection<Server> {
    Connection::server(config).with_head(answer).refused(now)
}
