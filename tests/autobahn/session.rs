//! A connection opened by a real handshake, and its peer, which compresses and inflates by what the answer says.

use sockless::extension::Supported;
use sockless::extension::deflate::Terms;
use sockless::handshake::{Acceptance, Answered, Connector, HeadLimits, Offer, Request, Url};
use sockless::{Client, Config, Connection, Input, Server, endpoint};
use zlib_rs::{Deflate, DeflateFlush};

use crate::inflation::Inflater;
use crate::script::{Cut, echo};
use crate::wire::*;

/// The key of RFC 6455, section 1.3, its nonce and its answer.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const NONCE: [u8; 16] = *b"the sample nonce";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A role whose handshake can be gone through.
pub(crate) trait Opened: Tested {
    /// The connection of an endpoint that supports compression on these terms. `theirs` is the value of the peer's header: the
    /// offers to a server, the answer to a client.
    ///
    /// With it comes what the endpoint itself has put into its header, if it has sent any.
    fn handshake(terms: Terms, theirs: &str) -> (Option<Connection<Self>>, Option<String>);
}

/// The value of the header in a head.
fn extensions(head: &[u8]) -> Option<String> {
    let head = std::str::from_utf8(head).expect("text");
    let mut values =
        head.split("\r\n").filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
    let value = values.next().map(str::to_owned);
    assert_eq!(values.next(), None, "one field");
    value
}

impl Opened for Server {
    fn handshake(terms: Terms, theirs: &str) -> (Option<Connection<Self>>, Option<String>) {
        let head = format!(
            "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\
            Sec-WebSocket-Extensions: {theirs}\r\n\r\n"
        );
        let (request, _) =
            Request::decode(head.as_bytes(), &HeadLimits::default()).expect("a request");
        let acceptance =
            Acceptance::new().with_extensions(Supported::default().with_deflate(terms));
        let (mut conn, _) =
            endpoint::accept(&request, &acceptance, Config::default()).expect("accepted");
        let answer = written(&mut conn);
        assert!(answer.starts_with(b"HTTP/1.1 101 ") && answer.ends_with(b"\r\n\r\n"));
        (Some(conn), extensions(&answer))
    }
}

impl Opened for Client {
    fn handshake(terms: Terms, theirs: &str) -> (Option<Connection<Self>>, Option<String>) {
        let offer = Offer::new(Url::parse("ws://a").expect("a URL"))
            .with_extensions(Supported::default().with_deflate(terms));
        let mut connector =
            Connector::with_nonce(offer, NONCE, &HeadLimits::default(), START).expect("an offer");
        let offered = extensions(&connector.request().to_vec());
        let field = match theirs {
            "" => String::new(),
            theirs => format!("Sec-WebSocket-Extensions: {theirs}\r\n"),
        };
        let mut answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Accept: {ACCEPT}\r\n{field}\r\n"
        )
        .into_bytes();
        let conn = match connector.poll(&mut Input::new(&mut answer), START) {
            Some(Answered::Open { established, .. }) => {
                let conn = Connection::client_with(Config::default(), Counting(0));
                Some(conn.with_extensions(established.extensions))
            }
            Some(Answered::Failed(_)) => None,
            other => panic!("{other:?}"),
        };
        (conn, offered)
    }
}

/// What an answer says about one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Direction {
    window: u8,
    takeover: bool,
}

impl Direction {
    /// Read out of a valid answer, as simply as can be.
    fn of(answer: &str, sender: &str) -> Self {
        let value = answer.split(&format!("{sender}_max_window_bits=")).nth(1);
        let digits = value.map(|value| value.split(';').next().unwrap_or(value).trim());
        Self {
            window: digits.map_or(15, |digits| digits.parse().expect("a number")),
            takeover: !answer.contains(&format!("{sender}_no_context_takeover")),
        }
    }
}

/// A connection under test with its peer.
pub(crate) struct Session<R: Tested> {
    conn: Connection<R>,
    /// How the peer compresses.
    theirs: Direction,
    /// None where the peer may use 256 octets at most: no compressor at hand keeps to that, and it sends plain messages.
    deflate: Option<Deflate>,
    inflater: Inflater,
    frames: u32,
    /// How many messages came back compressed.
    pub(crate) compressed: usize,
}

