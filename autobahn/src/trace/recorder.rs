//! A connection that writes down what is done with it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use sockless::connection::{Counters, Entropy, Loan, Refused, SendError, Side};
use sockless::established::Established;
use sockless::{
    Client, CloseCode, Config, Connection, Event, Input, Kind, Message, Outcome, Server, Want,
};

use super::codec::Digest;
use super::record::{Journal, Record, reason};
use super::settings::{Beginning, Settings};

/// A [`Connection`] that writes down what is done with it, and what comes of it. Its methods are the connection's.
#[derive(Debug)]
pub struct Recorder<R: Side> {
    connection: Connection<R>,
    journal: Journal,
    /// The masking keys that have been drawn and not been written down.
    keys: Arc<Mutex<Vec<u8>>>,
    /// Where in the caller's memory lies what the last call has left of its input, and how much it is.
    left: (usize, usize),
    output: Digest,
}

/// A source of masking keys that are written down.
struct Watched<E> {
    source: E,
    drawn: Arc<Mutex<Vec<u8>>>,
}

impl<E: Entropy> Entropy for Watched<E> {
    fn fill(&mut self, bytes: &mut [u8]) {
        self.source.fill(bytes);
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }
}

impl Recorder<Server> {
    /// A server's connection on a stream whose handshake is over, the answer included.
    pub fn server(established: &Established<'_>, config: impl Into<Arc<Config>>) -> Self {
        let config = config.into();
        let beginning = Beginning::new(false, established.extensions, &config);
        let connection = Connection::server(config).with_extensions(established.extensions);
        Self::new(connection, beginning, Arc::default())
    }
}

impl Recorder<Client> {
    /// A client's connection on a stream whose handshake is over, with this source of masking keys.
    pub fn client(
        established: &Established<'_>,
        config: impl Into<Arc<Config>>,
        source: impl Entropy + Send + Sync + 'static,
    ) -> Self {
        let config = config.into();
        let beginning = Beginning::new(true, established.extensions, &config);
        let drawn = Arc::default();
        let entropy = Watched { source, drawn: Arc::clone(&drawn) };
        let connection =
            Connection::client_with(config, entropy).with_extensions(established.extensions);
        Self::new(connection, beginning, drawn)
    }
}

#[allow(missing_docs, reason = "each method is the connection's")]
#[allow(clippy::missing_errors_doc, reason = "each method is the connection's")]
impl<R: Side> Recorder<R> {
    fn new(connection: Connection<R>, beginning: Beginning, keys: Arc<Mutex<Vec<u8>>>) -> Self {
        let mut journal = Journal::new();
        journal.note(&Record::Begin(beginning));
        Self { connection, journal, keys, left: (0, 0), output: Digest::default() }
    }

    /// What has been written down since the last time, to be appended to a file.
    pub fn take_trace(&mut self) -> Vec<u8> {
        self.journal.take()
    }

    /// Ends the trace: what has been written down since the last time, with its last record.
    pub fn finish(mut self) -> Vec<u8> {
        self.journal.note(&Record::End(&format!("{:?}", self.connection.outcome())));
        self.journal.take()
    }

