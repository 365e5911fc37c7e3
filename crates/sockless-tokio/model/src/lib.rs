//! What the two tasks of a socket share, and what a shutdown shares with its connections, under `loom`: every order is tried in which
//! the operations on it can happen, with every value that a load may see. The files are those of the crate, with the model's locks and
//! atomics in place of the standard library's.
//!
//! Somebody who is never woken is a deadlock, which `loom` reports.

#![cfg(test)]
#![allow(dead_code, reason = "not everything that is shared is modelled")]
#![allow(
    clippy::redundant_pub_crate,
    reason = "what is a module of the crate elsewhere is the whole crate here"
)]

#[path = "../../src/error.rs"]
mod error;
#[path = "../../src/halves/shared.rs"]
mod shared;
#[path = "../../src/shutdown.rs"]
mod shutdown;

/// The model's locks and atomics, where the crate has those of the standard library.
mod sync {
    pub(crate) use loom::sync::{Mutex, MutexGuard, atomic};
    pub(crate) use std::sync::PoisonError;
}

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::model;
use loom::thread::{JoinHandle, spawn};
use shared::{BESIDE, Shared};
use shutdown::Shutdown;

/// What has room for one message, and has it.
fn full() -> Arc<Shared> {
    let shared = Arc::new(Shared::new(1));
    assert!(shared.has_room());
    shared.add(0);
    shared
}

/// Waits for room in a thread, then takes it; the writing task gives it back.
fn send(shared: &Arc<Shared>) -> JoinHandle<()> {
    let shared = Arc::clone(shared);
    spawn(move || {
        block_on(poll_fn(|cx| shared.poll_room(cx)));
        shared.add(0);
        shared.remove(BESIDE);
    })
}

#[test]
fn who_waits_for_room_is_woken_by_room() {
    model(|| {
        let shared = full();
        let sent = send(&shared);
        shared.remove(BESIDE);
        sent.join().expect("sent");
        assert!(shared.has_room());
    });
}

#[test]
fn two_that_wait_for_room_are_both_woken() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(2);
    model.check(|| {
        let shared = full();
        let sent = [send(&shared), send(&shared)];
        shared.remove(BESIDE);
        for sent in sent {
            sent.join().expect("sent");
        }
    });
}

#[test]
fn who_waits_for_room_is_woken_by_the_end() {
    model(|| {
        let shared = full();
        let sent = send(&shared);
        shared.end(None);
        sent.join().expect("it has ended");
        assert!(shared.is_ended());
    });
}

#[test]
fn a_future_that_is_dropped_takes_no_wakeup_with_it() {
    model(|| {
        let shared = full();
        let dropped = shared.poll_room(&Context::from_waker(Waker::noop()));
        assert!(dropped.is_pending());
        let sent = send(&shared);
        shared.remove(BESIDE);
        sent.join().expect("sent");
    });
}

#[test]
fn a_connection_hears_of_a_shutdown_and_the_shutdown_of_its_end() {
    model(|| {
        let shutdown = Shutdown::new();
        let mut member = shutdown.join();
        let connection = spawn(move || {
            block_on(poll_fn(|cx| match member.has_begun(cx) {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }));
            drop(member);
        });
        shutdown.begin();
        block_on(shutdown.ended());
        assert_eq!(shutdown.connections(), 0);
        connection.join().expect("it has heard of it");
    });
}
