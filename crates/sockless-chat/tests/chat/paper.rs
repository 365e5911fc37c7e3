//! A store on paper: facts in a list, each question answered by going through all of them. It is the oracle for the real one, too.

use std::collections::BTreeMap;
use std::sync::Arc;

use sockless_chat::chat::{Fact, Key, Message, Name, Place, Saved};

/// Facts, and what they come to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Paper {
    pub(crate) facts: Vec<Fact>,
}

impl Paper {
    pub(crate) fn said(
        &self,
    ) -> impl DoubleEndedIterator<Item = (&Arc<Message>, &Key, &Arc<Vec<u8>>)> {
        self.facts.iter().filter_map(|fact| match fact {
            Fact::Said { message, key, file, .. } => Some((message, key, file)),
            _ => None,
        })
    }

    pub(crate) fn saved(&self) -> Saved {
        let mut saved = Saved::default();
        let mut members = BTreeMap::new();
        for fact in &self.facts {
            match fact {
                Fact::User(name) => saved.users.push(name.clone()),
                Fact::Joined { room, user, since } => {
                    members.insert((room.clone(), user.clone()), *since);
                }
                Fact::Left { room, user } => {
                    members.remove(&(room.clone(), user.clone()));
                }
                Fact::Said { message, .. } => saved.last = message.id,
                Fact::Gap { .. } | Fact::At { .. } => {}
            }
        }
        saved.users.sort();
        saved.members =
            members.into_iter().map(|((room, user), since)| (room, user, since)).collect();
        saved
    }

    pub(crate) fn keys(&self, user: &Name, most: usize) -> Vec<(Key, u64, u64)> {
        let own = self.said().filter(|(message, ..)| message.from == *user);
        let mut keys: Vec<_> =
            own.map(|(message, key, _)| (key.clone(), message.id, message.at)).collect();
        keys.split_off(keys.len().saturating_sub(most))
    }

    pub(crate) fn missed(
        &self,
        user: &Name,
        rooms: &[(Name, u64)],
        after: u64,
        up_to: u64,
        most: usize,
    ) -> (Vec<Message>, bool) {
        let for_user = |message: &Message| match &message.to {
            Place::Room(room) => {
                rooms.iter().any(|(name, after)| name == room && message.id > *after)
            }
            Place::User(other) => (other == user || message.from == *user) && message.id > after,
        };
        let mut list: Vec<Message> = self
            .said()
            .map(|(message, ..)| Message::clone(message))
            .filter(|message| message.id <= up_to && for_user(message))
            .collect();
        let more = list.len() > most;
        list.truncate(most);
        (list, more)
    }

    pub(crate) fn history(
        &self,
        user: &Name,
        of: &Place,
        before: u64,
        words: &[String],
        most: usize,
    ) -> Vec<Message> {
        let there = |message: &Message| match (of, &message.to) {
            (Place::User(other), Place::User(to)) => {
                (message.from == *user && to == other) || (message.from == *other && to == user)
            }
            (of, to) => of == to,
        };
        let has = |message: &Message| {
            let file = message.file.as_ref().map_or("", |file| &file.name);
            let text = format!("{} {} {file}", message.text, message.from).to_lowercase();
            words.iter().all(|word| text.contains(word))
        };
        let mut list: Vec<Message> = self
            .said()
            .map(|(message, ..)| Message::clone(message))
            .filter(|message| message.id < before && there(message) && has(message))
            .collect();
        list.split_off(list.len().saturating_sub(most))
    }

    pub(crate) fn file(&self, id: u64) -> Option<&[u8]> {
        self.said().find(|(message, ..)| message.id == id).map(|(_, _, file)| file.as_slice())
    }
}
