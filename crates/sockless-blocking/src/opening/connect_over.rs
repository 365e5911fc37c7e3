//! The client's side: from a stream that leads to the server to a WebSocket.

use std::sync::Arc;
use std::time::Duration;

use sockless::handshake::{
    Answered, Connector, Field, HandshakeMisuse, HeadLimits, Offer, ResponseError, Url,
};
use sockless::{Client, Input, endpoint};

use super::Handshaking;
use super::client_options::ClientOptions;
use super::connect_error::{ConnectError, Refused, Spoken};
use crate::buffer::Buffer;
use crate::clock::{Clock, earliest};
use crate::socket::{Opened, WebSocket};
use crate::stream::Stream;
use crate::timed::LastWait;

/// The most that is kept of the body of a refusal.
const BODY: usize = 64 << 10;
/// How long the body of a refusal may take to arrive.
const PATIENCE: Duration = Duration::from_secs(1);

/// Opens a WebSocket as a client, over a stream that leads to the server.
///
/// # Errors
///
/// If the connection can't be opened. What is wrong with the URL, a field or a subprotocol is said before anything is written.
pub fn connect_over<S: Stream>(
    stream: S,
    url: &str,
    options: impl Into<ClientOptions>,
) -> Result<WebSocket<S, Client>, ConnectError> {
    let (url, options) = (Url::parse(url)?, options.into());
    check(url, &options)?;
    stream.prepare()?;
    open(stream, url, &options, Clock::start(), options.handshake)
}

/// Whether the request can be written.
pub(crate) fn check(url: Url<'_>, options: &ClientOptions) -> Result<(), HandshakeMisuse> {
    let subprotocols: Vec<&str> = options.subprotocols.iter().map(String::as_str).collect();
    let fields: Vec<Field<'_>> =
        options.fields.iter().map(|(name, value)| Field::new(name, value)).collect();
    let offer = offer(url, options, &subprotocols, &fields);
    Connector::with_nonce(offer, [0; 16], &options.handshake, Duration::ZERO).map(drop)
}

fn offer<'a>(
    url: Url<'a>,
    options: &'a ClientOptions,
    subprotocols: &'a [&'a str],
    fields: &'a [Field<'a>],
) -> Offer<'a> {
    let offer = Offer::new(url)
        .with_subprotocols(subprotocols)
        .with_extensions(options.extensions)
        .with_fields(fields);
    match &options.origin {
        Some(origin) => offer.with_origin(origin),
        None => offer,
    }
}

/// The same with what is left of the time.
pub(crate) fn open<S: Stream>(
    stream: S,
    url: Url<'_>,
    options: &ClientOptions,
    clock: Clock,
    limits: HeadLimits,
) -> Result<WebSocket<S, Client>, ConnectError> {
    let subprotocols: Vec<&str> = options.subprotocols.iter().map(String::as_str).collect();
    let fields: Vec<Field<'_>> =
        options.fields.iter().map(|(name, value)| Field::new(name, value)).collect();
    let offer = offer(url, options, &subprotocols, &fields);
    let mut connector = Connector::new(offer, &limits, clock.now())?;
    let ends = connector.deadline();
    let mut over = Handshaking { stream: &stream, clock, ends, reads: LastWait::default() };
    if !over.write_all(&connector.request().to_vec())? {
        return Err(ConnectError::Answer(ResponseError::Timeout));
    }
    let mut buffer = Buffer::default();
    let mut spoken = Spoken::default();
    loop {
        let arrived = over.read(&mut buffer)?;
        spoken.hear(buffer.unseen());
        let mut input = match arrived {
            Some(0) => Input::eof(),
            _ => buffer.input(),
        };
        match connector.poll(&mut input, clock.now()) {
            None => buffer.keep_last(0),
            Some(Answered::Open { established, response }) => {
                let connection = endpoint::client(&established, Arc::clone(&options.config));
                let subprotocol = established.subprotocol.map(Into::into);
                let (response, left) = (response.into_owned(), input.len());
                buffer.keep_last(left);
                let opened = Opened { subprotocol, response: Some(response) };
                let config = Arc::clone(&options.config);
                return Ok(WebSocket::new(stream, connection, config, buffer, clock, opened));
            }
            Some(Answered::Refused(response)) => {
                let mut refused = Refused::new(&response);
                let len = refused.announced().unwrap_or(BODY);
                refused.add(response.body(), BODY.min(len));
                buffer.keep_last(0);
                over.ends = earliest(ends, Some(clock.now() + PATIENCE));
                while refused.body.len() < BODY.min(len) && !over.is_over() {
                    match over.read(&mut buffer) {
                        Ok(Some(1..)) => refused.add(buffer.unseen(), BODY.min(len)),
                        Ok(None) => {}
                        Ok(Some(0)) | Err(_) => break,
                    }
                }
                return Err(ConnectError::Refused(Box::new(refused)));
            }
            Some(Answered::Failed(error)) => return Err(spoken.explain(error)),
        }
    }
}
