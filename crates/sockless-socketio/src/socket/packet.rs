//! A packet of Socket.IO, and how it is written. How one is read is in `decoder`.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

#[cfg(feature = "msgpack")]
use super::msgpack;
use super::namespace::Namespace;
use super::parser::Parser;
use super::payload::Payload;
use crate::engine::{Frame, push_json_string};

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
        match self {
            Self::Connect { namespace, data } => plain(parser, 0, namespace, data.as_deref()),
            Self::Disconnect { namespace } => plain(parser, 1, namespace, None),
            Self::ConnectError { namespace, data } => plain(parser, 4, namespace, data.as_deref()),
            Self::Event { namespace, id, name, payload } => {
                event(parser, namespace, *id, name, payload)
            }
            Self::Ack { namespace, id, payload } => {
                carrying(parser, 3, namespace, Some(*id), None, payload)
            }
        }
    }
}

/// Writes an event.
pub(super) fn event(
    parser: Parser,
    namespace: &Namespace,
    id: Option<u64>,
    name: &str,
    payload: &Payload,
) -> Vec<Frame> {
    carrying(parser, 2, namespace, id, Some(name), payload)
}

/// The main namespace isn't written.
fn push_namespace(namespace: &Namespace, text: &mut String) {
    if !namespace.is_main() {
        text.push_str(namespace);
        text.push(',');
    }
}

/// Writes a packet of this type, which may have data.
fn plain(parser: Parser, kind: u8, namespace: &Namespace, data: Option<&str>) -> Vec<Frame> {
    Vec::from([match parser {
        Parser::Json => {
            let data = data.unwrap_or_default();
            Frame::written(8 + namespace.len() + data.len(), |text| {
                // Writing to memory can't fail.
                let _ = write!(text, "{kind}");
                push_namespace(namespace, text);
                text.push_str(data);
            })
        }
        #[cfg(feature = "msgpack")]
        Parser::MessagePack => msgpack::write(kind, namespace, None, msgpack::Data::Json(data)),
    }])
}

/// Writes a packet of this type with arguments, after a name if there is one.
fn carrying(
    parser: Parser,
    kind: u8,
    namespace: &Namespace,
    id: Option<u64>,
    name: Option<&str>,
    payload: &Payload,
) -> Vec<Frame> {
    match parser {
        Parser::Json => {
            let attachments = payload.attachments();
            let mut frames = Vec::with_capacity(1 + attachments.len());
            frames.push(text(kind, namespace, id, name, payload));
            frames.extend(attachments.iter().cloned().map(Frame::Binary));
            frames
        }
        #[cfg(feature = "msgpack")]
        Parser::MessagePack => {
            let data = msgpack::Data::Arguments(name, payload);
            Vec::from([msgpack::write(kind, namespace, id, data)])
        }
    }
}

/// The text of a packet with arguments.
fn text(
    kind: u8,
    namespace: &Namespace,
    id: Option<u64>,
    name: Option<&str>,
    payload: &Payload,
) -> Frame {
    let json = payload.json();
    let len = 48 + namespace.len() + name.map_or(0, str::len) + json.len();
    Frame::written(len, |text| {
        // Writing to memory can't fail. With attachments, it is another type.
        let _ = match payload.attachments().len() {
            0 => write!(text, "{kind}"),
            count => write!(text, "{}{count}-", kind + 3),
        };
        push_namespace(namespace, text);
        let _ = id.map(|id| write!(text, "{id}"));
        let Some(name) = name else { return text.push_str(json) };
        text.push('[');
        push_json_string(name, text);
        if !payload.is_empty() {
            text.push(',');
        }
        text.push_str(&json[1..]);
    })
}
