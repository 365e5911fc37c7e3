//! What is seen of connections from outside: events of `tracing`, counters of `metrics`. No payload is in either, and nothing costs anything for a
//! message: what has gone over a connection is reported at its end. Without the features, there is nothing here.

use sockless::Outcome;
use sockless::connection::Traffic;

/// What is seen of a connection.
#[derive(Debug)]
pub(crate) struct Observer {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

impl Observer {
    /// A connection has been opened.
    pub(crate) fn open(client: bool, subprotocol: Option<&str>) -> Self {
        let role = if client { "client" } else { "server" };
        #[cfg(feature = "metrics")]
        {
            metrics::counter!("websocket_connections_total", "role" => role).increment(1);
            metrics::gauge!("websocket_connections", "role" => role).increment(1);
        }
        #[cfg(feature = "tracing")]
        let span = tracing::info_span!("websocket", role, subprotocol);
        #[cfg(feature = "tracing")]
        tracing::debug!(parent: &span, "open");
        let _ = (role, subprotocol);
        Self {
            #[cfg(feature = "tracing")]
            span,
        }
    }

    /// It has ended, or nobody is interested in it any more. `unwritten` bytes were thrown away.
    pub(crate) fn end(
        &self,
        client: bool,
        outcome: &Outcome,
        received: Traffic,
        sent: Traffic,
        unwritten: usize,
    ) {
        let role = if client { "client" } else { "server" };
        let _ = (role, &outcome, received, sent, unwritten);
        #[cfg(feature = "metrics")]
        {
            use sockless::connection::Cause;
            let cause = match outcome.cause {
                Cause::Open => "dropped",
                Cause::Closed => "closed",
                Cause::TimedOut => "timed_out",
                Cause::Failed(_) => "failed",
                _ => "other",
            };
            metrics::gauge!("websocket_connections", "role" => role).decrement(1);
            let ended = metrics::counter!("websocket_connections_ended_total", "role" => role, "cause" => cause);
            ended.increment(1);
            for (way, traffic) in [("received", received), ("sent", sent)] {
                let count = |name: &'static str, value| {
                    metrics::counter!(name, "role" => role, "way" => way).increment(value);
                };
                count("websocket_messages_total", traffic.messages);
                count("websocket_payload_bytes_total", traffic.payload_bytes);
                count("websocket_wire_bytes_total", traffic.wire_bytes);
            }
        }
        #[cfg(feature = "tracing")]
        {
            tracing::debug!(
                parent: &self.span,
                cause = ?outcome.cause,
                sent = outcome.sent.number(),
                received = outcome.received.number(),
                messages_received = received.messages,
                messages_sent = sent.messages,
                "ended"
            );
            if unwritten > 0 {
                tracing::warn!(parent: &self.span, unwritten, "dropped with output that was not written");
            }
        }
    }
}
