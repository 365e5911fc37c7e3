//! What has to be true of a run, while it goes on and at its end. Each delivery is judged in `client`.

use std::collections::BTreeSet;

use crate::world::{CHANNELS, Class, PUBLICATIONS, SUBSCRIBERS, World};

impl World {
    pub(crate) fn check_bounds(&self) {
        for process in self.processes.iter().flatten() {
            let held = process.node.held();
            assert!(held.requests <= self.window, "{held:?}");
            assert!(held.waiting <= PUBLICATIONS && held.waiting_bytes <= 4_000, "{held:?}");
            assert!(held.channels <= CHANNELS.len() && held.subscribers <= SUBSCRIBERS, "{held:?}");
            assert!(held.copied <= held.channels * self.copied.count(), "{held:?}");
            assert!(held.read <= held.subscribers * self.page, "{held:?}");
        }
        let held = self.broker.held();
        assert!(held.publications <= CHANNELS.len() * self.retention.count(), "{held:?}");
    }

    /// What has to be true at the end.
    pub(crate) fn judge(&mut self) {
        for client in &self.clients {
            let (top, _) = self.broker.kept(&client.channel).expect("somebody follows it");
            assert_eq!(client.position, Some(top), "{client:?}: hasn't got everything");
            assert!(self.record.reached(&client.channel, top) || self.class == Class::Forgetful);
            self.tally.join(client.tally);
        }
        if self.class.is_recoverable() {
            assert_eq!(self.tally.losses(), 0, "{:?}: {:?}", self.class, self.tally);
        }
        // The order of publications is kept, except for what was refused and sent again, and what its publisher was told is unknown.
        for late in self.record.disorder() {
            assert!(self.unknown.contains(late), "{late:?}: published too late");
        }
        let present = self.processes.iter().flatten().flat_map(|process| process.present.iter());
        let present: BTreeSet<_> = present.cloned().collect();
        for process in self.processes.iter().flatten() {
            assert!(
                process.waiting.is_empty(),
                "nobody knows what became of {:?}",
                process.waiting
            );
            for (channel, view) in &process.watched {
                let seen: BTreeSet<_> = view.keys().map(|m| (channel.clone(), m.clone())).collect();
                let there: BTreeSet<_> =
                    present.iter().filter(|p| p.0 == *channel).cloned().collect();
                assert_eq!(seen, there, "{channel}: not those who are present");
            }
        }
    }
}
