//! A driver for the machine: it does what comes out, and remembers what everybody was told.

use std::collections::BTreeMap;
use std::time::Duration;

use sockless_chat::chat::{
    Action, Chat, End, Event, Key, Limits, Message, Name, Output, PeerId, Place, Read, Refusal,
};

use crate::paper::Paper;

pub(crate) struct World {
    pub(crate) chat: Chat,
    pub(crate) paper: Paper,
    pub(crate) now: Duration,
    pub(crate) heard: BTreeMap<PeerId, Vec<Event>>,
    pub(crate) ended: BTreeMap<PeerId, End>,
    pub(crate) pauses: Vec<(PeerId, Duration)>,
    /// What was answered to a `Fetch`.
    pub(crate) parts: Vec<(PeerId, u32, Vec<u8>)>,
    /// Whether the store takes nothing.
    pub(crate) full: bool,
    next: u64,
}

pub(crate) fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

pub(crate) fn room(text: &str) -> Place {
    Place::Room(name(text))
}

pub(crate) fn user(text: &str) -> Place {
    Place::User(name(text))
}

pub(crate) fn key(text: &str) -> Key {
    Key::parse(text).expect("a key")
}

pub(crate) fn say(key_text: &str, to: Place, text: &str) -> Action {
    Action::Say { key: key(key_text), to, text: text.into() }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default(), Paper::default())
    }

    pub(crate) fn with(limits: Limits, paper: Paper) -> Self {
        Self {
            chat: Chat::restore(limits, paper.saved()),
            paper,
            now: Duration::from_secs(1000),
            heard: BTreeMap::new(),
            ended: BTreeMap::new(),
            pauses: Vec::new(),
            parts: Vec::new(),
            full: false,
            next: 0,
        }
    }

    /// A device that has said nothing.
    pub(crate) fn stranger(&mut self) -> PeerId {
        self.next += 1;
        let peer = PeerId(self.next);
        self.chat.connect(peer, self.now);
        self.settle();
        peer
    }

    /// A device of somebody's, with everything after this message.
    pub(crate) fn device_after(&mut self, who: &str, after: u64) -> PeerId {
        let peer = self.stranger();
        self.chat.hello(peer, name(who), self.now + Duration::from_secs(1000), after, self.now);
        self.settle();
        peer
    }

    pub(crate) fn device(&mut self, who: &str) -> PeerId {
        self.device_after(who, 0)
    }

    pub(crate) fn act(&mut self, peer: PeerId, action: Action) {
        self.chat.act(peer, action, self.now);
        self.settle();
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.chat.wake(self.now);
        self.settle();
    }

    /// Does what comes out, until nothing does.
    pub(crate) fn settle(&mut self) {
        while let Some(output) = self.chat.poll() {
            match output {
                Output::Send { to, event } => {
                    for peer in to {
                        self.heard.entry(peer).or_default().push(event.clone());
                    }
                }
                Output::Write { number, .. } if self.full => self.chat.not_stored(number, self.now),
                Output::Write { number, facts } => {
                    self.paper.facts.extend(facts);
                    self.chat.stored(number, self.now);
                }
                Output::Read { peer, read } => self.read(peer, read),
                Output::Pause { peer, wait } => self.pauses.push((peer, wait)),
                Output::Online { .. } | Output::Typing { .. } => {}
                Output::End { peer, end } => {
                    self.ended.insert(peer, end);
                }
            }
        }
    }

    fn read(&mut self, peer: PeerId, read: Read) {
        match read {
            Read::Keys { user } => self.chat.keys(peer, self.paper.keys(&user, 256)),
            Read::Missed { user, rooms, after, up_to, most } => {
                let (list, more) = self.paper.missed(&user, &rooms, after, up_to, most);
                self.chat.missed(peer, list, more);
            }
            Read::History { user, n, of, before, words, most } => {
                let list = self.paper.history(&user, &of, before, &words, most);
                let event = Event::History { re: n, list, before: None };
                self.heard.entry(peer).or_default().push(event);
            }
            Read::File { n, id, from, .. } => {
                let part = self.paper.file(id).unwrap_or_default();
                let part = part[(from as usize).min(part.len())..].to_vec();
                self.parts.push((peer, n, part));
            }
        }
    }

    /// What a device was told since this was asked last.
    pub(crate) fn told(&mut self, peer: PeerId) -> Vec<Event> {
        std::mem::take(self.heard.entry(peer).or_default())
    }

    /// The texts that it was told since then.
    pub(crate) fn texts(&mut self, peer: PeerId) -> Vec<String> {
        let texts = |message: &Message| message.text.clone();
        self.told(peer)
            .iter()
            .flat_map(|event| match event {
                Event::Message { message } => vec![texts(message)],
                Event::Messages { list, .. } => list.iter().map(texts).collect(),
                _ => Vec::new(),
            })
            .collect()
    }

    /// Why the last thing that a device was told is a refusal.
    pub(crate) fn refusal(&mut self, peer: PeerId) -> Option<Refusal> {
        match self.told(peer).last() {
            Some(Event::Refused { error, .. }) => Some(*error),
            _ => None,
        }
    }

    /// Nobody has heard anything since everybody was asked last.
    pub(crate) fn is_silent_but_for(&mut self, peer: PeerId) -> bool {
        self.heard.iter().all(|(other, events)| *other == peer || events.is_empty())
    }

    pub(crate) fn forget(&mut self) {
        self.heard.clear();
    }
}
