//! The opening handshake of either role: what it is drawn to be, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use sockless::connection::Side;
use sockless::established::Established;
use sockless::extension::Supported;
use sockless::handshake::{
    Acceptance, Acceptor, Answered, Asked, Connector, HeadLimits, Offer, Refusal, RequestError,
    ResponseError, Url,
};
use sockless::{Client, Config, Input, Server};

use crate::random::Random;
use crate::tested::{self, Tested};

/// Subprotocols, of which each endpoint knows some.
const SUBPROTOCOLS: [&[&str]; 4] = [&[], &["chat"], &["v2.chat", "chat"], &["mqtt"]];

/// What an endpoint's handshake came to.
#[derive(Debug)]
pub(crate) enum Opened<R: Side> {
    /// A connection. `head` is to be written before its output.
    Open { connection: Box<Tested<R>>, established: Established<'static>, head: Vec<u8> },
    /// Nothing. `answer` is to be written before the stream is closed.
    Not { answer: Vec<u8>, why: Unopened },
}

/// Why a handshake came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unopened {
    /// The server refuses with this status, and the client learns it.
    Refused(u16),
    /// The client's request is none, or not in time.
    Request(RequestError),
    /// The server's answer is none, or not in time.
    Response(ResponseError),
    /// The transport has gone.
    Lost,
}

/// An endpoint's part of the handshake.
pub(crate) trait Opening: Sized {
    type Role: Side;

    /// What is to be written before anything has arrived.
    fn first_words(&self) -> Vec<u8>;

    /// Goes on; what is left of the input is for the connection.
    fn poll(&mut self, input: &mut Input<'_>, now: Duration) -> Option<Opened<Self::Role>>;

    fn deadline(&self) -> Option<Duration>;
}

/// The client's part.
pub(crate) struct Asking {
    connector: Connector<'static, 'static>,
    config: Arc<Config>,
    keys: u64,
}

/// The server's part.
pub(crate) struct Answering {
    acceptor: Acceptor<'static>,
    config: Arc<Config>,
    subprotocols: &'static [&'static str],
    extensions: Supported,
    refuses: bool,
}

impl Asking {
    pub(crate) fn new(config: Arc<Config>, limits: &HeadLimits, random: &mut Random) -> Self {
        let url = Url::parse("ws://example.com/simulated").expect("a URL");
        let offer = Offer::new(url)
            .with_subprotocols(random.pick(&SUBPROTOCOLS))
            .with_extensions(supported(random));
        let mut nonce = [0; 16];
        sockless::connection::Entropy::fill(random, &mut nonce);
        let connector = Connector::with_nonce(offer, nonce, limits, Duration::ZERO);
        Self { connector: connector.expect("a good offer"), config, keys: random.next() }
    }

    fn opened(&self, answered: Answered<'static, '_>) -> Opened<Client> {
        match answered {
            Answered::Open { established, .. } => Opened::Open {
                connection: Box::new(tested::client(
                    &established,
                    Arc::clone(&self.config),
                    Random(self.keys),
                )),
                established,
                head: Vec::new(),
            },
            Answered::Refused(response) => {
                Opened::Not { answer: Vec::new(), why: Unopened::Refused(response.status()) }
            }
            Answered::Failed(error) => {
                Opened::Not { answer: Vec::new(), why: Unopened::Response(error) }
            }
        }
    }
}

impl Opening for Asking {
    type Role = Client;

    fn first_words(&self) -> Vec<u8> {
        self.connector.request().to_vec()
    }

    fn poll(&mut self, input: &mut Input<'_>, now: Duration) -> Option<Opened<Client>> {
        let answered = self.connector.poll(input, now)?;
        Some(self.opened(answered))
    }

    fn deadline(&self) -> Option<Duration> {
        self.connector.deadline()
    }
}

impl Answering {
    pub(crate) fn new(config: Arc<Config>, limits: &HeadLimits, random: &mut Random) -> Self {
        Self {
            acceptor: Acceptor::new(limits, Duration::ZERO),
            config,
            subprotocols: random.pick(&SUBPROTOCOLS),
            extensions: supported(random),
            refuses: random.one_in(40),
        }
    }

    fn opened(&self, asked: Asked<'_>) -> Opened<Server> {
        match asked {
            Asked::WebSocket(_) if self.refuses => {
                let refusal = Refusal::new(503, &[], b"not now").expect("a good refusal");
                Opened::Not { answer: refusal.to_vec(), why: Unopened::Refused(503) }
            }
            Asked::WebSocket(request) => {
                let acceptance = Acceptance::new()
                    .with_subprotocol(request.choose_subprotocol(self.subprotocols))
                    .with_extensions(self.extensions);
                let (connection, established, head) =
                    tested::accept(&request, &acceptance, Arc::clone(&self.config));
                Opened::Open { connection: Box::new(connection), established, head }
            }
            Asked::Plain(_) => panic!("nobody asks for a page"),
            Asked::Refused(error) => {
                Opened::Not { answer: error.answer().to_vec(), why: Unopened::Request(error) }
            }
        }
    }
}

impl Opening for Answering {
    type Role = Server;

    fn first_words(&self) -> Vec<u8> {
        Vec::new()
    }

    fn poll(&mut self, input: &mut Input<'_>, now: Duration) -> Option<Opened<Server>> {
        let asked = self.acceptor.poll(input, now)?;
        Some(self.opened(asked))
    }

    fn deadline(&self) -> Option<Duration> {
        self.acceptor.deadline()
    }
}

/// The extensions that an endpoint is willing to use.
#[cfg(feature = "deflate")]
fn supported(random: &mut Random) -> Supported {
    use sockless::extension::deflate::{Terms, WindowBits};

    if random.one_in(2) {
        return Supported::default();
    }
    let mut terms = Terms::default();
    if random.one_in(3) {
        terms = terms.with_server_no_context_takeover();
    }
    if random.one_in(3) {
        terms = terms.with_client_no_context_takeover();
    }
    let mut bits = || WindowBits::new(9 + random.below(7) as u8).expect("9 to 15");
    terms = terms.with_server_max_window_bits(bits()).with_client_max_window_bits(bits());
    if random.one_in(2) {
        terms = terms.with_fallback();
    }
    Supported::default().with_deflate(terms)
}

#[cfg(not(feature = "deflate"))]
fn supported(_: &mut Random) -> Supported {
    Supported::default()
}
