//! How much one address may ask for.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sockless_session::limit::{Limiter, Rate};

use super::clock::Clock;
use super::denied::Denied;

/// How many addresses are remembered.
const MOST: usize = 10_000;

/// The limits of addresses.
pub(super) struct Addresses {
    limiter: Mutex<Limiter<u64>>,
    clock: Clock,
}

impl Addresses {
    /// How many requests that cost something an address may make in a minute.
    pub(super) fn new(a_minute: u64, clock: Clock) -> Self {
        let rate = Rate::new(a_minute, Duration::from_secs(60));
        Self { limiter: Mutex::new(Limiter::new(rate, MOST)), clock }
    }

    /// Takes the price of a request.
    pub(super) fn take(&self, address: IpAddr, price: u64) -> Result<(), Denied> {
        let mut limiter = self.limiter.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = limiter.take(&subscriber(address), price, self.clock.now());
        taken.map_err(|too_much| Denied::TooMany(too_much.retry_after_seconds()))
    }
}

/// An address of version 4, or the first half of one of version 6: one subscriber has all that begin with it.
fn subscriber(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => {
            u64::from_be_bytes(address.octets()[..8].try_into().unwrap_or_default())
        }
    }
}
