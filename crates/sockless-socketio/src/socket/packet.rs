//! A packet of Socket.IO, and how it is written. How one is read is in `decoder`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;
use core::ops::Deref;
use core::slice;

#[cfg(feature = "msgpack")]
use super::msgpack;
use super::namespace::Namespace;
use super::parser::Parser;
use super::payload::Payload;
use crate::engine::Frame;
use crate::json_string::push_json_string;

/// A packet, with its attachments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// Asks for a namespace, or grants it. The data is a JSON object.
    Connect {
        /// Which one.
        namespace: Namespace,
        /// A client's authentication, or the socket's id.
        data: Option<String>,
    },
    /// Leaves a namespace.
    Disconnect {
        /// Which one.
        namespace: Namespace,
    },
    /// An event.
    Event {
        /// Where.
        namespace: Namespace,
        /// The number that its acknowledgement has to have, if one is asked for.
        id: Option<u64>,
        /// Its name.
        name: String,
        /// Its arguments.
        payload: Payload,
    },
    /// The acknowledgement of an event.
    Ack {
        /// Where.
        namespace: Namespace,
        /// The number of the event.
        id: u64,
        /// Its arguments.
        payload: Payload,
    },
    /// Refuses a namespace. The data is a JSON object or string.
    ConnectError {
        /// Which one.
        namespace: Namespace,
        /// Why.
        data: Option<String>,
    },
}

impl Packet {
    /// Which namespace it is for.
    pub fn namespace(&self) -> &Namespace {
        match self {
            Self::Connect { namespace, .. }
            | Self::Disconnect { namespace }
            | Self::Event { namespace, .. }
            | Self::Ack { namespace, .. }
            | Self::ConnectError { namespace, .. } => namespace,
        }
    }

    /// Writes it as text with JSON, and a message of bytes for each attachment.
    ///
    /// ```
    /// use sockless_socketio::engine::Frame;
    /// use sockless_socketio::socket::{Namespace, Packet, Payload};
    ///
    /// let payload = Payload::new().with("Jude")?;
    /// let packet = Packet::Event { namespace: Namespace::main(), id: None, name: "hey".into(), payload };
    /// assert_eq!(packet.encode(), [Frame::message(r#"2["hey","Jude"]"#)]);
    /// # Ok::<(), sockless_socketio::socket::ReadError>(())
    /// ```
    pub fn encode(&self) -> Vec<Frame> {
        self.encode_with(Parser::Json)
    }

    /// Writes it.
    pub fn encode_with(&self, parser: Parser) -> Vec<Frame> {
        match Writer::new(parser).packet(self) {
            Frames::One(frame) => Vec::from([frame]),
            Frames::Several(frames) => frames,
        }
    }
}

/// What a packet is written as. Mostly it is one frame.
#[derive(Debug)]
pub(super) enum Frames {
    One(Frame),
    Several(Vec<Frame>),
}

impl Deref for Frames {
    type Target = [Frame];

    fn deref(&self) -> &[Frame] {
        match self {
            Self::One(frame) => slice::from_ref(frame),
            Self::Several(frames) => frames,
        }
    }
}

/// Writes packets, one after the other.
#[derive(Debug)]
pub(super) struct Writer {
    parser: Parser,
    buffer: String,
}

impl Writer {
    pub(super) fn new(parser: Parser) -> Self {
        Self { parser, buffer: String::new() }
    }

    pub(super) fn packet(&mut self, packet: &Packet) -> Frames {
        match packet {
            Packet::Connect { namespace, data } => self.plain(0, namespace, data.as_deref()),
            Packet::Disconnect { namespace } => self.plain(1, namespace, None),
            Packet::ConnectError { namespace, data } => self.plain(4, namespace, data.as_deref()),
            Packet::Event { namespace, id, name, payload } => {
                self.event(namespace, *id, name, payload)
            }
            Packet::Ack { namespace, id, payload } => {
                self.carrying(3, namespace, Some(*id), None, payload)
            }
        }
    }

    /// Writes an event.
    pub(super) fn event(
        &mut self,
        namespace: &Namespace,
        id: Option<u64>,
        name: &str,
        payload: &Payload,
    ) -> Frames {
        self.carrying(2, namespace, id, Some(name), payload)
    }

    /// Writes a packet of this type, which may have data.
    fn plain(&mut self, kind: u8, namespace: &Namespace, data: Option<&str>) -> Frames {
        Frames::One(match self.parser {
            Parser::Json => Frame::written(&mut self.buffer, |text| {
                text.push(char::from(b'0' + kind));
                push_namespace(namespace, text);
                text.push_str(data.unwrap_or_default());
            }),
            #[cfg(feature = "msgpack")]
            Parser::MessagePack => msgpack::write(kind, namespace, None, msgpack::Data::Json(data)),
        })
    }

    /// Writes a packet of this type with arguments, after a name if there is one.
    fn carrying(
        &mut self,
        kind: u8,
        namespace: &Namespace,
        id: Option<u64>,
        name: Option<&str>,
        payload: &Payload,
    ) -> Frames {
        match self.parser {
            Parser::Json => {
                let text = Frame::written(&mut self.buffer, |text| {
                    push_carrying(text, kind, namespace, id, name, payload);
                });
                if payload.attachments().is_empty() {
                    return Frames::One(text);
                }
                let attachments = payload.attachments().iter().cloned().map(Frame::Binary);
                Frames::Several(core::iter::once(text).chain(attachments).collect())
            }
            #[cfg(feature = "msgpack")]
            Parser::MessagePack => {
                let data = msgpack::Data::Arguments(name, payload);
                Frames::One(msgpack::write(kind, namespace, id, data))
            }
        }
    }
}

/// The main namespace isn't written.
fn push_namespace(namespace: &Namespace, text: &mut String) {
    if !namespace.is_main() {
        text.push_str(namespace);
        text.push(',');
    }
}

/// Writes the text of a packet with arguments.
fn push_carrying(
    text: &mut String,
    kind: u8,
    namespace: &Namespace,
    id: Option<u64>,
    name: Option<&str>,
    payload: &Payload,
) {
    // Writing to memory can't fail. With attachments, it is another type.
    match payload.attachments().len() {
        0 => text.push(char::from(b'0' + kind)),
        count => drop(write!(text, "{}{count}-", kind + 3)),
    }
    push_namespace(namespace, text);
    let _ = id.map(|id| write!(text, "{id}"));
    let json = payload.json();
    let Some(name) = name else { return text.push_str(json) };
    text.push('[');
    push_json_string(name, text);
    if !payload.is_empty() {
        text.push(',');
    }
    text.push_str(&json[1..]);
}
