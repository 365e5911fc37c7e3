//! What goes between servers and the broker, and what the judge hears of it.

use sockless_channels::{Answer, Command, Push, Request};

use super::{NAMES, World, millis};
use crate::entry::entry;

impl World {
    /// Lets a server and its link do what they have to.
    pub(super) fn carry(&mut self, at: usize) {
        self.reach_broker(at);
        let now = self.now;
        let Some(process) = &mut self.processes[at] else { return };
        let link = &mut self.links[at];
        let channels = process.server.channels_mut().expect("a cluster");
        if link.dialing.is_some_and(|at| at <= now) {
            if now < self.down {
                link.dialing = None;
                channels.disconnected(now);
            } else {
                link.connect();
                channels.connected();
            }
        }
        while let Some(push) = link.pushed(now) {
            channels.push(push, now);
        }
        while let Some((id, answer)) = link.answer(now) {
            channels.answer(id, answer, now);
        }
        if process.server.deadline().is_some_and(|at| at <= now) {
            process.server.timeout(now);
        }
        self.settle(at);
        let Some(process) = &mut self.processes[at] else { return };
        let link = &mut self.links[at];
        let channels = process.server.channels_mut().expect("a cluster");
        while let Some(command) = channels.command(now) {
            match command {
                Command::Connect => link.dialing = Some(now + millis(self.random.of(0..21))),
                Command::Disconnect => link.cut(&mut self.random),
                Command::Send(id, request) => {
                    link.send(id, request, now, &self.faults, &mut self.random);
                }
            }
        }
    }

    /// Requests of a server arrive at the broker.
    fn reach_broker(&mut self, at: usize) {
        let now = self.now;
        while let Some((life, id, request)) = self.links[at].arrived(now) {
            let (answer, pushes) = self.broker.execute(&request, now);
            self.watch_broker(&request, &answer);
            let link = &mut self.links[at];
            if link.is_life(life) && answer == Answer::Done {
                match &request {
                    Request::Subscribe { channel } => drop(link.fed.insert(channel.to_string())),
                    Request::Unsubscribe { channel } => drop(link.fed.remove(&**channel)),
                    _ => {}
                }
            }
            link.reply(life, id, answer, now, &self.faults, &mut self.random);
            self.spread(&pushes);
        }
    }

    /// What the judge has to know of what the broker does.
    fn watch_broker(&mut self, request: &Request, answer: &Answer) {
        match (request, answer) {
            (
                Request::Publish { channel, payload, .. },
                Answer::Published { position, repeated: false },
            ) => {
                let name = channel.strip_prefix("e:");
                if let Some(space) = NAMES.iter().position(|its| Some(*its) == name) {
                    self.judge.published(space, *position, entry(payload));
                }
            }
            (Request::Enter { channel, info, .. }, Answer::Done) => {
                if let Some(pid) = channel.strip_prefix("c:") {
                    self.judge.recorded(pid, info, self.now);
                }
            }
            _ => {}
        }
    }

    /// Pushes go to everybody who has subscribed.
    pub(super) fn spread(&mut self, pushes: &[Push]) {
        for push in pushes {
            self.seen.epochs += u64::from(matches!(push, Push::Epoch { .. }));
            for link in &mut self.links {
                link.push(push, self.now, &self.faults, &mut self.random);
            }
        }
    }
}
