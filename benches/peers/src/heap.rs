//! What a server's connection holds while it is idle, and how often it asks for memory.

use std::sync::Arc;

use crate::allocator::{Usage, count};
use crate::contender::{Cell, Contender, Decode, Encode, Seen, Shape, Side};
use crate::decode::READ;
use crate::encode::BATCH;
use crate::frames;
use crate::wire::Input;

/// A message of this length is received and sent.
const LENGTH: usize = 125;
/// So many connections, and so many messages, to take the mean of.
const CONNECTIONS: usize = 64;
const MESSAGES: u64 = 1 << 14;

/// What was counted of one contender.
pub struct Account {
    pub name: &'static str,
    /// Bytes on the heap for an idle connection, and those of the value itself.
    pub idle: Cell<(f64, usize)>,
    /// Allocations for a message.
    pub received: Cell<f64>,
    pub sent: Cell<f64>,
}

pub fn measure(contenders: &[Box<dyn Contender>]) -> Vec<Account> {
    let payload: Vec<u8> = (0..LENGTH).map(|at| at as u8).collect();
    contenders.iter().map(|contender| account(&**contender, &payload)).collect()
}

fn account(contender: &dyn Contender, payload: &[u8]) -> Account {
    let mut frame = Vec::new();
    frames::put_frame(0x82, Some([0x37, 0xFA, 0x21, 0x3D]), &payload[..16], &mut frame);
    let input = Input::once(frame.into());
    // Whatever is made once for the whole program is made before.
    drop(contender.idle(input.clone()));
    let (idle, usage) =
        count(|| (0..CONNECTIONS).map(|_| contender.idle(input.clone())).collect::<Cell<Vec<_>>>());
    let idle = idle.map(|idle| {
        let size = idle[0].size;
        // The list of them, and their own place in it.
        let list = idle.capacity() * size_of_val(&idle[0]);
        let held = (usage.held - list as i64) as f64 / CONNECTIONS as f64;
        drop(idle.into_iter().map(|idle| idle.connection).collect::<Vec<_>>());
        (held - size as f64, size)
    });

    let mut stream = Vec::new();
    for at in 0..MESSAGES {
        frames::put_frame(0x82, Some([0x37, 0xFA, 0x21, at as u8]), payload, &mut stream);
    }
    let input = Input::endless(stream.into(), READ);
    let job = Decode { side: Side::Server, shape: Shape::Whole, input };
    let received = contender.decode(job).map(|mut decoding| {
        let mut seen = Seen::default();
        decoding(MESSAGES, &mut seen);
        mean(count(|| decoding(MESSAGES, &mut seen)).1)
    });

    let job = Encode {
        side: Side::Server,
        payload: payload.to_vec().into(),
        batch: (BATCH / LENGTH) as u64,
        in_place: false,
        output: Arc::default(),
    };
    let batches = MESSAGES / job.batch;
    let sent = contender.encode(job.clone()).map(|mut repeated| {
        repeated(batches);
        count(|| repeated(batches)).1.requests as f64 / (batches * job.batch) as f64
    });
    Account { name: contender.name(), idle, received, sent }
}

fn mean(usage: Usage) -> f64 {
    usage.requests as f64 / MESSAGES as f64
}
