//! Finding the end of a head: the empty line after the fields (RFC 9112, section 2.1).
//!
//! [`HeadScan`] gets each byte once, so that the work is linear in the bytes, however they arrive. It refuses what no head may
//! contain (control characters, a bare CR or LF, a folded line) and heads over the limits, each at the first byte that shows it.
//! What the lines say is read in `request` and `response`.

use super::limits::HeadLimits;

/// How many empty lines before a request line are ignored.
const EMPTY_LINES: u8 = 8;

/// Why the bytes can't be the beginning of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HeadError {
    BareLineFeed,
    BareCarriageReturn,
    Control,
    Folded,
    EmptyLines,
    TooLong,
    TooManyFields,
}

/// Which bytes of an input belong to the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    start: usize,
    end: usize,
    complete: bool,
}

impl Found {
    /// The bytes of `input` that belong to the head.
    pub(super) fn piece<'i>(&self, input: &'i [u8]) -> &'i [u8] {
        input.get(self.start..self.end).unwrap_or_default()
    }

    /// Where these bytes end in the input.
    pub(super) const fn end(&self) -> usize {
        self.end
    }

    /// Whether the head ends there too.
    pub(super) const fn is_complete(&self) -> bool {
        self.complete
    }
}

/// A scan that goes on with each further input.
///
/// ```text
///            CRLF              other               CRLF CRLF
///   Before ---------> Before ---------> Inside ------------------> complete
/// ```
#[derive(Clone, Debug)]
pub(super) struct HeadScan {
    limit: usize,
    max_fields: u8,
    /// How many bytes of the head have been scanned.
    len: usize,
    /// How many lines of the head have ended, including the start line.
    lines: u16,
    /// How many empty lines before the head have been skipped.
    skipped: u8,
    /// Whether the head has not begun, so that empty lines are skipped.
    before: bool,
    /// Whether the last byte was a CR.
    cr: bool,
    /// Whether the current line has no bytes yet.
    line_empty: bool,
}

impl HeadScan {
    /// A scan that ignores a few empty lines before the head, as a server does before a request line.
    pub(super) const fn after_empty_lines(limits: &HeadLimits) -> Self {
        Self { before: true, ..Self::at_once(limits) }
    }

    /// A scan for a head that begins with the first byte.
    pub(super) const fn at_once(limits: &HeadLimits) -> Self {
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

    /// The number of fields that have ended so far: all of them, once the head is complete.
    pub(super) fn fields(&self) -> usize {
        usize::from(self.lines.saturating_sub(1))
    }

    /// Scans `input`, which goes on where the input of the last call ended, up to the end of the head: which of its bytes belong to the head,
    /// and whether they complete it.
    ///
    /// # Errors
    ///
    /// The first byte that can't be in a head, or is over a limit.
    pub(super) fn scan(&mut self, input: &[u8]) -> Result<Found, HeadError> {
        let start = self.skip_empty_lines(input)?;
        let rest = &input[start..];
        // What the limit allows is scanned: only if the head doesn't end there, it is too long.
        let window = &rest[..rest.len().min(self.limit - self.len)];
        if let Some(len) = self.find_end(window)? {
            return Ok(Found { start, end: start + len, complete: true });
        }
        if window.len() < rest.len() {
            return Err(HeadError::TooLong);
        }
        self.len += window.len();
        Ok(Found { start, end: input.len(), complete: false })
    }

    /// Skips the empty lines before the head, and returns how many bytes of `piece` they take.
    fn skip_empty_lines(&mut self, piece: &[u8]) -> Result<usize, HeadError> {
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
                (true, Some(b'\n')) => return Err(HeadError::EmptyLines),
                (true, Some(_)) => return Err(HeadError::BareCarriageReturn),
            }
            at += 1;
        }
        Ok(at)
    }

    /// Scans the next bytes of the head, and returns the number of bytes up to its end if `window` contains that.
    fn find_end(&mut self, window: &[u8]) -> Result<Option<usize>, HeadError> {
        let mut at = 0;
        while let Some(&byte) = window.get(at) {
            // After a CR only a LF may follow: it ends the line, and an empty line ends the head.
            if self.cr {
                if byte != b'\n' {
                    return Err(HeadError::BareCarriageReturn);
                }
                self.cr = false;
                at += 1;
                if self.line_empty {
                    return if self.lines == 0 { Err(HeadError::EmptyLines) } else { Ok(Some(at)) };
                }
                self.lines += 1;
                self.line_empty = true;
                if self.lines > u16::from(self.max_fields) + 1 {
                    return Err(HeadError::TooManyFields);
                }
                continue;
            }
            if self.line_empty && self.lines > 0 && matches!(byte, b' ' | b'\t') {
                return Err(HeadError::Folded);
            }
            // The text of the line is passed over at once, up to the next control character.
            let text = len_before_control(&window[at..]);
            if text != 0 {
                self.line_empty = false;
            }
            at += text;
            match window.get(at) {
                None => break,
                Some(b'\r') => self.cr = true,
                Some(b'\t') => self.line_empty = false,
                Some(b'\n') => return Err(HeadError::BareLineFeed),
                Some(_) => return Err(HeadError::Control),
            }
            at += 1;
        }
        Ok(None)
    }
}

/// The number of bytes before the first one below 0x20, found eight bytes at a time.
#[inline]
fn len_before_control(bytes: &[u8]) -> usize {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        // A borrow changes only bytes above the one that caused it, so the lowest flag belongs to a byte below 0x20.
        let below = word.wrapping_sub(ONES * 0x20) & !word & (ONES * 0x80);
        if below != 0 {
            return index * 8 + below.trailing_zeros() as usize / 8;
        }
    }
    let in_tail = tail.iter().position(|byte| *byte < 0x20).unwrap_or(tail.len());
    words.len() * 8 + in_tail
}
