//! The store against the one on paper, and in trouble: a disk that is full, a file that is damaged, a process that has it already.

#[path = "store/backend.rs"]
mod backend;
#[path = "store/directory.rs"]
mod directory;
#[path = "chat/paper.rs"]
#[allow(dead_code, reason = "the chat's tests use the rest")]
mod paper;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use backend::{Budget, Limited};
use directory::Directory;
use paper::Paper;
use proptest::prelude::*;
use sockless_chat::chat::{Fact, FileInfo, Key, Message, Name, Place};
use sockless_chat::store::{FilePart, Opened, PART, Store, StoreError};

const KEEP: u64 = 1_000_000;

fn name(text: &str) -> Name {
    Name::parse(text).expect("a name")
}

fn said(id: u64, from: &str, to: Place, text: &str, file: &[u8]) -> Fact {
    let info = FileInfo { name: "a.bin".into(), kind: "a/b".into(), size: file.len() as u64 };
    let file_info = (!file.is_empty()).then_some(info);
    let message =
        Message { id, at: id, from: name(from), to, text: text.into(), file: file_info, key: None };
    let key = Key::parse(&format!("k{id}")).expect("a key");
    Fact::Said { message: Arc::new(message), key, forget: None, file: Arc::new(file.to_vec()) }
}

fn lobby() -> Place {
    Place::Room(name("lobby"))
}

/// Facts as a chat would have them stored, with ascending ids.
fn facts() -> impl Strategy<Value = Vec<Fact>> {
    let who = || prop::sample::select(vec!["ann", "bob", "cy"]);
    let place = || {
        prop_oneof![
            prop::sample::select(vec!["lobby", "tea", "a/b"])
                .prop_map(|room| Place::Room(name(room))),
            who().prop_map(|user| Place::User(name(user))),
        ]
    };
    let fact = prop_oneof![
        1 => who().prop_map(|user| Fact::User(name(user))),
        1 => (who(), 0u64..9).prop_map(|(user, since)| Fact::Joined { room: name("tea"), user: name(user), since }),
        1 => who().prop_map(|user| Fact::Left { room: name("tea"), user: name(user) }),
        6 => (who(), place(), "[a-c Ä]{1,6}").prop_map(|(from, to, text)| said(0, from, to, &text, b"")),
    ];
    prop::collection::vec(fact, 0..60).prop_map(|mut facts| {
        let mut next = 0;
        let mut users = std::collections::BTreeSet::new();
        facts.retain(|fact| !matches!(fact, Fact::User(name) if !users.insert(name.clone())));
        for fact in &mut facts {
            if let Fact::Said { message, key, .. } = fact {
                next += 1;
                *message = Arc::new(Message { id: next, at: next, ..Message::clone(message) });
                *key = Key::parse(&format!("k{next}")).expect("a key");
            }
        }
        facts
    })
}

