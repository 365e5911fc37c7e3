//! What clients and their connections do.

use std::collections::VecDeque;
use std::time::Duration;

use sockless_socketio::engine::{Channel, Frame, Head, Transmit};

use super::{Wire, World, millis};
use crate::client::{Told, parts};

impl World {
    pub(super) fn move_client(&mut self, index: usize) {
        let now = self.now;
        if self.peers[index].wire.is_none() {
            if now >= self.peers[index].opens {
                self.open(index);
            }
            return;
        }
        if now >= self.peers[index].ends {
            return self.cut(index);
        }
        let due = |its: &(Duration, usize)| its.0 <= now;
        while let Some(at) = self.peers[index].asks.iter().position(due) {
            let (_, space) = self.peers[index].asks.swap_remove(at);
            let packet = self.peers[index].client.ask(space);
            self.send(index, packet);
        }
        while let Some(wire) = &mut self.peers[index].wire
            && wire.up.front().is_some_and(|its| its.0 <= now)
            && let Some((_, text)) = wire.up.pop_front()
        {
            let (at, life, channel) = (wire.server, wire.life, wire.channel);
            if let Some(process) = self.processes[at].as_mut().filter(|its| its.life == life) {
                process.server.engine_mut().text(channel, &text, now);
            }
            self.settle(at);
        }
        while let Some(wire) = &mut self.peers[index].wire
            && wire.down.front().is_some_and(|its| its.0 <= now)
            && let Some((_, frame)) = wire.down.pop_front()
        {
            match frame {
                Some(text) => self.received(index, &text),
                None => self.lost(index),
            }
        }
    }

    fn open(&mut self, index: usize) {
        let at = self.random.next() as usize % self.processes.len();
        let Some(process) = &mut self.processes[at] else {
            self.peers[index].opens = self.now + millis(self.random.of(10..200));
            return;
        };
        let head = Head::new("GET", "EIO=4&transport=websocket");
        let begun = process.server.engine_mut().begin_websocket(head, self.now);
        let (life, channel) = (process.life, begun.expect("a WebSocket"));
        self.channels.insert((life, channel), index);
        let (up, down) = (VecDeque::new(), VecDeque::new());
        let calm = self.is_calm();
        let ends = match calm || self.random.one_in(4) {
            true => Duration::MAX,
            false => self.now + millis(self.random.of(50..4_000)),
        };
        let peer = &mut self.peers[index];
        peer.wire = Some(Wire { server: at, life, channel, up, down });
        peer.ends = ends;
        peer.asks = (0..2).map(|space| (self.now + millis(self.random.of(5..60)), space)).collect();
        self.settle(at);
        self.transmit(at, life, channel);
    }

    /// The client's end of its connection goes; the server may notice it.
    fn cut(&mut self, index: usize) {
        if self.is_calm() {
            self.peers[index].ends = Duration::MAX;
            return;
        }
        self.seen.cuts += 1;
        if let Some(wire) = &self.peers[index].wire
            && !self.random.one_in(3)
        {
            let at = self.now + millis(self.random.of(0..400));
            self.noticed.push((at, wire.server, wire.life, wire.channel));
        }
        self.lost(index);
    }

    fn lost(&mut self, index: usize) {
        let away = if self.is_calm() || !self.random.one_in(4) { 1..300 } else { 300..3_000 };
        let away = self.random.of(away);
        let peer = &mut self.peers[index];
        if let Some(wire) = peer.wire.take() {
            self.noticed.push((self.now + millis(2_000), wire.server, wire.life, wire.channel));
        }
        peer.client.closed();
        peer.asks.clear();
        peer.opens = self.now + millis(away);
    }

    /// Servers notice ends of connections.
    pub(super) fn notice(&mut self) {
        let now = self.now;
        let (due, later) = self.noticed.drain(..).partition(|its| its.0 <= now);
        self.noticed = later;
        let due: Vec<(Duration, usize, u64, Channel)> = due;
        for (_, at, life, channel) in due {
            if let Some(process) = self.processes[at].as_mut().filter(|its| its.life == life) {
                process.server.engine_mut().channel_lost(channel);
                self.settle(at);
            }
        }
    }

