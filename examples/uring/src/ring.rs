//! Operations on a ring. A buffer that the kernel reads to or writes from is moved in, and comes back with the completion.
//!
//! Here is `unsafe` code: an entry on the ring is an address, a length and a descriptor, and nobody but us knows for
//! how long they hold. The argument, once for all: every buffer is in `operations`, or among the [`Buffers`], for as long as the kernel has
//! its address. It is taken out only when the completion says that the kernel is done; moving a `Vec` does not move its bytes; and
//! a ring that is dropped leaks the buffers that the kernel still has. A descriptor that is closed too early can spoil an
//! operation, but no memory.

#![expect(unsafe_code, reason = "an entry on the ring is an address, see above")]

use std::collections::VecDeque;
use std::io;
use std::mem;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd};
use std::ptr::null_mut;
use std::time::Duration;

use bytes::BytesMut;
use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};
use slab::Slab;

use crate::buffers::{self, Buffers, Lent};

/// How many entries are told to the kernel at once.
const ENTRIES: u32 = 1024;
/// POLLIN.
const READABLE: u32 = 1;
/// IORING_RECVSEND_POLL_FIRST: most reads are asked for when there is nothing to read yet.
const POLL_FIRST: u16 = 1;

/// A ring, and what the kernel has.
pub(crate) struct Ring {
    ring: IoUring,
    operations: Slab<Operation>,
    /// The buffers to read to.
    buffers: Buffers,
    completed: VecDeque<(usize, Completed)>,
}

struct Operation {
    tag: usize,
    kind: Kind,
}

enum Kind {
    Watch,
    Accept,
    Read,
    ReadInto(BytesMut),
    Write(Vec<u8>),
}

/// What the kernel has done. A buffer that was moved in comes back, whatever has become of it.
pub(crate) enum Completed {
    /// The descriptor is readable.
    Ready,
    Accepted(io::Result<TcpStream>),
    /// Bytes were read into one of the ring's buffers, which is to be [given back](Ring::give_back). None: the stream has ended.
    Read(io::Result<Option<Lent>>),
    /// So many bytes were appended to the buffer; none at the end of the stream.
    ReadInto(BytesMut, io::Result<usize>),
    /// So many bytes of the buffer were written.
    Written(Vec<u8>, io::Result<usize>),
}

impl Ring {
    pub(crate) fn new() -> io::Result<Self> {
        // What has arrived is looked at when we wait, not whenever it arrives. Linux before 6.1 can't be told so.
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun();
        let ring = builder.build(ENTRIES).or_else(|_| IoUring::new(ENTRIES))?;
        if !ring.params().is_feature_ext_arg() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let buffers = Buffers::new(&ring)?;
        Ok(Self { ring, operations: Slab::new(), buffers, completed: VecDeque::new() })
    }

    /// Tells once when there is something to read.
    pub(crate) fn watch(&mut self, of: &impl AsRawFd, tag: usize) {
        let entry = opcode::PollAdd::new(Fd(of.as_raw_fd()), READABLE).build();
        self.push(entry, tag, Kind::Watch);
    }

    pub(crate) fn accept(&mut self, listener: &impl AsRawFd, tag: usize) {
        let entry = opcode::Accept::new(Fd(listener.as_raw_fd()), null_mut(), null_mut()).build();
        self.push(entry, tag, Kind::Accept);
    }

    /// Reads into one of the ring's buffers.
    pub(crate) fn read(&mut self, from: &impl AsRawFd, tag: usize) {
        let entry = opcode::Recv::new(Fd(from.as_raw_fd()), null_mut(), buffers::SIZE as u32)
            .ioprio(POLL_FIRST)
            .buf_group(buffers::GROUP)
            .build()
            .flags(squeue::Flags::BUFFER_SELECT);
        self.push(entry, tag, Kind::Read);
    }

