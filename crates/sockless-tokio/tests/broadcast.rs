//! One message to many, and those who read slowly.

mod ends;

use std::time::Duration;

use ends::{Near, URL, half, pair, run};
use sockless_tokio::sockless::extension::Supported;
use sockless_tokio::sockless::extension::deflate::{Compression, Terms, WindowBits};
use sockless_tokio::{
    Broadcast, ClientOptions, Config, Message, Prepared, Sent, ServerOptions, Slow, accept,
    connect_over,
};
use tokio::io::duplex;
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

/// The octets that a client has received for one message of text, with a window of this many bits; 0 is without compression.
async fn subscriber(group: &Broadcast, bits: u8) -> Near {
    let (near, far) = duplex(1 << 16);
    let terms = |terms: Terms| Supported::default().with_deflate(terms);
    let mut client = ClientOptions::default();
    if let Some(bits) = WindowBits::new(bits) {
        client = client.with_extensions(terms(Terms::default().with_server_max_window_bits(bits)));
    }
    let server = ServerOptions::default().with_extensions(terms(Terms::default()));
    let (client, server) = tokio::join!(connect_over(near, URL, client), accept(far, server));
    let (client, server) = (client.expect("the client's end"), server.expect("the server's end"));
    let agreed = server.extensions().deflate;
    let window = agreed.map(|agreed| agreed.server_max_window_bits.unwrap_or(WindowBits::MAX));
    assert_eq!(window, WindowBits::new(bits));
    assert_eq!(client.extensions(), server.extensions());
    let (sender, mut reader) = server.split();
    assert_eq!(
        (sender.extensions(), reader.extensions()),
        (client.extensions(), client.extensions())
    );
    group.join(sender);
    tokio::spawn(async move { while let Some(Ok(_)) = reader.recv().await {} });
    client
}

#[test]
fn a_message_is_compressed_for_the_window_of_each_receiver_and_read_by_all() {
    run(|| async {
        let group = Broadcast::new(Slow::Skip);
        let mut clients = Vec::new();
        for bits in [0, 9, 15, 9, 12, 0, 15] {
            clients.push((bits, subscriber(&group, bits).await));
        }
        // What repeats after 4 KiB and after 20 KiB is seen by large windows alone.
        let mut random = 1_u32;
        let mut noise = |len: usize| -> String {
            let mut next = || {
                random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                char::from(b'!' + (random >> 24) as u8 % 90)
            };
            std::iter::repeat_with(&mut next).take(len).collect()
        };
        let (first, second) = (noise(3000), noise(17_000));
        let text = [&*first, &second, &first, &first].concat();
        let sent = group.send_compressed(&Prepared::text(&text), &Compression::default());
        assert_eq!(sent, Sent { receivers: 7, slow: 0, gone: 0 });
        let mut lengths = Vec::new();
        for (bits, client) in &mut clients {
            let message = client.recv().await.expect("one").expect("no error");
            assert_eq!(message, Message::from(text.as_str()));
            lengths.push((*bits, client.counters().received.wire_bytes));
        }
        lengths.sort_unstable();
        lengths.dedup();
        let [(0, plain), (9, small), (12, middle), (15, large)] = lengths[..] else {
            panic!("{lengths:?}")
        };
        assert!(plain > small && small > middle && middle > large, "{lengths:?}");
    });
}

fn narrow() -> Config {
    Config::default().with_output_limits(1000, 1 << 20)
}

#[test]
fn all_get_what_is_sent_and_those_who_are_gone_are_forgotten() {
    run(|| async {
        let group = Broadcast::new(Slow::Skip);
        let mut clients = Vec::new();
        for _ in 0..10 {
            let (client, server) = pair(1000, Config::default()).await;
            let (sender, mut reader) = server.split();
            group.join(sender);
            tokio::spawn(async move { while let Some(Ok(_)) = reader.recv().await {} });
            clients.push(client);
        }
        for text in ["short".to_owned(), "long ".repeat(2000)] {
            let sent = group.send(&Prepared::text(&text));
            assert_eq!(sent, Sent { receivers: 10, slow: 0, gone: 0 });
            for client in &mut clients {
                let message = client.recv().await.expect("one").expect("no error");
                assert_eq!(message, Message::from(text.as_str()));
            }
        }
        for client in clients.drain(..4) {
            drop(client);
        }
        sleep(20 * SECOND).await;
        let sent = group.send(&Prepared::text("more"));
        assert_eq!(sent, Sent { receivers: 6, slow: 0, gone: 4 });
        assert_eq!(group.len(), 6);
    });
}

#[test]
fn a_slow_reader_misses_messages_or_is_closed_and_nobody_waits_for_it() {
    for slow in [Slow::Skip, Slow::Close] {
        run(move || async move {
            let group = Broadcast::new(slow);
            let (_never_reads, server) = half(100, narrow()).await;
            let (sender, _reader) = server.split();
            group.join(sender);
            let (mut reads, server) = pair(1000, narrow()).await;
            let (other, mut reader) = server.split();
            group.join(other);
            tokio::spawn(async move { while let Some(Ok(_)) = reader.recv().await {} });
            let message = Prepared::binary(&[7; 300]);
            let (mut skipped, mut received) = (0, 0);
            for _ in 0..30 {
                let sent = group.send(&message);
                skipped += sent.slow;
                received += sent.receivers;
                let message = timeout(SECOND, reads.recv()).await.expect("nobody waits");
                assert_eq!(message.expect("one").expect("no error").as_bytes(), [7; 300]);
            }
            match slow {
                Slow::Skip => {
                    assert_eq!(received + skipped, 60);
                    assert!(skipped >= 20, "{skipped}");
                }
                Slow::Close => {
                    assert_eq!((skipped, group.len()), (1, 1));
                    // It had room for a few.
                    assert!((31..40).contains(&received), "{received}");
                }
            }
        });
    }
}