    fn drawn(&mut self) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if !keys.is_empty() {
            self.journal.note(&Record::Drawn(&keys));
            keys.clear();
        }
    }

    fn sent(
        &mut self,
        call: &Record<'_>,
        run: impl FnOnce(&mut Connection<R>) -> Result<(), SendError>,
    ) -> Result<(), SendError> {
        self.journal.note(call);
        let sent = run(&mut self.connection);
        self.drawn();
        if let Err(error) = sent {
            self.journal.note(&Record::Refused(&reason(error)));
        }
        sent
    }

    pub fn poll<'b>(&mut self, input: &mut Input<'b>, now: Duration) -> Option<Event<'b>> {
        let eof = input.is_eof();
        let again = |rest: &'b mut [u8]| if eof { Input::eof() } else { Input::new(rest) };
        let rest = std::mem::take(input).into_rest();
        // What the last call has left is not written down once more.
        if !rest.is_empty() && self.left == (rest.as_ptr().addr(), rest.len()) {
            self.journal.note(&Record::PollOn { now });
        } else {
            self.journal.note(&Record::Poll { now, eof, input: rest });
        }
        *input = again(rest);
        let event = self.connection.poll(input, now);
        let rest = std::mem::take(input).into_rest();
        self.left = (rest.as_ptr().addr(), rest.len());
        *input = again(rest);
        self.drawn();
        if let Some(event) = &event {
            self.journal.note(&Record::event(event));
        }
        event
    }

    pub fn set_config(&mut self, config: impl Into<Arc<Config>>) {
        let config = config.into();
        self.journal.note(&Record::SetConfig(Settings::of(&config)));
        self.connection.set_config(config);
    }

    pub fn take_buffer(&mut self) -> Option<BytesMut> {
        let taken = self.connection.take_buffer()?;
        self.journal.note(&Record::TakeBuffer);
        Some(taken)
    }

    pub fn put_buffer(&mut self, buffer: BytesMut) -> Result<(), BytesMut> {
        self.journal.note(&Record::PutBuffer(&buffer));
        self.connection.put_buffer(buffer)
    }

    pub fn send_text(&mut self, text: &str) -> Result<(), SendError> {
        self.sent(&Record::SendText(text), |connection| connection.send_text(text))
    }

    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.sent(&Record::SendBinary(bytes), |connection| connection.send_binary(bytes))
    }

    pub fn send(&mut self, message: impl Into<Message>) -> Result<(), Refused> {
        let message = message.into();
        self.journal.note(&match &message {
            Message::Text(text) => Record::SendOwnedText(text),
            Message::Binary(bytes) => Record::SendOwnedBinary(bytes),
        });
        let sent = self.connection.send(message);
        self.drawn();
        if let Err(refused) = &sent {
            self.journal.note(&Record::Refused(&reason(refused.reason)));
        }
        sent
    }

    pub fn begin_text(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        let call = Record::BeginText { last, text };
        self.sent(&call, |connection| connection.begin_text(text, last))
    }

    pub fn begin_binary(&mut self, bytes: &[u8], last: bool) -> Result<(), SendError> {
        let call = Record::BeginBinary { last, bytes };
        self.sent(&call, |connection| connection.begin_binary(bytes, last))
    }

    pub fn continue_text(&mut self, text: &str, last: bool) -> Result<(), SendError> {
        let call = Record::ContinueText { last, text };
        self.sent(&call, |connection| connection.continue_text(text, last))
    }

    pub fn continue_binary(&mut self, bytes: &[u8], last: bool) -> Result<(), SendError> {
        let call = Record::ContinueBinary { last, bytes };
        self.sent(&call, |connection| connection.continue_binary(bytes, last))
    }

    pub fn stream_frame(
        &mut self,
        first: Option<Kind>,
        fin: bool,
        len: u64,
    ) -> Result<(), SendError> {
        let call = Record::StreamFrame { first, fin, len };
        self.sent(&call, |connection| connection.stream_frame(first, fin, len))
    }

    pub fn stream_payload(&mut self, payload: &mut [u8]) -> Result<(), SendError> {
        self.journal.note(&Record::StreamPayload(payload));
        let sent = self.connection.stream_payload(payload);
        self.drawn();
        if let Err(error) = sent {
            self.journal.note(&Record::Refused(&reason(error)));
        }
        sent
    }

    pub fn ping(&mut self, payload: &[u8], now: Duration) -> Result<(), SendError> {
        let call = Record::Ping { now, payload };
        self.sent(&call, |connection| connection.ping(payload, now))
    }

    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.sent(&Record::Pong(payload), |connection| connection.pong(payload))
    }

    pub fn close(
        &mut self,
        code: impl Into<Option<CloseCode>>,
        reason: &str,
        now: Duration,
    ) -> Result<(), SendError> {
        let code = code.into();
        let call = Record::Close { now, code: code.map_or(0, |code| code.get()), reason };
        self.sent(&call, |connection| connection.close(code, reason, now))
    }

    pub fn wrote(&mut self, count: usize) {
        let mut left = count;
        for slice in self.connection.output_slices() {
            let written = slice.len().min(left);
            self.output.add(&slice[..written]);
            left -= written;
        }
        self.journal.note(&Record::Wrote { count: count as u64, digest: self.output.0 });
        self.connection.wrote(count);
        self.drawn();
    }

    pub fn shut(&mut self) {
        self.journal.note(&Record::Shut);
        self.connection.shut();
    }

    pub fn lost(&mut self) {
        self.journal.note(&Record::Lost);
        self.connection.lost();
        self.drawn();
    }

    pub fn set_compression(&mut self, on: bool) {
        self.journal.note(&Record::SetCompression(on));
        self.connection.set_compression(on);
    }

    pub fn release(&mut self) {
        self.journal.note(&Record::Release);
        self.connection.release();
    }

    // What changes nothing is not written down.

    pub fn want(&self) -> Want {
        self.connection.want()
    }

    pub fn outcome(&self) -> Outcome {
        self.connection.outcome()
    }

    pub fn counters(&self) -> Counters {
        self.connection.counters()
    }

    pub fn output(&self) -> &[u8] {
        self.connection.output()
    }

    pub fn output_slices(&self) -> impl Iterator<Item = &[u8]> {
        self.connection.output_slices()
    }

    pub fn queued(&self) -> usize {
        self.connection.queued()
    }

    pub fn is_congested(&self) -> bool {
        self.connection.is_congested()
    }

    pub fn lend(&mut self, loan: Loan, buffer: Vec<u8>) -> Result<(), Vec<u8>> {
        self.connection.lend(loan, buffer)
    }

    pub fn reclaim(&mut self, loan: Loan) -> Option<Vec<u8>> {
        self.connection.reclaim(loan)
    }
}
