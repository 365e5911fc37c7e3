//! The server's turn: whom it admits, what its connections bring, what it stores and says, and which sessions have ended.

use sockless_session::reliable::{
    Admission, Denial, Event, LinkError, Message, Opening, Output, SessionId,
};

use super::{ServerEnd, World, write};
use crate::pipe::incoming;

impl World {
    pub(super) fn server_turn(&mut self) {
        let (now, random) = (self.now, &mut self.random);
        while let Some((id, mark)) = self.server.store.complete(now) {
            let side = &mut self.server;
            self.table.with(id, now, |session| {
                session.synced(mark);
                side.synced(session);
            });
            for session in self.ending.iter_mut().filter(|session| session.id() == id) {
                session.synced(mark);
                side.synced(session);
            }
        }
        for conn in &mut self.conns {
            while !matches!(conn.server, ServerEnd::Gone)
                && let Some((kind, payload)) = conn.up.read(now)
            {
                let message = incoming(kind, &payload);
                match conn.server {
                    ServerEnd::Waits { openings } => {
                        let opening = Opening::parse(message).expect("an opening comes first");
                        assert!(openings < 4, "too many openings");
                        // Nobody is admitted to a session whose end is being stored.
                        if self.ending.iter().any(|session| session.id() == opening.id) {
                            conn.server = ServerEnd::Gone;
                            conn.down.end();
                            continue;
                        }
                        match self.table.admit(&opening, now) {
                            Admission::Opened(link) => {
                                conn.server = ServerEnd::Carries(opening.id, link);
                            }
                            Admission::Resumed { link, superseded } => {
                                self.superseded += u64::from(superseded.is_some());
                                conn.server = ServerEnd::Carries(opening.id, link);
                            }
                            Admission::Refused(refusal) => {
                                let denial = refusal.denial;
                                // At the end the server may have ended the session, and its bye been lost.
                                let over = matches!(denial, Denial::Ended | Denial::Unknown);
                                let last = over && self.turns > self.chaos;
                                let bad = denial != Denial::Stale && !last;
                                assert!(!(bad && self.recoverable), "refused: {refusal:?}");
                                let text = Output::<Message>::Text(refusal.text());
                                write(&mut conn.down, &text, now, random);
                                conn.server = ServerEnd::Waits { openings: openings + 1 };
                            }
                        }
                    }
                    ServerEnd::Carries(id, link) => {
                        let app = &mut self.server.app;
                        let result = self.table.with(id, now, |session| {
                            let received = session.receive(link, message, now)?;
                            app.take(session, received, random);
                            Ok(())
                        });
                        match result {
                            Some(Err(LinkError::Violation(violation))) => {
                                panic!("the server sees {violation}")
                            }
                            Some(Ok(())) => {}
                            _ => {
                                conn.server = ServerEnd::Gone;
                                conn.down.end();
                            }
                        }
                    }
                    ServerEnd::Gone => {}
                }
            }
            let cut = conn.server_notices.is_some_and(|at| at <= now) || conn.up.is_at_end();
            if cut {
                if let ServerEnd::Carries(id, link) = conn.server {
                    self.table.with(id, now, |session| session.lost(link));
                }
                conn.server = ServerEnd::Gone;
                conn.down.end();
            }
        }
        let ids: Vec<_> = self.table.ids().collect();
        for id in ids {
            self.serve(id);
        }
        self.ending.extend(std::iter::from_fn(|| self.table.poll(now)));
        let side = &mut self.server;
        for session in &mut self.ending {
            side.store(session, now, &mut self.random);
        }
        for mut session in self.ending.extract_if(.., |session| session.is_final()) {
            self.table.remember(&session);
            side.app.ended(&mut session);
            // The same hello can open it again, and then all begins anew.
            side.promised.retain(|(id, _)| *id != session.id());
            // What has ended isn't brought back.
            if let Some(stale) = &mut side.stale {
                stale.retain(|(id, _)| *id != session.id());
            }
        }
    }

    fn serve(&mut self, id: SessionId) {
        let (now, random, calm) = (self.now, &mut self.random, self.turns > self.chaos);
        let (side, conns) = (&mut self.server, &mut self.conns);
        self.table.with(id, now, |session| {
            while let Some(event) = session.poll(now) {
                match event {
                    Event::Room => side.app.room(),
                    Event::TimedOut { request } => {
                        assert!(side.app.requests.remove(&(id, request)))
                    }
                    _ => {}
                }
            }
            if random.one_in(3) || calm {
                side.app.work(session, now, random);
            }
            if side.app.is_eager() && random.one_in(3) {
                side.app.send(session, now, random);
            }
            side.look(session);
            side.store(session, now, random);
            for conn in conns.iter_mut() {
                let ServerEnd::Carries(other, link) = conn.server else { continue };
                if other != id {
                    continue;
                }
                while conn.down.has_room() {
                    match session.poll_output(link, now) {
                        None => break,
                        Some(Output::Close(_)) => {
                            conn.server = ServerEnd::Gone;
                            conn.down.end();
                            break;
                        }
                        Some(output) => write(&mut conn.down, &output, now, random),
                    }
                }
                if session.current_link() != Some(link) {
                    conn.server = ServerEnd::Gone;
                    conn.down.end();
                }
            }
        });
    }
}
