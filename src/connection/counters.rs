//! What has gone over a connection, counted: bytes on the wire when they are consumed or written, all else when it is read or queued.

use core::time::Duration;

/// The counters of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Counters {
    /// What has been received.
    pub received: Traffic,
    /// What has been sent.
    pub sent: Traffic,
    /// The round-trip time of the last ping that was answered, to the microsecond.
    pub round_trip: Option<Duration>,
}

/// The traffic in one direction. What is sent is counted when it is queued, except for `wire_bytes`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Traffic {
    /// Frames: those that end a message, and all others, of which at most 2^32 are counted.
    pub frames: u64,
    /// Messages: complete ones when received, ended ones when sent.
    pub messages: u64,
    /// Bytes on the wire, counted when they are consumed from input or have been written from output.
    pub wire_bytes: u64,
    /// Payload bytes of the messages, as the application sees them.
    pub payload_bytes: u64,
    /// Ping frames, of which at most 2^32 are counted.
    pub pings: u32,
}

/// The counters of [`Traffic`] in less memory, as one half keeps them. `messages` and `payload_bytes`, which change together, have
/// others between them: the compiler would add to neighbours in a vector, which takes three times the instructions.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(crate) struct Tally {
    messages: u64,
    /// Frames that do not end a message: control frames, and every fragment but the last.
    frames_ending_no_message: u32,
    pings: u32,
    wire_bytes: u64,
    payload_bytes: u64,
}

impl Tally {
    /// Counts bytes on the wire.
    #[inline(always)]
    pub(crate) const fn add_wire_bytes(&mut self, count: u64) {
        self.wire_bytes += count;
    }

    /// How many bytes on the wire have been counted.
    #[inline(always)]
    pub(crate) const fn wire_bytes(&self) -> u64 {
        self.wire_bytes
    }

    /// Counts a message, or its last part, of this many bytes.
    #[inline(always)]
    pub(crate) const fn add_message(&mut self, len: u64) {
        self.messages += 1;
        self.payload_bytes += len;
    }

    /// Counts bytes of a message that is not complete.
    #[inline]
    pub(crate) const fn add_payload(&mut self, len: u64) {
        self.payload_bytes += len;
    }

    /// Counts a frame that does not end a message.
    #[inline]
    pub(crate) fn add_frame_ending_no_message(&mut self) {
        self.frames_ending_no_message = self.frames_ending_no_message.saturating_add(1);
    }

    /// Counts a Ping frame.
    pub(crate) fn add_ping(&mut self) {
        self.pings = self.pings.saturating_add(1);
        self.add_frame_ending_no_message();
    }

    /// The counters as they are shown.
    pub(crate) fn traffic(&self) -> Traffic {
        Traffic {
            frames: self.messages + u64::from(self.frames_ending_no_message),
            messages: self.messages,
            wire_bytes: self.wire_bytes,
            payload_bytes: self.payload_bytes,
            pings: self.pings,
        }
    }
}
