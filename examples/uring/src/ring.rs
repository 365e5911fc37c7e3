//! A ring: what the kernel is given to do, and what it says that it has done.
//!
//! Here is `unsafe` code: an entry on the ring names a descriptor, and may name memory. Ours name none but that of the [`Buffers`], which has its own
//! argument. A descriptor that is closed too early can spoil an operation, but no memory.

#![expect(unsafe_code, reason = "an entry on the ring may name memory, see above")]

use std::io;
use std::mem;
use std::net::TcpStream;
use std::os::fd::{AsRawFd, FromRawFd as _, OwnedFd};
use std::ptr::null_mut;
use std::time::Duration;

use io_uring::types::{Fd, SubmitArgs, Timespec};
use io_uring::{IoUring, cqueue, opcode, squeue};

use crate::buffers::{self, Buffers, Lent};

/// How many entries the queue to the kernel has. They are submitted when we wait, or when it is full.
const ENTRIES: u32 = 1024;
/// IORING_RECVSEND_POLL_FIRST: most reads are asked for when there is nothing to read yet.
const POLL_FIRST: u16 = 1;

/// A ring, and the buffers that it reads to.
pub(crate) struct Ring {
    ring: IoUring,
    buffers: Buffers,
    /// Whether there were too few of them.
    short: bool,
    /// Whether one operation can receive again and again.
    multishot: bool,
}

/// What the kernel has done.
pub(crate) enum Completed {
    /// The descriptor is ready.
    Ready,
    Accepted(io::Result<TcpStream>),
    /// Bytes were read into one of the ring's buffers, which is to be [given back](Ring::give_back). None: the stream has ended. `more` says that
    /// the operation goes on.
    Received {
        bytes: io::Result<Option<Lent>>,
        more: bool,
    },
}

/// What a descriptor may be watched for.
#[derive(Clone, Copy)]
pub(crate) enum Event {
    /// POLLIN.
    Readable = 1,
    /// POLLOUT.
    Writable = 4,
}

/// Kinds of operations, as they are found again in a completion. The tag stands before them.
const WATCH: u64 = 0;
const ACCEPT: u64 = 1;
const RECEIVE: u64 = 2;
const CANCEL: u64 = 3;

