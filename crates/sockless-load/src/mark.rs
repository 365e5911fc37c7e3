//! Marks: what a message carries so that whoever receives it knows who has sent it, as which one, and when that was planned. A server that
//! echoes or broadcasts what it gets hands them on, in whatever it wraps them, be it text, JSON or bytes.
//!
//! A mark is `slm` and five numbers of fixed length in hexadecimal: run, sender, sequence, planned time (nanoseconds since the start of the
//! measurement), and by how much it was sent later than planned (microseconds). It has only letters and digits, so that nothing escapes it.

const PREFIX: &[u8; 3] = b"slm";

/// How long a mark is.
pub const LENGTH: usize = 3 + 8 + 8 + 8 + 16 + 8;

/// What a message carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    /// Which run: what an earlier one has left in a server's history doesn't count.
    pub run: u32,
    /// Whose.
    pub sender: u32,
    /// Which of the sender's, from 0.
    pub sequence: u32,
    /// When it was to be sent, in nanoseconds since the measurement began.
    pub planned: u64,
    /// By how many microseconds it was sent later.
    pub late: u32,
}

impl Mark {
    /// The mark as it is written.
    pub fn text(&self) -> String {
        format!(
            "slm{:08x}{:08x}{:08x}{:016x}{:08x}",
            self.run, self.sender, self.sequence, self.planned, self.late
        )
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let digits = bytes.strip_prefix(PREFIX)?;
        let number = |from: usize, to: usize| {
            digits.get(from..to)?.iter().try_fold(0_u64, |number, digit| {
                let value = match digit {
                    b'0'..=b'9' => digit - b'0',
                    b'a'..=b'f' => digit - b'a' + 10,
                    _ => return None,
                };
                Some(number << 4 | u64::from(value))
            })
        };
        let short = |from, to| number(from, to).and_then(|number| u32::try_from(number).ok());
        Some(Self {
            run: short(0, 8)?,
            sender: short(8, 16)?,
            sequence: short(16, 24)?,
            planned: number(24, 40)?,
            late: short(40, 48)?,
        })
    }
}

/// All marks in these bytes, from the first to the last.
pub fn find(bytes: &[u8]) -> impl Iterator<Item = Mark> + '_ {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        while rest.len() >= LENGTH {
            // The first letter is rare enough to be looked for alone.
            let at = rest.iter().position(|byte| *byte == PREFIX[0])?;
            rest = &rest[at..];
            match rest.get(..LENGTH).and_then(Mark::read) {
                Some(mark) => {
                    rest = &rest[LENGTH..];
                    return Some(mark);
                }
                None => rest = &rest[1..],
            }
        }
        None
    })
}
