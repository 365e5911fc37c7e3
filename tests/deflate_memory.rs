//! The memory of permessage-deflate, counted: what a connection takes for each setting, and what a peer can make it take.
#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![cfg(all(feature = "deflate", feature = "std"))]

use std::sync::Arc;

use sockless::connection::Side;
use sockless::extension::deflate::{self, Memory, Parameters, Pool, WindowBits};
use sockless::frame::{Limits, Violation};
use sockless::{Client, Config, Connection, Event, Input, Prepared, Server};

use crate::allocations::Meter;
use crate::inflation::*;
use crate::wire::{BINARY, FIN, RSV1, START, Seen, Tested, feed, peer, violation};

fn parameters(window: u8, takeover: bool) -> Parameters {
    Parameters {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        server_max_window_bits: bits(window),
        client_max_window_bits: bits(window),
    }
}

fn config(memory: u8) -> deflate::Compression {
    deflate::Compression::default()
        .with_memory(Memory::new(memory).expect("1 to 9"))
        .with_threshold(0)
}

fn connection<R: Tested>(config: deflate::Compression, parameters: Parameters) -> Connection<R> {
    R::open(Config::default().with_deflate(config)).with_extensions(agreed(parameters))
}

/// Receives a compressed frame, and drops the message.
fn receive<R: Side>(conn: &mut Connection<R>, frame: &mut [u8]) {
    let mut input = Input::new(frame);
    while let Some(event) = conn.poll(&mut input, START) {
        assert!(matches!(event, Event::Binary(_)), "{event:?}");
    }
}

fn drain<R: Side>(conn: &mut Connection<R>) {
    conn.wrote(conn.output().len());
    assert!(conn.output().is_empty());
}

/// What a connection holds in the receiving and in the sending direction, once a large message has gone each way: as it is, and
/// after a release.
fn held<R: Tested>(memory: u8, window: u8, takeover: bool) -> [i64; 3] {
    let mut conn = connection::<R>(config(memory), parameters(window, takeover));
    let message = noise(1, 100_000);
    let mut frame = peer::<R>(FIN | RSV1 | BINARY, &Deflater::new(takeover).deflate(&message));
    let message = prose(50_000);
    let meter = Meter::start();
    receive(&mut conn, &mut frame);
    let receiving = meter.live();
    conn.send_text(&message).expect("room");
    drain(&mut conn);
    let sending = meter.live() - receiving;
    let meter = Meter::start();
    conn.release();
    let released = receiving + sending + meter.live();
    [receiving, sending, released]
}

#[test]
fn state_takes_what_the_documentation_says() {
    // The tables in the documentation of `extension::deflate`.
    for (window, receiving) in [
        (15, 80_448),
        (14, 64_064),
        (13, 55_872),
        (12, 51_776),
        (11, 49_728),
        (10, 48_704),
        (9, 48_192),
        (8, 48_192),
    ] {
        let [measured, _, released] = held::<Server>(8, window, true);
        assert!(measured <= receiving, "{window}: {measured}");
        assert_eq!(released, 1 << window.max(9));
        let [measured, _, released] = held::<Client>(8, window, false);
        assert!(measured <= 47_680, "{window}: {measured}");
        assert_eq!(released, 0);
    }
    for (window, memory, sending) in [
        (15, 9, 494_848),
        (15, 8, 380_160),
        (15, 5, 279_808),
        (15, 1, 266_368),
        (14, 8, 314_624),
        (13, 8, 281_856),
        (12, 8, 265_472),
        (12, 1, 151_680),
        (11, 8, 257_280),
        (10, 8, 253_184),
        (9, 9, 365_824),
        (9, 8, 251_136),
        (9, 5, 150_784),
        (9, 1, 137_344),
    ] {
        for takeover in [true, false] {
            assert!(held::<Server>(memory, window, takeover)[1] <= sending);
            assert!(held::<Client>(memory, window, takeover)[1] <= sending);
        }
    }
}

