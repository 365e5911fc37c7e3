//! Properties of permessage-deflate between two connections: any parameters, any messages in any order, input cut anywhere.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(feature = "deflate")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use sockless::extension::deflate::{self, Effort, Memory, Parameters, Pool, WindowBits};
use sockless::frame::Limits;
use sockless::{Client, Config, Connection, Delivery, Prepared, Server};

use crate::inflation::*;
use crate::wire::{self, FIN, RSV1, Seen, Tested, feed, joined, peer, written};

fn window() -> impl Strategy<Value = Option<WindowBits>> {
    proptest::option::of((8..=15_u8).prop_map(|bits| WindowBits::new(bits).expect("8 to 15")))
}

fn parameters() -> impl Strategy<Value = Parameters> {
    (any::<bool>(), any::<bool>(), window(), window()).prop_map(|(server, client, down, up)| {
        Parameters {
            server_no_context_takeover: server,
            client_no_context_takeover: client,
            server_max_window_bits: down,
            client_max_window_bits: up,
        }
    })
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        ("[a-zä€]{1,12}", 0..400_usize).prop_map(|(word, count)| word.repeat(count)),
        (any::<u64>(), 0..3000_usize).prop_map(|(seed, length)| {
            noise(seed, length).iter().map(|octet| char::from(octet % 64 + b' ')).collect()
        }),
    ]
}

#[derive(Clone, Debug)]
enum Call {
    Send(String),
    Binary(String),
    Fragments(Vec<String>),
    Prepared(String, u8),
    Switch(bool),
    Release,
    Ping,
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        4 => message().prop_map(Call::Send),
        2 => message().prop_map(Call::Binary),
        2 => vec(message(), 1..4).prop_map(Call::Fragments),
        2 => (message(), 9..=15_u8).prop_map(|(message, window)| Call::Prepared(message, window)),
        1 => any::<bool>().prop_map(Call::Switch),
        1 => Just(Call::Release),
        1 => Just(Call::Ping),
    ]
}

/// Performs the step; returns what the peer has to see.
fn act<R: Tested>(
    conn: &mut Connection<R>,
    call: Call,
    prepared: impl Fn(&mut Connection<R>, &str, u8),
) -> Option<Seen> {
    Some(match call {
        Call::Send(message) => {
            conn.send_text(&message).expect("room");
            Seen::Text(message)
        }
        Call::Binary(message) => {
            conn.send_binary(message.as_bytes()).expect("room");
            Seen::Binary(message.into_bytes())
        }
        Call::Fragments(fragments) => {
            conn.begin_text("", false).expect("room");
            for fragment in &fragments {
                conn.continue_text(fragment, false).expect("room");
            }
            conn.continue_text("", true).expect("room");
            Seen::Text(fragments.concat())
        }
        Call::Prepared(message, window) => {
            prepared(conn, &message, window);
            Seen::Text(message)
        }
        Call::Switch(on) => {
            conn.set_compression(on);
            return None;
        }
        Call::Release => {
            conn.release();
            return None;
        }
        Call::Ping => {
            conn.ping(b"ping", wire::START).expect("room");
            Seen::Ping(b"ping".to_vec())
        }
    })
}

/// Feeds `bytes` in reads of these lengths; the last length repeats.
fn feed_cut<R: Tested>(conn: &mut Connection<R>, mut bytes: &[u8], cuts: &[usize]) -> Vec<Seen> {
    let mut events = Vec::new();
    let mut cuts = cuts.iter().chain(cuts.last().into_iter().cycle());
    while !bytes.is_empty() {
        let cut = cuts.next().map_or(bytes.len(), |cut| (*cut).min(bytes.len()));
        let (read, rest) = bytes.split_at(cut);
        events.extend(feed(conn, read));
        bytes = rest;
    }
    events
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn everything_sent_arrives(
        parameters in parameters(),
        (level, memory, threshold) in (1..=9_u8, 1..=9_u8, 0..50_usize),
        pooled: bool,
        calls in vec((any::<bool>(), call(), vec(1..400_usize, 0..3)), 0..14),
    ) {
        let mut config = deflate::Compression::default()
            .with_level(Effort::new(level).expect("1 to 9"))
            .with_memory(Memory::new(memory).expect("1 to 9"))
            .with_threshold(threshold);
        if pooled {
            config = config.with_pool(Pool::new(2));
        }
        let compression = config.clone();
        let config = Config::default().with_deflate(config);
        let mut server = Server::open(config.clone()).with_extensions(agreed(parameters));
        let mut client = Client::open(config).with_extensions(agreed(parameters));
        for (down, call, cuts) in calls {
            if down {
                let expected = act(&mut server, call, |conn, message, window| {
                    let window = WindowBits::new(window).expect("9 to 15");
                    let prepared = Prepared::text(message).compressed(window, &compression);
                    conn.send_prepared(&prepared).expect("room");
                });
                let seen = feed_cut(&mut client, &written(&mut server), &cuts);
                prop_assert_eq!(seen, Vec::from_iter(expected));
                written(&mut client);
            } else {
                let expected = act(&mut client, call, |conn, message, _| {
                    conn.send_text(message).expect("room");
                });
                let seen = feed_cut(&mut server, &written(&mut client), &cuts);
                prop_assert_eq!(seen, Vec::from_iter(expected));
                written(&mut server);
            }
        }
    }

    #[test]
    fn what_arrives_is_seen_alike_at_any_cut(
        messages in vec((message(), any::<bool>(), 1..4_usize), 1..4),
        changes in vec((any::<Index>(), any::<u8>()), 0..3),
        limit in prop_oneof![Just(1 << 20), 0..3000_u64],
        parts: bool,
        cuts in vec(1..200_usize, 1..8),
    ) {
        let mut deflater = Deflater::new(true);
        let mut bytes = Vec::new();
        for (message, text, fragments) in messages {
            let mut payload = deflater.deflate(message.as_bytes());
            for (at, value) in &changes {
                let at = at.index(payload.len());
                payload[at] ^= value;
            }
            let size = payload.len().div_ceil(fragments);
            let last = payload.len().div_ceil(size) - 1;
            for (at, fragment) in payload.chunks(size).enumerate() {
                let first = if at == 0 { RSV1 | if text { 1 } else { 2 } } else { 0 };
                bytes.extend(peer::<Server>(first | if at == last { FIN } else { 0 }, fragment));
                bytes.extend(peer::<Server>(FIN | wire::PONG, b""));
            }
        }
        let delivery = if parts { Delivery::Parts } else { Delivery::Whole };
        let limits = Limits::default().with_message(limit);
        let config = Config::default().with_limits(limits).with_delivery(delivery);
        let mut ends = Vec::new();
        for cuts in [&[usize::MAX][..], &[1], &cuts] {
            let mut conn = Server::open(config.clone()).with_extensions(agreed(Parameters::default()));
            let events = joined(&feed_cut(&mut conn, &bytes, cuts));
            for event in &events {
                let length = match event {
                    Seen::Text(message) => message.len(),
                    Seen::Binary(message) | Seen::Part(_, message, ..) => message.len(),
                    _ => 0,
                };
                prop_assert!(length as u64 <= limit);
            }
            ends.push((events, written(&mut conn)));
        }
        prop_assert_eq!(&ends[0], &ends[1]);
        prop_assert_eq!(&ends[0], &ends[2]);
    }
}
