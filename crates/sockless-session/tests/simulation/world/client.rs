//! The client's turn: what its connections bring, what time brings, what it stores and says, and when its session ends.

use sockless_session::reliable::{Event, LinkError, Output, Received, Session, Stage};

use super::{Conn, World, write};
use crate::pipe::incoming;

impl World {
    pub(super) fn client_turn(&mut self) {
        let (now, random) = (self.now, &mut self.random);
        while let Some((id, mark)) = self.client.store.complete(now) {
            if let Some(session) = self.session.as_mut().filter(|session| session.id() == id) {
                session.synced(mark);
                self.client.synced(session);
            }
        }
        let Some(session) = &mut self.session else { return };
        // What the connections bring. Those that have been given up bring nothing any more.
        for conn in &mut self.conns {
            let Some(mut link) = conn.client else { continue };
            while let Some((kind, payload)) = conn.down.read(now) {
                match session.receive(link, incoming(kind, &payload), now) {
                    Ok(Received::Retried(other)) => {
                        link = other;
                        conn.client = Some(link);
                    }
                    Ok(received) => {
                        self.resumed +=
                            u64::from(matches!(received, Received::Opened { resumed: true, .. }));
                        self.client.app.take(session, received, random);
                    }
                    Err(LinkError::Superseded) => {}
                    Err(error) => panic!("the client sees {error}"),
                }
            }
            let cut = conn.client_notices.is_some_and(|at| at <= now) || conn.down.is_at_end();
            if cut {
                session.lost(link);
            }
            if cut || session.current_link() != Some(link) {
                conn.client = None;
                conn.up.end();
                self.next_try = now + random.millis(200);
            }
        }
        while let Some(event) = session.poll(now) {
            match event {
                Event::Room => self.client.app.room(),
                Event::TimedOut { request } => {
                    assert!(self.client.app.requests.remove(&(session.id(), request)));
                }
                _ => self.next_try = now + random.millis(200),
            }
        }
        if random.one_in(3) || self.turns > self.chaos {
            self.client.app.work(session, now, random);
        }
        if self.client.app.is_eager() && random.one_in(3) {
            self.client.app.send(session, now, random);
        }
        self.client.look(session);
        if session.stage() == Stage::New || session.stage() == Stage::Established {
            let connects = session.current_link().is_none() && self.next_try <= now;
            // Sometimes a client has a new connection before it has given the old one up.
            let impatient = self.turns <= self.chaos && random.one_in(80);
            if (connects || impatient) && (!session.config().stored || !session.wants_sync()) {
                for conn in self.conns.iter_mut().filter(|conn| conn.client.is_some()) {
                    conn.client = None;
                    if random.one_in(2) {
                        conn.up.end();
                    }
                }
                let link = session.connect(now).expect("it hasn't ended");
                self.conns.push(Conn::new(link, self.turns > self.chaos, random));
            }
        }
        self.client.store(session, now, random);
        for conn in &mut self.conns {
            let Some(link) = conn.client else { continue };
            while conn.up.has_room() {
                match session.poll_output(link, now) {
                    None => break,
                    Some(Output::Close(_)) => {
                        conn.client = None;
                        conn.up.end();
                        break;
                    }
                    Some(output) => write(&mut conn.up, &output, now, random),
                }
            }
        }
        self.finish_client();
    }

    /// Ends the session when all is done, and begins a new one where it has ended before.
    fn finish_client(&mut self) {
        let calm = self.calm();
        let done = self.client.app.plan == 0 && self.server.app.plan == 0;
        let Some(session) = &mut self.session else { return };
        if session.is_final() && session.current_link().is_none() {
            self.client.app.ended(session);
            // What has ended isn't brought back.
            self.client.stale = None;
            self.ended += 1;
            // The end is stored, too.
            self.client.store.replace(Vec::new(), &mut self.random);
            self.session = None;
            if !(calm && done) {
                assert!(!self.recoverable, "a session that could go on has ended");
                let config = self.client.config.clone();
                self.session = Some(Session::client(config, &mut self.random));
            }
            return;
        }
        if !(calm && done) || self.client.app.is_holding() || self.server.app.is_holding() {
            return;
        }
        let id = session.id();
        let settled = session.is_settled()
            && session.is_open()
            && self
                .table
                .get(id)
                .is_some_and(|other| other.is_settled() && other.accepted() == session.acked());
        if settled && session.stage() == Stage::Established {
            if self.random.one_in(2) {
                session.end().expect("it is established");
            } else {
                // It may have been ended before, without the client having heard of it.
                self.table.with(id, self.now, |session| session.end().is_ok());
            }
        }
    }
}
