//! A model of the official client, 4.8, as far as recovery sees it: what it remembers, and what it does with packets.
//!
//! It keeps its private id and its offset over reconnects, and the offset also when it gets another private id. Any event whose last argument
//! is a string changes the offset, unless it wants an acknowledgement.

use serde_json::Value;

/// A namespace that it is in.
#[derive(Debug, Default)]
pub(crate) struct Space {
    pub(crate) name: &'static str,
    pub(crate) connected: bool,
    pid: Option<String>,
    offset: Option<String>,
    /// The last position that it has got with this private id.
    pub(crate) position: Option<u64>,
}

/// What a packet has told it.
#[derive(Debug)]
pub(crate) enum Told {
    /// It is connected to the namespace of this index. Whether it takes itself for recovered.
    Connected {
        space: usize,
        recovered: bool,
    },
    /// An event with this number, and what it was.
    Event {
        space: usize,
        number: u64,
        kind: String,
        answer: Option<String>,
    },
    /// It has to ask again for the namespace.
    Out(usize),
    Nothing,
}

#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) spaces: [Space; 2],
    /// An event whose attachment is to come.
    open: Option<(usize, String)>,
}

impl Client {
    pub(crate) fn new() -> Self {
        let space = |name| Space { name, ..Space::default() };
        Self { spaces: [space("/"), space("/custom")], open: None }
    }

    /// Its connection is gone.
    pub(crate) fn closed(&mut self) {
        self.open = None;
        self.spaces.iter_mut().for_each(|space| space.connected = false);
    }

    /// The packet that asks for a namespace.
    pub(crate) fn ask(&self, space: usize) -> String {
        let space = &self.spaces[space];
        let comma = if space.name == "/" { String::new() } else { format!("{},", space.name) };
        let Some(pid) = &space.pid else { return format!("40{comma}") };
        let offset = space.offset.as_ref().map(|offset| format!(",\"offset\":{offset:?}"));
        format!("40{comma}{{\"pid\":{pid:?}{}}}", offset.unwrap_or_default())
    }

    /// A message of text, without the type of Engine.IO.
    pub(crate) fn text(&mut self, text: &str) -> Told {
        let kind = text.as_bytes()[0];
        let attached = kind == b'5';
        let rest = if attached { text.split_once('-').expect("a count").1 } else { &text[1..] };
        let (space, rest) = match rest.strip_prefix("/custom,") {
            Some(rest) => (1, rest),
            None => (0, rest),
        };
        match kind {
            b'0' => self.connected(space, rest),
            b'1' | b'4' => {
                self.spaces[space].connected = false;
                Told::Out(space)
            }
            _ if attached => {
                self.open = Some((space, rest.to_owned()));
                Told::Nothing
            }
            b'2' => self.event(space, rest),
            _ => Told::Nothing,
        }
    }

    pub(crate) fn binary(&mut self) -> Told {
        let (space, rest) = self.open.take().expect("an attachment was announced");
        self.event(space, &rest)
    }

    fn connected(&mut self, at: usize, data: &str) -> Told {
        let data: Value = serde_json::from_str(data).expect("JSON");
        let pid = data["pid"].as_str().expect("a private id").to_owned();
        let space = &mut self.spaces[at];
        let recovered = space.pid.as_ref() == Some(&pid);
        if !recovered {
            space.position = None;
        }
        space.pid = Some(pid);
        space.connected = true;
        Told::Connected { space: at, recovered }
    }

    fn event(&mut self, at: usize, rest: &str) -> Told {
        let digits = rest.find('[').expect("an array");
        let answer = (digits > 0).then(|| rest[..digits].to_owned());
        let arguments: Vec<Value> = serde_json::from_str(&rest[digits..]).expect("JSON");
        let space = &mut self.spaces[at];
        assert!(space.connected, "an event where the client isn't connected: {rest}");
        if let (None, Some(offset)) = (&answer, arguments.last().and_then(Value::as_str)) {
            space.offset = Some(offset.to_owned());
            let number = offset.rsplit('-').next().and_then(|number| number.parse().ok());
            space.position = Some(number.expect("every event says a position"));
        }
        let kind = arguments[0].as_str().expect("a name").to_owned();
        Told::Event { space: at, number: arguments[1].as_u64().expect("a number"), kind, answer }
    }
}