impl<R: Tested> Session<R> {
    /// What follows from this answer, whoever gave it.
    pub(crate) fn new(conn: Connection<R>, answer: &str) -> Self {
        let (ours, theirs) = if R::MASKS { ("client", "server") } else { ("server", "client") };
        let (ours, theirs) = (Direction::of(answer, ours), Direction::of(answer, theirs));
        Self {
            conn,
            theirs,
            deflate: (theirs.window > 8).then(|| Deflate::new(6, false, theirs.window)),
            inflater: Inflater::new(ours.window, ours.takeover),
            frames: 0,
            compressed: 0,
        }
    }

    /// The payload of a compressed message.
    fn deflate(&mut self, message: &[u8]) -> Option<Vec<u8>> {
        let deflate = self.deflate.as_mut()?;
        if !self.theirs.takeover {
            deflate.reset();
        }
        let mut payload = vec![0; message.len() + message.len() / 8 + 100];
        let before = deflate.total_out();
        deflate.compress(message, &mut payload, DeflateFlush::SyncFlush).expect("room");
        payload.truncate((deflate.total_out() - before) as usize);
        assert!(payload.ends_with(&[0, 0, 0xFF, 0xFF]));
        payload.truncate(payload.len() - 4);
        Some(if payload.is_empty() { vec![0] } else { payload })
    }

    /// Sends a message in compressed fragments of at most `fragment` octets (0: in one frame), and compares what comes back. It
    /// has to come at once with the last byte, and not before.
    pub(crate) fn exchange(&mut self, kind: u8, message: &[u8], fragment: usize, cut: Cut) {
        let (rsv1, payload) = match self.deflate(message) {
            Some(payload) => (RSV1, payload),
            None => (0, message.to_vec()),
        };
        let size = if fragment == 0 { payload.len() } else { fragment }.max(1);
        let count = payload.len().div_ceil(size).max(1);
        let frames: Vec<Vec<u8>> = (0..count)
            .map(|i| {
                self.frames += 1;
                let key = self.frames.wrapping_mul(0x9E37_79B9).to_be_bytes();
                let first = if i == 0 { rsv1 | kind } else { CONTINUATION };
                let fin = if i + 1 == count { FIN } else { 0 };
                let piece = &payload[i * size..payload.len().min((i + 1) * size)];
                frame(fin | first, (!R::MASKS).then_some(key), piece)
            })
            .collect();
        let bytes = frames.concat();
        let reads: Vec<&[u8]> = match cut {
            Cut::Whole => vec![&bytes],
            Cut::Frames => frames.iter().map(|frame| &frame[..]).collect(),
            Cut::Bytes(len) => bytes.chunks(len).collect(),
        };
        let (last, reads) = reads.split_last().expect("a read");
        for read in reads {
            assert_eq!(echo(&mut self.conn, read), (vec![], vec![]), "before the last byte");
        }
        let (events, sent) = echo(&mut self.conn, last);
        let expected = match kind {
            TEXT => text(std::str::from_utf8(message).expect("text")),
            _ => binary(message),
        };
        assert!(events == [expected], "the message is delivered");
        let [(first, payload)] = &sent[..] else { panic!("one frame comes back") };
        let back = match *first == FIN | RSV1 | kind {
            true => {
                self.compressed += 1;
                self.inflater.inflate(payload)
            }
            false => {
                assert_eq!(*first, FIN | kind);
                payload.clone()
            }
        };
        assert!(back == message, "the message comes back");
    }

    /// Closes, as the suite does.
    pub(crate) fn close(mut self) {
        let key = (!R::MASKS).then_some([7, 7, 7, 7]);
        let close = frame(FIN | CLOSE, key, &close_body(1000, b""));
        let expected = (
            vec![Seen::Closing(Some(1000), String::new())],
            vec![(FIN | CLOSE, close_body(1000, b""))],
        );
        assert_eq!(echo(&mut self.conn, &close), expected);
        end(&mut self.conn, START);
        assert!(outcome(&self.conn).clean());
    }
}
