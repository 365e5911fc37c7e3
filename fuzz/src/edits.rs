//! Changes to a head that is right.

use arbitrary::Arbitrary;

/// One change: at a place, some bytes go and others come.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Edit {
    at: u16,
    removed: u8,
    inserted: Inserted,
}

#[derive(Arbitrary, Clone, Debug)]
enum Inserted {
    Nothing,
    Piece(u8),
    Line(u8),
    Bytes(Vec<u8>),
    Repeated(u8, u16),
}

const PIECES: [&str; 20] = [
    "\r\n",
    "\r",
    "\n",
    "\r\n\r\n",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "\"",
    "\0",
    "\u{7f}",
    "é",
    "\r\n ",
    "websocket",
    "Upgrade",
    "permessage-deflate",
    "13",
    "HTTP/1.0",
    "http://a:80/b?c",
];

const LINES: [&str; 22] = [
    "Host: a.example\r\n",
    "Upgrade: websocket\r\n",
    "Upgrade: h2c, websocket\r\n",
    "Connection: keep-alive\r\n",
    "Connection: keep-alive, upgrade\r\n",
    "Sec-WebSocket-Version: 13\r\n",
    "Sec-WebSocket-Version: 8, 13\r\n",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n",
    "Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n",
    "Sec-WebSocket-Protocol: chat\r\n",
    "Sec-WebSocket-Protocol: v2.chat, chat\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=9, foo; x=\"y\"\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=10; server_no_context_takeover\r\n",
    "Origin: https://a.example\r\n",
    "Origin: null\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Set-Cookie: a=b\r\n",
    "X: \x20\t y \r\n",
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
];

/// The head with all changes, one after the other. Insertions of lines go to the beginning of a line.
pub(crate) fn apply(head: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut head = head.to_vec();
    for edit in edits {
        let mut at = usize::from(edit.at) % (head.len() + 1);
        if let Inserted::Line(_) | Inserted::Repeated(..) = edit.inserted {
            at = head[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        }
        let end = (at + usize::from(edit.removed % 32)).min(head.len());
        let line = |line: u8| LINES[usize::from(line) % LINES.len()].as_bytes();
        let inserted = match &edit.inserted {
            Inserted::Nothing => Vec::new(),
            Inserted::Piece(piece) => PIECES[usize::from(*piece) % PIECES.len()].into(),
            Inserted::Line(number) => line(*number).to_vec(),
            Inserted::Bytes(bytes) => bytes.clone(),
            Inserted::Repeated(number, times) => line(*number).repeat(usize::from(times % 128)),
        };
        let end = if matches!(edit.inserted, Inserted::Line(_)) { at } else { end };
        head.splice(at..end, inserted);
    }
    head
}
