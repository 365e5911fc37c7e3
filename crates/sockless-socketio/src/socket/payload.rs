//! What an event or an acknowledgement carries: arguments as JSON, and binary attachments beside it.

use alloc::string::String;
use alloc::vec::Vec;
use core::{error, fmt};

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::json::{push_argument, read_plain_text};

/// The arguments of an event or an acknowledgement: JSON, and binary attachments beside it.
///
/// ```
/// use sockless_socketio::socket::{Attachment, Payload};
///
/// let mut payload = Payload::new().with(&"report.pdf")?;
/// payload.push_binary(vec![1, 2, 3]);
///
/// let (name, file): (String, Attachment) = payload.read()?;
/// assert_eq!(name, "report.pdf");
/// assert_eq!(payload.attachment(file).unwrap()[..], [1, 2, 3]);
/// # Ok::<(), sockless_socketio::socket::ReadError>(())
/// ```
#[derive(Clone)]
pub struct Payload {
    /// Ends with an array, or is empty for one that is.
    text: String,
    /// Where the array begins: it may lie in the text of a packet.
    from: usize,
    attachments: Vec<Bytes>,
}

/// The place of a binary attachment in JSON. In a structure that is read or written by serde it stands where the bytes do in JavaScript.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    #[serde(rename = "_placeholder")]
    placeholder: bool,
    num: usize,
}

/// How many bytes there is room for when the first argument comes: it mostly fits.
const USUAL: usize = 64;

impl Payload {
    /// No arguments.
    pub fn new() -> Self {
        Self { text: String::new(), from: 0, attachments: Vec::new() }
    }

    /// An array that was checked, with its attachments.
    pub(super) fn checked(json: String, attachments: Vec<Bytes>) -> Self {
        Self::inside(json, 0, attachments)
    }

    /// The same, where the array begins in a text.
    pub(super) fn inside(text: String, from: usize, attachments: Vec<Bytes>) -> Self {
        Self { text, from, attachments }
    }

    /// The same with one more argument: as [`push`](Self::push) adds it.
    ///
    /// # Errors
    ///
    /// If serde can't write it as JSON.
    pub fn with<T: Serialize + ?Sized>(mut self, argument: &T) -> Result<Self, ReadError> {
        self.push(argument)?;
        Ok(self)
    }

    /// Adds an argument. Its `serialize` may be called twice: at first to see whether it is a text.
    ///
    /// # Errors
    ///
    /// If serde can't write it as JSON. Nothing has changed then.
    pub fn push<T: Serialize + ?Sized>(&mut self, argument: &T) -> Result<(), ReadError> {
        let before = self.text.len();
        self.reopen();
        let pushed = push_argument(argument, &mut self.text);
        if pushed.is_err() {
            self.text.truncate(before.saturating_sub(1));
        }
        if pushed.is_ok() || before > 0 {
            self.text.push(']');
        }
        pushed.map_err(ReadError)
    }

    /// Makes room for one more argument, after which the array is to be ended.
    fn reopen(&mut self) {
        if self.text.is_empty() {
            self.text.reserve(USUAL);
            return self.text.push('[');
        }
        let comma = !self.is_empty();
        self.text.pop();
        if comma {
            self.text.push(',');
        }
    }

    /// The same with a position as its last argument: a client that gets it is after that position.
    pub(super) fn after(mut self, position: sockless_channels::Position) -> Self {
        use core::fmt::Write as _;
        self.reopen();
        // Writing to memory can't fail, and a position has nothing that JSON would escape.
        let _ = write!(self.text, "\"{position}\"]");
        self
    }

    /// Adds bytes as an argument.
    pub fn push_binary(&mut self, bytes: impl Into<Bytes>) {
        let attachment = self.attach(bytes);
        // Its JSON is plain.
        self.push(&attachment).unwrap_or_default();
    }

    /// Adds bytes, for an argument that has them inside: what is returned is to be put there.
    pub fn attach(&mut self, bytes: impl Into<Bytes>) -> Attachment {
        self.attachments.push(bytes.into());
        Attachment { placeholder: true, num: self.attachments.len() - 1 }
    }

    /// Reads the arguments: a tuple for a fixed number of them, a `Vec` for any.
    ///
    /// # Errors
    ///
    /// If they are others.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ReadError> {
        let json = self.json();
        match read_plain_text(json) {
            Some(read) => Ok(read),
            None => serde_json::from_str(json).map_err(ReadError),
        }
    }

    /// The same but for the last argument. Its attachments stay, if it has any.
    #[cfg(feature = "client")]
    pub(crate) fn without_last(&self) -> Self {
        let elements: Vec<&serde_json::value::RawValue> =
            serde_json::from_str(self.json()).unwrap_or_default();
        let kept = elements.split_last().map_or(&[][..], |(_, kept)| kept);
        let kept: Vec<&str> = kept.iter().map(|element| element.get()).collect();
        let json = alloc::format!("[{}]", kept.join(","));
        Self::checked(json, self.attachments.clone())
    }

    /// The bytes of an attachment.
    pub fn attachment(&self, attachment: Attachment) -> Option<&Bytes> {
        self.attachments.get(attachment.num).filter(|_| attachment.placeholder)
    }

    /// All attachments.
    pub fn attachments(&self) -> &[Bytes] {
        &self.attachments
    }

    /// The arguments as a JSON array, with placeholders for attachments.
    pub fn json(&self) -> &str {
        if self.text.is_empty() { "[]" } else { &self.text[self.from..] }
    }

    /// How many bytes it has: JSON and attachments.
    pub fn len(&self) -> usize {
        self.json().len() + self.attachments.iter().map(Bytes::len).sum::<usize>()
    }

    /// Whether there are no arguments.
    pub fn is_empty(&self) -> bool {
        self.json().len() == 2
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.json() == other.json() && self.attachments == other.attachments
    }
}

impl Eq for Payload {}

impl Default for Payload {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Payload");
        shown
            .field("json", &self.json().len())
            .field("attachments", &self.attachments.len())
            .finish()
    }
}

/// Arguments that can't be read, or written, as what was asked for.
#[derive(Debug)]
pub struct ReadError(serde_json::Error);

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl error::Error for ReadError {}

impl From<serde_json::Error> for ReadError {
    fn from(error: serde_json::Error) -> Self {
        Self(error)
    }
}