#[test]
fn history_doubles_only_when_it_is_full_and_never_beyond_the_window() {
    for (messages, held) in [
        (&[5000][..], 5000),
        (&[5000, 3000], 10_000),
        (&[5000, 3000, 2000], 10_000),
        (&[5000, 3000, 2000, 1], 20_000),
        (&[20_000, 1], 32_768),
        (&[20_000, 20_000], 32_768),
        (&[100, 1000], 1100),
    ] {
        let mut conn = connection::<Server>(config(8), parameters(15, true));
        let mut deflater = Deflater::new(true);
        let frames = messages.iter().map(|len| deflater.deflate(&noise(1, *len)));
        let mut frames: Vec<_> =
            frames.map(|payload| peer::<Server>(FIN | RSV1 | BINARY, &payload)).collect();
        let meter = Meter::start();
        for frame in &mut frames {
            receive(&mut conn, frame);
        }
        conn.release();
        assert_eq!(meter.live(), held, "{messages:?}");
    }
}

#[test]
fn states_exist_from_the_first_compressed_message_on() {
    let mut plain = peer::<Server>(FIN | BINARY, &[7; 1000]);
    let config = Arc::new(Config::default());
    let meter = Meter::start();
    let mut conn = Connection::server(config).with_extensions(agreed(parameters(15, true)));
    let opened = meter.live();
    assert!(opened <= 152, "{opened}");
    receive(&mut conn, &mut plain);
    conn.set_compression(false);
    conn.send_binary(&[7; 1000]).expect("room");
    drain(&mut conn);
    assert_eq!(meter.live(), opened);
}

#[test]
fn nothing_is_allocated_where_nothing_was_agreed_on() {
    let meter = Meter::start();
    let conn = Connection::server(Arc::new(Config::default()));
    let plain = meter.live();
    let meter = Meter::start();
    let other = Connection::server(Arc::new(Config::default())).with_extensions(Default::default());
    assert_eq!(meter.live(), plain);
    drop((conn, other));
}

#[test]
fn connections_without_takeover_share_the_states_of_a_pool() {
    let pool = Pool::new(8);
    let config = config(8).with_pool(pool.clone());
    let mut connections: Vec<_> =
        (0..200).map(|_| connection::<Server>(config.clone(), parameters(15, false))).collect();
    let frame = peer::<Server>(FIN | RSV1 | BINARY, &Deflater::new(false).deflate(&noise(1, 3000)));
    let mut read = frame.clone();
    let meter = Meter::start();
    for conn in &mut connections {
        read.copy_from_slice(&frame);
        receive(conn, &mut read);
        conn.send_text(&prose(3000)).expect("room");
        drain(conn);
        conn.release();
    }
    assert_eq!(format!("{pool:?}"), "Pool { limit: 8, inflaters: 1, compressors: 1 }");
    assert!(meter.live() < 500_000, "{}", meter.live());
    pool.clear();
    assert!(meter.live() < 1000, "{}", meter.live());
}

#[test]
fn pool_keeps_no_more_than_its_limit() {
    let payload = Deflater::new(false).deflate(&noise(1, 3000));
    let (begun, rest) = payload.split_at(1000);
    for limit in [0, 1, 2, 3] {
        let pool = Pool::new(limit);
        let config = config(8).with_pool(pool.clone());
        let mut connections: Vec<_> =
            (0..3).map(|_| connection::<Server>(config.clone(), parameters(15, false))).collect();
        // Three messages are incomplete at the same time, in each direction.
        for conn in &mut connections {
            receive(conn, &mut peer::<Server>(RSV1 | BINARY, begun));
            conn.begin_binary(&[7; 100], false).expect("room");
        }
        assert_eq!(
            format!("{pool:?}"),
            format!("Pool {{ limit: {limit}, inflaters: 0, compressors: 0 }}")
        );
        for conn in &mut connections {
            receive(conn, &mut peer::<Server>(FIN, rest));
            conn.continue_binary(&[7; 100], true).expect("room");
        }
        assert_eq!(
            format!("{pool:?}"),
            format!("Pool {{ limit: {limit}, inflaters: {limit}, compressors: {limit} }}")
        );
    }
}

