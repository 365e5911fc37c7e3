//! What is seen of a connection from outside.
//!
//! One test, and a program of its own: where only one subscriber exists, `tracing` asks the thread that reaches a place first whether
//! anybody wants what is said there, and a thread beside this one would answer no for all.

#![cfg(all(feature = "metrics", feature = "tracing"))]

mod ends;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use ends::pair;
use metrics::{
    Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};
use sockless_tokio::Config;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{Subscriber, set_default};

/// What counters have counted, by their names and labels.
#[derive(Clone, Default)]
struct Counted(Arc<Mutex<BTreeMap<String, Arc<Count>>>>);

#[derive(Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, value: u64) {
        self.0.fetch_add(value, Ordering::SeqCst);
    }

    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::SeqCst);
    }
}

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let mut name = key.name().to_owned();
        for label in key.labels() {
            let _ = write!(name, " {}", label.value());
        }
        Counter::from_arc(Arc::clone(self.0.lock().expect("no panic").entry(name).or_default()))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// The texts of all spans and events.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<String>>);

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let _ = write!(self.0.lock().expect("no panic"), "{}={value:?} ", field.name());
    }
}

impl Subscriber for Seen {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("sockless_tokio")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut self.clone());
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut self.clone());
    }

    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[test]
fn a_connection_is_seen_and_its_payload_is_not() {
    let (counted, seen) = (Counted::default(), Seen::default());
    let _default = set_default(seen.clone());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    let runtime = runtime.expect("a runtime");
    metrics::with_local_recorder(&counted, || {
        runtime.block_on(async {
            let (client, mut server) = pair(1000, Config::default()).await;
            let (sender, mut reader) = client.split();
            sender.send("the secret").await.expect("sent");
            let message = server.recv().await.expect("one").expect("no error");
            server.send(message).await.expect("sent");
            assert!(reader.recv().await.is_some());
            sender.close(sockless_tokio::CloseCode::NORMAL, "another secret").expect("begun");
            assert!(server.recv().await.is_none() && reader.recv().await.is_none());
        });
    });
    let counted = counted.0.lock().expect("no panic");
    let value = |name: &str| counted.get(name).map(|count| count.0.load(Ordering::SeqCst));
    for role in ["client", "server"] {
        assert_eq!(value(&format!("websocket_connections_total {role}")), Some(1));
        assert_eq!(value(&format!("websocket_connections_ended_total {role} closed")), Some(1));
        for way in ["received", "sent"] {
            assert_eq!(value(&format!("websocket_messages_total {role} {way}")), Some(1));
            assert_eq!(value(&format!("websocket_payload_bytes_total {role} {way}")), Some(10));
        }
    }
    let seen = seen.0.lock().expect("no panic");
    assert_eq!(seen.matches("message=ended").count(), 2, "{seen}");
    assert!(seen.contains("role=\"client\"") && seen.contains("cause=Closed"), "{seen}");
    assert!(!seen.contains("secret"), "{seen}");
}
