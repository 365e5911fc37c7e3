//! The buffers that the kernel reads to. It chooses one when bytes have arrived, so that an idle client holds none; each read lends one out, and
//! giving it back is a store to memory that we share with the kernel.
//!
//! The argument for `unsafe` here: the kernel has the address of a buffer as long as it lies in `memory`, from where only [`take`](Buffers::take)
//! removes it, after the kernel has said that it is filled; moving a `Vec` does not move its bytes; and the entries are never freed, since a
//! ring that is dropped may still be read from.

#![expect(unsafe_code, reason = "entries are shared with the kernel, see above")]

use std::alloc::{Layout, alloc_zeroed};
use std::io;
use std::mem;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::IoUring;
use io_uring::types::BufRingEntry;

/// How many buffers there are at first: few, so that they stay in the processor's cache.
const FIRST: u16 = 8;
/// How many there are at most, a power of two.
const MOST: u16 = 256;
/// How large they are: a message of 64 KiB fits. By a number that is no power of two they begin at different places of their pages, and so
/// don't drive each other out of the cache.
pub(crate) const SIZE: usize = (64 << 10) + 256;
/// The group that they make.
pub(crate) const GROUP: u16 = 1;
/// Entries have to begin a page.
const PAGE: usize = 4096;

pub(crate) struct Buffers {
    entries: NonNull<BufRingEntry>,
    /// How often one has been given to the kernel.
    given: u16,
    /// The buffers that the kernel has; nothing where one is lent out.
    memory: Vec<Option<Vec<u8>>>,
}

/// One of them, with what was read.
pub(crate) struct Lent {
    bytes: Vec<u8>,
    id: u16,
    len: usize,
}

impl Lent {
    /// What was read.
    pub(crate) fn bytes(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.len]
    }
}

impl Buffers {
    pub(crate) fn new(ring: &IoUring) -> io::Result<Self> {
        let layout = Layout::array::<BufRingEntry>(MOST.into()).and_then(|all| all.align_to(PAGE));
        let layout = layout.map_err(io::Error::other)?;
        // SAFETY: there are entries, so that the layout isn't empty; zeros are entries.
        let entries = NonNull::new(unsafe { alloc_zeroed(layout) }.cast::<BufRingEntry>());
        let entries = entries.ok_or(io::ErrorKind::OutOfMemory)?;
        let address = entries.as_ptr() as u64;
        // SAFETY: the entries are never freed.
        unsafe { ring.submitter().register_buf_ring_with_flags(address, MOST, GROUP, 0) }?;
        let mut buffers = Self { entries, given: 0, memory: Vec::new() };
        buffers.add(FIRST);
        Ok(buffers)
    }

    /// Makes them twice as many: the kernel had none left.
    pub(crate) fn grow(&mut self) {
        let count = self.memory.len() as u16;
        self.add(count.min(MOST - count));
    }

    fn add(&mut self, count: u16) {
        for _ in 0..count {
            let id = self.memory.len() as u16;
            self.memory.push(None);
            self.give_back(Lent { bytes: vec![0; SIZE], id, len: 0 });
        }
    }

    /// Takes out the buffer that the kernel has filled.
    pub(crate) fn take(&mut self, id: u16, len: usize) -> Option<Lent> {
        let bytes = self.memory.get_mut(usize::from(id))?.take()?;
        Some(Lent { len: len.min(bytes.len()), bytes, id })
    }

    /// Gives one back to be read to again.
    pub(crate) fn give_back(&mut self, mut lent: Lent) {
        let place = usize::from(self.given % MOST);
        // SAFETY: the place is within the entries, and the kernel doesn't read it before the number below says that it may.
        let entry = unsafe { self.entries.add(place).as_mut() };
        entry.set_addr(lent.bytes.as_mut_ptr() as u64);
        entry.set_len(SIZE as u32);
        entry.set_bid(lent.id);
        self.memory[usize::from(lent.id)] = Some(lent.bytes);
        self.given = self.given.wrapping_add(1);
        // SAFETY: it is the address of the first entry; the number lies in it, and only we write to it.
        let tail = unsafe { BufRingEntry::tail(self.entries.as_ptr()) };
        // SAFETY: it is aligned as any number of the entry is, and lives as long as the entries.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        tail.store(self.given, Ordering::Release);
    }

    /// Frees nothing: the kernel may still read to what it has.
    pub(crate) fn forget(&mut self) {
        mem::forget(mem::take(&mut self.memory));
    }
}