#[test]
fn pool_gives_a_compressor_to_connections_of_its_window_only() {
    let pool = Pool::new(8);
    let config = config(8).with_pool(pool.clone());
    for (window, compressors) in [(15, 1), (10, 2), (15, 2), (10, 2), (9, 3)] {
        let mut conn = connection::<Server>(config.clone(), parameters(window, false));
        conn.send_text(&prose(3000)).expect("room");
        assert_eq!(
            format!("{pool:?}"),
            format!("Pool {{ limit: 8, inflaters: 0, compressors: {compressors} }}")
        );
    }
}

#[test]
fn prepared_message_borrows_its_compressor_from_the_pool() {
    let pool = Pool::new(8);
    let config = config(8).with_pool(pool.clone());
    let message = prose(3000);
    for _ in 0..2 {
        let prepared = Prepared::text(&message).compressed(WindowBits::MAX, &config);
        assert_eq!(format!("{pool:?}"), "Pool { limit: 8, inflaters: 0, compressors: 1 }");
        drop(prepared);
    }
}

#[test]
fn halves_release_their_own() {
    let parameters = parameters(15, true);
    let mut conn = connection::<Server>(config(8), parameters);
    receive(
        &mut conn,
        &mut peer::<Server>(FIN | RSV1 | BINARY, &Deflater::new(true).deflate(&noise(1, 100_000))),
    );
    conn.send_text(&prose(50_000)).expect("room");
    drain(&mut conn);
    let (mut receiver, mut sender) = conn.split();
    let meter = Meter::start();
    receiver.release();
    let received = meter.live();
    assert!(received < -40_000, "{received}");
    sender.release();
    assert!(meter.live() - received < -250_000, "{}", meter.live() - received);
}

#[test]
fn bomb_of_a_gibibyte_stops_at_the_limit() {
    // A block that refers to nothing before it, repeated.
    let block = [&Deflater::new(true).deflate(&vec![0; 1 << 20])[..], &[0, 0, 0xff, 0xff]].concat();
    assert!(block.len() <= 1100);
    let bomb = [&block.repeat(1 << 10)[..], &[0]].concat();
    let frame = peer::<Server>(FIN | RSV1 | BINARY, &bomb);
    for limit in [0, 1000, 1 << 20, 5_000_000] {
        let config = Config::default().with_limits(Limits::default().with_message(limit));
        let conn = Server::open(config).with_extensions(agreed(parameters(15, true)));
        let mut conn = conn;
        let mut read = frame.clone();
        let meter = Meter::start();
        let mut input = Input::new(&mut read);
        let event = conn.poll(&mut input, START).map(|event| Seen::new(&event));
        assert_eq!(event, Some(violation(Violation::MessageTooLong)));
        // The message, and the inflater with its history.
        assert!(meter.peak() <= limit as i64 + 82_000, "{}", meter.peak());
        drop(conn);
        assert!(meter.live() <= 256, "{}", meter.live());
    }
}

#[test]
fn inflated_message_takes_at_most_twice_its_bytes_and_64_kib() {
    for message in [vec![1; 3 << 20], noise(1, 1 << 20)] {
        let frame = peer::<Server>(FIN | RSV1 | BINARY, &Deflater::new(true).deflate(&message));
        for size in [100, 16 << 10, frame.len()] {
            let mut conn = connection::<Server>(config(8), parameters(15, true));
            receive(
                &mut conn,
                &mut peer::<Server>(
                    FIN | RSV1 | BINARY,
                    &Deflater::new(true).deflate(&noise(2, 40_000)),
                ),
            );
            let mut read = frame.clone();
            let meter = Meter::start();
            for chunk in read.chunks_mut(size) {
                receive(&mut conn, chunk);
            }
            let most = 2 * message.len() as i64 + (64 << 10);
            assert!(meter.peak() <= most, "{} of {most}", meter.peak());
        }
    }
}

#[test]
fn corrupt_message_leaves_no_memory_behind() {
    let mut conn = connection::<Server>(config(8), parameters(15, true));
    let payload = [&Deflater::new(true).deflate(&noise(1, 100_000))[..], &[0xff; 10]].concat();
    let meter = Meter::start();
    let events = feed(&mut conn, &peer::<Server>(FIN | RSV1 | BINARY, &payload));
    assert!(matches!(events[..], [Seen::Failed(_)]));
    drop(events);
    drain(&mut conn);
    assert!(meter.live() <= 256, "{}", meter.live());
}
