//! What has gone over a connection, counted.

use core::time::Duration;

/// The counters of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// What has been received.
    pub received: Traffic,
    /// What has been sent.
    pub sent: Traffic,
    /// The round-trip time of the last ping that was answered.
    pub round_trip: Option<Duration>,
}

/// The traffic in one direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Frames whose header is complete, control frames included.
    pub frames: u64,
    /// Messages: complete when received, begun when sent.
    pub messages: u64,
    /// Bytes on the wire: consumed from input, written from output.
    pub wire_bytes: u64,
    /// Payload bytes of the messages, as the application sees them.
    pub payload_bytes: u64,
    /// Ping frames.
    pub pings: u32,
}
