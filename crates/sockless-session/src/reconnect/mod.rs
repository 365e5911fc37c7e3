//! Reconnecting: when another try is due, and whether it is worth while.
//!
//! [`Reconnect`] says what to do next; [`Backoff`] computes the delays; [`Policy`] knows which outcomes deserve another try;
//! [`retry_after`] reads what a server asks for.
//!
//! The delays grow exponentially and have *full jitter*: each is drawn evenly between nothing and the greatest for its turn. So the
//! clients of a server that has gone away come back evenly, and not in waves.
//!
//! ```
//! use std::time::Duration;
//! use sockless_session::reconnect::{Next, Outcome, Reconnect, Settings};
//! # struct Seed(u64);
//! # impl sockless_session::Entropy for Seed {
//! #     fn fill(&mut self, bytes: &mut [u8]) {
//! #         for byte in bytes { self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1); *byte = (self.0 >> 56) as u8; }
//! #     }
//! # }
//! # let mut entropy = Seed(7);
//!
//! let mut reconnect = Reconnect::new(Settings::default());
//! assert_eq!(reconnect.next(Duration::ZERO), Next::Connect);
//! reconnect.connecting();
//!
//! // The server is overloaded, and asks for ten seconds.
//! let outcome = Outcome::Refused { status: 503, retry_after: Some(Duration::from_secs(10)) };
//! reconnect.ended(outcome, Duration::from_secs(1), &mut entropy);
//! let Next::Wait { until } = reconnect.next(Duration::from_secs(1)) else { panic!() };
//! assert!(until >= Duration::from_secs(11));
//! assert_eq!(reconnect.next(until), Next::Connect);
//!
//! // This won't get better by trying.
//! reconnect.connecting();
//! reconnect.ended(Outcome::Refused { status: 401, retry_after: None }, until, &mut entropy);
//! assert!(matches!(reconnect.next(until), Next::GiveUp(_)));
//! ```

mod asked;
mod backoff;
mod machine;
mod policy;

pub use asked::{asked_by_close_reason, retry_after};
pub use backoff::Backoff;
pub use machine::{GaveUp, Next, Reconnect, Settings};
pub use policy::{Outcome, Policy, Worth};
