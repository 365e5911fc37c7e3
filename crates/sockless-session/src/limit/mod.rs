//! Rate limits: how much a connection, an address or a user may do.
//!
//! - A [`Bucket`] is a token bucket in eight octets.
//! - A [`Limiter`] keeps a bucket for each key (an address, a user), in bounded memory: for connections before the upgrade, where
//!   the answer is 429 with `Retry-After`.
//! - A [`Meter`] watches the messages and the octets of one connection: its answer is a pause, or a close with 1008.
//!
//! ```
//! use std::time::Duration;
//! use sockless_session::limit::{Limiter, Rate};
//!
//! // Five connections at once from one address, and one more every two seconds.
//! let mut limiter = Limiter::new(Rate::new(5, Duration::from_secs(10)), 10_000);
//! let address = [192, 0, 2, 1];
//! let now = Duration::from_secs(60);
//! for _ in 0..5 {
//!     assert!(limiter.take(&address, 1, now).is_ok());
//! }
//! let refused = limiter.take(&address, 1, now).unwrap_err();
//! assert_eq!(refused.retry_after_seconds(), 2);
//! ```

mod bucket;
mod limiter;
mod meter;

pub use bucket::{Bucket, Rate, TooMuch};
pub use limiter::Limiter;
pub use meter::{Answer, Meter, MeterSettings, Verdict};
