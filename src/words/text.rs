//! Unmasking the text of a frame and checking its UTF-8, in one pass over the memory.
//!
//! Unmasking finds out whether a block is ASCII. Only if it is not, the validator gets the block, while it is still in the first-level
//! cache. Validation itself is in `utf8`.

use crate::words::mask::Mask;
use crate::words::simd::Level;
use crate::words::utf8::Utf8;

/// How many octets are unmasked and then validated at a time: few enough to stay in the first-level cache in between.
const BLOCK: usize = 16 * 1024;

/// Unmasks the next piece of a text in place, and checks it.
///
/// # Errors
///
/// As for [`Utf8::push`]: the index of the first octet that can't be right. All before it is unmasked; what follows it may
/// or may not be.
#[inline]
pub fn unmask(mask: Mask, level: Level, piece: &mut [u8], utf8: &mut Utf8) -> Result<(), usize> {
    unmask_from(mask, level, None, piece, utf8)
}

/// As [`unmask`], but with `from`, the octets to unmask are copied from there in the same pass.
///
/// # Errors
///
/// As for [`unmask`].
///
/// # Panics
///
/// If the two don't have the same length.
#[inline]
pub fn unmask_from(
    mask: Mask,
    level: Level,
    from: Option<&[u8]>,
    piece: &mut [u8],
    utf8: &mut Utf8,
) -> Result<(), usize> {
    if piece.len() <= BLOCK {
        let ascii = unmask_and_check_ascii(mask, level, from, piece);
        return if ascii && utf8.is_complete() { Ok(()) } else { utf8.push(piece) };
    }
    unmask_blocks(mask, level, from, piece, utf8)
}

/// Unmasks in place or from another slice, and returns whether the result is ASCII.
#[inline(always)]
fn unmask_and_check_ascii(mask: Mask, level: Level, from: Option<&[u8]>, place: &mut [u8]) -> bool {
    match from {
        Some(from) => mask.copy_and_check_ascii(level, from, place),
        None => mask.apply_and_check_ascii(level, place),
    }
}

/// [`unmask_from`] for pieces longer than a block.
fn unmask_blocks(
    mask: Mask,
    level: Level,
    from: Option<&[u8]>,
    piece: &mut [u8],
    utf8: &mut Utf8,
) -> Result<(), usize> {
    const { assert!(BLOCK.is_multiple_of(4), "the key has the same phase in each block") }
    for (n, block) in piece.chunks_mut(BLOCK).enumerate() {
        let start = n * BLOCK;
        let from = from.map(|from| &from[start..start + block.len()]);
        let ascii = unmask_and_check_ascii(mask, level, from, block);
        if !(ascii && utf8.is_complete()) {
            utf8.push(block).map_err(|index| start + index)?;
        }
    }
    Ok(())
}

/// Appends the next piece of a text to `out`, unmasked and checked.
///
/// # Errors
///
/// As for [`Utf8::push`]: the index in `piece` of the first octet that can't be right. All before it has been appended;
/// some of what follows it may have been.
#[cfg(feature = "alloc")]
#[inline]
pub fn append(
    mask: Mask,
    level: Level,
    piece: &[u8],
    out: &mut alloc::vec::Vec<u8>,
    utf8: &mut Utf8,
) -> Result<(), usize> {
    out.reserve(piece.len());
    for (n, block) in piece.chunks(BLOCK).enumerate() {
        let start = out.len();
        let ascii = mask.append_and_check_ascii(level, block, out);
        if !(ascii && utf8.is_complete()) {
            utf8.push(&out[start..]).map_err(|index| n * BLOCK + index)?;
        }
    }
    Ok(())
}
