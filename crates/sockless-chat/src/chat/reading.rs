//! Reading: what a device has missed, what was said before, what is looked for, parts of files. Who may, and what to do with the answer.

use std::sync::Arc;

use super::action::Place;
use super::event::{Event, Message};
use super::machine::{Chat, Output, PeerId};
use super::name::{Name, Refusal};
use super::people::Stage;

/// What is held for a device while it gets what it has missed.
const HELD: usize = 1000;

/// What is to be read from the store. Whoever asks for it may have it: that is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Read {
    /// The last keys of a user, the oldest first: for [`Chat::keys`].
    Keys {
        /// Whose.
        user: Name,
    },
    /// What a user has missed: for [`Chat::missed`].
    Missed {
        /// Who.
        user: Name,
        /// The user's rooms, and after which message.
        rooms: Vec<(Name, u64)>,
        /// After which message, in what was said to the user alone.
        after: u64,
        /// Up to which.
        up_to: u64,
        /// How many at most.
        most: usize,
    },
    /// What was said before: for the client, as [`Event::History`].
    History {
        /// For whom.
        user: Name,
        /// The client's number.
        n: u64,
        /// Where.
        of: Place,
        /// Before which message.
        before: u64,
        /// The words that have to be in it, in lower case.
        words: Vec<String>,
        /// How many at most.
        most: usize,
    },
    /// A part of a file: for the client.
    File {
        /// For whom.
        user: Name,
        /// The client's number.
        n: u32,
        /// Where.
        of: Place,
        /// The message.
        id: u64,
        /// From where.
        from: u64,
    },
}

impl Chat {
    /// Asks for what a device has missed.
    pub(super) fn read_on(&mut self, peer: PeerId, user: Name, after: u64) {
        let up_to = self.delivered;
        let Some(known) = self.users.get(&user) else { return };
        let rooms = known.rooms.iter().map(|(room, since)| (room.clone(), after.max(*since)));
        let rooms = rooms.collect();
        let most = self.limits.page;
        let read = Read::Missed { user: user.clone(), rooms, after, up_to, most };
        self.out.push_back(Output::Read { peer, read });
        if let Some(peer) = self.peers.get_mut(&peer) {
            peer.stage = Stage::Reading { user, held: Vec::new() };
        }
    }

    pub(super) fn more(&mut self, peer: PeerId, after: u64) -> Result<(), Refusal> {
        match self.peers.get(&peer).map(|peer| &peer.stage) {
            Some(Stage::Behind { user }) => {
                let user = user.clone();
                self.read_on(peer, user, after);
                Ok(())
            }
            _ => Err(Refusal::Malformed),
        }
    }

    /// What a device has missed: after what was asked for, and whether there is more of it.
    pub fn missed(&mut self, id: PeerId, mut list: Vec<Message>, more: bool) {
        let Some(peer) = self.peers.get_mut(&id) else { return };
        let Stage::Reading { user, held } = &mut peer.stage else { return };
        let (user, held) = (user.clone(), std::mem::take(held));
        let more = more || held.len() > HELD;
        if more {
            peer.stage = Stage::Behind { user };
        } else {
            peer.stage = Stage::Live { user };
            list.extend(held.into_iter().map(Arc::unwrap_or_clone));
        }
        self.send([id], Event::Messages { list, more });
    }

    pub(super) fn history(
        &mut self,
        peer: PeerId,
        user: &Name,
        n: u64,
        of: Place,
        before: u64,
    ) -> Result<(), Refusal> {
        self.check_place(user, &of)?;
        let most = self.limits.page;
        let user = user.clone();
        let read = Read::History { user, n, of, before, words: Vec::new(), most };
        self.out.push_back(Output::Read { peer, read });
        Ok(())
    }

    pub(super) fn search(
        &mut self,
        peer: PeerId,
        user: &Name,
        n: u64,
        of: Place,
        words: &str,
        before: u64,
    ) -> Result<(), Refusal> {
        self.check_place(user, &of)?;
        let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
        if words.is_empty() || words.len() > 8 || words.iter().any(|word| word.len() > 100) {
            return Err(Refusal::Text);
        }
        let (most, user) = (self.limits.page, user.clone());
        let read = Read::History { user, n, of, before, words, most };
        self.out.push_back(Output::Read { peer, read });
        Ok(())
    }

    pub(super) fn fetch(
        &mut self,
        peer: PeerId,
        user: &Name,
        n: u32,
        of: Place,
        id: u64,
        from: u64,
    ) -> Result<(), Refusal> {
        self.check_place(user, &of)?;
        let read = Read::File { user: user.clone(), n, of, id, from };
        self.out.push_back(Output::Read { peer, read });
        Ok(())
    }
}
