//! The two roles, as far as making a connection is concerned.

use std::sync::Arc;

use sockless::connection::{Entropy, Side};
use sockless::{Client, Config, Connection, Server};

/// Masking keys that are the same in every run.
#[derive(Debug)]
pub(crate) struct Counter(u32);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (self.0 >> 24) as u8;
        }
    }
}

pub(crate) trait Endpoint: Side {
    type Other: Endpoint<Other = Self>;

    fn open(config: &Arc<Config>) -> Connection<Self>;

    fn keys() -> Self::Keys;
}

impl Endpoint for Server {
    type Other = Client;

    fn open(config: &Arc<Config>) -> Connection<Self> {
        Connection::server(Arc::clone(config))
    }

    fn keys() -> Self::Keys {}
}

impl Endpoint for Client {
    type Other = Server;

    fn open(config: &Arc<Config>) -> Connection<Self> {
        Connection::client_with(Arc::clone(config), Counter(7))
    }

    fn keys() -> Self::Keys {
        Box::new(Counter(7))
    }
}
