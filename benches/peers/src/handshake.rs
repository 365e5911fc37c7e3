//! A server's opening handshake, in memory: from the head of a request to the answer, written.

use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::Arc;

use base64::Engine as _;
use sha1::{Digest as _, Sha1};

use crate::contender::Contender;
use crate::race::{self, Effort, Row, Runner};
use crate::wire::{Input, Written};

/// A request as Chromium sends it.
pub const REQUEST: &str = "GET /live?room=7 HTTP/1.1\r\n\
    Host: example.com\r\n\
    Connection: Upgrade\r\n\
    Pragma: no-cache\r\n\
    Cache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36\r\n\
    Upgrade: websocket\r\n\
    Origin: https://example.com\r\n\
    Sec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\n\
    Accept-Language: en-GB,en-US;q=0.9,en;q=0.8\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
const ACCEPT: &[u8] = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub fn measure(contenders: &[Box<dyn Contender>], effort: Effort) -> Vec<Row> {
    let input = || Input::once(REQUEST.as_bytes().into());
    for contender in contenders {
        let written = Arc::new(Written::keeping());
        if let Ok(mut repeated) = contender.handshake(input(), Arc::clone(&written)) {
            repeated(1);
            let kept = written.kept();
            let accepts = kept.windows(ACCEPT.len()).any(|window| window == ACCEPT);
            assert!(accepts, "{}: {}", contender.name(), String::from_utf8_lossy(&kept));
        }
    }
    let field = || {
        let each = contenders.iter().map(|contender| {
            let repeated = contender.handshake(input(), Arc::default());
            (contender.name(), repeated.map(|repeated| repeated as Runner), None)
        });
        each.collect()
    };
    vec![race::row("server, a request of Chromium".into(), field, 1, effort)]
}

/// The least: parses the head, hashes a key, encodes the hash.
pub fn bare(head: &[u8]) -> [u8; 28] {
    let mut fields = [const { MaybeUninit::uninit() }; 32];
    let mut request = httparse::Request::new(&mut []);
    let parsed = request.parse_with_uninit_headers(black_box(head), &mut fields);
    assert!(parsed.is_ok_and(|status| status.is_complete()));
    black_box(&request);
    let hash = Sha1::new()
        .chain_update(b"dGhlIHNhbXBsZSBub25jZQ==")
        .chain_update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        .finalize();
    let mut accept = [0; 28];
    let _ = base64::engine::general_purpose::STANDARD.encode_slice(hash, &mut accept);
    accept
}
