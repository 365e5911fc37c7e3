//! Journals that are cut, damaged, doubled or mixed up.

mod pair;

use std::sync::Arc;

use pair::ID;
use proptest::prelude::*;
use sockless_session::Entropy;
use sockless_session::journal::{self, ReplayError, Writer, replay};
use sockless_session::reliable::{Config, Message, Saved, SavedError, Session, SessionId};

/// For tests alone.
struct Seed(u8);

impl Entropy for Seed {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn config() -> Arc<Config> {
    Arc::new(Config::default().with_storage())
}

/// A journal of five messages, each with an effect, all but the last two synced: its octets, and where each frame ends.
fn five() -> (Vec<u8>, Vec<usize>) {
    let mut session = Session::<Message>::client_with_id(config(), ID);
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, &mut Seed(9));
    let mut ends = vec![file.len()];
    for number in 1..=5_u8 {
        session.send(vec![number; 20].into()).expect("there is room");
        let batch = session.take_batch().expect("a message");
        let serial = writer.frame(&mut file, ID, &batch.records, &[number]);
        if number <= 3 {
            writer.synced(serial);
            session.synced(batch.mark);
        }
        ends.push(file.len());
    }
    (file, ends)
}

#[test]
fn a_journal_cut_at_any_octet_has_the_frames_that_are_whole() {
    let (file, ends) = five();
    for cut in 0..=file.len() {
        let replay = replay::<Message>(&file[..cut]).expect("it was cut, not damaged");
        let whole = ends.iter().filter(|end| **end <= cut).count().saturating_sub(1);
        let queued = replay.sessions.get(&ID).map_or(0, |saved| saved.assigned());
        assert_eq!(queued, whole as u64, "cut at {cut}");
        assert_eq!(replay.effects.len(), whole);
        let kept = if cut < ends[0] { 0 } else { ends[whole] };
        assert_eq!(replay.torn, cut - kept);
        assert_eq!(replay.writer.is_some(), cut >= ends[0]);
    }
}

#[test]
fn a_journal_goes_on_after_a_cut() {
    let (file, ends) = five();
    for cut in ends[1]..file.len() {
        let mut file = file[..cut].to_vec();
        let mut found = replay::<Message>(&file).expect("it was cut");
        file.truncate(file.len() - found.torn);
        let (_, saved) = found.sessions.pop_first().expect("the session");
        let mut session = Session::restore(config(), saved);
        let before = session.assigned();
        session.send("more".into()).expect("there is room");
        let batch = session.take_batch().expect("a message");
        let mut writer = found.writer.expect("the file was begun");
        writer.frame(&mut file, ID, &batch.records, b"more");
        let found = replay::<Message>(&file).expect("it is whole");
        assert_eq!((found.sessions[&ID].assigned(), found.torn), (before + 1, 0));
        assert_eq!(found.effects.last(), Some(&(ID, b"more".to_vec())));
    }
}

#[test]
fn damage_of_what_was_synced_is_an_error_and_damage_after_it_is_not() {
    let (file, ends) = five();
    // The fifth frame says that the third was synced.
    for offset in ends[0]..file.len() {
        for flip in [1, 0x80, 0xFF] {
            let mut damaged = file.clone();
            damaged[offset] ^= flip;
            let found = replay::<Message>(&damaged);
            if offset < ends[3] {
                let start = *ends.iter().rfind(|end| **end <= offset).expect("the first");
                let expected = ReplayError::Damaged { offset: start };
                assert_eq!(found.expect_err("it was synced"), expected, "octet {offset}");
            } else {
                let frames = if offset < ends[4] { 3 } else { 4 };
                assert_eq!(found.expect("it wasn't synced").effects.len(), frames);
            }
        }
    }
}

#[test]
fn zeros_at_the_end_are_what_some_file_systems_leave() {
    let (mut file, _) = five();
    file.resize(file.len() + 5000, 0);
    let found = replay::<Message>(&file).expect("nothing is damaged");
    assert_eq!((found.effects.len(), found.torn), (5, 5000));
    let found = replay::<Message>(&[0; 700]).expect("it was never begun");
    assert!(found.sessions.is_empty() && found.writer.is_none());
}

#[test]
fn a_journal_that_is_doubled_or_begins_in_the_middle_is_an_error() {
    let (file, ends) = five();
    let mut twice = file.clone();
    twice.extend(&file[ends[0]..]);
    let error = replay::<Message>(&twice).expect_err("it is there twice");
    assert_eq!(error, ReplayError::Damaged { offset: file.len() });
    let mut later = file[..ends[0]].to_vec();
    later.extend(&file[ends[1]..]);
    let error = replay::<Message>(&later).expect_err("the first frame is absent");
    assert_eq!(error, ReplayError::Damaged { offset: ends[0] });
}

