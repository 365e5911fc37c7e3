//! A packet read from MessagePack. Nothing is trusted: lengths end with the message, and nesting is limited.
//!
//! The JSON that comes of it has at most six bytes for each of the message, or 33 for each attachment, which are limited as well.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::ops::Range;

use bytes::Bytes;
use rmp::Marker;

use crate::json_string::push_json_string;
use crate::socket::config::Config;
use crate::socket::decoder::{HIGHEST_ID, Violation, is_reserved};
use crate::socket::namespace::Namespace;
use crate::socket::packet::Packet;
use crate::socket::payload::Payload;

/// How deep values may be nested, whatever the configuration says.
const DEEPEST: usize = 128;

/// Reads a packet.
pub(in crate::socket) fn read(message: &Bytes, config: &Config) -> Result<Packet, Violation> {
    let mut reader = Reader { message, at: 0 };
    let Item::Map(members) = reader.item()? else { return Err(Violation::Payload) };
    // In which order they come isn't said. Of two with one name, the last counts.
    let (mut kind, mut namespace, mut id, mut data) = (None, None, None, None);
    for _ in 0..members {
        let Item::Text(key) = reader.item()? else { return Err(Violation::Payload) };
        let place = match key {
            "type" => &mut kind,
            "nsp" => &mut namespace,
            "id" => &mut id,
            "data" => &mut data,
            _ => {
                reader.skip(config.depth.min(DEEPEST))?;
                continue;
            }
        };
        *place = Some(reader.at);
        reader.skip(config.depth.min(DEEPEST))?;
    }
    if reader.at < message.len() {
        return Err(Violation::Payload);
    }
    let item = |at: Option<usize>| {
        let item = at.map(|at| Reader { message, at }.item()).transpose()?;
        Ok::<_, Violation>(item.filter(|item| *item != Item::Undefined))
    };
    let namespace = match item(namespace)? {
        Some(Item::Text(name)) if name.len() <= config.namespace_name => {
            Namespace::new(name).ok_or(Violation::Namespace)?
        }
        _ => return Err(Violation::Namespace),
    };
    let id = match item(id)? {
        None => None,
        Some(Item::Unsigned(id)) if id <= HIGHEST_ID => Some(id),
        Some(_) => return Err(Violation::Id),
    };
    let found = item(data)?;
    let reader = data.map(|at| Reader { message, at });
    let mut converting = Converting::new(config);
    match (item(kind)?, found, reader) {
        (Some(Item::Unsigned(0)), None, _) => Ok(Packet::Connect { namespace, data: None }),
        (Some(Item::Unsigned(0)), Some(Item::Map(_)), Some(mut reader)) => {
            let data = Some(converting.text_alone(&mut reader)?);
            Ok(Packet::Connect { namespace, data })
        }
        (Some(Item::Unsigned(1)), None, _) => Ok(Packet::Disconnect { namespace }),
        (Some(Item::Unsigned(2)), Some(Item::Array(count)), Some(mut reader)) => {
            reader.item()?;
            let name = match reader.item().map_err(|_| Violation::Payload)? {
                _ if count == 0 => return Err(Violation::Payload),
                Item::Text(name) => name.to_string(),
                Item::Unsigned(number) => number.to_string(),
                Item::Signed(number) => number.to_string(),
                _ => return Err(Violation::Payload),
            };
            if is_reserved(&name) {
                return Err(Violation::Name);
            }
            converting.array(&mut reader, count - 1)?;
            Ok(Packet::Event { namespace, id, name, payload: converting.payload() })
        }
        (Some(Item::Unsigned(3)), Some(Item::Array(count)), Some(mut reader)) => {
            let id = id.ok_or(Violation::Id)?;
            reader.item()?;
            converting.array(&mut reader, count)?;
            Ok(Packet::Ack { namespace, id, payload: converting.payload() })
        }
        (Some(Item::Unsigned(4)), Some(Item::Map(_) | Item::Text(_)), Some(mut reader)) => {
            let data = Some(converting.text_alone(&mut reader)?);
            Ok(Packet::ConnectError { namespace, data })
        }
        (Some(Item::Unsigned(0..=4)), ..) => Err(Violation::Payload),
        _ => Err(Violation::Type),
    }
}

/// A value, or the beginning of one that has others in it.
#[derive(Clone, Debug, PartialEq)]
enum Item<'m> {
    Nil,
    /// JavaScript's `undefined`: a fixext 1 of type 0.
    Undefined,
    Bool(bool),
    Unsigned(u64),
    /// Below zero.
    Signed(i64),
    Float(f64),
    Text(&'m str),
    Binary(Range<usize>),
    /// Milliseconds since 1970: a fixext 8 of type 0.
    Date(i64),
    Array(u32),
    Map(u32),
}

struct Reader<'m> {
    message: &'m Bytes,
    at: usize,
}

