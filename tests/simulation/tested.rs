//! What is simulated: the library's own connections, as [`sockless::endpoint`] makes them out of a handshake.

use std::sync::Arc;

use sockless::connection::{Borrowed, SendError, Side};
use sockless::established::Established;
use sockless::handshake::{Acceptance, Request};
use sockless::{Client, Config, Connection, Kind, Prepared, Server, endpoint};

use crate::random::Random;

/// A connection under test.
pub(crate) type Tested<R> = Connection<R>;

/// A server's connection, and what has to be written before its output: nothing, since the answer is in it.
pub(crate) fn accept<'a>(
    request: &Request<'_>,
    acceptance: &Acceptance<'a>,
    config: Arc<Config>,
) -> (Tested<Server>, Established<'a>, Vec<u8>) {
    let (connection, established) =
        endpoint::accept(request, acceptance, config).expect("a good acceptance");
    (connection, established, Vec::new())
}

/// A client's connection.
pub(crate) fn client(
    established: &Established<'_>,
    config: Arc<Config>,
    keys: Random,
) -> Tested<Client> {
    Connection::client_with(config, keys).with_extensions(established.extensions)
}

/// Ways of sending that only one role has.
pub(crate) trait Special {
    /// Sends a message in such a way; `write` takes bytes for the wire, and says how many.
    fn send_specially(
        &mut self,
        kind: Kind,
        payload: &str,
        write: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Result<(), SendError>;
}

impl Special for Connection<Server> {
    fn send_specially(
        &mut self,
        kind: Kind,
        payload: &str,
        write: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Result<(), SendError> {
        match (kind, payload.len() % 2) {
            (Kind::Text, 0) => self.send_prepared(&prepared(Prepared::text(payload))),
            (Kind::Binary, 0) => {
                self.send_prepared(&prepared(Prepared::binary(payload.as_bytes())))
            }
            (Kind::Text, _) => self.send_text_borrowed(payload).map(|sent| written(sent, write)),
            (Kind::Binary, _) => {
                self.send_binary_borrowed(payload.as_bytes()).map(|sent| written(sent, write))
            }
        }
    }
}

impl Special for Connection<Client> {
    fn send_specially(
        &mut self,
        kind: Kind,
        payload: &str,
        write: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Result<(), SendError> {
        match kind {
            Kind::Text => self.send_text(payload),
            Kind::Binary => {
                let mut payload = payload.as_bytes().to_vec();
                self.send_binary_borrowed(&mut payload).map(|sent| written(sent, write))
            }
        }
    }
}

/// Writes as much of a borrowed message as the wire takes now; the rest is queued.
fn written<R: Side>(mut sent: Borrowed<'_, '_, R>, write: &mut dyn FnMut(&[u8]) -> usize) {
    let bytes = sent.slices().concat();
    if !bytes.is_empty() {
        let count = write(&bytes);
        sent.wrote(count);
    }
}

#[cfg(feature = "deflate")]
fn prepared(message: Prepared) -> Prepared {
    use sockless::extension::deflate::{Compression, Memory, WindowBits};

    // A window that every client has.
    let window = WindowBits::new(9).unwrap_or(WindowBits::MAX);
    message.compressed(window, &Compression::default().with_memory(Memory::LEAST))
}

#[cfg(not(feature = "deflate"))]
fn prepared(message: Prepared) -> Prepared {
    message
}
