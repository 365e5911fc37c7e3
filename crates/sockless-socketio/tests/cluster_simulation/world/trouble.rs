//! What goes wrong, and that it ends.

use sockless_channels::Broker;
use sockless_socketio::socket::cluster::Cluster;

use super::{Class, NAMES, World, millis};

impl World {
    /// Starts what is to be started, and does what is due of what goes wrong.
    pub(super) fn trouble(&mut self) {
        for at in 0..self.processes.len() {
            if self.processes[at].is_none() && (self.now >= self.starts[at] || self.is_calm()) {
                self.start(at);
            }
        }
        if self.is_calm() {
            for link in &mut self.links {
                (link.stalled, link.deaf) = (self.now.min(link.stalled), self.now.min(link.deaf));
            }
            self.down = self.now.min(self.down);
            (self.faults.lost, self.faults.doubled) = (0, 0);
            return;
        }
        if self.now < self.troubles {
            return;
        }
        self.troubles = self.now + millis(self.random.of(50..900));
        let at = self.random.next() as usize % self.processes.len();
        let until = self.now + millis(self.random.of(50..3_000));
        let choice = self.random.of(0..14);
        match (self.class, choice) {
            (_, 0..4) | (Class::Deaths, _) => self.kill(at),
            (_, 4..6) => {
                self.links[at].cut(&mut self.random);
                if let Some(process) = &mut self.processes[at] {
                    let channels = process.server.channels_mut().expect("a cluster");
                    channels.disconnected(self.now);
                }
            }
            (_, 6) => self.links[at].stalled = until,
            (_, 7) => self.links[at].deaf = until,
            (Class::Short, 8..11) => {
                let channel = format!("e:{}", NAMES[self.random.of(0..2) as usize]);
                if let Some((top, _)) = self.broker.kept(&channel) {
                    let less = self.random.of(0..6);
                    self.broker.trim(&channel, top.offset().saturating_sub(less));
                }
            }
            (Class::Forgetful, 8) => {
                let channel = format!("e:{}", NAMES[self.random.of(0..2) as usize]);
                self.broker.forget(&channel);
            }
            (Class::Forgetful, 9) => self.snapshot = self.broker.clone(),
            (Class::Forgetful, 10) => self.replace(self.snapshot.clone()),
            (Class::Forgetful, 11) => {
                let empty = Broker::new(Cluster::retention(&self.recovery), usize::MAX);
                self.replace(empty);
            }
            (Class::Forgetful, 12) => self.replace(self.broker.clone()),
            _ => {}
        }
    }

    fn kill(&mut self, at: usize) {
        let Some(process) = self.processes[at].take() else { return };
        self.seen.deaths += 1;
        self.links[at].cut(&mut self.random);
        self.starts[at] = self.now + millis(self.random.of(10..3_000));
        self.sockets.retain(|(life, _), _| *life != process.life);
        for peer in &mut self.peers {
            if let Some(wire) = peer.wire.as_mut().filter(|wire| wire.life == process.life) {
                let arrives = wire.down.back().map_or(self.now, |last| last.0.max(self.now));
                // Some of what was sent arrives all the same.
                let some = self.random.of(0..wire.down.len() as u64 + 1) as usize;
                wire.down.truncate(some);
                wire.down.push_back((arrives + millis(self.random.of(1..200)), None));
            }
        }
    }

    /// Another broker takes the place of this one, with what it knows.
    fn replace(&mut self, broker: Broker) {
        self.run += 1;
        self.judge.forget_records();
        self.broker = broker;
        self.broker.restarted(self.run);
        self.down = self.now + millis(self.random.of(0..800));
        for at in 0..self.links.len() {
            self.links[at].forget(&mut self.random);
            if let Some(process) = &mut self.processes[at] {
                process.server.channels_mut().expect("a cluster").disconnected(self.now);
            }
        }
    }
}
