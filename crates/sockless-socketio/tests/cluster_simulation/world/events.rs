//! What servers tell of their sockets, and whether those who come back are recovered where they could be.

use sockless_channels::{Answer, Position, Request};
use sockless_socketio::socket::{Event, Socket};

use super::{Known, NAMES, World};
use crate::entry::record_at;

impl World {
    pub(super) fn take(&mut self, at: usize, life: u64, event: Event) {
        let Some(process) = &mut self.processes[at] else { return };
        let server = &mut process.server;
        match event {
            Event::Connect { socket, namespace, auth } => {
                let space = usize::from(!namespace.is_main());
                // It may have gone already.
                let Some(session) = server.session(socket) else { return };
                let engine = server.engine();
                let (channel, client) = self
                    .channels
                    .iter()
                    .filter(|((its, _), _)| *its == life)
                    .find(|((_, channel), _)| engine.session_of_channel(*channel) == Some(session))
                    .map(|((_, channel), client)| (*channel, *client))
                    .expect("a connection");
                let claim = auth.and_then(|auth| {
                    let auth: serde_json::Value = serde_json::from_str(&auth).expect("JSON");
                    Some((auth["pid"].as_str()?.to_owned(), auth["offset"].as_str()?.parse().ok()))
                        .or_else(|| Some((auth["pid"].as_str()?.to_owned(), None)))
                });
                let claim = claim.map(|(pid, offset)| {
                    // An offset from before its private id isn't a position in its life.
                    let since = self.judge.pids.get(&pid).map(|life| self.judge.lives[*life].since);
                    let of_its_life = |its: &Position| {
                        since.is_some_and(|since| {
                            its.epoch() == since.epoch() && its.offset() > since.offset()
                        })
                    };
                    (pid, offset.filter(of_its_life))
                });
                let asked = self.noted_ask(client, space, (life, channel));
                let known = Known { client, space, channel, accepted: false, asked, claim };
                self.sockets.insert((life, socket), known);
                if !self.is_calm() && self.random.one_in(15) {
                    self.sockets.remove(&(life, socket));
                    let process = self.processes[at].as_mut().expect("it lives");
                    process.server.refuse::<()>(socket, "no", None, self.now).expect("JSON");
                } else {
                    let process = self.processes[at].as_mut().expect("it lives");
                    let _ = process.server.accept(socket, self.now);
                }
            }
            Event::Accepted { socket, position } => {
                let recovered = server.is_recovered(socket);
                self.was_accepted((at, life), socket, position, recovered);
            }
            Event::Disconnect { socket, .. } => drop(self.sockets.remove(&(life, socket))),
            Event::Unsent { .. } => self.seen.unsent += 1,
            _ => {}
        }
    }

    fn was_accepted(
        &mut self,
        (at, life): (usize, u64),
        socket: Socket,
        position: Position,
        recovered: bool,
    ) {
        let known = self.sockets.get_mut(&(life, socket)).expect("it has asked");
        known.accepted = true;
        let known = known.clone();
        let key = (life, known.channel, known.space);
        self.accepted.entry(key).or_default().push_back((position, recovered));
        let peer = &mut self.peers[known.client];
        let before = peer.last[known.space].replace((at, life));
        if recovered {
            self.seen.recovered += 1;
            self.seen.elsewhere += u64::from(before != Some((at, life)));
            return;
        }
        let Some((pid, from)) = known.claim else { return };
        let Some(before) = self.judge.pids.get(&pid).copied() else { return };
        self.seen.lost += 1;
        let channel = format!("e:{}", NAMES[known.space]);
        let members = Request::Members { channel: format!("c:{pid}").into() };
        let there = self.broker.clone().execute(&members, self.now).0;
        let Answer::Members(there) = there else { panic!("{there:?}") };
        let there: Vec<_> = there.iter().map(|(_, info)| record_at(info)).collect();
        let kept = self.broker.kept(&channel);
        let could = self.judge.could(before, known.space, &pid, &there, from, known.asked, kept);
        assert!(
            !could,
            "{:?} {:?}: client {} should have been recovered in {} from {from:?}, asked at {:?}, kept {kept:?}, records {:?}, {:?}",
            self.class,
            self.now,
            known.client,
            known.space,
            known.asked,
            self.judge.records(&pid),
            self.judge.lives[before],
        );
    }
}
