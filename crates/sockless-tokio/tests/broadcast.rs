//! One message to many, and those who read slowly.

mod ends;

use std::time::Duration;

use ends::{half, pair, run};
use sockless_tokio::{Broadcast, Config, Message, Prepared, Sent, Slow};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

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
