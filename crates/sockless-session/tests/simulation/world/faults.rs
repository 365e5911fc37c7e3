//! What goes wrong in a run: wires are cut, sides die and are restored, states go back, journals are compacted.

use sockless_session::journal::Replay;
use sockless_session::reliable::{Message, Session, SessionId, Stage, Table, TableLimits};

use super::{ServerEnd, Side, World};
use crate::app::App;
use crate::random::Random;
use crate::store::Way;

impl World {
    /// What goes wrong.
    pub(super) fn wreck(&mut self) {
        for conn in &mut self.conns {
            // A wire is cut in both directions.
            if (conn.up.is_cut() || conn.down.is_cut()) && conn.client_notices.is_none() {
                self.cuts += 1;
                conn.client_notices = Some(self.now + self.random.millis(400));
                conn.server_notices = Some(self.now + self.random.millis(2000));
            }
        }
        if self.calm() {
            for conn in self.conns.iter_mut().filter(|conn| conn.client.is_none()) {
                conn.up.end();
            }
            return;
        }
        if self.random.one_in(60) {
            self.kill_client();
        }
        if self.random.one_in(60) {
            self.kill_server();
        }
        if self.random.one_in(40) {
            self.client.compact(self.session.as_mut(), &mut self.random);
        }
        if self.random.one_in(40) {
            self.compact_server();
        }
        if !self.recoverable
            && self.random.one_in(30)
            && let Some(session) = &self.session
        {
            self.client.stale = Some(vec![export(session, &self.client.app)]);
        }
        if !self.recoverable && self.random.one_in(30) {
            let sessions = self.table.ids().filter_map(|id| self.table.get(id));
            let exports = sessions.map(|session| export(session, &self.server.app));
            self.server.stale = Some(exports.collect());
        }
        if !self.recoverable
            && self.random.one_in(150)
            && let Some(session) = &mut self.session
        {
            // It may have ended already.
            let _ = session.end();
        }
    }

    fn kill_client(&mut self) {
        let Some(session) = &mut self.session else { return };
        let side = &mut self.client;
        let stops = side.way == Way::Memory;
        let goes_back = self.client_goes_back && stops && self.random.one_in(2);
        if matches!(session.stage(), Stage::Ending | Stage::Ended(_)) {
            return;
        }
        if goes_back {
            let stale = side.stale.take();
            side.store.replace(
                stale.iter().flatten().map(|(id, bytes)| split(*id, bytes)).collect(),
                &mut self.random,
            );
        } else if stops {
            let effects = side.app.all_effects();
            side.app.stored(session.id(), session.accepted());
            let file = vec![(session.id(), session.export(), effects)];
            side.store.replace(file, &mut self.random);
        }
        let mut replay = side.die(goes_back, &mut self.random);
        let config = side.config.clone();
        self.session = Some(match replay.sessions.pop_first() {
            Some((_, saved)) => Session::restore(config, saved),
            None => Session::client(config, &mut self.random),
        });
        for conn in &mut self.conns {
            if conn.client.take().is_some() && self.random.one_in(2) {
                conn.up.end();
            }
            // The wire's end is noticed by the server in its own time.
            let at = self.now + self.random.millis(2000);
            conn.server_notices.get_or_insert(at);
        }
        self.next_try = self.now + self.random.millis(500);
    }

    fn kill_server(&mut self) {
        let side = &mut self.server;
        let stops = side.way == Way::Memory;
        let goes_back = self.server_goes_back && stops && self.random.one_in(2);
        if goes_back {
            let stale = side.stale.take();
            side.store.replace(
                stale.iter().flatten().map(|(id, bytes)| split(*id, bytes)).collect(),
                &mut self.random,
            );
        } else if stops {
            self.compact_server();
        }
        let side = &mut self.server;
        let replay = side.die(goes_back, &mut self.random);
        let limits = TableLimits::new(10, 2);
        self.table = Table::new(side.config.clone(), limits);
        self.ending.clear();
        for (_, saved) in replay.sessions {
            if saved.is_ended() && self.recoverable {
                continue;
            }
            let session = Session::restore(side.config.clone(), saved);
            assert!(self.table.insert(session, self.now).is_ok());
        }
        for conn in &mut self.conns {
            conn.server = ServerEnd::Gone;
            conn.down.end();
            let at = self.now + self.random.millis(400);
            conn.client_notices.get_or_insert(at);
        }
    }

    fn compact_server(&mut self) {
        let mut snapshots = Vec::new();
        let ids: Vec<_> = self.table.ids().collect();
        let mut effects = self.server.app.all_effects();
        for id in ids {
            let side = &mut self.server;
            self.table.with(id, self.now, |session| {
                let snapshot = session.snapshot();
                session.synced(snapshot.mark);
                side.synced(session);
                snapshots.push((id, snapshot.records, std::mem::take(&mut effects)));
            });
        }
        for session in &mut self.ending {
            let snapshot = session.snapshot();
            session.synced(snapshot.mark);
            snapshots.push((session.id(), snapshot.records, std::mem::take(&mut effects)));
        }
        if !effects.is_empty() {
            snapshots.push((SessionId::from_bytes([0; 16]), Vec::new(), effects));
        }
        drop(self.server.app.take_fresh());
        self.server.store.replace(snapshots, &mut self.random);
    }
}

impl Side {
    fn compact(&mut self, session: Option<&mut Session<Message>>, random: &mut Random) {
        let Some(session) = session else { return };
        let snapshot = session.snapshot();
        drop(self.app.take_fresh());
        let effects = self.app.all_effects();
        self.store.replace(vec![(session.id(), snapshot.records, effects)], random);
        session.synced(snapshot.mark);
        self.synced(session);
    }

    fn die(&mut self, goes_back: bool, random: &mut Random) -> Replay<Message> {
        self.deaths += 1;
        let replay = self.store.die(random);
        let assigned = |id| replay.sessions.get(&id).map(|saved| saved.assigned());
        let promised = |id| {
            let found = self.promised.iter().find(|(other, _)| *other == id);
            found.filter(|_| !goes_back).map_or(0, |(_, number)| *number)
        };
        self.app.die(&replay.effects, assigned, promised);
        if goes_back {
            self.app.went_back = true;
            self.promised.clear();
        }
        replay
    }
}

/// An export, and the effects that belong to it.
fn export(session: &Session<Message>, app: &App) -> (SessionId, Vec<u8>) {
    let records = session.export();
    let mut bytes = (records.len() as u32).to_le_bytes().to_vec();
    bytes.extend(records);
    bytes.extend(app.all_effects());
    (session.id(), bytes)
}

fn split(id: SessionId, bytes: &[u8]) -> (SessionId, Vec<u8>, Vec<u8>) {
    let (len, rest) = bytes.split_first_chunk::<4>().expect("a length");
    let (records, effects) = rest.split_at(u32::from_le_bytes(*len) as usize);
    (id, records.to_vec(), effects.to_vec())
}
