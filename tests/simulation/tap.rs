//! What really went out: frames, read off the wire with none of the library's code.

/// Reads what an endpoint has written, and fails at what must never be written.
#[derive(Debug, Default)]
pub(crate) struct Tap {
    masked: bool,
    header: Vec<u8>,
    /// How much of the current payload is missing, and what a Close frame's has been so far.
    lacking: u64,
    body: Vec<u8>,
    message_open: bool,
    pub(crate) bytes: u64,
    pub(crate) frames: u64,
    /// The body of the Close frame, once it was written whole.
    pub(crate) close: Option<Vec<u8>>,
    /// What had been written with the last byte of that frame.
    pub(crate) until_close: Option<Written>,
}

/// How much was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) frames: u64,
}

impl Tap {
    pub(crate) fn new(masked: bool) -> Self {
        Self { masked, ..Self::default() }
    }

    pub(crate) fn see(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while let [first, behind @ ..] = rest {
            if self.lacking == 0 {
                self.header.push(*first);
                self.bytes += 1;
                rest = behind;
                if self.header.len() == self.header_len() {
                    self.begin();
                }
            } else {
                let count = (rest.len() as u64).min(self.lacking) as usize;
                if self.header[0] & 15 == 8 {
                    self.body.extend_from_slice(&rest[..count]);
                }
                self.lacking -= count as u64;
                self.bytes += count as u64;
                rest = &rest[count..];
                if self.lacking == 0 {
                    self.finish();
                }
            }
        }
    }

    fn header_len(&self) -> usize {
        let Some(second) = self.header.get(1) else { return 2 };
        let extended = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + extended + if second & 0x80 == 0 { 0 } else { 4 }
    }

    fn begin(&mut self) {
        let (first, second) = (self.header[0], self.header[1]);
        assert_eq!(second & 0x80 != 0, self.masked, "a frame masked as the other role's");
        assert_eq!(first & 0x30, 0, "reserved bits");
        let (fin, opcode) = (first & 0x80 != 0, first & 15);
        assert!(self.close.is_none() || opcode == 10, "opcode {opcode} behind a Close frame");
        match opcode {
            0 => assert!(self.message_open, "a continuation of nothing"),
            1 | 2 => assert!(!self.message_open, "a message inside a message"),
            8..=10 => assert!(fin && second & 0x7F < 126, "a control frame too long, or cut"),
            _ => panic!("opcode {opcode}"),
        }
        if opcode < 8 {
            self.message_open = !fin;
        }
        self.lacking = match second & 0x7F {
            126 => u64::from(u16::from_be_bytes([self.header[2], self.header[3]])),
            127 => self.header[2..10].iter().fold(0, |len, byte| len << 8 | u64::from(*byte)),
            len => len.into(),
        };
        if self.lacking == 0 {
            self.finish();
        }
    }

    fn finish(&mut self) {
        self.frames += 1;
        let mut body = std::mem::take(&mut self.body);
        if self.header[0] & 15 == 8 {
            if self.masked {
                let key = &self.header[self.header.len() - 4..];
                body.iter_mut().zip(key.iter().cycle()).for_each(|(byte, key)| *byte ^= key);
            }
            self.close = Some(body);
            self.until_close = Some(Written { bytes: self.bytes, frames: self.frames });
        }
        self.header.clear();
    }
}
