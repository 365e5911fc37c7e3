//! A packet of Socket.IO, and how it is written. How one is read is in `decoder`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::namespace::Namespace;
use super::payload::Payload;
use crate::engine::Frame;

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

    /// Writes it: a message of text, and one of bytes for each attachment.
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
        match self {
            Self::Connect { namespace, data } => plain('0', namespace, data.as_deref()),
            Self::Disconnect { namespace } => plain('1', namespace, None),
            Self::ConnectError { namespace, data } => plain('4', namespace, data.as_deref()),
            Self::Event { namespace, id, name, payload } => {
                let name = crate::engine::json_string(name);
                let comma = if payload.is_empty() { "" } else { "," };
                let json = format!("[{name}{comma}{}", &payload.json()[1..]);
                carrying(('2', '5'), namespace, *id, &json, payload)
            }
            Self::Ack { namespace, id, payload } => {
                carrying(('3', '6'), namespace, Some(*id), payload.json(), payload)
            }
        }
    }
}

/// A namespace as it is written: the main one isn't.
fn written(namespace: &Namespace) -> String {
    if namespace.is_main() { String::new() } else { format!("{namespace},") }
}

fn plain(digit: char, namespace: &Namespace, data: Option<&str>) -> Vec<Frame> {
    let text = format!("{digit}{}{}", written(namespace), data.unwrap_or_default());
    Vec::from([Frame::message(&text)])
}

fn carrying(
    (digit, binary): (char, char),
    namespace: &Namespace,
    id: Option<u64>,
    json: &str,
    payload: &Payload,
) -> Vec<Frame> {
    let head = match payload.attachments().len() {
        0 => digit.to_string(),
        count => format!("{binary}{count}-"),
    };
    let id = id.map(|id| id.to_string()).unwrap_or_default();
    let text = format!("{head}{}{id}{json}", written(namespace));
    let attachments = payload.attachments().iter().cloned().map(Frame::Binary);
    core::iter::once(Frame::message(&text)).chain(attachments).collect()
}
