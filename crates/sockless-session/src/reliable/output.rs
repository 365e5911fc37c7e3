//! What a session sends: how it looks on the wire (section 2 of the specification).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write};

use super::error::CloseReason;
use super::message::{Kind, Payload};
use super::window::Window;
use super::wire::{DLE, Opening, Refusal};

/// What precedes a payload on the wire: at most 19 octets of ASCII, and none for an ordinary message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Head {
    octets: [u8; 23],
    len: u8,
}

impl Head {
    /// Nothing.
    pub(crate) const NONE: Self = Self { octets: [0; 23], len: 0 };

    /// `DLE` and a letter.
    pub(crate) fn letter(letter: u8) -> Self {
        let mut head = Self::NONE;
        head.octets[..2].copy_from_slice(&[DLE, letter]);
        head.len = 2;
        head
    }

    /// `DLE` alone: the payload that follows begins with another one.
    pub(crate) fn escape() -> Self {
        let mut head = Self::NONE;
        (head.octets[0], head.len) = (DLE, 1);
        head
    }

    /// `DLE`, a letter and a number.
    pub(crate) fn number(letter: u8, number: u64) -> Self {
        let mut head = Self::letter(letter);
        let mut digits = [0; 20];
        let (mut rest, mut at) = (number, digits.len());
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        let digits = &digits[at..];
        head.octets[2..2 + digits.len()].copy_from_slice(digits);
        head.len += digits.len() as u8;
        head
    }

    /// The same and a space.
    pub(crate) fn spaced(mut self) -> Self {
        self.octets[usize::from(self.len)] = b' ';
        self.len += 1;
        self
    }

    /// The octets.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        &self.octets[..usize::from(self.len)]
    }

    /// The octets, which are ASCII.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

impl fmt::Debug for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Head({:?})", self.as_str())
    }
}

/// What is to be sent on a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output<M> {
    /// A message of the application: the head followed by the payload, of the payload's kind. Where the head is empty, the payload
    /// goes out as it is: it may be encoded already.
    Data {
        /// What precedes the payload.
        head: Head,
        /// The payload.
        payload: M,
    },
    /// A short text message.
    Short(Head),
    /// A text message.
    Text(String),
    /// The connection is to be closed: nothing follows.
    Close(CloseReason),
}

impl<M: Payload> Output<M> {
    /// Appends the message to `bytes`: what kind of message it is, or `None` for a close.
    pub fn write_to(&self, bytes: &mut Vec<u8>) -> Option<Kind> {
        match self {
            Self::Data { head, payload } => {
                bytes.extend_from_slice(head.as_bytes());
                bytes.extend_from_slice(payload.as_bytes());
                Some(payload.kind())
            }
            Self::Short(head) => {
                bytes.extend_from_slice(head.as_bytes());
                Some(Kind::Text)
            }
            Self::Text(text) => {
                bytes.extend_from_slice(text.as_bytes());
                Some(Kind::Text)
            }
            Self::Close(_) => None,
        }
    }
}

/// An opening's text.
pub(crate) fn opening(opening: &Opening) -> String {
    let mut text = String::new();
    let Opening { hello, id, attempt, received, seen, window } = opening;
    text.push(char::from(DLE));
    // Writing to a string can't fail.
    let _ = if *hello {
        write!(text, "h{id} {attempt} ")
    } else {
        write!(text, "r{id} {attempt} {received} {seen} ")
    };
    push_window(&mut text, *window);
    text
}

/// A welcome's text.
pub(crate) fn welcome(received: u64, seen: u64, window: Window, grace: u64) -> String {
    let mut text = String::new();
    text.push(char::from(DLE));
    let _ = write!(text, "w{received} {seen} ");
    push_window(&mut text, window);
    let _ = write!(text, " {grace}");
    text
}

fn push_window(text: &mut String, window: Window) {
    let _ = write!(text, "{} {}", window.messages, window.bytes);
}

/// A bye's text.
pub(crate) fn bye(accepted: u64, reason: &str) -> String {
    let mut text = String::new();
    text.push(char::from(DLE));
    let _ = write!(text, "b{accepted} {reason}");
    text
}

impl Refusal {
    /// The text message that answers the opening.
    pub fn text(&self) -> String {
        let mut text = String::new();
        text.push(char::from(DLE));
        let _ = write!(text, "x{} {}", self.denial.word(), self.number);
        text
    }
}
