//! What threads share things with. Here it is the standard library's; `model` puts that of a model checker in its place, which tries all
//! orders in which the operations of the same files can happen.

pub(crate) use std::sync::{Mutex, MutexGuard, PoisonError, atomic};
