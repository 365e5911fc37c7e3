//! Frames of a WebSocket, as far as these clients need them: text of a client, counted frames of a server.

/// A text frame of a client, masked.
pub fn text(payload: &str) -> Vec<u8> {
    const KEY: [u8; 4] = [0x5a, 0xc3, 0x17, 0x88];
    let mut frame = vec![0x81];
    match payload.len() {
        len @ 0..=125 => frame.push(0x80 | len as u8),
        len => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&u16::try_from(len).expect("a short message").to_be_bytes());
        }
    }
    frame.extend_from_slice(&KEY);
    frame.extend(payload.bytes().enumerate().map(|(at, byte)| byte ^ KEY[at % 4]));
    frame
}

/// Counts the frames of a server in what was read, however it was cut.
#[derive(Debug, Default)]
pub struct Counter {
    head: Vec<u8>,
    /// How many bytes of the payload are still to come.
    rest: usize,
    /// Whether this is a heartbeat of the protocol, which is a single byte, and how many of them haven't been answered.
    beats: bool,
    unanswered: usize,
}

impl Counter {
    /// How many heartbeats are to be answered now.
    pub fn take_beats(&mut self) -> usize {
        std::mem::take(&mut self.unanswered)
    }

    /// How many frames end in these bytes, heartbeats apart. `check` is called with the length of each.
    pub fn count(&mut self, mut bytes: &[u8], mut check: impl FnMut(usize)) -> usize {
        let mut count = 0;
        loop {
            if self.rest > 0 {
                let taken = self.rest.min(bytes.len());
                bytes = &bytes[taken..];
                self.rest -= taken;
                if self.rest > 0 {
                    return count;
                }
                count += usize::from(!self.beats);
                self.unanswered += usize::from(self.beats);
            }
            let Some((&byte, after)) = bytes.split_first() else { return count };
            (bytes, self.rest) = (after, 0);
            self.head.push(byte);
            let len = match *self.head {
                [_, len @ 1..=125] => usize::from(len),
                [_, 126, high, low] => usize::from(u16::from_be_bytes([high, low])),
                [_, 127, ..] | [_, 0] => unreachable!("no server here sends such frames"),
                _ => continue,
            };
            (self.rest, self.beats) = (len, len == 1);
            if !self.beats {
                check(len);
            }
            self.head.clear();
        }
    }
}
