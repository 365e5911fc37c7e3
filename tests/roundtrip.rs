//! What one endpoint sends, by any call and through any partial writes, is what the other receives.

use std::io::IoSlice;
use std::time::Duration;

use bytes::{Buf, Bytes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sockless::connection::{Loan, Side};
use sockless::frame::{Decoder, Encoder, Fragment, Input, Limits};
use sockless::message::Content;
use sockless::words::role::Role;
use sockless::{Client, Config, Connection, Delivery, Event, Kind, Message, Prepared, Server};

use crate::naive;
use crate::streams::{self, Counter, Split};

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
    /// In fragments, with a ping after those where one is due.
    Fragments(Kind, Vec<String>, Vec<bool>),
    /// In frames whose payload is streamed in pieces.
    Streamed(Kind, Vec<Vec<Vec<u8>>>),
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
            let output = conn.drain();
            let filled = output.chunks_vectored(&mut slices);
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
        conn.lend(Loan::Output, Vec::with_capacity(100)).expect("nothing waits");
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
                        (Kind::Text, 0) => conn.begin_text(fragment, false),
                        (Kind::Binary, 0) => conn.begin_binary(fragment.as_bytes(), false),
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
                let mut message = Some(Vec::new());
                let mut complete = |bytes: &[u8], ends: bool, items: &mut Vec<Item>| {
                    if let Some(message) = &mut message {
                        message.extend_from_slice(bytes);
                    }
                    if let Some(message) = message.take_if(|_| ends) {
                        items.push(Item::new(*kind, message));
                    }
                };
                let last = frames.len() - 1;
                for (at, pieces) in frames.iter().enumerate() {
                    let mut left: usize = pieces.iter().map(Vec::len).sum();
                    let first = (at == 0).then_some(*kind);
                    conn.stream_frame(first, at == last, left as u64).expect("no limit is near");
                    complete(&[], at == last && left == 0, &mut items);
                    for piece in pieces {
                        let mut piece = piece.clone();
                        left -= piece.len();
                        let ends = at == last && left == 0;
                        complete(&piece, ends, &mut items);
                        conn.stream_payload(&mut piece).expect("no limit is near");
                        let inside = conn.pong(b"behind a frame").is_err();
                        assert_eq!(inside, left > 0, "nothing gets into a frame");
                        if !inside {
                            items.push(Item::Pong(b"behind a frame".to_vec()));
                        }
                        write(&mut conn, *how, &mut wire);
                    }
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

fn receive_all<R: Endpoint>(config: Config, wire: &[u8], split: &Split) -> Vec<Item> {
    let mut conn = R::connection(config.with_auto_pong(false));
    let mut items = Vec::new();
    let mut parts = Vec::new();
    for read in split.reads(wire.len(), &[]) {
        let mut buffer = wire[read].to_vec();
        let mut input = Input::new(&mut buffer);
        while let Some(event) = conn.poll(&mut input, Duration::ZERO) {
            items.push(match event {
                Event::Text(text) => Item::Text(text.into_string()),
                Event::Binary(payload) => Item::Binary(payload.into_vec()),
                Event::Part(part) => {
                    parts.extend_from_slice(part.content.as_bytes());
                    if !part.last {
                        continue;
                    }
                    let kind = match part.content {
                        Content::Text(_) => Kind::Text,
                        Content::Binary(_) => Kind::Binary,
                    };
                    Item::new(kind, std::mem::take(&mut parts))
                }
                Event::Ping(payload) => Item::Ping(payload.into_vec()),
                Event::Pong(pong) => Item::Pong(pong.payload.into_vec()),
                other => panic!("not sent: {other:?}"),
            });
        }
    }
    assert_eq!(conn.counters().received.wire_bytes, wire.len() as u64);
    items
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![8 => streams::text(), 1 => (4080usize..4110).prop_map(|len| "t".repeat(len))]
}

fn payload() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![8 => streams::payload(), 1 => (4080usize..9000).prop_map(|len| vec![0xB0; len])]
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        text().prop_map(Message::from),
        payload().prop_map(|bytes| Message::from(Bytes::from(bytes))),
    ]
}

