//! Finding the end of a head: the empty line after the fields (RFC 9112, section 2.1).
//!
//! [`Scan`] is given each byte once, so that a head costs linear work however it arrives. It refuses what no head may contain
//! (controls, a line that ends in less than CRLF, a folded line) and heads over the limits at the first byte that shows it.
//! What the lines say doesn't live here.

use super::limits::Limits;

/// How many empty lines before a request line are ignored.
const EMPTY_LINES: u8 = 8;

/// Why the bytes can't be, or become, the head of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    BareLineFeed,
    BareCarriageReturn,
    Control,
    Folded,
    EmptyLines,
    TooLong,
    TooManyFields,
}

/// What a piece of input held of the head: `len` bytes of it, from `start`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) start: usize,
    pub(super) len: usize,
    /// Whether the head is complete with them.
    pub(super) complete: bool,
}

/// A scan that resumes.
///
/// ```text
///            CRLF              other               CRLF CRLF
///   Before ---------> Before ---------> Inside ------------------> complete
/// ```
#[derive(Clone, Debug)]
pub(super) struct Scan {
    limit: usize,
    max_fields: u8,
    /// Bytes of the head so far.
    len: usize,
    /// Lines ended so far, the start line among them.
    lines: u16,
    /// Empty lines skipped before the head.
    skipped: u8,
    before: bool,
    /// Whether the last byte was a CR.
    cr: bool,
    /// Whether the current line has no bytes yet.
    line_empty: bool,
}

impl Scan {
    /// A scan for a request, before which empty lines are ignored.
    pub(super) const fn request(limits: &Limits) -> Self {
        Self { before: true, ..Self::response(limits) }
    }

    /// A scan for a response.
    pub(super) const fn response(limits: &Limits) -> Self {
        Self {
            limit: limits.head,
            max_fields: limits.fields,
            len: 0,
            lines: 0,
            skipped: 0,
            before: false,
            cr: false,
            line_empty: true,
        }
    }

    /// The most bytes that the head may have.
    pub(super) const fn limit(&self) -> usize {
        self.limit
    }

    /// How many fields have been seen; all, once the head is complete.
    pub(super) fn fields(&self) -> usize {
        usize::from(self.lines.saturating_sub(1))
    }

    /// Looks at the bytes that follow those of the last call.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<Found, Unfit> {
        let start = self.skip_empty_lines(piece)?;
        let rest = &piece[start..];
        let window = &rest[..rest.len().min(self.limit - self.len)];
        if let Some(len) = self.find_end(window)? {
            return Ok(Found { start, len, complete: true });
        }
        if window.len() < rest.len() {
            return Err(Unfit::TooLong);
        }
        self.len += window.len();
        Ok(Found { start, len: window.len(), complete: false })
    }

    fn skip_empty_lines(&mut self, piece: &[u8]) -> Result<usize, Unfit> {
        let mut at = 0;
        while self.before {
            match (self.cr, piece.get(at)) {
                (_, None) => break,
                (false, Some(b'\r')) => self.cr = true,
                (false, Some(_)) => {
                    self.before = false;
                    break;
                }
                (true, Some(b'\n')) if self.skipped < EMPTY_LINES => {
                    self.cr = false;
                    self.skipped += 1;
                }
                (true, Some(b'\n')) => return Err(Unfit::EmptyLines),
                (true, Some(_)) => return Err(Unfit::BareCarriageReturn),
            }
            at += 1;
        }
        Ok(at)
    }

    /// The number of bytes up to the end of the head, if it lies in `window`.
    fn find_end(&mut self, window: &[u8]) -> Result<Option<usize>, Unfit> {
        let mut at = 0;
        while let Some(&byte) = window.get(at) {
            if self.cr {
                if byte != b'\n' {
                    return Err(Unfit::BareCarriageReturn);
                }
                self.cr = false;
                at += 1;
                if self.line_empty {
                    return if self.lines == 0 { Err(Unfit::EmptyLines) } else { Ok(Some(at)) };
                }
                self.lines += 1;
                self.line_empty = true;
                if self.lines > u16::from(self.max_fields) + 1 {
                    return Err(Unfit::TooManyFields);
                }
                continue;
            }
            if self.line_empty && self.lines > 0 && matches!(byte, b' ' | b'\t') {
                return Err(Unfit::Folded);
            }
            let control = find_control(&window[at..]);
            if control != 0 {
                self.line_empty = false;
            }
            at += control;
            match window.get(at) {
                None => break,
                Some(b'\r') => self.cr = true,
                Some(b'\t') => self.line_empty = false,
                Some(b'\n') => return Err(Unfit::BareLineFeed),
                Some(_) => return Err(Unfit::Control),
            }
            at += 1;
        }
        Ok(None)
    }
}

/// How many bytes stand before the first one below 0x20, eight at a time.
#[inline]
fn find_control(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // Borrows run upwards only, so that the lowest flag is that of a byte below 0x20.
        let below = word.wrapping_sub(ONES * 0x20) & !word & (ONES * 0x80);
        if below != 0 {
            return index * 8 + below.trailing_zeros() as usize / 8;
        }
    }
    let in_tail = tail.iter().position(|byte| *byte < 0x20).unwrap_or(tail.len());
    words.len() * 8 + in_tail
}
