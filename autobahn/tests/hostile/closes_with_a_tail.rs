//! A client whose Close frame has something after it, and comes when the server's output is as long as it may be.

use std::time::{Duration, Instant};

use super::client::{Hostile, masked};
use super::programs::Running;
use super::{CLOSE, LATE, WITH_PINGS, WITHOUT_PINGS, WRITE, everywhere};

/// The soft marks of the programs' connections.
const MARKS: [usize; 2] = [64 << 10, 256 << 10];

/// A Close frame, and the beginning of another one.
fn close() -> Vec<u8> {
    [masked(0x88, &[3, 0xE8]), vec![0x82]].concat()
}

/// A message whose echo is one byte shorter than the mark, as long as it, and longer; then the Close frame.
fn batches() -> impl Iterator<Item = Vec<u8>> {
    let lengths = MARKS.into_iter().flat_map(|mark| [mark - 1, mark, mark + 1]);
    // The header of the echo is a part of it.
    lengths.map(|len| [masked(0x82, &vec![7; len - 10]), close()].concat())
}

fn slowest(clients: &mut [(Hostile<'_>, Instant)], limit: Duration) -> Duration {
    clients.iter_mut().map(|(client, since)| client.gone(*since, limit)).max().unwrap()
}

#[test]
fn and_is_never_heard_of_again() {
    everywhere(&[WITH_PINGS], |running| {
        let mut clients = send_all(running);
        slowest(&mut clients, CLOSE + WRITE + LATE)
    });
}

#[test]
fn and_reads_to_the_end() {
    everywhere(&[WITH_PINGS], |running| {
        let mut clients = send_all(running);
        for (client, _) in &mut clients {
            let answer = client.read_to_end().unwrap();
            assert!(answer.ends_with(b"\x88\x02\x03\xE8"), "no Close frame in the end");
        }
        for (client, _) in &mut clients {
            let _ = client.tcp.shutdown(std::net::Shutdown::Write);
        }
        slowest(&mut clients, CLOSE + WRITE + LATE)
    });
}

fn send_all(running: &Running) -> Vec<(Hostile<'_>, Instant)> {
    let send = |batch: Vec<u8>| {
        let mut client = Hostile::open(&running.server);
        client.send(&batch);
        (client, Instant::now())
    };
    batches().map(send).collect()
}

/// The server has stopped reading when the Close frame comes, because the client doesn't read.
fn behind_a_server_that_holds(running: &Running) -> Hostile<'_> {
    let mut client = Hostile::open_to_send_much(&running.server);
    client.send_too_much(running.streams);
    client.send(&close());
    client
}

#[test]
fn while_nothing_is_read_and_never_reads() {
    everywhere(&[WITHOUT_PINGS, WITH_PINGS], |running| {
        let mut client = behind_a_server_that_holds(running);
        client.gone_since_it_wrote(WRITE + LATE, |_| {})
    });
}

#[test]
fn while_nothing_is_read_and_reads_then() {
    everywhere(&[WITH_PINGS], |running| {
        let mut client = behind_a_server_that_holds(running);
        let answer = client.read_to_end().unwrap();
        assert!(answer.ends_with(b"\x88\x02\x03\xE8"), "no Close frame in the end");
        let _ = client.tcp.shutdown(std::net::Shutdown::Write);
        client.gone(Instant::now(), CLOSE + LATE)
    });
}