impl Ring {
    /// A ring as this kernel can have it. From Linux 6.1 on it looks at what has arrived when we wait, not whenever it arrives, and one operation
    /// receives until it is cancelled.
    pub(crate) fn new() -> io::Result<Self> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer().setup_defer_taskrun();
        match builder.build(ENTRIES) {
            Ok(ring) => Self::with(ring, true),
            Err(_) => Self::of_linux_5_19(),
        }
    }

    /// A ring with no more than Linux 5.19 has.
    pub(crate) fn of_linux_5_19() -> io::Result<Self> {
        Self::with(IoUring::new(ENTRIES)?, false)
    }

    fn with(ring: IoUring, multishot: bool) -> io::Result<Self> {
        if !ring.params().is_feature_ext_arg() {
            return Err(io::ErrorKind::Unsupported.into());
        }
        let buffers = Buffers::new(&ring)?;
        Ok(Self { ring, buffers, short: false, multishot })
    }

    /// Tells once when something can be done with a descriptor.
    pub(crate) fn watch(&mut self, of: &impl AsRawFd, event: Event, tag: usize) {
        let entry = opcode::PollAdd::new(Fd(of.as_raw_fd()), event as u32).build();
        self.push(entry, tag, WATCH);
    }

    pub(crate) fn accept(&mut self, listener: &impl AsRawFd, tag: usize) {
        let entry = opcode::Accept::new(Fd(listener.as_raw_fd()), null_mut(), null_mut()).build();
        self.push(entry, tag, ACCEPT);
    }

    /// Reads into the ring's buffers whatever arrives, until a completion says that there is no more; on an old kernel that is the first one. There is
    /// one such operation for a tag at a time.
    pub(crate) fn receive(&mut self, from: &impl AsRawFd, tag: usize) {
        let from = Fd(from.as_raw_fd());
        let entry = match self.multishot {
            true => opcode::RecvMulti::new(from, buffers::GROUP).build(),
            false => opcode::Recv::new(from, null_mut(), buffers::SIZE as u32)
                .ioprio(POLL_FIRST)
                .buf_group(buffers::GROUP)
                .build()
                .flags(squeue::Flags::BUFFER_SELECT),
        };
        self.push(entry, tag, RECEIVE);
    }

    /// Receives no more. What has arrived until the kernel learns of it is completed, and the last completion says so.
    pub(crate) fn cancel_receive(&mut self, tag: usize) {
        let entry = opcode::AsyncCancel::new(user_data(tag, RECEIVE)).build();
        self.push(entry, tag, CANCEL);
    }

    /// Gives a buffer back to be read to again.
    pub(crate) fn give_back(&mut self, lent: Lent) {
        self.buffers.give_back(lent);
    }

    fn push(&mut self, entry: squeue::Entry, tag: usize, kind: u64) {
        let entry = entry.user_data(user_data(tag, kind));
        // SAFETY: the entry names no memory; what the kernel reads to are the buffers, see the module.
        while unsafe { self.ring.submission().push(&entry) }.is_err() {
            // The queue is full: the kernel takes what is in it. What it completes meanwhile it keeps.
            let _ = self.ring.submit();
        }
    }

    /// Submits all that there is to do, and waits until something is completed, for no longer than this: one call.
    pub(crate) fn wait(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if mem::take(&mut self.short) {
            self.buffers.grow();
        }
        let waited = match timeout {
            Some(timeout) => {
                let time = Timespec::from(timeout);
                self.ring.submitter().submit_with_args(1, &SubmitArgs::new().timespec(&time))
            }
            None => self.ring.submit_and_wait(1),
        };
        match waited {
            // A signal; or more completions than the ring has room for, which are looked at now.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) if matches!(error.raw_os_error(), Some(ETIME | EBUSY)) => Ok(()),
            waited => waited.map(|_| ()),
        }
    }

    /// What has been completed, with the tag of the operation.
    pub(crate) fn next(&mut self) -> Option<(usize, Completed)> {
        loop {
            let entry = self.ring.completion().next()?;
            let tag = (entry.user_data() >> 2) as usize;
            let completed = match entry.user_data() & 3 {
                WATCH => Completed::Ready,
                ACCEPT => Completed::Accepted(result(&entry).map(|fd| {
                    // SAFETY: the kernel has just made this descriptor, for us alone.
                    TcpStream::from(unsafe { OwnedFd::from_raw_fd(fd as i32) })
                })),
                RECEIVE => {
                    let more = cqueue::more(entry.flags());
                    Completed::Received { bytes: self.received(&entry), more }
                }
                _ => continue, // what was cancelled says so itself
            };
            return Some((tag, completed));
        }
    }

    fn received(&mut self, entry: &cqueue::Entry) -> io::Result<Option<Lent>> {
        let count = result(entry);
        self.short |= matches!(&count, Err(error) if error.raw_os_error() == Some(ENOBUFS));
        let lent = cqueue::buffer_select(entry.flags())
            .and_then(|id| self.buffers.take(id, *count.as_ref().unwrap_or(&0)));
        match (count, lent) {
            (Ok(1..), Some(lent)) => Ok(Some(lent)),
            (count, lent) => {
                lent.into_iter().for_each(|lent| self.give_back(lent));
                count.map(|_| None)
            }
        }
    }
}

/// A tag and a kind in one number. A tag has 62 bits at most.
fn user_data(tag: usize, kind: u64) -> u64 {
    (tag as u64) << 2 | kind
}

fn result(entry: &cqueue::Entry) -> io::Result<usize> {
    match entry.result() {
        error @ ..0 => Err(io::Error::from_raw_os_error(-error)),
        count => Ok(count as usize),
    }
}

const ETIME: i32 = 62;
const EBUSY: i32 = 16;
/// No buffer was left to read to.
pub(crate) const ENOBUFS: i32 = 105;
/// It was cancelled.
pub(crate) const ECANCELED: i32 = 125;

impl Drop for Ring {
    fn drop(&mut self) {
        // The kernel may still read to them.
        self.buffers.forget();
    }
}
