//! How a connection opens: what the client asks for, asked of the server behind, and its answer.

use std::io::{self, ErrorKind, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use sockless::handshake::{
    self, Acceptance, Acceptor, Answered, Asked, Connector, Field, Offer, Refusal, Request,
    RequestError, Url,
};

use super::stream::{BUFFER, PATIENCE, finish, prepare, read};

/// The most of a refusal's body that is passed on.
const MAX_BODY: usize = 64 << 10;

/// The client's request for a WebSocket, and how much has arrived; `None` if it has asked for something else.
pub(crate) fn asked(
    client: &TcpStream,
    buffer: &mut [u8],
) -> io::Result<Option<(Request<'static>, usize)>> {
    let started = Instant::now();
    let mut acceptor = Acceptor::new(&handshake::Limits::default(), Duration::ZERO);
    loop {
        let (asked, arrived) = match read(client, buffer)? {
            Some(0) => (acceptor.end(), 0),
            Some(count) => (acceptor.poll(&buffer[..count], started.elapsed()), count),
            None => (acceptor.poll(&[], started.elapsed()), 0),
        };
        let error = match asked {
            None => continue,
            Some(Asked::WebSocket(request)) => return Ok(Some((request.into_owned(), arrived))),
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

/// Whether a field is passed on: all but those that belong to one connection.
fn passes(field: &Field<'_>) -> bool {
    const OWN: [&str; 9] = [
        "host",
        "upgrade",
        "connection",
        "content-length",
        "transfer-encoding",
        "keep-alive",
        "proxy-connection",
        "te",
        "trailer",
    ];
    let name = field.name.to_ascii_lowercase();
    !OWN.contains(&name.as_str()) && !name.starts_with("sec-websocket-")
}

/// Opens a WebSocket to the server with what the client has asked for.
pub(crate) fn forward(request: &Request<'_>, to: &str) -> io::Result<Forwarded> {
    let address = to.to_socket_addrs()?.next().ok_or(ErrorKind::AddrNotAvailable)?;
    let server = TcpStream::connect_timeout(&address, PATIENCE)?;
    prepare(&server)?;
    let text = format!("ws://{to}{}", request.target());
    let Ok(url) = Url::parse(&text) else {
        return Ok(Forwarded::Answered(refusal(400, b"no such resource")));
    };
    let fields: Vec<_> =
        request.fields().filter(|field| passes(field) && !field.is("origin")).collect();
    let subprotocols: Vec<_> = request.subprotocols().collect();
    let mut offer = Offer::new(url).with_subprotocols(&subprotocols).with_fields(&fields);
    if let Some(origin) = request.origin() {
        offer = offer.with_origin(origin);
    }
    let started = Instant::now();
    let limits = handshake::Limits::default();
    let mut connector = match Connector::new(offer, &limits, Duration::ZERO) {
        Ok(connector) => connector,
        Err(_) => return Ok(Forwarded::Answered(refusal(400, b"can't be passed on"))),
    };
    (&server).write_all(&connector.request().to_vec())?;
    let mut buffer = vec![0; BUFFER];
    loop {
        let answered = match read(&server, &mut buffer)? {
            Some(0) => connector.end(),
            Some(count) => connector.poll(&buffer[..count], started.elapsed()),
            None => connector.poll(&[], started.elapsed()),
        };
        match answered {
            None => {}
            Some(Answered::Open { established, response }) => {
                let fields: Vec<_> = response.fields().filter(passes).collect();
                let acceptance = Acceptance::new()
                    .with_subprotocol(established.subprotocol)
                    .with_fields(&fields);
                let answer = request.accept(&acceptance).map_err(io::Error::other)?.to_vec();
                let first = response.body().to_vec();
                return Ok(Forwarded::Open { server, answer, first });
            }
            Some(Answered::Refused(response)) => {
                let mut body = response.body().to_vec();
                let length = response.field("content-length");
                let length = length.and_then(|text| std::str::from_utf8(text).ok()?.parse().ok());
                let length = length.unwrap_or(MAX_BODY).min(MAX_BODY);
                let mut piece = [0; 4096];
                while body.len() < length && started.elapsed() < PATIENCE {
                    match read(&server, &mut piece)? {
                        Some(0) => break,
                        Some(count) => body.extend_from_slice(&piece[..count]),
                        None => {}
                    }
                }
                let fields: Vec<_> = response.fields().filter(passes).collect();
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
