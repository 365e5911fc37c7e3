//! The memory of a head that does not arrive whole: the machine's own, or a buffer that the caller lends.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;
use core::fmt;

/// A complete head, or the part of a message that was found to be one.
#[derive(Clone)]
pub(super) enum Stored<'b> {
    Borrowed(&'b [u8]),
    #[cfg(feature = "alloc")]
    Owned(Vec<u8>),
}

impl Stored<'_> {
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Self::Borrowed(bytes) => bytes,
            #[cfg(feature = "alloc")]
            Self::Owned(bytes) => bytes,
        }
    }

    #[cfg(feature = "alloc")]
    pub(super) fn into_owned(self) -> Stored<'static> {
        Stored::Owned(match self {
            Self::Borrowed(bytes) => bytes.to_vec(),
            Self::Owned(bytes) => bytes,
        })
    }
}

/// Where the pieces of a head are put together.
pub(super) enum Gather<'b> {
    #[cfg(feature = "alloc")]
    Own(Vec<u8>),
    Lent {
        buffer: &'b mut [u8],
        len: usize,
    },
}

impl<'b> Gather<'b> {
    #[cfg(feature = "alloc")]
    pub(super) const fn own() -> Self {
        Self::Own(Vec::new())
    }

    pub(super) fn lent(buffer: &'b mut [u8]) -> Self {
        Self::Lent { buffer, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => bytes.len(),
            Self::Lent { len, .. } => *len,
        }
    }

    /// The most bytes that can be kept.
    pub(super) fn room(&self) -> usize {
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(_) => usize::MAX,
            Self::Lent { buffer, .. } => buffer.len(),
        }
    }

    /// Keeps a piece of the head, which the scan has found to lie within `limit` in all.
    pub(super) fn keep(&mut self, piece: &[u8], limit: usize) {
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => {
                let needed = bytes.len() + piece.len();
                if needed > bytes.capacity() {
                    // Doubling, but never beyond the limit: what a peer can make us hold is the limit itself.
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

    /// The head, of which `last` is the last piece, to look at.
    pub(super) fn whole<'s>(&'s mut self, last: &'s [u8], limit: usize) -> &'s [u8] {
        if self.len() == 0 {
            return last;
        }
        self.keep(last, limit);
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => bytes,
            Self::Lent { buffer, len } => buffer.get(..*len).unwrap_or_default(),
        }
    }

    /// The head that [`whole`](Self::whole) has shown, to keep. It is borrowed from the input if it arrived whole.
    pub(super) fn take<'i>(&mut self, last: &'i [u8]) -> Stored<'i>
    where
        'b: 'i,
    {
        if self.len() == 0 {
            return Stored::Borrowed(last);
        }
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => Stored::Owned(core::mem::take(bytes)),
            Self::Lent { buffer, len } => {
                let buffer: &'b mut [u8] = core::mem::take(buffer);
                let buffer: &'b [u8] = buffer;
                Stored::Borrowed(buffer.get(..core::mem::take(len)).unwrap_or_default())
            }
        }
    }

    /// Forgets the pieces, so that another head can be gathered.
    pub(super) fn clear(&mut self) {
        match self {
            #[cfg(feature = "alloc")]
            Self::Own(bytes) => *bytes = Vec::new(),
            Self::Lent { len, .. } => *len = 0,
        }
    }
}

impl fmt::Debug for Gather<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gather({} bytes)", self.len())
    }
}
