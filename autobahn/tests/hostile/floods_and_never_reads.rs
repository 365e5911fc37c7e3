//! A client that sends as much as the server takes, and reads nothing.

use super::client::{Hostile, masked};
use super::{LATE, WITH_PINGS, WITHOUT_PINGS, WRITE, everywhere};

#[test]
fn with_messages() {
    everywhere(&[WITHOUT_PINGS, WITH_PINGS], |running| {
        let mut client = Hostile::open_to_send_much(&running.server);
        client.flood(&masked(0x82, &[7; 60_000]));
        client.gone_since_it_wrote(WRITE + LATE, |_| {})
    });
}

#[test]
fn with_small_messages() {
    everywhere(&[WITHOUT_PINGS], |running| {
        let mut client = Hostile::open_to_send_much(&running.server);
        client.flood(&masked(0x82, &[7; 500]).repeat(100));
        client.gone_since_it_wrote(WRITE + LATE, |_| {})
    });
}

/// What is read of it calls for answers, of which few are kept: so it can be read for ever.
#[test]
fn with_pings() {
    everywhere(&[WITHOUT_PINGS], |running| {
        let mut client = Hostile::open_to_send_much(&running.server);
        let pings = masked(0x89, &[7; 125]).repeat(50);
        client.fill();
        client.has_sent_much();
        client.gone_since_it_wrote(WRITE + LATE, |client| client.try_send(&pings))
    });
}
