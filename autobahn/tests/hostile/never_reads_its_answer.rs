//! A client that reads not even the answer to its request.

use std::time::Instant;

use super::client::{Hostile, REQUEST, masked};
use super::{CLOSE, HANDSHAKE, LATE, LINGER, WITHOUT_PINGS, WRITE, everywhere};

#[test]
fn that_was_for_something_else() {
    everywhere(&[WITHOUT_PINGS], |running| {
        let requests: [&[u8]; 2] = [
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
        ];
        let asked = requests.map(|request| {
            let mut client = Hostile::connect(&running.server);
            client.send(request);
            (client, Instant::now())
        });
        let limit = HANDSHAKE + LINGER.max(CLOSE) + LATE;
        asked.into_iter().map(|(mut client, since)| client.gone(since, limit)).max().unwrap()
    });
}

#[test]
fn and_floods_right_behind_it() {
    everywhere(&[WITHOUT_PINGS], |running| {
        let mut client = Hostile::connect_to_send_much(&running.server);
        client.send(REQUEST);
        client.flood(&masked(0x82, &[7; 60_000]));
        client.gone_since_it_wrote(WRITE + LATE, |_| {})
    });
}
