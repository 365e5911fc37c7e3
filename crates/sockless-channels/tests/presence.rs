//! Presence: who is said to be there, who has gone, and who has died without a word.

use std::collections::BTreeMap;
use std::time::Duration;

use sockless_channels::{
    Broker, Change, Command, Config, Entropy, Memory, Misuse, Node, Retention,
};

const NOW: Duration = Duration::ZERO;
const LIFETIME: Duration = Duration::from_secs(60);

fn entropy() -> impl FnMut() -> u64 {
    let mut number = 0;
    move || {
        number += 1;
        number
    }
}

/// What a watcher has been told, applied to what it knew.
fn told(view: &mut BTreeMap<String, String>, mut change: impl FnMut() -> Option<Change>) -> usize {
    let mut count = 0;
    while let Some(change) = change() {
        count += 1;
        match change {
            Change::Present { member, info } => {
                let info = String::from_utf8(info.to_vec()).expect("text");
                view.insert(member.to_string(), info);
            }
            Change::Absent { member } => {
                assert!(view.remove(&*member).is_some(), "{member} wasn't there");
            }
        }
    }
    count
}

#[test]
fn watcher_hears_of_those_who_are_there_who_come_who_change_and_who_go() {
    let mut memory = Memory::new(Config::default(), Retention::default(), 10, entropy());
    memory.enter("room", "ann", "awake".into(), NOW).expect("there is room");
    memory.watch("room", NOW).expect("there is room");
    let mut view = BTreeMap::new();
    let mut look = |memory: &mut Memory<_>| {
        let mut count = 0;
        while let Some(channel) = memory.changed() {
            count += told(&mut view, || memory.change(&channel));
        }
        (count, view.iter().map(|(name, info)| format!("{name} {info}")).collect::<Vec<_>>())
    };
    assert_eq!(look(&mut memory), (1, vec!["ann awake".to_owned()]));
    memory.enter("room", "bob", "awake".into(), NOW).expect("there is room");
    memory.enter("room", "ann", "asleep".into(), NOW).expect("there is room");
    assert_eq!(look(&mut memory), (2, vec!["ann asleep".to_owned(), "bob awake".to_owned()]));
    memory.enter("room", "bob", "awake".into(), NOW).expect("there is room");
    assert_eq!(look(&mut memory).0, 0, "nothing is new");
    memory.leave("room", "ann", NOW);
    memory.leave("room", "ann", NOW);
    assert_eq!(look(&mut memory), (1, vec!["bob awake".to_owned()]));
    memory.unwatch("room", NOW);
    memory.leave("room", "bob", NOW);
    assert_eq!(look(&mut memory).0, 0, "nobody watches");
}

#[test]
fn member_is_refreshed_for_as_long_as_its_node_lives() {
    let config = Config::default().with_lifetime(LIFETIME);
    let mut memory = Memory::new(config, Retention::default(), 10, entropy());
    memory.enter("room", "ann", "".into(), NOW).expect("there is room");
    let mut now = NOW;
    while now < LIFETIME * 20 {
        now = memory.deadline().expect("a member is refreshed");
        memory.timeout(now);
        assert_eq!(memory.broker().held().members, 1);
    }
}

/// Carries everything between nodes and a broker that share one process.
fn carry<E: Entropy>(nodes: &mut [Node<E>], broker: &mut Broker, now: Duration) {
    let mut pushes = broker.timeout(now);
    for node in nodes.iter_mut() {
        while let Some(command) = node.command(now) {
            match command {
                Command::Connect => node.connected(),
                Command::Disconnect => {}
                Command::Send(id, request) => {
                    let (answer, pushed) = broker.execute(&request, now);
                    pushes.extend(pushed);
                    node.answer(id, answer, now);
                }
            }
        }
    }
    if pushes.is_empty() {
        return;
    }
    for node in nodes.iter_mut() {
        for push in &pushes {
            node.push(push.clone(), now);
        }
    }
    carry(nodes, broker, now);
}

#[test]
fn members_of_a_node_that_dies_are_gone_after_their_lifetime() {
    let config = Config::default().with_lifetime(LIFETIME);
    let mut broker = Broker::new(Retention::default(), 10);
    let node = |seed: u64| {
        let mut number = seed;
        let entropy = move || {
            number += 1;
            number
        };
        Node::new(config, Retention::default(), entropy, NOW)
    };
    let mut nodes = vec![node(1), node(1 << 32)];
    nodes[0].watch("room", NOW).expect("there is room");
    nodes[0].enter("room", "ann", "".into()).expect("there is room");
    nodes[1].enter("room", "bob", "".into()).expect("there is room");
    carry(&mut nodes, &mut broker, NOW);
    let mut view = BTreeMap::new();
    told(&mut view, || nodes[0].change("room"));
    assert_eq!(view.len(), 2);
    // The second node dies without a word.
    nodes.truncate(1);
    let mut now = NOW;
    while view.len() == 2 {
        now = nodes[0]
            .deadline()
            .into_iter()
            .chain(broker.deadline())
            .min()
            .expect("it is refreshed");
        nodes[0].timeout(now);
        carry(&mut nodes, &mut broker, now);
        told(&mut view, || nodes[0].change("room"));
        assert!(now <= LIFETIME, "a dead node's member is still there");
    }
    assert_eq!(now, LIFETIME, "not before its time is up");
    assert!(view.contains_key("ann"));
}

#[test]
fn members_beyond_a_limit_are_refused() {
    let config = Config::default().with_members(2);
    let mut memory = Memory::new(config, Retention::default().with_members(1), 10, entropy());
    memory.enter("room", "ann", "".into(), NOW).expect("there is room");
    memory.enter("room", "bob", "".into(), NOW).expect("the node has room, its broker hasn't");
    assert_eq!(memory.enter("room", "cat", "".into(), NOW), Err(Misuse::Members));
    memory.enter("room", "ann", "again".into(), NOW).expect("she is there already");
    assert_eq!(memory.broker().held().members, 1);
    memory.leave("room", "ann", NOW);
    memory.enter("room", "cat", "".into(), NOW).expect("there is room");
    assert_eq!(memory.broker().held().members, 1);
}
