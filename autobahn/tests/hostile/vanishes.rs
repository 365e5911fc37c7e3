//! A client that falls silent: it sends nothing, reads nothing, and closes nothing.

use std::time::Instant;

use super::client::{Hostile, masked};
use super::{CLOSE, KEEPALIVE, LATE, WITH_PINGS, everywhere};

#[test]
fn between_messages_or_in_the_middle_of_one() {
    everywhere(&[WITH_PINGS], |running| {
        let frame = masked(0x82, &[7; 1000]);
        let cuts = [0, 1, 7, 500];
        let vanished = cuts.map(|cut| {
            let mut client = Hostile::open(&running.server);
            client.send(&frame[..cut]);
            (client, Instant::now())
        });
        // The silence, the ping's time, and the time that the peer has to close.
        let limit = KEEPALIVE * 2 + CLOSE + LATE;
        vanished.into_iter().map(|(mut client, since)| client.gone(since, limit)).max().unwrap()
    });
}
