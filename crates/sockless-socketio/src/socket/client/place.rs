//! What is known of one namespace. What happens in it is in `machine`.
//!
//! ```text
//!   Idle ── asked for ──> Asked ── accepted ──> Connected
//!     ^                     │                      │
//!     └──── the session has ended ─────────────────┘
//! ```
//!
//! Where the server refuses or disconnects the client, and where the client leaves, it is forgotten.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::recovery::Recovery;
use crate::socket::payload::Payload;

/// A namespace that the client wants to be in.
#[derive(Debug, Default)]
pub(super) struct Place {
    pub(super) standing: Standing,
    /// The id that the server has given to the client there.
    pub(super) id: Option<String>,
    pub(super) recovery: Recovery,
    /// The acknowledgements that are waited for, and until when.
    pub(super) acks: BTreeMap<u64, Duration>,
    next_ack: u64,
    /// Events that came before the server has said whether this is recovered: the reference sends what was missed first.
    pub(super) early: Vec<(String, Payload)>,
    /// How many bytes they take.
    pub(super) early_len: usize,
    /// Events that are sent until they are acknowledged, one at a time.
    pub(super) repeats: VecDeque<Repeated>,
    /// How many bytes they have.
    pub(super) repeats_len: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Standing {
    #[default]
    Idle,
    /// The server has to answer by then.
    Asked {
        by: Duration,
    },
    Connected,
}

/// An event that is sent until it is acknowledged.
#[derive(Debug)]
pub(super) struct Repeated {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) payload: Payload,
    /// How often it may still be sent.
    pub(super) tries: u32,
    pub(super) timeout: Duration,
}

impl Place {
    pub(super) fn is_connected(&self) -> bool {
        self.standing == Standing::Connected
    }

    /// A number that no event of this client has had in this namespace, in any session: late acknowledgements fit nothing else.
    pub(super) fn number(&mut self) -> u64 {
        self.next_ack += 1;
        self.next_ack - 1
    }
}
