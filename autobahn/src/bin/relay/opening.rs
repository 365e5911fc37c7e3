//! How a connection opens: what the client asks for, asked of the server behind, and its answer.

use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use sockless::Input;
use sockless::handshake::{
    Acceptance, Acceptor, Answered, Asked, Connector, Field, HeadLimits, Offer, Refusal, Request,
    RequestError, Url,
};

use super::body;
use super::stream::{BUFFER, finish, prepare, read, write_all};

/// The client's request for a WebSocket, and its first frames; `None` if it has asked for something else.
pub(crate) fn asked(
    client: &TcpStream,
    buffer: &mut [u8],
    limits: &HeadLimits,
) -> io::Result<Option<(Request<'static>, Vec<u8>)>> {
    let started = Instant::now();
    let mut acceptor = Acceptor::new(limits, Duration::ZERO);
    loop {
        let mut input = match read(client, buffer)? {
            Some(0) => Input::eof(),
            Some(count) => Input::new(&mut buffer[..count]),
            None => Input::none(),
        };
        let error = match acceptor.poll(&mut input, started.elapsed()) {
            None => continue,
            Some(Asked::WebSocket(request)) => {
                return Ok(Some((request.into_owned(), input.into_rest().to_vec())));
            }
            Some(Asked::Plain(_)) => RequestError::PlainRequest,
            Some(Asked::Refused(error)) => error,
        };
        finish(client, error.answer())?;
        return Ok(None);
    }
}

/// What the server has made of the client's request.
pub(crate) enum Forwarded {
    /// A WebSocket, the answer for the client, and what the server has sent behind its own.
    Open { server: TcpStream, answer: Vec<u8>, first: Vec<u8> },
    /// Something else, to be passed on.
    Answered(Vec<u8>),
}

/// The fields that are passed on: all but those that belong to one connection, which are known ones and those that `Connection`
/// names (RFC 9110, section 7.6.1).
fn passed_on<'a>(fields: impl Iterator<Item = Field<'a>> + Clone) -> Vec<Field<'a>> {
    let is_named = |name: &str| {
        let connection = fields.clone().filter(|field| field.is("connection"));
        connection
            .flat_map(|field| field.value.split(|byte| *byte == b','))
            .any(|one| one.trim_ascii().eq_ignore_ascii_case(name.as_bytes()))
    };
    fields.clone().filter(|field| passes(field) && !is_named(field.name)).collect()
}

fn passes(field: &Field<'_>) -> bool {
    const OWN: [&str; 11] = [
        "host",
        "upgrade",
        "connection",
        "content-length",
        "transfer-encoding",
        "keep-alive",
        "proxy-connection",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
    ];
    let name = field.name.to_ascii_lowercase();
    !OWN.contains(&name.as_str()) && !name.starts_with("sec-websocket-")
}

/// Opens a WebSocket to the server with what the client has asked for.
pub(crate) fn forward(
    request: &Request<'_>,
    to: &str,
    limits: &HeadLimits,
) -> io::Result<Forwarded> {
    let patience = limits.timeout.unwrap_or(Duration::MAX);
    let address = to.to_socket_addrs()?.next().ok_or(ErrorKind::AddrNotAvailable)?;
    let server = TcpStream::connect_timeout(&address, patience)?;
    prepare(&server)?;
    let text = format!("ws://{to}{}", request.target());
    let Ok(url) = Url::parse(&text) else {
        return Ok(Forwarded::Answered(refusal(400, b"no such resource")));
    };
    let mut fields = passed_on(request.fields());
    fields.retain(|field| !field.is("origin"));
    let subprotocols: Vec<_> = request.subprotocols().collect();
    let mut offer = Offer::new(url).with_subprotocols(&subprotocols).with_fields(&fields);
    if let Some(origin) = request.origin() {
        offer = offer.with_origin(origin);
    }
    let started = Instant::now();
    let mut connector = match Connector::new(offer, limits, Duration::ZERO) {
        Ok(connector) => connector,
        Err(_) => return Ok(Forwarded::Answered(refusal(400, b"can't be passed on"))),
    };
    write_all(&server, &connector.request().to_vec(), patience)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let mut input = match read(&server, &mut buffer)? {
            Some(0) => Input::eof(),
            Some(count) => Input::new(&mut buffer[..count]),
            None => Input::none(),
        };
        match connector.poll(&mut input, started.elapsed()) {
            None => {}
            Some(Answered::Open { established, response }) => {
                let fields = passed_on(response.fields());
                let acceptance = Acceptance::new()
                    .with_subprotocol(established.subprotocol)
                    .with_fields(&fields);
                let answer = request.accept(&acceptance).map_err(io::Error::other)?.to_vec();
                let first = input.into_rest().to_vec();
                return Ok(Forwarded::Open { server, answer, first });
            }
            Some(Answered::Refused(response)) => {
                // A body that can't be passed on whole isn't passed on at all.
                let body = body::whole(&response, &server, started + patience)?.unwrap_or_default();
                let fields = passed_on(response.fields());
                let refusal = Refusal::new(response.status(), &fields, &body);
                return Ok(Forwarded::Answered(
                    refusal.map_or_else(|_| self::refusal(502, b""), |refusal| refusal.to_vec()),
                ));
            }
            Some(Answered::Failed(error)) => return Err(io::Error::other(error)),
        }
    }
}

/// An answer of our own that opens nothing.
pub(crate) fn refusal(status: u16, body: &[u8]) -> Vec<u8> {
    Refusal::new(status, &[], body).map(|refusal| refusal.to_vec()).unwrap_or_default()
}
