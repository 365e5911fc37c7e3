//! A server's part of the opening handshake: what it makes of what a client has asked for.

use std::sync::Arc;

use sockless::extension::Supported;
use sockless::handshake::{Acceptance, Asked, Field, HeadLimits, Refusal, Request, RequestError};
use sockless::{Config, Connection, Server, endpoint};
use sockless_tokio::{ServerOptions, Shutdown};

use crate::options::Options;
use crate::page::PAGE;

/// What a server makes of what a client has asked for.
#[derive(Debug)]
#[allow(clippy::large_enum_variant, reason = "it is taken apart at once")]
pub enum Opening {
    /// The connection is open; its output begins with the answer. What is left in the input are the client's first frames.
    Open(Connection<Server>),
    /// Anything else: this is to be written, then the stream to be half-closed, and to be closed once the client has.
    Answered(Vec<u8>),
}

/// What an echo server accepts connections with.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The configuration of the connections.
    pub config: Arc<Config>,
    /// The extensions that may be used.
    pub extensions: Supported,
    /// The limits of the opening handshake.
    pub handshake: HeadLimits,
}

impl Terms {
    /// The terms that the user has asked for.
    pub fn new(options: &Options) -> Self {
        Self {
            config: Arc::new(options.config()),
            extensions: options.extensions(),
            handshake: options.deadlines.handshake(),
        }
    }

    /// The same for servers on tokio, whose connections close when a shutdown begins.
    pub fn on_tokio(&self, shutdown: &Shutdown) -> ServerOptions {
        ServerOptions::new()
            .with_config(Arc::clone(&self.config))
            .with_handshake(self.handshake)
            .with_extensions(self.extensions)
            .with_shutdown(shutdown)
    }

    /// Opens a connection, or answers the request otherwise.
    pub fn open(&self, asked: Asked<'_>) -> Opening {
        let answer = match asked {
            Asked::WebSocket(request) => {
                match endpoint::accept(&request, &self.acceptance(), Arc::clone(&self.config)) {
                    Ok((connection, _)) => return Opening::Open(connection),
                    // Nothing in the acceptance depends on the request: it would fit none.
                    Err(_) => Refusal::new(500, &[], b"").map(|refusal| refusal.to_vec()),
                }
            }
            Asked::Plain(request) => return Opening::Answered(plain(&request)),
            Asked::Refused(error) => return Opening::Answered(error.answer().to_vec()),
        };
        Opening::Answered(answer.unwrap_or_default())
    }

    /// What a request for a WebSocket is accepted with.
    pub fn acceptance(&self) -> Acceptance<'static> {
        Acceptance::new().with_extensions(self.extensions)
    }
}

/// The answer to a request for something else than a WebSocket: the page, or that there is nothing but WebSocket here.
pub fn plain(request: &Request<'_>) -> Vec<u8> {
    let html = [Field::new("Content-Type", "text/html; charset=utf-8")];
    match Refusal::new(200, &html, PAGE.as_bytes()) {
        Ok(page) if request.path() == "/" => page.to_vec(),
        _ => RequestError::PlainRequest.answer().to_vec(),
    }
}
