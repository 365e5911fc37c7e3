//! Where a subscriber is in a channel: an epoch and an offset. What lies at a position is in `history`.

use core::fmt;
use core::str::FromStr;

/// One life of a channel. Offsets of one epoch can be compared; those of two epochs can't.
///
/// An epoch is a random number that is drawn when a channel begins, and drawn again when what the broker remembers may no longer be
/// what subscribers have seen.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    /// The epoch of this number.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    /// Sixteen hexadecimal digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Epoch({self})")
    }
}

/// The last publication of a channel that somebody has: the first one of an epoch has the offset 1, and 0 is before it.
///
/// A position is text, so that it can travel through a client that only keeps it:
///
/// ```
/// use sockless_channels::{Epoch, Position};
///
/// let position = Position::new(Epoch::new(0xC0FFEE), 42);
/// assert_eq!(position.to_string(), "0000000000c0ffee-42");
/// assert_eq!("0000000000c0ffee-42".parse(), Ok(position));
/// // Text that isn't a position as we write it is no position at all.
/// assert!("c0ffee-42".parse::<Position>().is_err());
/// assert!("0000000000c0ffee-042".parse::<Position>().is_err());
/// ```
///
/// Nothing in it is secret and nothing proves who wrote it. A client that makes one up gets what its channel has, or hears that
/// it can't be served; it changes nothing for others.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    epoch: Epoch,
    offset: u64,
}

impl Position {
    /// The position at this offset of this epoch.
    pub const fn new(epoch: Epoch, offset: u64) -> Self {
        Self { epoch, offset }
    }

    /// The channel's epoch.
    pub const fn epoch(self) -> Epoch {
        self.epoch
    }

    /// The offset of the last publication that lies at or before this position.
    pub const fn offset(self) -> u64 {
        self.offset
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.offset)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Position({self})")
    }
}

impl FromStr for Position {
    type Err = ParsePositionError;

    fn from_str(text: &str) -> Result<Self, ParsePositionError> {
        parse(text.as_bytes()).ok_or(ParsePositionError)
    }
}

fn parse(text: &[u8]) -> Option<Position> {
    let (epoch, rest) = text.split_at_checked(16)?;
    let mut number = 0_u64;
    for digit in epoch {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u64::from(value);
    }
    let digits = rest.strip_prefix(b"-")?;
    if digits.is_empty() || digits.len() > 1 && digits[0] == b'0' {
        return None;
    }
    let mut offset = 0_u64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        offset = offset.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
    }
    Some(Position::new(Epoch(number), offset))
}

/// Text that isn't a position as [`Position`] writes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ParsePositionError;

impl fmt::Display for ParsePositionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a position is sixteen hexadecimal digits, a hyphen, and a decimal number")
    }
}

impl core::error::Error for ParsePositionError {}
