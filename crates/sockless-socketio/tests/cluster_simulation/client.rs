//! A model of the official client, 4.8, as far as recovery sees it: its private ids and offsets, which it keeps over connections.

use serde_json::Value;
use sockless_channels::Position;

#[derive(Clone, Debug, Default)]
pub(crate) struct Space {
    pub(crate) connected: bool,
    pub(crate) pid: Option<String>,
    pub(crate) offset: Option<String>,
    /// The last position that it has got with this private id.
    pub(crate) position: Option<Position>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Client {
    pub(crate) spaces: [Space; 2],
}

/// What a packet has told it, for the namespace of this index.
#[derive(Debug)]
pub(crate) enum Told {
    Connected(usize, String),
    /// An event with this number, and its position if it is kept.
    Event(usize, u64, String, Option<Position>),
    Asked(usize, u64, String),
    Out(usize),
    Nothing,
}

/// The parts of a packet: its kind, the index of its namespace, and the rest.
pub(crate) fn parts(text: &str) -> Option<(u8, usize, &str)> {
    let text = text.strip_prefix('4')?;
    let (kind, rest) = (text.as_bytes()[0], &text[1..]);
    Some(match rest.strip_prefix("/custom,") {
        Some(rest) => (kind, 1, rest),
        None => (kind, 0, rest),
    })
}

impl Client {
    pub(crate) fn closed(&mut self) {
        self.spaces.iter_mut().for_each(|space| space.connected = false);
    }

    /// The packet that asks for a namespace.
    pub(crate) fn ask(&self, space: usize) -> String {
        let comma = ["", "/custom,"][space];
        let Space { pid, offset, .. } = &self.spaces[space];
        let Some(pid) = pid else { return format!("40{comma}") };
        let offset = offset.as_ref().map(|offset| format!(",\"offset\":{offset:?}"));
        format!("40{comma}{{\"pid\":{pid:?}{}}}", offset.unwrap_or_default())
    }

    pub(crate) fn text(&mut self, text: &str) -> Told {
        let Some((kind, at, rest)) = parts(text) else { return Told::Nothing };
        let space = &mut self.spaces[at];
        match kind {
            b'0' => {
                let data: Value = serde_json::from_str(rest).expect("JSON");
                let pid = data["pid"].as_str().expect("a private id").to_owned();
                if space.pid.as_ref() != Some(&pid) {
                    space.position = None;
                }
                (space.pid, space.connected) = (Some(pid.clone()), true);
                Told::Connected(at, pid)
            }
            b'1' | b'4' => {
                space.connected = false;
                Told::Out(at)
            }
            b'2' => {
                let digits = rest.find('[').expect("an array");
                let arguments: Vec<Value> = serde_json::from_str(&rest[digits..]).expect("JSON");
                assert!(space.connected, "an event where the client isn't connected: {rest}");
                let name = arguments[0].as_str().expect("a name").to_owned();
                let number = arguments[1].as_u64().expect("a number");
                if digits > 0 {
                    return Told::Asked(at, number, rest[..digits].to_owned());
                }
                let offset = arguments.last().and_then(Value::as_str).expect("a position");
                let position = offset.parse().expect("a position");
                (space.offset, space.position) = (Some(offset.to_owned()), Some(position));
                Told::Event(at, number, name, Some(position))
            }
            _ => Told::Nothing,
        }
    }
}
