//! A client that reads, but so slowly that it might as well not.

use std::time::{Duration, Instant};

use super::client::{Hostile, masked};
use super::{LATE, WITH_PINGS, WITHOUT_PINGS, WRITE, everywhere};

#[test]
fn of_all_that_it_has_asked_for() {
    everywhere(&[WITHOUT_PINGS, WITH_PINGS], |running| {
        let mut client = Hostile::open_to_send_much(&running.server);
        client.flood(&masked(0x82, &[7; 60_000]));
        let mut read = Instant::now();
        client.gone_since_it_wrote(WRITE + LATE, |client| {
            if read.elapsed() > Duration::from_secs(1) {
                read = Instant::now();
                client.take(1);
            }
        })
    });
}
