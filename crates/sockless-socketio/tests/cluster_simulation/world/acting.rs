//! What the applications on the servers do.

use sockless_socketio::socket::{Namespace, Payload, Target};

use super::{NAMES, ROOMS, World, millis};

impl World {
    pub(super) fn act(&mut self) {
        let alive: Vec<_> =
            (0..self.processes.len()).filter(|at| self.processes[*at].is_some()).collect();
        if alive.is_empty() {
            return;
        }
        let at = alive[self.random.next() as usize % alive.len()];
        self.number += 1;
        let number = self.number;
        let space = usize::from(self.random.one_in(3));
        let namespace = Namespace::new(NAMES[space]).expect("a name");
        let all = Target::all(namespace);
        let room = ROOMS[self.random.of(0..3) as usize];
        let other = ROOMS[self.random.of(0..3) as usize];
        let mut payload = Payload::new().with(&number).expect("JSON");
        if self.random.one_in(3) {
            payload.push("a string").expect("JSON");
        }
        let choice = self.random.of(0..31);
        let rarely = self.random.one_in(8);
        let now = self.now;
        let process = self.processes[at].as_mut().expect("it lives");
        let there: Vec<_> = self
            .sockets
            .iter()
            .filter(|((life, _), known)| {
                *life == process.life && known.space == space && known.accepted
            })
            .map(|((_, socket), _)| *socket)
            .collect();
        let one = (!there.is_empty()).then(|| there[self.random.next() as usize % there.len()]);
        let server = &mut process.server;
        self.seen.events += 1;
        let target = match (choice, one) {
            (0..6, _) => all,
            (6..10, _) => all.to(room),
            (10..12, _) => all.except(room),
            (12, Some(one)) => all.except_socket(one),
            (13..16, Some(one)) => {
                let _ = server.emit(one, "kept", payload, now);
                return;
            }
            (16, Some(one)) => {
                let _ = server.emit_volatile(one, "volatile", payload);
                return;
            }
            (17, _) => {
                let _ = server.broadcast(&all.volatile(), "volatile to all", payload, now);
                return;
            }
            (18, Some(one)) => {
                let _ = server.emit_with_ack(one, "asked", payload, millis(300), now);
                return;
            }
            (19..24, Some(one)) => {
                if !server.join(one, room) {
                    server.leave(one, room);
                }
                return;
            }
            (24, Some(one)) => return server.set_data(one, &number).expect("JSON"),
            (25, Some(one)) if rarely => return server.disconnect(one, now),
            (25, Some(one)) => {
                let _ = server.emit(one, "kept", payload, now);
                return;
            }
            (26, _) => {
                let _ = server.join_all(&all.to(room), other);
                return;
            }
            (27, _) => {
                let _ = server.leave_all(&all.to(room), other);
                return;
            }
            (28, _) if rarely => {
                let _ = server.disconnect_all(&all.to(room), false, now);
                return;
            }
            (29, _) => {
                let _ = server.ask_all(&all, "asked", payload, millis(300), now);
                return;
            }
            (30, _) => {
                let _ = server.fetch(&all, millis(500), now);
                return;
            }
            _ => all,
        };
        let _ = server.broadcast(&target, "kept", payload, now);
    }
}
