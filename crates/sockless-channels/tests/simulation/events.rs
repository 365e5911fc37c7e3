//! What can happen in a run, to whom and how it goes wrong. When it happens is decided in `world`.

use std::time::Duration;

use sockless_channels::{Broker, Epoch, Position, Start};

use crate::link::Faults;
use crate::record::{self, NO_EPOCH};
use crate::world::{CHANNELS, Class, World};

impl World {
    /// Somebody does something, or something happens.
    pub(crate) fn act(&mut self) {
        let index = self.random.below(self.processes.len());
        match self.random.below(20) {
            0..=8 => self.publish(index),
            9..=12 => self.move_client(),
            13 => self.presence(index),
            14 if self.class != Class::Calm => self.break_link(index),
            15 if self.class != Class::Calm && self.random.one_in(3) => self.kill(index),
            16 if self.class == Class::Trimmed => {
                let channel = self.random.pick(&CHANNELS);
                if let Some((position, _)) = self.broker.kept(channel) {
                    let through = self.random.below(position.offset() as usize + 1);
                    self.broker.trim(channel, through as u64);
                }
            }
            17..=18 if self.class == Class::Forgetful => self.break_broker(),
            _ => {}
        }
    }

    fn publish(&mut self, index: usize) {
        for _ in 0..1 + self.random.below(4) {
            let channel = self.random.pick(&CHANNELS);
            let len = self.random.below(40);
            let key = self.random.one_in(2);
            let Some(process) = &mut self.processes[index] else { return };
            let payload = record::payload(process.life, process.published, len);
            let key = key.then(|| payload.clone());
            let now = self.now;
            match process.node.publish(channel, key.as_deref(), payload.clone(), now) {
                Ok(id) => {
                    process.published += 1;
                    process.waiting.insert(id, payload);
                }
                Err(misuse) => {
                    assert_eq!(misuse, sockless_channels::Misuse::Full);
                    assert!(process.node.held().waiting > 0);
                    *self.fates.entry("full").or_default() += 1;
                }
            }
        }
    }

    fn move_client(&mut self) {
        let index = self.random.below(self.clients.len());
        let to = self.random.below(self.processes.len());
        if let Some((node, subscriber)) = self.clients[index].at.take() {
            if let Some(process) = &mut self.processes[node] {
                process.node.unsubscribe(subscriber);
            }
            if self.random.one_in(2) {
                return;
            }
        }
        self.arrive(index, to);
    }

    fn arrive(&mut self, index: usize, to: usize) {
        let client = &mut self.clients[index];
        client.forged = false;
        let from = match client.position {
            Some(position) if !self.random.one_in(6) => Start::After(position),
            Some(position) if self.random.one_in(3) => {
                client.forged = true;
                let offset = self.random.pick(&[u64::MAX, 1 << 40, position.offset() + 1_000_000]);
                let epoch = self.random.pick(&[position.epoch(), NO_EPOCH, Epoch::new(0)]);
                Start::After(Position::new(epoch, offset))
            }
            _ => self.random.pick(&[Start::Now, Start::Oldest]),
        };
        let Some(process) = &mut self.processes[to] else { return };
        let subscriber = process.node.subscribe(&client.channel, from).expect("there is room");
        client.arrive(to, subscriber, from);
    }

    fn presence(&mut self, index: usize) {
        let channel = self.random.pick(&CHANNELS);
        let number = self.random.below(3);
        let leaves = self.random.one_in(3);
        let Some(process) = &mut self.processes[index] else { return };
        let member = format!("{}-{number}", process.life);
        if leaves {
            process.node.leave(channel, &member);
            process.present.remove(&(channel.to_owned(), member));
        } else {
            process.node.enter(channel, &member, "here".into()).expect("there is room");
            process.present.insert((channel.to_owned(), member));
        }
    }

    fn break_link(&mut self, index: usize) {
        let until = self.now + Duration::from_millis(100) + self.random.millis(4_000);
        let link = &mut self.links[index];
        match self.random.below(4) {
            0 | 1 => {
                let was_up = link.up || link.dialing.is_some();
                link.cut(&mut self.random);
                if let (true, Some(process)) = (was_up, &mut self.processes[index]) {
                    process.node.disconnected(self.now);
                }
            }
            2 => link.stalled = until,
            // The broker has forgotten the subscriptions, or something on the way swallows what it pushes.
            _ if self.random.one_in(2) => link.fed.clear(),
            _ => link.deaf = until,
        }
    }

    fn kill(&mut self, index: usize) {
        self.links[index].cut(&mut self.random);
        self.processes[index] = None;
        for client in &mut self.clients {
            client.at = client.at.filter(|at| at.0 != index);
        }
        if self.random.one_in(2) {
            self.start(index);
        }
    }

    fn break_broker(&mut self) {
        match self.random.below(6) {
            0 | 1 => self.snapshot = self.broker.clone(),
            2 => self.broker.forget(self.random.pick(&CHANNELS)),
            kind => {
                self.run += 1;
                self.broker = match kind {
                    3 => Broker::new(self.retention, CHANNELS.len()),
                    4 => self.snapshot.clone(),
                    // What it had is all there, but it can't know that.
                    _ => self.broker.clone(),
                };
                self.broker.restarted(self.run);
                self.down = self.now + self.random.millis(1_000);
                for index in 0..self.links.len() {
                    let was_up = self.links[index].up;
                    self.links[index].forget(&mut self.random);
                    if let (true, Some(process)) = (was_up, &mut self.processes[index]) {
                        process.node.disconnected(self.now);
                    }
                }
            }
        }
    }

    /// From here on nothing goes wrong any more, and everybody is there.
    pub(crate) fn settle(&mut self) {
        self.faults = Faults { delay: 5, ..Faults::default() };
        self.down = Duration::ZERO;
        for index in 0..self.processes.len() {
            (self.links[index].stalled, self.links[index].deaf) = (Duration::ZERO, Duration::ZERO);
            if self.processes[index].is_none() {
                self.start(index);
            }
        }
        for index in 0..self.clients.len() {
            if self.clients[index].at.is_none() {
                let to = self.random.below(self.processes.len());
                self.arrive(index, to);
            }
        }
    }
}