impl<'m> Reader<'m> {
    fn range(&mut self, len: usize) -> Result<Range<usize>, Violation> {
        let end = self.at.checked_add(len).filter(|end| *end <= self.message.len());
        let range = self.at..end.ok_or(Violation::Payload)?;
        self.at = range.end;
        Ok(range)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Violation> {
        let range = self.range(N)?;
        self.message[range].try_into().map_err(|_| Violation::Payload)
    }

    /// A length of this many bytes.
    fn len(&mut self, bytes: usize) -> Result<u32, Violation> {
        let range = self.range(bytes)?;
        Ok(self.message[range].iter().fold(0, |len, byte| len << 8 | u32::from(*byte)))
    }

    fn unsigned(number: u64) -> Item<'m> {
        Item::Unsigned(number)
    }

    fn signed(number: i64) -> Item<'m> {
        u64::try_from(number).map_or(Item::Signed(number), Item::Unsigned)
    }

    fn text(&mut self, len: u32) -> Result<Item<'m>, Violation> {
        let range = self.range(len as usize)?;
        let text = core::str::from_utf8(&self.message[range]);
        text.map(Item::Text).map_err(|_| Violation::Payload)
    }

    fn binary(&mut self, len: u32) -> Result<Item<'m>, Violation> {
        Ok(Item::Binary(self.range(len as usize)?))
    }

    /// Bytes of a type: a typed array, or a large integer as text.
    fn extension(&mut self, len: u32) -> Result<Item<'m>, Violation> {
        match self.array()? {
            [0] => self.binary(len),
            [1] => self.text(len),
            _ => Err(Violation::Payload),
        }
    }

    fn item(&mut self) -> Result<Item<'m>, Violation> {
        let [first] = self.array()?;
        Ok(match Marker::from_u8(first) {
            Marker::Null => Item::Nil,
            Marker::True => Item::Bool(true),
            Marker::False => Item::Bool(false),
            Marker::FixPos(number) => Item::Unsigned(number.into()),
            Marker::FixNeg(number) => Self::signed(number.into()),
            Marker::U8 => Self::unsigned(u8::from_be_bytes(self.array()?).into()),
            Marker::U16 => Self::unsigned(u16::from_be_bytes(self.array()?).into()),
            Marker::U32 => Self::unsigned(u32::from_be_bytes(self.array()?).into()),
            Marker::U64 => Self::unsigned(u64::from_be_bytes(self.array()?)),
            Marker::I8 => Self::signed(i8::from_be_bytes(self.array()?).into()),
            Marker::I16 => Self::signed(i16::from_be_bytes(self.array()?).into()),
            Marker::I32 => Self::signed(i32::from_be_bytes(self.array()?).into()),
            Marker::I64 => Self::signed(i64::from_be_bytes(self.array()?)),
            Marker::F32 => Item::Float(f32::from_be_bytes(self.array()?).into()),
            Marker::F64 => Item::Float(f64::from_be_bytes(self.array()?)),
            Marker::FixStr(len) => self.text(len.into())?,
            Marker::Str8 => self.len(1).and_then(|len| self.text(len))?,
            Marker::Str16 => self.len(2).and_then(|len| self.text(len))?,
            Marker::Str32 => self.len(4).and_then(|len| self.text(len))?,
            Marker::Bin8 => self.len(1).and_then(|len| self.binary(len))?,
            Marker::Bin16 => self.len(2).and_then(|len| self.binary(len))?,
            Marker::Bin32 => self.len(4).and_then(|len| self.binary(len))?,
            Marker::FixArray(count) => Item::Array(count.into()),
            Marker::Array16 => Item::Array(self.len(2)?),
            Marker::Array32 => Item::Array(self.len(4)?),
            Marker::FixMap(count) => Item::Map(count.into()),
            Marker::Map16 => Item::Map(self.len(2)?),
            Marker::Map32 => Item::Map(self.len(4)?),
            Marker::FixExt1 => match self.array()? {
                [0, _] => Item::Undefined,
                _ => return Err(Violation::Payload),
            },
            Marker::FixExt8 => match self.array()? {
                [0] => Item::Date(i64::from_be_bytes(self.array()?)),
                _ => return Err(Violation::Payload),
            },
            Marker::Ext8 => self.len(1).and_then(|len| self.extension(len))?,
            Marker::Ext16 => self.len(2).and_then(|len| self.extension(len))?,
            Marker::Ext32 => self.len(4).and_then(|len| self.extension(len))?,
            Marker::FixExt2 | Marker::FixExt4 | Marker::FixExt16 | Marker::Reserved => {
                return Err(Violation::Payload);
            }
        })
    }

    /// Goes past a value that may have others in it, this deep.
    fn skip(&mut self, depth: usize) -> Result<(), Violation> {
        let (count, keys) = match self.item()? {
            Item::Array(count) => (count, false),
            Item::Map(count) => (count, true),
            _ => return Ok(()),
        };
        let depth = depth.checked_sub(1).ok_or(Violation::Depth)?;
        for _ in 0..count {
            if keys && !matches!(self.item()?, Item::Text(_)) {
                return Err(Violation::Payload);
            }
            self.skip(depth)?;
        }
        Ok(())
    }
}