    /// Appends to a buffer, as much as it has capacity for.
    pub(crate) fn read_into(&mut self, from: &impl AsRawFd, mut buffer: BytesMut, tag: usize) {
        let space = buffer.spare_capacity_mut();
        let room = space.len().min(u32::MAX as usize) as u32;
        let address = space.as_mut_ptr().cast();
        let entry = opcode::Recv::new(Fd(from.as_raw_fd()), address, room).build();
        self.push(entry, tag, Kind::ReadInto(buffer));
    }

    /// Writes a buffer.
    pub(crate) fn write(&mut self, to: &impl AsRawFd, buffer: Vec<u8>, tag: usize) {
        let len = buffer.len().min(u32::MAX as usize) as u32;
        let entry = opcode::Send::new(Fd(to.as_raw_fd()), buffer.as_ptr(), len).build();
        self.push(entry, tag, Kind::Write(buffer));
    }

    /// Gives a buffer back to be read to again.
    pub(crate) fn give_back(&mut self, lent: Lent) {
        self.buffers.give_back(lent);
    }

    fn push(&mut self, entry: squeue::Entry, tag: usize, kind: Kind) {
        let key = self.operations.insert(Operation { tag, kind });
        let entry = entry.user_data(key as u64);
        // SAFETY: the memory that the entry names is in `operations` or among the buffers until its completion, see the module.
        while unsafe { self.ring.submission().push(&entry) }.is_err() {
            // The queue is full: the kernel takes what is in it. What it completes meanwhile it keeps.
            let _ = self.ring.submit();
        }
    }

    /// Tells the kernel what there is to do, and waits until something is completed, for no longer than this.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let waited = match timeout {
            Some(timeout) => {
                let time = Timespec::from(timeout);
                self.ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&time))
            }
            None => self.ring.submit_and_wait(1),
        };
        match waited {
            // A signal; or more completions than the ring has room for, which are looked at now.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if matches!(error.raw_os_error(), Some(ETIME | EBUSY)) => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        loop {
            let Some(entry) = self.ring.completion().next() else { return Ok(()) };
            let Some(operation) = self.operations.try_remove(entry.user_data() as usize) else {
                continue;
            };
            let completed = self.complete(operation.kind, &entry);
            self.completed.push_back((operation.tag, completed));
        }
    }

    /// What has been completed, with the tag of the operation.
    pub(crate) fn next(&mut self) -> Option<(usize, Completed)> {
        self.completed.pop_front()
    }

    fn complete(&mut self, kind: Kind, entry: &cqueue::Entry) -> Completed {
        let result = match entry.result() {
            error @ ..0 => Err(io::Error::from_raw_os_error(-error)),
            count => Ok(count as usize),
        };
        match kind {
            Kind::Watch => Completed::Ready,
            Kind::Accept => Completed::Accepted(result.map(|fd| {
                // SAFETY: the kernel has just made this descriptor, for us alone.
                TcpStream::from(unsafe { OwnedFd::from_raw_fd(fd as i32) })
            })),
            Kind::Read => {
                let count = result.as_ref().map_or(0, |count| *count);
                let lent = cqueue::buffer_select(entry.flags())
                    .and_then(|id| self.buffers.take(id, count));
                match (result, lent) {
                    (Ok(1..), Some(lent)) => Completed::Read(Ok(Some(lent))),
                    (result, lent) => {
                        if let Some(lent) = lent {
                            self.give_back(lent);
                        }
                        Completed::Read(result.map(|_| None))
                    }
                }
            }
            Kind::ReadInto(mut buffer) => {
                if let Ok(count) = result {
                    // SAFETY: the kernel has written so many bytes behind the buffer's length, within its capacity.
                    unsafe { buffer.set_len(buffer.len() + count) };
                }
                Completed::ReadInto(buffer, result)
            }
            Kind::Write(buffer) => Completed::Written(buffer, result),
        }
    }
}

const ETIME: i32 = 62;
const EBUSY: i32 = 16;
/// No buffer was left to read to: all had been filled and not been given back yet.
pub(crate) const ENOBUFS: i32 = 105;

impl Drop for Ring {
    fn drop(&mut self) {
        // The kernel may still use what it has.
        mem::forget(mem::take(&mut self.operations));
        self.buffers.forget();
    }
}
