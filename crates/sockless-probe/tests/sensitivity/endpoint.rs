//! An endpoint that sends every message back: right, or with one rule broken. A naive parser on a blocking stream.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use super::fault::Fault::{self, *};
use crate::wire::deflate::{Broken, Compressor, Direction, Inflater};

const LIMIT: u64 = 64 << 20;

/// What was agreed on about compression, from this endpoint's view.
pub(crate) struct Agreed {
    pub(crate) ours: Direction,
    pub(crate) theirs: Direction,
}

struct Frame {
    first: u8,
    payload: Vec<u8>,
}

/// Why a connection is over.
enum Over {
    Failed(u16),
    Closed,
    Gone,
}

pub(crate) struct Endpoint {
    stream: TcpStream,
    buffer: Vec<u8>,
    at: usize,
    server: bool,
    fault: Option<Fault>,
    keys: u32,
    message: Option<(u8, bool, Vec<u8>)>,
    late: Vec<Vec<u8>>,
    deflate: Option<(Compressor, Inflater)>,
    closed: bool,
}

impl Endpoint {
    pub(crate) fn new(
        stream: TcpStream,
        server: bool,
        fault: Option<Fault>,
        rest: Vec<u8>,
        agreed: Option<Agreed>,
    ) -> Self {
        let deflate = agreed.map(|mut agreed| {
            let kept = if server { KeepsServerTakeover } else { KeepsClientTakeover };
            let wide = if server { KeepsServerWindow } else { KeepsClientWindow };
            agreed.ours.takeover |= fault == Some(kept);
            if fault == Some(wide) {
                agreed.ours.bits = 15;
            }
            agreed.theirs.takeover &= fault != Some(ForgetsWindow);
            (Compressor::new(agreed.ours), Inflater::new(agreed.theirs, LIMIT as usize * 2))
        });
        Self {
            stream,
            buffer: rest,
            at: 0,
            server,
            fault,
            keys: 1,
            message: None,
            late: Vec::new(),
            deflate,
            closed: false,
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    /// Serves the connection to its end: the text that was told.
    pub(crate) fn run(mut self, echoes: bool) -> String {
        let mut told = String::new();
        loop {
            let over = match self.frame().and_then(|frame| self.take(frame)) {
                Ok(None) => continue,
                Ok(Some((kind, message))) => {
                    if echoes {
                        let _ = self.message(kind, message);
                    } else {
                        told.push_str(&String::from_utf8_lossy(&message));
                    }
                    continue;
                }
                Err(over) => over,
            };
            if let Over::Failed(code) = over {
                let code = if self.has(FailsWith1000) { 1000 } else { code };
                let _ = self.send(0x88, &code.to_be_bytes());
            }
            if matches!(over, Over::Closed) && self.has(LeavesStreamOpen) {
                std::thread::sleep(std::time::Duration::from_secs(4));
            }
            if matches!(over, Over::Gone) && self.has(LeavesHalfOpen) {
                std::thread::sleep(std::time::Duration::from_secs(4));
            }
            // The other side reads what was sent before it sees the end.
            let _ = self.stream.shutdown(Shutdown::Write);
            let _ = self.stream.set_read_timeout(Some(std::time::Duration::from_millis(500)));
            let mut rest = [0; 1 << 14];
            for _ in 0..10_000 {
                if !matches!(self.stream.read(&mut rest), Ok(1..)) {
                    break;
                }
            }
            return told;
        }
    }

    fn bytes(&mut self, count: usize) -> Result<Vec<u8>, Over> {
        while self.buffer.len() - self.at < count {
            if self.at > 1 << 16 {
                self.buffer.drain(..self.at);
                self.at = 0;
            }
            let start = self.buffer.len();
            self.buffer.resize(start + (1 << 16), 0);
            let read = self.stream.read(&mut self.buffer[start..]);
            let count = *read.as_ref().unwrap_or(&0);
            self.buffer.truncate(start + count);
            if !matches!(read, Ok(1..)) {
                return Err(Over::Gone);
            }
        }
        let bytes = self.buffer[self.at..self.at + count].to_vec();
        self.at += count;
        Ok(bytes)
    }

    fn frame(&mut self) -> Result<Frame, Over> {
        let wrong = |bad: bool| if bad { Err(Over::Failed(1002)) } else { Ok(()) };
        let first = self.bytes(1)?[0];
        let (opcode, fin) = (first & 0xF, first & 0x80 != 0);
        let control = opcode >= 8;
        let rsv1 = self.deflate.is_some()
            && first & 0x70 == 0x40
            && (matches!(opcode, 1 | 2)
                || (opcode == 0 && self.has(TakesRsv1OnContinuation))
                || (control && self.has(TakesRsv1OnControl)));
        wrong(first & 0x70 != 0 && !rsv1 && !self.has(TakesReservedBits))?;
        let reserved = matches!(opcode, 3..=7 | 11..=15);
        wrong(reserved && !self.has(TakesReservedOpcodes))?;
        wrong(control && !fin && !self.has(TakesFragmentedControl))?;
        if !reserved {
            let inside = self.message.is_some();
            wrong(opcode == 0 && !inside && !self.has(TakesLoneContinuation))?;
            let begins = matches!(opcode, 1 | 2);
            wrong(begins && inside && !self.has(TakesInterruptedMessage))?;
        }
        let second = self.bytes(1)?[0];
        let masked = second & 0x80 != 0;
        wrong(self.server && !masked && !self.has(TakesUnmasked))?;
        wrong(!self.server && masked && !self.has(TakesMasked))?;
        let len = match second & 0x7F {
            126 => {
                let bytes = self.bytes(2)?;
                let len = u64::from(u16::from_be_bytes([bytes[0], bytes[1]]));
                wrong(len < 126 && !self.has(TakesLongLengths))?;
                len
            }
            127 => {
                let bytes = self.bytes(8)?;
                let len = bytes.iter().fold(0, |len, byte| len << 8 | u64::from(*byte));
                wrong(len < 65536 && !self.has(TakesLongLengths))?;
                wrong(len >> 63 != 0 && !self.has(TakesHighestBit))?;
                len
            }
            short => u64::from(short),
        };
        wrong(control && len > 125 && !self.has(TakesLongControl))?;
        if len > LIMIT && !(self.has(TakesHighestBit) && len >> 63 != 0) {
            return Err(Over::Failed(1009));
        }
        let key = if masked { self.bytes(4)? } else { vec![0; 4] };
        wrong(masked && key == [0; 4] && self.has(RefusesZeroMask))?;
        let mut payload = self.bytes(usize::try_from(len).unwrap_or(usize::MAX / 2))?;
        for (octet, key) in payload.iter_mut().zip(key.iter().cycle()) {
            *octet ^= key;
        }
        Ok(Frame { first, payload })
    }

    /// What a frame does; a message that is complete.
    fn take(&mut self, frame: Frame) -> Result<Option<(u8, Vec<u8>)>, Over> {
        let Frame { first, payload } = frame;
        match first & 0xF {
            0x8 => return self.close(&payload),
            0x9 => self.ping(payload),
            0xA if self.has(AnswersPongs) => {
                let _ = self.send(0x8A, &payload);
            }
            opcode @ 0..=2 => return self.data(opcode, first, payload),
            _ => {}
        }
        Ok(None)
    }

    fn data(
        &mut self,
        opcode: u8,
        first: u8,
        payload: Vec<u8>,
    ) -> Result<Option<(u8, Vec<u8>)>, Over> {
        if opcode != 0 || self.message.is_none() {
            let kind = if opcode == 0 { 2 } else { opcode };
            self.message = Some((kind, first & 0x40 != 0, Vec::new()));
        }
        let drops = self.has(DropsEmptyFragments) && payload.is_empty();
        let checks = self.has(ChecksFragments);
        let Some((kind, compressed, whole)) = &mut self.message else { return Ok(None) };
        if checks && *kind == 1 && !*compressed && std::str::from_utf8(&payload).is_err() {
            return Err(Over::Failed(1007));
        }
        whole.extend(payload);
        if whole.len() as u64 > LIMIT {
            return Err(Over::Failed(1009));
        }
        if first & 0x80 == 0 || drops {
            return Ok(None);
        }
        let (kind, compressed) = (*kind, *compressed);
        let mut whole = std::mem::take(whole);
        self.message = None;
        if compressed {
            whole = self.inflate(whole)?;
        }
        let unchecked =
            self.has(TakesInvalidText) || (compressed && self.has(TakesInvalidCompressedText));
        if kind == 1 && !unchecked && std::str::from_utf8(&whole).is_err() {
            return Err(Over::Failed(1007));
        }
        for payload in std::mem::take(&mut self.late) {
            let _ = self.send(0x8A, &payload);
        }
        Ok(Some((kind, whole)))
    }

    fn inflate(&mut self, payload: Vec<u8>) -> Result<Vec<u8>, Over> {
        let stops =
            self.has(StopsAtFinalBlock) && payload.first().is_some_and(|first| first & 1 == 1);
        let takes = self.has(TakesBrokenDeflate);
        let Some((_, inflater)) = &mut self.deflate else { return Ok(payload) };
        match inflater.inflate(&payload) {
            Ok(message) if stops => Ok(message[..message.len() / 2].to_vec()),
            Ok(message) => Ok(message),
            Err(Broken::Data) if takes => Ok(Vec::new()),
            Err(Broken::Data) => Err(Over::Failed(1007)),
            Err(Broken::TooLong) => Err(Over::Failed(1009)),
        }
    }

    fn ping(&mut self, mut payload: Vec<u8>) {
        if self.has(PingEndsMessage) {
            self.message =
                self.message.take().map(|(kind, compressed, _)| (kind, compressed, vec![]));
        }
        if self.has(SendsNoPong) {
            return;
        }
        if self.has(SendsEmptyPong) {
            payload.clear();
        }
        if self.has(CutsPong) {
            payload.truncate(64);
        }
        if self.has(SendsPongLate) && self.message.is_some() {
            self.late.push(payload);
            return;
        }
        let first = if self.has(SendsFragmentedPong) { 0x0A } else { 0x8A };
        let _ = self.send(first, &payload);
    }

    fn close(&mut self, body: &[u8]) -> Result<Option<(u8, Vec<u8>)>, Over> {
        if body.len() == 1 && !self.has(TakesHalfCode) {
            return Err(Over::Failed(1002));
        }
        let code = body.first_chunk().map(|code| u16::from_be_bytes(*code));
        if let Some(code) = code {
            let known = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            let refused = (3000..=4999).contains(&code) && self.has(RefusesOwnCodes);
            if (!known && !self.has(TakesForbiddenCodes)) || refused {
                return Err(Over::Failed(1002));
            }
            if std::str::from_utf8(&body[2..]).is_err() && !self.has(TakesInvalidReason) {
                return Err(Over::Failed(1007));
            }
        }
        if self.has(SendsNoClose) {
            return Err(Over::Closed);
        }
        let code = if body.len() == 1 { Some(1000) } else { code };
        let answer = code.map(|code: u16| code.to_be_bytes().to_vec()).unwrap_or_default();
        let _ = self.send(0x88, &answer);
        if self.has(EchoesAfterClose) {
            let _ = self.send(0x81, b"and one more");
        }
        self.closed = true;
        Err(Over::Closed)
    }

    fn message(&mut self, kind: u8, mut message: Vec<u8>) -> std::io::Result<()> {
        let kind = if self.has(SendsTextAsBinary) { 2 } else { kind };
        if self.has(CutsLongMessages) {
            message.truncate(60_000);
        }
        if self.has(SendsInvalidText) && kind == 1 {
            message = vec![0xFF; message.len()];
        }
        match &mut self.deflate {
            Some((compressor, _)) => {
                let payload = compressor.compress(&message);
                self.send(0xC0 | kind, &payload)
            }
            None => {
                let rsv = if self.has(SendsReservedBits) { 0x20 } else { 0 };
                self.send(0x80 | rsv | kind, &message)
            }
        }
    }

    fn send(&mut self, first: u8, payload: &[u8]) -> std::io::Result<()> {
        let masks = (!self.server || self.has(SendsMasked)) && !self.has(SendsUnmasked);
        let mask = if masks { 0x80 } else { 0 };
        let mut bytes = vec![first];
        match payload.len() {
            len @ 0..126 if !self.has(SendsLongLengths) => bytes.push(mask | len as u8),
            len @ 0..65536 => {
                bytes.push(mask | 126);
                bytes.extend((len as u16).to_be_bytes());
            }
            len => {
                bytes.push(mask | 127);
                bytes.extend((len as u64).to_be_bytes());
            }
        }
        if masks {
            if !self.has(SendsOneKey) {
                self.keys = self.keys.wrapping_mul(0x9E37_79B9).wrapping_add(0x0123_4567);
            }
            let key = self.keys.to_be_bytes();
            bytes.extend(key);
            bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key));
        } else {
            bytes.extend(payload);
        }
        self.stream.write_all(&bytes)
    }
}