/// JSON and attachments, as they are made from values that have been skipped before, and so are nested no deeper than allowed.
struct Converting<'c> {
    config: &'c Config,
    json: String,
    attachments: Vec<Bytes>,
    bytes: usize,
}

impl<'c> Converting<'c> {
    fn new(config: &'c Config) -> Self {
        Self { config, json: String::new(), attachments: Vec::new(), bytes: 0 }
    }

    fn payload(self) -> Payload {
        Payload::checked(self.json, self.attachments)
    }

    /// A value that has no binary in it.
    fn text_alone(&mut self, reader: &mut Reader<'_>) -> Result<String, Violation> {
        self.value(reader)?;
        match self.attachments.is_empty() {
            true => Ok(core::mem::take(&mut self.json)),
            false => Err(Violation::Payload),
        }
    }

    fn value(&mut self, reader: &mut Reader<'_>) -> Result<(), Violation> {
        let item = reader.item()?;
        self.item(item, reader)
    }

    fn item(&mut self, item: Item<'_>, reader: &mut Reader<'_>) -> Result<(), Violation> {
        // Writing to memory can't fail.
        let _ = match item {
            Item::Nil | Item::Undefined => write!(self.json, "null"),
            Item::Bool(value) => write!(self.json, "{value}"),
            Item::Unsigned(number) => write!(self.json, "{number}"),
            Item::Signed(number) => write!(self.json, "{number}"),
            // What is no number is `null`.
            Item::Float(number) => match serde_json::to_string(&number) {
                Ok(number) => write!(self.json, "{number}"),
                Err(_) => write!(self.json, "null"),
            },
            Item::Date(milliseconds) => match iso_date(milliseconds) {
                Some(date) => write!(self.json, "\"{date}\""),
                None => write!(self.json, "null"),
            },
            Item::Text(text) => {
                push_json_string(text, &mut self.json);
                Ok(())
            }
            Item::Binary(range) => {
                self.attach(reader.message.slice(range))?;
                let num = self.attachments.len() - 1;
                write!(self.json, "{{\"_placeholder\":true,\"num\":{num}}}")
            }
            Item::Array(count) => return self.array(reader, count),
            Item::Map(count) => return self.map(reader, count),
        };
        Ok(())
    }

    fn array(&mut self, reader: &mut Reader<'_>, count: u32) -> Result<(), Violation> {
        self.json.push('[');
        for index in 0..count {
            if index > 0 {
                self.json.push(',');
            }
            self.value(reader)?;
        }
        self.json.push(']');
        Ok(())
    }

    fn map(&mut self, reader: &mut Reader<'_>, count: u32) -> Result<(), Violation> {
        self.json.push('{');
        for _ in 0..count {
            let Item::Text(key) = reader.item()? else { return Err(Violation::Payload) };
            // It would be taken for an attachment.
            if key == "_placeholder" {
                return Err(Violation::Placeholder);
            }
            let item = reader.item()?;
            if item == Item::Undefined {
                continue;
            }
            if !self.json.ends_with('{') {
                self.json.push(',');
            }
            push_json_string(key, &mut self.json);
            self.json.push(':');
            self.item(item, reader)?;
        }
        self.json.push('}');
        Ok(())
    }

    fn attach(&mut self, bytes: Bytes) -> Result<(), Violation> {
        if self.attachments.len() >= self.config.attachments {
            return Err(Violation::Attachments);
        }
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > self.config.attachment_bytes {
            return Err(Violation::TooLarge);
        }
        self.attachments.push(bytes);
        Ok(())
    }
}

/// A time as JavaScript writes it in JSON, if its years have four digits.
fn iso_date(milliseconds: i64) -> Option<String> {
    const DAY: i64 = 86_400_000;
    let (days, rest) = (milliseconds.div_euclid(DAY), milliseconds.rem_euclid(DAY));
    // Days since the first of March of the year 0, in eras of 400 years that are alike; a year ends with February.
    let days = days.checked_add(719_468)?;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    let year = year + era * 400 + next;
    if !(0..=9_999).contains(&year) {
        return None;
    }
    let (hours, minutes) = (rest / 3_600_000, rest / 60_000 % 60);
    let (seconds, rest) = (rest / 1_000 % 60, rest % 1_000);
    let mut date = String::new();
    let written = write!(
        date,
        "{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{rest:03}Z"
    );
    written.ok().map(|()| date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_javascript_does() {
        for (milliseconds, date) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_709_210_096_789, "2024-02-29T12:34:56.789Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (-62_167_219_200_000, "0000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(iso_date(milliseconds).as_deref(), Some(date));
        }
        assert_eq!(iso_date(253_402_300_800_000), None);
        assert_eq!(iso_date(i64::MIN), None);
        assert_eq!(iso_date(i64::MAX), None);
    }
}