fn same(store: &Store, paper: &Paper) -> Result<(), TestCaseError> {
    for who in ["ann", "bob", "cy"].map(name) {
        prop_assert_eq!(store.keys(&who, 7).expect("keys"), paper.keys(&who, 7));
        let rooms = [(name("lobby"), 3), (name("tea"), 0)];
        for (after, up_to, most) in
            [(0, 100, 5), (2, 9, 100), (0, 0, 5), (7, 3, 5), (u64::MAX, u64::MAX, 5)]
        {
            let missed = store.missed(&who, &rooms, after, up_to, most).expect("missed");
            prop_assert_eq!(missed, paper.missed(&who, &rooms, after, up_to, most));
        }
        for of in
            [lobby(), Place::Room(name("a/b")), Place::User(name("ann")), Place::User(who.clone())]
        {
            for words in [vec![], vec!["a".to_owned()], vec!["ä".to_owned(), "b".to_owned()]] {
                let page = store.history(&who, &of, 20, &words, 4).expect("history");
                prop_assert_eq!(page.list, paper.history(&who, &of, 20, &words, 4));
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn it_answers_as_paper_does_also_after_it_was_opened_again(facts in facts(), cut in 1usize..9) {
        let directory = Directory::new();
        let path = directory.path().join("chat.redb");
        let store = Store::open(&path, KEEP).expect("a store").store;
        for facts in facts.chunks(cut) {
            store.commit(facts).expect("stored");
        }
        let paper = Paper { facts };
        same(&store, &paper)?;
        drop(store);
        let Opened { store, saved, .. } = Store::open(&path, KEEP).expect("a store");
        let wanted = paper.saved();
        prop_assert_eq!((saved.last, saved.users, saved.members), (wanted.last, wanted.users, wanted.members));
        same(&store, &paper)?;
    }
}

#[test]
fn files_are_read_by_those_who_have_the_message() {
    let directory = Directory::new();
    let store = Store::open(&directory.path().join("s"), KEEP).expect("a store").store;
    let file: Vec<u8> = (0..PART + 5).map(|at| at as u8).collect();
    store.commit(&[said(1, "ann", Place::User(name("bob")), "", &file)]).expect("stored");
    let of = |other: &str| Place::User(name(other));
    let read =
        |who: &str, of: &Place, id, from| store.file(&name(who), of, id, from).expect("read");
    assert_eq!(read("bob", &of("ann"), 1, 0), Some(FilePart(file[..PART].to_vec())));
    assert_eq!(read("ann", &of("bob"), 1, PART as u64), Some(FilePart(file[PART..].to_vec())));
    assert_eq!(read("eve", &of("ann"), 1, 0), None);
    assert_eq!(read("eve", &lobby(), 1, 0), None);
    assert_eq!(read("bob", &of("ann"), 1, 1), None, "between parts");
    assert_eq!(read("bob", &of("ann"), 1, 10 * PART as u64), None);
    assert_eq!(read("bob", &of("ann"), 2, 0), None);
}

#[test]
fn what_is_too_old_goes_and_its_files_go_with_it() {
    let directory = Directory::new();
    let path = directory.path().join("s");
    let store = Store::open(&path, 10).expect("a store").store;
    for id in 1..=40 {
        store.commit(&[said(id, "ann", lobby(), "x", &[7; 100])]).expect("stored");
        let kept = store.history(&name("ann"), &lobby(), u64::MAX, &[], 100).expect("read").list;
        assert!((id.min(10)..=11).contains(&(kept.len() as u64)), "{id}: {}", kept.len());
        assert_eq!(kept.last().map(|message| message.id), Some(id));
    }
    assert_eq!(store.file(&name("ann"), &lobby(), 1, 0).expect("read"), None);
    assert!(store.file(&name("ann"), &lobby(), 40, 0).expect("read").is_some());
    drop(store);
    // A file that has shrunk within is made small when it is opened.
    let store = Store::open(&path, 10).expect("a store").store;
    let big = vec![1; 4 << 20];
    (41..=60).for_each(|id| store.commit(&[said(id, "ann", lobby(), "x", &big)]).expect("stored"));
    (61..=90).for_each(|id| store.commit(&[said(id, "ann", lobby(), "x", b"")]).expect("stored"));
    drop(store);
    let before = std::fs::metadata(&path).expect("a file").len();
    assert!(Store::open(&path, 10).expect("a store").compacted);
    let after = std::fs::metadata(&path).expect("a file").len();
    assert!(after * 4 < before, "{before} {after}");
}

#[test]
fn a_full_disk_is_said_and_nothing_of_the_write_is_there_and_it_goes_on_with_room() {
    let directory = Directory::new();
    let path = directory.path().join("s");
    let budget = Budget::default();
    let opened = Store::open_with(Limited::open(&path, &budget), KEEP).expect("a store");
    let store = opened.store;
    store.commit(&[said(1, "ann", lobby(), "before", b"")]).expect("stored");
    budget.store(0, Ordering::SeqCst);
    let big = vec![1; 3 << 20];
    for _ in 0..3 {
        let failed = store
            .commit(&[said(2, "ann", lobby(), "small", b""), said(3, "ann", lobby(), "", &big)]);
        let error = failed.expect_err("no room");
        assert!(matches!(error, StoreError::Full), "{error}");
        assert_eq!(error.to_string(), "the disk is full");
    }
    budget.store(u64::MAX, Ordering::SeqCst);
    store.commit(&[said(4, "ann", lobby(), "after", b"")]).expect("stored");
    let list = store.history(&name("ann"), &lobby(), u64::MAX, &[], 100).expect("read").list;
    let texts: Vec<_> = list.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["before", "after"]);
}

#[test]
fn two_processes_can_not_have_one_store() {
    let directory = Directory::new();
    let path = directory.path().join("s");
    let _store = Store::open(&path, KEEP).expect("a store");
    let error = Store::open(&path, KEEP).expect_err("in use");
    assert!(matches!(error, StoreError::InUse), "{error}");
}

#[test]
fn what_is_no_store_is_said_to_be_none_and_left_alone() {
    let directory = Directory::new();
    let path = directory.path().join("s");
    std::fs::write(&path, "Dear diary, today I have".repeat(500)).expect("written");
    let error = Store::open(&path, KEEP).expect_err("no store");
    assert!(error.to_string().contains("damaged"), "{error}");
    assert!(std::fs::read_to_string(&path).expect("read").starts_with("Dear diary"));
}

/// Octets are changed at many places, one after the other: it is said to be damaged, or it was repaired, or what is in it is what was stored.
#[test]
fn a_damaged_store_never_lies() {
    let directory = Directory::new();
    let path = directory.path().join("s");
    let store = Store::open(&path, KEEP).expect("a store").store;
    for id in 1..=300 {
        store.commit(&[said(id, "ann", lobby(), &format!("text {id}"), b"")]).expect("stored");
    }
    drop(store);
    let whole = std::fs::read(&path).expect("read");
    let used = whole.iter().rposition(|octet| *octet != 0).expect("something") + 1;
    let (mut damaged, mut right) = (0, 0);
    let copy = directory.path().join("copy");
    for at in (0..used).step_by(used / 60) {
        let mut bytes = whole.clone();
        for octet in &mut bytes[at..(at + 64).min(used)] {
            *octet = !*octet;
        }
        std::fs::write(&copy, &bytes).expect("written");
        let texts = Store::open(&copy, KEEP).and_then(|opened| {
            let page = opened.store.history(&name("ann"), &lobby(), u64::MAX, &[], 1000)?;
            Ok(page.list.into_iter().map(|message| (message.id, message.text)).collect::<Vec<_>>())
        });
        match texts {
            Err(StoreError::Damaged(_)) => damaged += 1,
            Err(other) => panic!("at {at}: {other}"),
            Ok(texts) => {
                right += 1;
                // A repair may go back to the commit before.
                assert!(texts.len() >= 299, "at {at}: {}", texts.len());
                assert!(texts.iter().all(|(id, text)| *text == format!("text {id}")), "at {at}");
            }
        }
    }
    assert!(damaged > 5 && right > 5, "{damaged} damaged, {right} right");
}
