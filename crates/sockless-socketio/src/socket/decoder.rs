//! Packets read from messages: the text, and then the attachments that it announces.
//!
//! ```text
//!   Between packets ── text that announces attachments ──> Collecting
//!         ^                                                    │
//!         └──────────────── the last attachment ───────────────┘
//! ```

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::{error, fmt};

use bytes::Bytes;

use super::config::Config;
use super::json::{self, EventParts, Kind, Wrong};
use super::namespace::Namespace;
use super::packet::Packet;
use super::parser::Parser;
use super::payload::Payload;

/// Reads packets from the messages of one session.
///
/// ```
/// use sockless_socketio::socket::{Config, Decoder, Packet};
///
/// let mut decoder = Decoder::default();
/// let config = Config::default();
/// assert_eq!(decoder.text(r#"51-["file",{"_placeholder":true,"num":0}]"#, &config)?, None);
/// let Some(Packet::Event { name, payload, .. }) = decoder.binary(vec![1, 2, 3].into(), &config)? else { panic!() };
/// assert_eq!(name, "file");
/// assert_eq!(payload.attachments().len(), 1);
/// # Ok::<(), sockless_socketio::socket::Violation>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Decoder {
    collecting: Option<Collecting>,
}

/// A packet whose attachments have not all arrived.
#[derive(Clone, Debug)]
struct Collecting {
    carrier: Carrier,
    text: String,
    /// Where the JSON begins in it.
    from: usize,
    count: usize,
    bytes: usize,
    attachments: Vec<Bytes>,
}

/// An event or an acknowledgement, as its text says before the JSON.
#[derive(Clone, Debug)]
struct Carrier {
    acknowledges: bool,
    namespace: Namespace,
    id: Option<u64>,
}

/// The highest number that JavaScript counts to.
pub(super) const HIGHEST_ID: u64 = (1 << 53) - 1;

/// Names that mean something else in the clients.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

/// Whether an event can't have this name.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

impl Decoder {
    /// A text message. Returns the packet, unless attachments follow.
    ///
    /// # Errors
    ///
    /// If it can't be read, or is beyond a limit.
    pub fn text(
        &mut self,
        text: impl Into<String>,
        config: &Config,
    ) -> Result<Option<Packet>, Violation> {
        self.owned_text(text.into(), config)
    }

    fn owned_text(&mut self, text: String, config: &Config) -> Result<Option<Packet>, Violation> {
        if config.parser != Parser::Json {
            return Err(Violation::Type);
        }
        if self.collecting.is_some() {
            return Err(Violation::Unfinished);
        }
        let Some(digit) = text.bytes().next().filter(u8::is_ascii) else {
            return Err(Violation::Type);
        };
        let mut rest = &text[1..];
        let count = match digit {
            b'0'..=b'4' => 0,
            b'5' | b'6' => take_count(&mut rest, config)?,
            _ => return Err(Violation::Type),
        };
        let namespace = take_namespace(&mut rest, config)?;
        if matches!(digit, b'0' | b'1' | b'4') {
            return plain(digit, namespace, rest, config).map(Some);
        }
        let id = take_id(&mut rest)?;
        let carrier = Carrier { acknowledges: matches!(digit, b'3' | b'6'), namespace, id };
        let from = text.len() - rest.len();
        if count == 0 {
            return carrier.complete(text, from, Vec::new(), config).map(Some);
        }
        json::check(rest, config.depth)?;
        self.collecting =
            Some(Collecting { carrier, text, from, count, bytes: 0, attachments: Vec::new() });
        Ok(None)
    }

    /// A binary message. Returns the packet with its last attachment.
    ///
    /// # Errors
    ///
    /// If no attachment is expected, or they are too long, or the packet's text doesn't fit them.
    pub fn binary(&mut self, bytes: Bytes, config: &Config) -> Result<Option<Packet>, Violation> {
        #[cfg(feature = "msgpack")]
        if config.parser == Parser::MessagePack {
            return super::msgpack::read(&bytes, config).map(Some);
        }
        let Some(collecting) = &mut self.collecting else {
            return Err(Violation::Unannounced);
        };
        collecting.bytes = collecting.bytes.saturating_add(bytes.len());
        if collecting.bytes > config.attachment_bytes {
            return Err(Violation::TooLarge);
        }
        collecting.attachments.push(bytes);
        if collecting.attachments.len() < collecting.count {
            return Ok(None);
        }
        match self.collecting.take() {
            Some(Collecting { carrier, text, from, attachments, .. }) => {
                carrier.complete(text, from, attachments, config).map(Some)
            }
            None => Ok(None),
        }
    }
}

