//! How a run has to end: everybody is connected, and has everything.

use std::collections::BTreeSet;

use sockless_channels::Position;

use super::{NAMES, World};

impl World {
    /// Whether all clients are connected and have all that is for them.
    pub(super) fn is_settled(&self) -> bool {
        self.peers.iter().enumerate().all(|(index, peer)| {
            peer.client.spaces.iter().enumerate().all(|(space, its)| {
                let life = self.judge.believed.get(&(index, space));
                let now = self.broker.kept(&format!("e:{}", NAMES[space])).map(|its| its.0.epoch());
                its.connected
                    && life.zip(self.state_of(index, space)).is_some_and(|(life, state)| {
                        Some(self.judge.lives[*life].since.epoch()) == now
                            && self.judge.has_all(*life, space, state)
                    })
            })
        })
    }

    /// Everything flows, and everybody has everything.
    pub(super) fn ends(&mut self) {
        for (index, peer) in self.peers.iter().enumerate() {
            for (space, its) in peer.client.spaces.iter().enumerate() {
                assert!(its.connected, "{:?}: client {index} isn't in {space}", self.class);
                let life = self.judge.believed[&(index, space)];
                self.judge.check(life, space, true);
                let epoch =
                    self.broker.kept(&format!("e:{}", NAMES[space])).map(|its| its.0.epoch());
                let since = self.judge.lives[life].since;
                assert_eq!(Some(since.epoch()), epoch, "client {index} is where nothing comes");
                let (rooms, data) = self.state_of(index, space).expect("it has a socket");
                let end = Position::new(since.epoch(), u64::MAX);
                self.judge.recovered(life, space, end, rooms, data);
            }
        }
    }

    /// The rooms of a client that is connected, and what was put to it.
    fn state_of(&self, index: usize, space: usize) -> Option<(BTreeSet<String>, Option<String>)> {
        let wire = self.peers[index].wire.as_ref()?;
        let server = &self.processes[wire.server].as_ref()?.server;
        let socket = self.sockets.iter().find(|((life, _), known)| {
            let its = (known.client, known.space, known.channel);
            *life == wire.life && its == (index, space, wire.channel) && known.accepted
        });
        let ((_, socket), _) = socket?;
        let rooms = server.rooms(*socket).map(str::to_owned).collect();
        Some((rooms, server.data(*socket).map(str::to_owned)))
    }
}