    /// When a client has asked: now, as far as its server knows.
    pub(super) fn noted_ask(
        &self,
        client: usize,
        space: usize,
        (life, channel): (u64, Channel),
    ) -> Duration {
        let peer = &self.peers[client];
        let its = |wire: &&Wire| wire.life == life && wire.channel == channel;
        let asked = peer.wire.as_ref().filter(its);
        asked.and(peer.asked[space]).unwrap_or(Duration::ZERO)
    }

    fn send(&mut self, index: usize, packet: String) {
        let way = millis(self.random.of(1..40));
        if let Some((b'0', space, _)) = parts(&packet) {
            self.peers[index].asked[space] = Some(self.now);
        }
        let Some(wire) = &mut self.peers[index].wire else { return };
        let last = wire.up.back().map_or(Duration::ZERO, |last| last.0);
        wire.up.push_back((last.max(self.now + way), packet));
    }

    /// Takes what a server sends on a WebSocket: it arrives, or goes nowhere.
    pub(super) fn transmit(&mut self, at: usize, life: u64, channel: Channel) {
        loop {
            let Some(process) = self.processes[at].as_mut().filter(|its| its.life == life) else {
                return;
            };
            let text = match process.server.engine_mut().transmit(channel) {
                Transmit::Frame(Frame::Text(text)) => Some(text.to_string()),
                Transmit::Frame(Frame::Binary(_)) => continue,
                Transmit::Wait => return,
                Transmit::Close => {
                    process.server.engine_mut().channel_lost(channel);
                    None
                }
            };
            if let Some(text) = &text {
                self.granted(life, channel, text);
            }
            let ends = text.is_none();
            let Some(index) = self.channels.get(&(life, channel)).copied() else { return };
            let way = millis(self.random.of(1..40));
            let its = |wire: &&mut Wire| wire.life == life && wire.channel == channel;
            if let Some(wire) = self.peers[index].wire.as_mut().filter(its) {
                let last = wire.down.back().map_or(Duration::ZERO, |last| last.0);
                wire.down.push_back((last.max(self.now + way), text));
            }
            if ends {
                return;
            }
        }
    }

    /// The judge hears of an answer to a client that was accepted, as soon as it is sent.
    fn granted(&mut self, life: u64, channel: Channel, text: &str) {
        let Some((b'0', space, rest)) = parts(text) else { return };
        let accepted = self.accepted.get_mut(&(life, channel, space));
        let (position, recovered) =
            accepted.and_then(VecDeque::pop_front).expect("it was accepted before");
        if !recovered {
            let data: serde_json::Value = serde_json::from_str(rest).expect("JSON");
            let text = |name: &str| data[name].as_str().expect("text").to_owned();
            self.judge.begins(text("sid"), text("pid"), position);
        }
    }

    fn received(&mut self, index: usize, text: &str) {
        if text == "2" {
            return self.send(index, "3".into());
        }
        match self.peers[index].client.text(text) {
            Told::Connected(space, pid) => self.judge.connected(index, space, &pid),
            Told::Event(space, number, name, position) => match (&*name, position) {
                ("kept", Some(position)) => self.judge.got(index, space, number, position),
                // To one who moves from a server to a slower one, it may come twice.
                _ if name == "volatile to all" => {}
                _ => self.judge.got_once(index, space, number),
            },
            Told::Asked(space, number, id) => {
                self.judge.got_once(index, space, number);
                let comma = ["", "/custom,"][space];
                self.send(index, format!("43{comma}{id}[]"));
            }
            Told::Out(space) => {
                let at = self.now + millis(self.random.of(10..300));
                self.peers[index].asks.push((at, space));
            }
            Told::Nothing => {}
        }
    }
}