/// Cuts `bytes` at these places.
fn cut(bytes: &[u8], places: &[Index]) -> Vec<Vec<u8>> {
    let mut ends: Vec<_> = places.iter().map(|place| place.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut from = 0;
    let piece = |end: usize| bytes[std::mem::replace(&mut from, end)..end].to_vec();
    ends.into_iter().map(piece).collect()
}

fn streamed() -> impl Strategy<Value = Send> {
    let places = || vec(any::<Index>(), 0..4);
    (message(), places(), places()).prop_map(|(message, frames, pieces)| {
        let frames = cut(message.as_bytes(), &frames);
        Send::Streamed(message.kind(), frames.iter().map(|frame| cut(frame, &pieces)).collect())
    })
}

fn send() -> impl Strategy<Value = Send> {
    let kind = prop_oneof![Just(Kind::Text), Just(Kind::Binary)];
    let control = || vec(any::<u8>(), 0..=125);
    prop_oneof![
        2 => text().prop_map(Send::Text),
        2 => payload().prop_map(Send::Binary),
        2 => message().prop_map(Send::Owned),
        2 => message().prop_map(Send::Prepared),
        2 => (message(), vec(0usize..3000, 0..4)).prop_map(|(message, writes)| Send::Borrowed(message, writes)),
        2 => (kind, vec(streams::text(), 2..5), vec(any::<bool>(), 1..4))
            .prop_map(|(kind, fragments, pings)| Send::Fragments(kind, fragments, pings)),
        2 => streamed(),
        1 => control().prop_map(Send::Ping),
        1 => control().prop_map(Send::Pong),
    ]
}

fn how() -> impl Strategy<Value = Write> {
    let size = || prop_oneof![0usize..20, 0usize..6000];
    prop_oneof![
        3 => Just(Write::Nothing),
        1 => size().prop_map(Write::First),
        1 => size().prop_map(Write::Slices),
        1 => size().prop_map(Write::IoSlices),
        1 => size().prop_map(Write::Buf),
        2 => Just(Write::All),
    ]
}

fn check<R: Endpoint, P: Endpoint>(
    sends: &[(Send, Write)],
    lend: bool,
    split: &Split,
) -> Result<(), TestCaseError> {
    let (wire, items) = send_all::<R>(sends, lend);
    let decoded = naive::decode(&wire, R::MASKS, &Limits::DEFAULT);
    prop_assert_eq!(decoded.1, None, "the sender broke a rule");
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let received = receive_all::<P>(Config::default().with_delivery(delivery), &wire, split);
        prop_assert_eq!(&received, &items);
    }
    Ok(())
}

proptest! {
    #![proptest_config(streams::cases(300))]

    #[test]
    fn what_a_client_sends_a_server_receives(
        sends in vec((send(), how()), 0..8),
        lend in any::<bool>(),
        split in streams::split(),
    ) {
        check::<Client, Server>(&sends, lend, &split)?;
    }

    #[test]
    fn what_a_server_sends_a_client_receives(
        sends in vec((send(), how()), 0..8),
        lend in any::<bool>(),
        split in streams::split(),
    ) {
        check::<Server, Client>(&sends, lend, &split)?;
    }

    #[test]
    fn what_level_1_encodes_level_1_decodes(
        payloads in vec((payload(), vec(any::<Index>(), 0..3)), 1..5),
        keys in vec(any::<[u8; 4]>(), 5),
        split in streams::split(),
    ) {
        check_frames::<Client>(&payloads, &keys, &split)?;
        check_frames::<Server>(&payloads, &[(); 5], &split)?;
    }
}

/// One binary message, each payload a fragment whose payload is masked in pieces, a ping after each.
fn check_frames<R: Role>(
    payloads: &[(Vec<u8>, Vec<Index>)],
    keys: &[R::Key],
    split: &Split,
) -> Result<(), TestCaseError> {
    let mut encoder = Encoder::<R>::new();
    let mut wire = Vec::new();
    for (at, (payload, places)) in payloads.iter().enumerate() {
        let fragment = Fragment {
            first: (at == 0).then_some(Kind::Binary),
            fin: at + 1 == payloads.len(),
            rsv1: false,
            len: payload.len() as u64,
        };
        wire.extend_from_slice(&encoder.begin(fragment, keys[at]).expect("a legal frame"));
        for mut piece in cut(payload, places) {
            encoder.payload(&mut piece).expect("as announced");
            wire.extend(piece);
        }
        wire.extend_from_slice(&encoder.ping(&[at as u8], keys[4 - at]).expect("between frames"));
    }
    let mut decoder = Decoder::<R::Peer>::new();
    let mut frames: Vec<(u8, bool, Vec<u8>)> = Vec::new();
    for read in split.reads(wire.len(), &[]) {
        let mut input = Input::new(&mut wire[read]);
        while let Some(piece) = decoder.decode(&mut input, &Limits::DEFAULT).expect("legal frames")
        {
            if piece.begins {
                frames.push((piece.opcode.bits(), piece.fin, Vec::new()));
            }
            frames.last_mut().expect("begun").2.extend_from_slice(piece.payload);
        }
    }
    let expected: Vec<_> = payloads
        .iter()
        .enumerate()
        .flat_map(|(at, (payload, _))| {
            let opcode = if at == 0 { 2 } else { 0 };
            let data = (opcode, at + 1 == payloads.len(), payload.clone());
            [data, (9, true, vec![at as u8])]
        })
        .collect();
    prop_assert_eq!(frames, expected);
    Ok(())
}