impl Carrier {
    /// The packet whose JSON begins there in its text, which it keeps.
    fn complete(
        self,
        mut text: String,
        from: usize,
        attachments: Vec<Bytes>,
        config: &Config,
    ) -> Result<Packet, Violation> {
        let Self { acknowledges, namespace, id } = self;
        let json = &text[from..];
        if !attachments.is_empty() && !json::placeholders_fit(json, attachments.len()) {
            return Err(Violation::Placeholder);
        }
        if acknowledges {
            let id = id.ok_or(Violation::Id)?;
            if json::check(json, config.depth)? != Kind::Array {
                return Err(Violation::Payload);
            }
            let spaces = json.len() - json.trim_start().len();
            text.truncate(text.trim_end().len());
            let payload = Payload::inside(text, from + spaces, attachments);
            return Ok(Packet::Ack { namespace, id, payload });
        }
        let EventParts { name, arguments } = json::event(json, config.depth)?;
        if is_reserved(&name) {
            return Err(Violation::Name);
        }
        let name = name.into_owned();
        // The arguments' array begins at the last byte of what is before them: of the name, or of what divides it from them.
        let begin = from + arguments.start - 1;
        text.truncate(from + arguments.end);
        text.replace_range(begin..=begin, "[");
        let payload = Payload::inside(text, begin, attachments);
        Ok(Packet::Event { namespace, id, name, payload })
    }
}

/// A packet that carries no arguments.
fn plain(
    digit: u8,
    namespace: Namespace,
    data: &str,
    config: &Config,
) -> Result<Packet, Violation> {
    let kind = (!data.is_empty()).then(|| json::check(data, config.depth)).transpose()?;
    let data = kind.map(|_| data.to_owned());
    match (digit, kind) {
        (b'0', None | Some(Kind::Object)) => Ok(Packet::Connect { namespace, data }),
        (b'1', None) => Ok(Packet::Disconnect { namespace }),
        (b'4', None | Some(Kind::Object | Kind::String)) => {
            Ok(Packet::ConnectError { namespace, data })
        }
        _ => Err(Violation::Payload),
    }
}

impl From<Wrong> for Violation {
    fn from(wrong: Wrong) -> Self {
        match wrong {
            Wrong::Json => Self::Payload,
            Wrong::Depth => Self::Depth,
        }
    }
}

/// The digits at the beginning of a text.
fn digits(text: &str) -> &str {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

/// How many attachments there are: at least one, as in the reference.
fn take_count(rest: &mut &str, config: &Config) -> Result<usize, Violation> {
    let number = digits(rest);
    let after = rest[number.len()..].strip_prefix('-').ok_or(Violation::Attachments)?;
    let count = number.parse().map_err(|_| Violation::Attachments)?;
    if count == 0 || count > config.attachments {
        return Err(Violation::Attachments);
    }
    *rest = after;
    Ok(count)
}

fn take_namespace(rest: &mut &str, config: &Config) -> Result<Namespace, Violation> {
    if !rest.starts_with('/') {
        return Ok(Namespace::main());
    }
    let (name, after) = rest.split_once(',').unwrap_or((rest, ""));
    if name.len() > config.namespace_name {
        return Err(Violation::Namespace);
    }
    let name = Namespace::new(name).ok_or(Violation::Namespace)?;
    *rest = after;
    Ok(name)
}

fn take_id(rest: &mut &str) -> Result<Option<u64>, Violation> {
    let number = digits(rest);
    if number.is_empty() {
        return Ok(None);
    }
    let id = number.parse().ok().filter(|id| *id <= HIGHEST_ID).ok_or(Violation::Id)?;
    *rest = &rest[number.len()..];
    Ok(Some(id))
}

/// A rule of Socket.IO that a client has broken, or a limit: its session is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Violation {
    /// There is no type, or an unknown one.
    Type,
    /// The number of attachments is no number, 0, or beyond the limit.
    Attachments,
    /// A placeholder is for an attachment that isn't there.
    Placeholder,
    /// The attachments have more bytes than allowed.
    TooLarge,
    /// Text has come where an attachment was expected.
    Unfinished,
    /// An attachment has come where none was expected.
    Unannounced,
    /// The namespace's name is too long.
    Namespace,
    /// The number of an acknowledgement is missing, or beyond what JavaScript counts to.
    Id,
    /// The payload is not what the type has.
    Payload,
    /// The JSON is nested deeper than allowed.
    Depth,
    /// The event's name is a reserved one.
    Name,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Type => "the packet has an unknown type",
            Self::Attachments => "the number of attachments is no number, 0, or too high",
            Self::Placeholder => "a placeholder is for no attachment",
            Self::TooLarge => "the attachments are too long",
            Self::Unfinished => "text came where an attachment was expected",
            Self::Unannounced => "an attachment came where none was expected",
            Self::Namespace => "the namespace's name is too long",
            Self::Id => "the acknowledgement's number is missing or too high",
            Self::Payload => "the payload is not what the packet's type has",
            Self::Depth => "the JSON is nested too deep",
            Self::Name => "the event has a reserved name",
        })
    }
}

impl error::Error for Violation {}
