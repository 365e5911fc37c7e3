//! The memory of a head that arrives in several pieces: a vector of our own, or a buffer that the caller lends.
//!
//! Where the head ends is decided by `head_scan`. How much may be put together is decided by `head_reader`, which hands in the limit.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

/// The bytes of a complete head, or of what came after it.
#[derive(Clone)]
pub(super) enum HeadBytes<'b> {
    /// In the caller's input, or, if the head came in several pieces, in the buffer that the caller has lent for them.
    Borrowed(&'b [u8]),
    /// In a vector of our own: several pieces that were put together, or a copy.
    #[cfg(feature = "alloc")]
    Owned(Vec<u8>),
}

impl HeadBytes<'_> {
    /// The bytes, wherever they are.
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            #[cfg(feature = "alloc")]
            Self::Owned(bytes) => bytes,
        }
    }

    /// The same bytes, copied if they are borrowed.
    #[cfg(feature = "alloc")]
    pub(super) fn into_owned(self) -> HeadBytes<'static> {
        HeadBytes::Owned(match self {
            Self::Borrowed(bytes) => bytes.to_vec(),
            Self::Owned(bytes) => bytes,
        })
    }
}

/// Where the pieces of a head are put together.
pub(super) enum HeadBuffer<'b> {
    #[cfg(feature = "alloc")]
    Own(Vec<u8>),
    Lent {
        buffer: &'b mut [u8],
        len: usize,
    },
}

impl<'b> HeadBuffer<'b> {
    /// A vector that allocates nothing before the first piece.
    #[cfg(feature = "alloc")]
    pub(super) const fn own() -> Self {
        Self::Own(Vec::new())
    }

    /// A buffer that the caller lends.
    pub(super) fn lent(buffer: &'b mut [u8]) -> Self {
        Self::Lent { buffer, len: 0 }
    }

    /// The most bytes that fit.
    pub(super) fn capacity(&self) -> usize {
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(_) => usize::MAX,
            Self::Lent { buffer, .. } => buffer.len(),
        }
    }

    /// How many bytes have been put together.
    fn len(&self) -> usize {
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => bytes.len(),
            Self::Lent { len, .. } => *len,
        }
    }

    /// Appends a piece of the head. The pieces have at most `limit` bytes together.
    pub(super) fn append(&mut self, piece: &[u8], limit: usize) {
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => {
                let needed = bytes.len() + piece.len();
                if needed > bytes.capacity() {
                    // The capacity doubles, but never exceeds the limit: a peer can make us hold that much and no more.
                    let target = needed.max(2 * bytes.capacity()).max(512).min(limit.max(needed));
                    bytes.reserve_exact(target - bytes.len());
                }
                bytes.extend_from_slice(piece);
            }
            Self::Lent { buffer, len } => {
                debug_assert!(limit <= buffer.len());
                if let Some(room) = buffer.get_mut(*len..*len + piece.len()) {
                    room.copy_from_slice(piece);
                    *len += piece.len();
                }
            }
        }
    }

    /// Appends the last piece and shows the whole head. A head of one piece is shown where it is, without a copy.
    pub(super) fn complete<'s>(&'s mut self, last: &'s [u8], limit: usize) -> &'s [u8] {
        if self.len() == 0 {
            return last;
        }
        self.append(last, limit);
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => bytes,
            Self::Lent { buffer, len } => buffer.get(..*len).unwrap_or_default(),
        }
    }

    /// Hands out the head that [`complete`](Self::complete) has shown for the same last piece.
    pub(super) fn take<'i>(&mut self, last: &'i [u8]) -> HeadBytes<'i>
    where
        'b: 'i,
    {
        if self.len() == 0 {
            return HeadBytes::Borrowed(last);
        }
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => HeadBytes::Owned(core::mem::take(bytes)),
            Self::Lent { buffer, len } => {
                let buffer: &'b mut [u8] = core::mem::take(buffer);
                let buffer: &'b [u8] = buffer;
                HeadBytes::Borrowed(buffer.get(..core::mem::take(len)).unwrap_or_default())
            }
        }
    }

    /// Drops the pieces, so that another head can be put together.
    pub(super) fn clear(&mut self) {
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => *bytes = Vec::new(),
            Self::Lent { len, .. } => *len = 0,
        }
    }
}

impl fmt::Debug for HeadBuffer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HeadBuffer({} bytes)", self.len())
    }
}
