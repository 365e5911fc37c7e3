//! Another implementation of the protocol, tungstenite, on the same bytes.

use std::io::{self, Cursor, Read, Write};

use sockless::words::role::Role;
use tungstenite::client::uri_mode;
use tungstenite::error::ProtocolError;
use tungstenite::handshake::HandshakeError;
use tungstenite::handshake::client::ClientHandshake;
use tungstenite::protocol::{WebSocket, WebSocketConfig};
use tungstenite::{Error, Message};

use crate::reference::Item;

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// With a Close frame.
    Closed,
    /// With the end of the stream, somewhere before a Close frame.
    Cut,
    /// With an error.
    Failed,
}

/// Its transport: what is written to it goes nowhere, or is kept.
struct Wire<'b> {
    input: Cursor<&'b [u8]>,
    output: Vec<u8>,
}

impl Read for Wire<'_> {
    fn read(&mut self, place: &mut [u8]) -> io::Result<usize> {
        self.input.read(place)
    }
}

impl Write for Wire<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.output.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn wire(bytes: &[u8]) -> Wire<'_> {
    Wire { input: Cursor::new(bytes), output: Vec::new() }
}

/// What an endpoint in the role `R` makes of `bytes`, with this limit on frames and messages.
pub(crate) fn receive<R: Role>(bytes: &[u8], limit: usize) -> (Vec<Item>, End) {
    let role = match R::MASKS {
        true => tungstenite::protocol::Role::Client,
        false => tungstenite::protocol::Role::Server,
    };
    let config = WebSocketConfig::default()
        .read_buffer_size(4096)
        .max_frame_size(Some(limit))
        .max_message_size(Some(limit));
    let mut socket = WebSocket::from_raw_socket(wire(bytes), role, Some(config));
    let mut items = Vec::new();
    loop {
        items.push(match socket.read() {
            Ok(Message::Text(text)) => Item::Text(text.as_str().to_owned()),
            Ok(Message::Binary(bytes)) => Item::Binary(bytes.to_vec()),
            Ok(Message::Ping(payload)) => Item::Ping(payload.to_vec()),
            Ok(Message::Pong(payload)) => Item::Pong(payload.to_vec()),
            Ok(Message::Close(close)) => {
                let close = close.map(|frame| (u16::from(frame.code), frame.reason.to_string()));
                let (code, reason) = close.unzip();
                items.push(Item::Close(code, reason.unwrap_or_default()));
                return (items, End::Closed);
            }
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => {
                return (items, End::Cut);
            }
            Err(_) => return (items, End::Failed),
            Ok(Message::Frame(_)) => unreachable!("raw frames are not read"),
        });
    }
}

/// Whether a server accepts the request, which ends with its head; and its answer.
pub(crate) fn accepts(request: &[u8]) -> Option<Vec<u8>> {
    match tungstenite::accept(wire(request)) {
        Ok(socket) => Some(socket.into_inner().output),
        Err(HandshakeError::Failure(_)) => None,
        Err(HandshakeError::Interrupted(_)) => unreachable!("nothing blocks"),
    }
}

/// Whether a client that asked for `url` with this key accepts the answer.
pub(crate) fn opens(url: &str, key: &str, answer: &[u8]) -> bool {
    let request = tungstenite::http::Request::get(url)
        .header("Host", "server.example.com")
        .header("Upgrade", "websocket")
        .header("Connection", "Upgrade")
        .header("Sec-WebSocket-Key", key)
        .header("Sec-WebSocket-Version", "13")
        .body(())
        .expect("a request");
    assert!(uri_mode(request.uri()).is_ok());
    let handshake = ClientHandshake::start(wire(answer), request, None).expect("a request");
    handshake.handshake().is_ok()
}
