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

/// Carries a node's commands to a broker, which refuses the first reading of members if it is to.
fn carry_one<E: Entropy>(
    node: &mut Node<E>,
    broker: &mut Broker,
    refuse: &mut bool,
    now: Duration,
) {
    while let Some(command) = node.command(now) {
        match command {
            Command::Connect => node.connected(),
            Command::Disconnect => {}
            Command::Send(id, request) => {
                let asks = matches!(request, sockless_channels::Request::Members { .. });
                let refused = asks && std::mem::take(refuse);
                let answer = match refused {
                    true => sockless_channels::Answer::Refused,
                    false => broker.execute(&request, now).0,
                };
                node.answer(id, answer, now);
            }
        }
    }
}

#[test]
fn whoever_looks_is_answered_once_also_where_nobody_is() {
    let mut broker = Broker::new(Retention::default(), 10);
    let mut node = Node::new(Config::default(), Retention::default(), entropy(), NOW);
    node.enter("room", "ann", "awake".into()).expect("there is room");
    carry_one(&mut node, &mut broker, &mut false, NOW);
    let (there, nowhere) = (node.look("room").expect("asked"), node.look("hall").expect("asked"));
    let away = node.look("room").expect("asked");
    node.look_away(away);
    let mut refuse = true;
    carry_one(&mut node, &mut broker, &mut refuse, NOW);
    assert!(!refuse, "one was refused, and is asked again");
    let later = NOW + Duration::from_secs(6);
    node.timeout(later);
    carry_one(&mut node, &mut broker, &mut false, later);
    let mut answers = BTreeMap::new();
    while let Some((look, members)) = node.looked() {
        assert!(answers.insert(look, members).is_none(), "answered twice");
    }
    let ann = vec![("ann".into(), "awake".into())];
    assert_eq!(answers, [(there, ann), (nowhere, Vec::new())].into());
    // The connection is lost before the answer comes.
    let look = node.look("room").expect("asked");
    assert!(matches!(node.command(later), Some(Command::Send(..))));
    node.disconnected(later);
    let later = later + Duration::from_secs(1);
    node.timeout(later);
    carry_one(&mut node, &mut broker, &mut false, later);
    assert_eq!(node.looked().map(|answer| answer.0), Some(look));
}

#[test]
fn a_member_stays_for_its_own_lifetime_after_its_node_has_died() {
    let mut broker = Broker::new(Retention::default(), 10);
    let config = Config::default().with_lifetime(LIFETIME);
    let mut node = Node::new(config, Retention::default(), entropy(), NOW);
    node.enter("room", "ann", "".into()).expect("there is room");
    node.enter_for("room", "bob", "".into(), LIFETIME * 3).expect("there is room");
    carry_one(&mut node, &mut broker, &mut false, NOW);
    // Each is refreshed in its own time.
    let mut now = NOW;
    for _ in 0..20 {
        now = node.deadline().expect("something is due");
        node.timeout(now);
        carry_one(&mut node, &mut broker, &mut false, now);
        broker.timeout(now);
        assert_eq!(broker.held().members, 2);
    }
    drop(node);
    broker.timeout(now + LIFETIME);
    assert_eq!(broker.held().members, 1);
    broker.timeout(now + LIFETIME * 3);
    assert_eq!(broker.held().members, 0);
}
