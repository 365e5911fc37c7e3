//! What one endpoint sends, by any call and through any partial writes, is what the other receives.

mod streams;

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use bytes::{Buf, Bytes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sockless::connection::Side;
use sockless::frame::{Decoder, Encoder, Fragment, Input, Limits};
use sockless::message::Content;
use sockless::words::role::Role;
use sockless::{Client, Config, Connection, Delivery, Event, Kind, Message, Prepared, Server};
use streams::{Counter, Split};

/// One call, or the calls of one message.
#[derive(Clone, Debug)]
enum Send {
    Text(String),
    Binary(Vec<u8>),
    Owned(Message),
    /// Prepared for a server; a client sends it as it is.
    Prepared(Message),
    /// Borrowed, with writes of these sizes before the rest is left to the queue.
    Borrowed(Message, Vec<usize>),
    /// In fragments, with a ping behind those where one is due.
    Fragments(Kind, Vec<String>, Vec<bool>),
    /// In frames whose payload is streamed in pieces.
    Streamed(Kind, Vec<Vec<String>>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

/// How output is taken out of the queue, and how much of it.
#[derive(Clone, Copy, Debug)]
enum Write {
    Nothing,
    First(usize),
    Slices(usize),
    IoSlices(usize),
    Buf(usize),
    All,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
}

impl Item {
    fn new(kind: Kind, payload: Vec<u8>) -> Self {
        match kind {
            Kind::Text => Self::Text(String::from_utf8(payload).expect("text")),
            Kind::Binary => Self::Binary(payload),
        }
    }

    fn message(message: &Message) -> Self {
        Self::new(message.kind(), message.as_bytes().to_vec())
    }
}

/// What only one of the roles can do, or does in its own way.
trait Endpoint: Side {
    fn connection(config: Config) -> Connection<Self>
    where
        Self: Sized;
    fn send_prepared(conn: &mut Connection<Self>, message: &Message)
    where
        Self: Sized;
    /// Sends borrowed payload, with writes of these sizes; what has been written.
    fn send_borrowed(conn: &mut Connection<Self>, message: &Message, writes: &[usize]) -> Vec<u8>
    where
        Self: Sized;
}

impl Endpoint for Server {
    fn connection(config: Config) -> Connection<Self> {
        Connection::server(config)
    }

    fn send_prepared(conn: &mut Connection<Self>, message: &Message) {
        let prepared = match message {
            Message::Text(text) => Prepared::text(text),
            Message::Binary(bytes) => Prepared::binary(bytes),
        };
        conn.send_prepared(&prepared).expect("no limit is near");
    }

    fn send_borrowed(conn: &mut Connection<Self>, message: &Message, writes: &[usize]) -> Vec<u8> {
        let mut borrowed = match message {
            Message::Text(text) => conn.send_text_borrowed(text),
            Message::Binary(bytes) => conn.send_binary_borrowed(bytes),
        }
        .expect("no limit is near");
        let mut wire = Vec::new();
        for size in writes {
            let count = write_slices(&borrowed.slices(), *size, &mut wire);
            borrowed.wrote(count);
        }
        wire
    }
}

impl Endpoint for Client {
    fn connection(config: Config) -> Connection<Self> {
        Connection::client_with(config, Counter(5))
    }

    fn send_prepared(conn: &mut Connection<Self>, message: &Message) {
        conn.send(message.clone()).expect("no limit is near");
    }

    fn send_borrowed(conn: &mut Connection<Self>, message: &Message, writes: &[usize]) -> Vec<u8> {
        let Message::Binary(bytes) = message else {
            conn.send(message.clone()).expect("no limit is near");
            return Vec::new();
        };
        let mut bytes = bytes.to_vec();
        let mut borrowed = conn.send_binary_borrowed(&mut bytes).expect("no limit is near");
        let mut wire = Vec::new();
        for size in writes {
            let count = write_slices(&borrowed.slices(), *size, &mut wire);
            borrowed.wrote(count);
        }
        wire
    }
}

fn write_slices(slices: &[&[u8]], most: usize, wire: &mut Vec<u8>) -> usize {
    let mut left = most;
    for slice in slices {
        let count = slice.len().min(left);
        wire.extend_from_slice(&slice[..count]);
        left -= count;
    }
    most - left
}

fn write<R: Side>(conn: &mut Connection<R>, how: Write, wire: &mut Vec<u8>) {
    let before = (wire.len(), conn.queued());
    match how {
        Write::Nothing => {}
        Write::First(most) => {
            let count = write_slices(&[conn.output()], most, wire);
            conn.wrote(count);
        }
        Write::Slices(most) => {
            let slices: Vec<_> = conn.output_slices().collect();
            assert!(slices.iter().all(|slice| !slice.is_empty()));
            assert_eq!(slices.iter().map(|slice| slice.len()).sum::<usize>(), conn.queued());
            let count = write_slices(&slices, most, wire);
            conn.wrote(count);
        }
        Write::IoSlices(most) => {
            let mut slices = [IoSlice::new(&[]); 3];
            let filled = conn.output_io_slices(&mut slices);
            let slices: Vec<_> = slices[..filled].iter().map(|slice| &**slice).collect();
            let count = write_slices(&slices, most, wire);
            conn.wrote(count);
        }
        Write::Buf(most) => {
            let mut buf = conn.drain();
            let count = buf.remaining().min(most);
            let mut place = vec![0; count];
            buf.copy_to_slice(&mut place);
            wire.extend(place);
        }
        Write::All => {
            while !conn.output().is_empty() {
                write(conn, Write::First(usize::MAX), wire);
            }
        }
    }
    assert_eq!(conn.queued(), before.1 - (wire.len() - before.0));
}

/// Does all sends with the writes between them, and says what the peer has to receive.
fn send_all<R: Endpoint>(sends: &[(Send, Write)], lend: bool) -> (Vec<u8>, Vec<Item>) {
    let mut conn = R::connection(Config::default());
    if lend {
        conn.lend(Vec::with_capacity(100)).expect("nothing waits");
    }
    let mut wire = Vec::new();
    let mut items = Vec::new();
    let now = Duration::ZERO;
    for (send, how) in sends {
        match send {
            Send::Text(text) => {
                conn.send_text(text).expect("no limit is near");
                items.push(Item::Text(text.clone()));
            }
            Send::Binary(bytes) => {
                conn.send_binary(bytes).expect("no limit is near");
                items.push(Item::Binary(bytes.clone()));
            }
            Send::Owned(message) => {
                conn.send(message.clone()).expect("no limit is near");
                items.push(Item::message(message));
            }
            Send::Prepared(message) => {
                R::send_prepared(&mut conn, message);
                items.push(Item::message(message));
            }
            Send::Borrowed(message, writes) => {
                wire.extend(R::send_borrowed(&mut conn, message, writes));
                items.push(Item::message(message));
            }
            Send::Fragments(kind, fragments, pings) => {
                let last = fragments.len() - 1;
                for (at, fragment) in fragments.iter().enumerate() {
                    let sent = match (kind, at) {
                        (Kind::Text, 0) => conn.begin_text(fragment),
                        (Kind::Binary, 0) => conn.begin_binary(fragment.as_bytes()),
                        (Kind::Text, _) => conn.continue_text(fragment, at == last),
                        (Kind::Binary, _) => conn.continue_binary(fragment.as_bytes(), at == last),
                    };
                    sent.expect("no limit is near");
                    assert_eq!(conn.send_text("inside").is_err(), at < last);
                    if at == last {
                        break;
                    }
                    if pings[at % pings.len()] {
                        conn.ping(&[at as u8], now).expect("no limit is near");
                        items.push(Item::Ping(vec![at as u8]));
                    }
                    write(&mut conn, *how, &mut wire);
                }
                items.push(Item::new(*kind, fragments.concat().into_bytes()));
                items.push(Item::Text("inside".into()));
            }
            Send::Streamed(kind, frames) => {
                let last = frames.len() - 1;
                for (at, pieces) in frames.iter().enumerate() {
                    let len = pieces.iter().map(|piece| piece.len() as u64).sum();
                    let first = (at == 0).then_some(*kind);
                    conn.stream_frame(first, at == last, len).expect("no limit is near");
                    let mut left = len;
                    for piece in pieces {
                        let mut piece = piece.clone().into_bytes();
                        conn.stream_payload(&mut piece).expect("no limit is near");
                        left -= piece.len() as u64;
                        assert_eq!(conn.pong(b"").is_err(), left > 0, "nothing gets into a frame");
                        if left == 0 {
                            items.push(Item::Pong(Vec::new()));
                        }
                        write(&mut conn, *how, &mut wire);
                    }
                }
                let payload: String = frames.iter().flatten().map(String::as_str).collect();
                items.push(Item::new(*kind, payload.into_bytes()));
                if items.len() >= 2 && frames[last].iter().any(|piece| !piece.is_empty()) {
                    settle(&mut items, frames);
                }
            }
            Send::Ping(payload) => {
                conn.ping(payload, now).expect("no limit is near");
                items.push(Item::Ping(payload.clone()));
            }
            Send::Pong(payload) => {
                conn.pong(payload).expect("no limit is near");
                items.push(Item::Pong(payload.clone()));
            }
        }
        write(&mut conn, *how, &mut wire);
    }
    write(&mut conn, Write::All, &mut wire);
    assert_eq!(conn.counters().sent.wire_bytes, wire.len() as u64);
    (wire, items)
}