#[test]
fn what_is_no_journal_or_of_another_version_is_left_alone() {
    assert_eq!(replay::<Message>(b"hello").expect_err("no"), ReplayError::NotAJournal);
    let error = replay::<Message>(b"SLSJ\x02\0\0\0hello").expect_err("no");
    assert_eq!(error, ReplayError::Version);
}

#[test]
fn one_journal_holds_many_sessions_and_damage_says_so() {
    let other = SessionId::from_bytes([7; 16]);
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, &mut Seed(1));
    for (id, text) in [(ID, "one"), (other, "two")] {
        let mut session = Session::<Message>::client_with_id(config(), id);
        session.send(text.into()).expect("there is room");
        let batch = session.take_batch().expect("a message");
        writer.frame(&mut file, id, &batch.records, &[]);
    }
    let found = replay::<Message>(&file).expect("it is whole");
    assert_eq!(found.sessions.len(), 2);
    assert!(found.effects.is_empty());
    // Records under another session's name are not taken for its own.
    let mut session = Session::<Message>::client_with_id(config(), other);
    session.send("three".into()).expect("there is room");
    let batch = session.take_batch().expect("a message");
    let offset = file.len();
    writer.frame(&mut file, ID, &batch.records, &[]);
    let error = replay::<Message>(&file).expect_err("it is mixed up");
    assert_eq!(error, ReplayError::Records { offset, error: SavedError::OutOfOrder });
}

#[test]
fn frames_inside_a_torn_payload_are_not_believed() {
    // Whoever sends us messages may know the form of a frame, but not the salt.
    let (mut file, _) = five();
    let mut forged = Vec::new();
    let mut writer = Writer::new(&mut forged, &mut Seed(3));
    for _ in 0..8 {
        let serial = writer.frame(&mut forged, ID, &[], b"forged");
        writer.synced(serial);
    }
    let whole = file.len();
    file.extend([0xFF; 60]);
    file.extend(&forged[16..]);
    let found = replay::<Message>(&file).expect("what was synced is whole");
    assert_eq!(found.torn, file.len() - whole);
}

#[test]
fn an_export_is_a_journal_of_one_snapshot() {
    let mut session = Session::<Message>::client_with_id(Arc::default(), ID);
    session.send("kept".into()).expect("there is room");
    session.request(vec![1, 2].into(), pair::at(5)).expect("there is room");
    session.skip(4).expect("there is room");
    let file = journal::export(ID, &session.export(), b"effects");
    let mut found = replay::<Message>(&file).expect("it is whole");
    let (_, saved) = found.sessions.pop_first().expect("the session");
    let restored = Session::restore(Arc::default(), saved);
    assert_eq!((restored.queued(), restored.assigned()), (3, 3));
    assert_eq!(restored.queued_bytes(), session.queued_bytes());
    assert_eq!(restored.export(), session.export());
    assert_eq!(found.effects, [(ID, b"effects".to_vec())]);
    // Where nothing is stored there is nothing to store.
    assert!(session.take_batch().is_none() && !session.wants_sync());
}

#[test]
fn compaction_is_wanted_when_half_is_dead() {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file, &mut Seed(1));
    assert!(writer.is_empty() && !writer.wants_compaction(0));
    writer.frame(&mut file, ID, &[], &vec![0; 2 << 20]);
    assert_eq!(writer.len(), file.len() as u64);
    assert!(writer.wants_compaction(1000));
    assert!(!writer.wants_compaction(1 << 20));
}

proptest! {
    /// Records that are anything at all make a session or an error, and a session that was made can be exported and made again.
    #[test]
    fn damaged_records_are_an_error_or_a_session(
        place in 0_usize..400,
        octets in prop::collection::vec(any::<u8>(), 0..12),
        from_scratch in any::<bool>(),
    ) {
        let mut session = Session::<Message>::client_with_id(Arc::default(), ID);
        for text in ["one", "two", "three"] {
            session.send(text.into()).expect("there is room");
        }
        session.reply(0, "?".into()).expect_err("there was no request");
        let mut records = if from_scratch { Vec::new() } else { session.export() };
        let place = place.min(records.len());
        let end = (place + octets.len() / 2).min(records.len());
        records.splice(place..end, octets);
        if let Ok(saved) = Saved::<Message>::apply(None, &records) {
            let session = Session::restore(Arc::default(), saved);
            prop_assert_eq!(session.queued() as u64, session.assigned() - session.acked());
            let again = Saved::<Message>::apply(None, &session.export()).expect("it was exported");
            prop_assert_eq!(Session::restore(Arc::default(), again).export(), session.export());
        }
    }
}
