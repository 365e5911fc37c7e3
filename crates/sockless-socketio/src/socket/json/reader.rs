//! Goes through JSON once, from its first byte to its last.

use super::{Kind, Wrong};
use crate::json_string::plain_len;

/// Goes through a text of JSON.
pub(super) struct Reader<'j> {
    json: &'j [u8],
    at: usize,
}

impl<'j> Reader<'j> {
    pub(super) fn new(json: &'j str) -> Self {
        Self { json: json.as_bytes(), at: 0 }
    }

    /// How many bytes it has gone past.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    pub(super) fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn want(&mut self, byte: u8) -> Result<(), Wrong> {
        if self.take(byte) { Ok(()) } else { Err(Wrong::Json) }
    }

    /// Nothing but space comes any more.
    pub(super) fn end(&mut self) -> Result<(), Wrong> {
        self.space();
        if self.at == self.json.len() { Ok(()) } else { Err(Wrong::Json) }
    }

    /// Goes past a value, which may have this many levels.
    pub(super) fn value(&mut self, depth: usize) -> Result<Kind, Wrong> {
        self.space();
        match self.peek().ok_or(Wrong::Json)? {
            b'"' => self.string().map(|()| Kind::String),
            b'[' => {
                self.array(depth.checked_sub(1).ok_or(Wrong::Depth)?)?;
                Ok(Kind::Array)
            }
            b'{' => {
                self.object(depth.checked_sub(1).ok_or(Wrong::Depth)?)?;
                Ok(Kind::Object)
            }
            b'-' | b'0'..=b'9' => self.number().map(|()| Kind::Number),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'n' => self.word(b"null"),
            _ => Err(Wrong::Json),
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Wrong> {
        self.at += 1;
        self.space();
        if self.take(b']') {
            return Ok(());
        }
        loop {
            self.value(depth)?;
            self.space();
            if !self.take(b',') {
                return self.want(b']');
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Wrong> {
        self.at += 1;
        self.space();
        if self.take(b'}') {
            return Ok(());
        }
        loop {
            self.space();
            if self.peek() != Some(b'"') {
                return Err(Wrong::Json);
            }
            self.string()?;
            self.space();
            self.want(b':')?;
            self.value(depth)?;
            self.space();
            if !self.take(b',') {
                return self.want(b'}');
            }
        }
    }

    fn string(&mut self) -> Result<(), Wrong> {
        self.at += 1;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                _ => return Err(Wrong::Json),
            }
        }
    }

    /// Goes past the bytes of a string that stand for themselves.
    fn plain(&mut self) {
        self.at += plain_len(&self.json[self.at..]);
    }

    fn escape(&mut self) -> Result<(), Wrong> {
        let [_, kind, hex @ ..] = &self.json[self.at..] else { return Err(Wrong::Json) };
        self.at += match kind {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 2,
            b'u' if hex.len() >= 4 && hex[..4].iter().all(u8::is_ascii_hexdigit) => 6,
            _ => return Err(Wrong::Json),
        };
        Ok(())
    }

    fn word(&mut self, word: &[u8]) -> Result<Kind, Wrong> {
        if !self.json[self.at..].starts_with(word) {
            return Err(Wrong::Json);
        }
        self.at += word.len();
        Ok(Kind::Word)
    }

    fn number(&mut self) -> Result<(), Wrong> {
        self.take(b'-');
        if !self.take(b'0') {
            self.digits()?;
        }
        if self.take(b'.') {
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            let _ = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), Wrong> {
        let count = self.json[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 { Ok(()) } else { Err(Wrong::Json) }
    }
}
