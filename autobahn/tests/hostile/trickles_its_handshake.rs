//! A client whose request never becomes whole.

use std::time::{Duration, Instant};

use super::client::{Hostile, REQUEST};
use super::{HANDSHAKE, LATE, LINGER, WITHOUT_PINGS, everywhere};

/// How a client of TLS begins, whose hello is long.
const HELLO: &[u8] = b"\x16\x03\x01\x40\x00\x01\x00\x3F\xFC\x03\x03";

/// Sends a byte every so often until it is gone.
fn trickle(mut client: Hostile<'_>, bytes: &[u8]) -> Duration {
    let mut bytes = bytes.iter().copied().chain(std::iter::repeat(0));
    let (started, mut sent) = (Instant::now(), Instant::now());
    client.gone_while(started, HANDSHAKE + LINGER + LATE, |client| {
        if sent.elapsed() > Duration::from_millis(50) {
            sent = Instant::now();
            client.try_send(&[bytes.next().unwrap()]);
        }
    })
}

#[test]
fn a_byte_at_a_time() {
    everywhere(&[WITHOUT_PINGS], |running| trickle(Hostile::connect(&running.server), REQUEST));
}

#[test]
fn from_the_first_byte_of_the_stream() {
    everywhere(&[WITHOUT_PINGS], |running| {
        let bytes = if running.server.secure { HELLO } else { b"GET / HTTP/1.1\r\nX: " };
        trickle(Hostile::dial(&running.server), bytes)
    });
}

#[test]
fn or_says_nothing_at_all() {
    everywhere(&[WITHOUT_PINGS], |running| {
        let mut client = Hostile::dial(&running.server);
        client.gone(Instant::now(), HANDSHAKE + LINGER + LATE)
    });
}
