//! A pool of inflaters and compressors that no message needs at the moment, shared by connections.
//!
//! When they are taken and given back is decided in `encoder` and `decoder`.

use alloc::boxed::Box;
use alloc::sync::Arc;
#[cfg(feature = "std")]
use alloc::vec::Vec;
use core::fmt;

#[cfg(feature = "std")]
use std::sync::{Mutex, MutexGuard, PoisonError};

use zlib_rs::{Deflate, Inflate};

use super::compressor::CompressorSettings;

/// Inflaters and compressors that no message needs at the moment. A clone is a handle to the same pool.
///
/// Connections without context takeover take one for each message and give it back afterwards, so that a thousand connections need
/// only as many as there are incomplete messages at the same time. One that comes out of the pool is as good as new: nothing of an
/// earlier message can be reached through it.
///
/// Without the feature `std` there is no lock, and the pool keeps nothing.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    /// How many of each kind are kept.
    limit: usize,
    #[cfg(feature = "std")]
    idle: Mutex<Idle>,
}

#[cfg(feature = "std")]
#[derive(Default)]
struct Idle {
    #[expect(clippy::vec_box, reason = "the boxes go from connection to connection")]
    inflaters: Vec<Box<Inflate>>,
    compressors: Vec<(CompressorSettings, Box<Deflate>)>,
}

impl Pool {
    /// A pool that keeps at most `limit` inflaters and as many compressors; what is given back beyond that is freed.
    pub fn new(limit: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                limit,
                #[cfg(feature = "std")]
                idle: Mutex::default(),
            }),
        }
    }

    /// Frees everything that the pool keeps.
    pub fn clear(&self) {
        #[cfg(feature = "std")]
        drop(core::mem::take(&mut *self.shared.lock()));
    }

    /// Takes an inflater, which has to be reset before it is used.
    pub(super) fn take_inflater(&self) -> Option<Box<Inflate>> {
        #[cfg(feature = "std")]
        return self.shared.lock().inflaters.pop();
        #[cfg(not(feature = "std"))]
        return None;
    }

    /// Keeps an inflater for other connections, or frees it if there are enough.
    pub(super) fn give_inflater(&self, inflater: Box<Inflate>) {
        #[cfg(feature = "std")]
        {
            let mut idle = self.shared.lock();
            if idle.inflaters.len() < self.shared.limit {
                idle.inflaters.push(inflater);
                return;
            }
        }
        drop(inflater);
    }

    /// Takes a compressor with these settings, which has to be reset before it is used.
    pub(super) fn take_compressor(&self, settings: CompressorSettings) -> Option<Box<Deflate>> {
        #[cfg(feature = "std")]
        {
            let compressors = &mut self.shared.lock().compressors;
            let at = compressors.iter().rposition(|(other, _)| *other == settings)?;
            Some(compressors.swap_remove(at).1)
        }
        #[cfg(not(feature = "std"))]
        {
            let _ = settings;
            None
        }
    }

    /// Keeps a compressor for other connections, or frees it if there are enough.
    pub(super) fn give_compressor(&self, settings: CompressorSettings, compressor: Box<Deflate>) {
        #[cfg(feature = "std")]
        {
            let mut idle = self.shared.lock();
            if idle.compressors.len() < self.shared.limit {
                idle.compressors.push((settings, compressor));
                return;
            }
        }
        let _ = settings;
        drop(compressor);
    }
}

#[cfg(feature = "std")]
impl Shared {
    /// Locks the lists of what is idle.
    fn lock(&self) -> MutexGuard<'_, Idle> {
        // A panic while the lock was held can't have left the lists in an invalid state.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pool = f.debug_struct("Pool");
        pool.field("limit", &self.shared.limit);
        #[cfg(feature = "std")]
        {
            let idle = self.shared.lock();
            pool.field("inflaters", &idle.inflaters.len());
            pool.field("compressors", &idle.compressors.len());
        }
        pool.finish()
    }
}
