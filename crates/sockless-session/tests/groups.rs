//! Groups: who gets what, and what happens to slow readers.

mod pair;

use std::collections::BTreeMap;

use pair::{Pair, says};
use proptest::prelude::*;
use sockless_session::group::{
    Event, Group, JoinError, Member, NoOutlet, Outlet, Overflow, Policy, Settings,
};
use sockless_session::reliable::{Config, Message};

fn group(settings: Settings, members: u8) -> Group<u8, u32, u8> {
    let mut group = Group::new(settings);
    for id in 0..members {
        group.join(id, Member::Plain).expect("there is room");
    }
    while group.poll().is_some() {}
    group
}

fn drain<P: Clone, K: Clone + PartialEq>(group: &mut Group<u8, P, K>, id: u8) -> Vec<P> {
    std::iter::from_fn(|| group.take(&id)).collect()
}

#[test]
fn all_but_the_speaker_get_it_in_order() {
    let mut group = group(Settings::default(), 3);
    for payload in 0..5 {
        let report = group.broadcast(payload, None, Some(&1), &mut NoOutlet);
        assert_eq!((report.queued, report.dropped, report.closed), (2, 0, 0));
    }
    assert_eq!(drain(&mut group, 0), [0, 1, 2, 3, 4]);
    assert!(drain(&mut group, 1).is_empty());
    assert_eq!(drain(&mut group, 2), [0, 1, 2, 3, 4]);
    // Each is woken once.
    assert_eq!(group.poll(), Some(Event::Ready(0)));
    assert_eq!(group.poll(), Some(Event::Ready(2)));
    assert_eq!(group.poll(), None);
}

#[test]
fn a_slow_reader_loses_the_oldest_the_newest_or_its_place() {
    for (policy, left) in [
        (Policy::DropOldest, vec![2, 3, 4]),
        (Policy::DropNewest, vec![0, 1, 2]),
        (Policy::Close, vec![]),
    ] {
        let mut group = group(Settings::default().with_policy(policy).with_queue(3), 1);
        for payload in 0..5 {
            group.broadcast(payload, None, None, &mut NoOutlet);
        }
        let events: Vec<_> = std::iter::from_fn(|| group.poll()).collect();
        let closed = events.contains(&Event::TooSlow(0));
        assert_eq!(closed, policy == Policy::Close);
        assert_eq!(group.counters().closed, u64::from(closed));
        assert_eq!(group.counters().dropped, if closed { 0 } else { 2 });
        assert_eq!(drain(&mut group, 0), left);
    }
}

#[test]
fn the_newest_of_its_key_takes_the_older_ones_place() {
    let mut group = group(Settings::default().with_queue(3), 1);
    for (payload, key) in [(1, Some(1)), (2, None), (3, Some(2)), (4, Some(1)), (5, Some(2))] {
        group.broadcast(payload, key, None, &mut NoOutlet);
    }
    assert_eq!(group.counters().coalesced, 2);
    assert_eq!(group.counters().dropped, 0);
    assert_eq!(drain(&mut group, 0), [4, 2, 5]);
    group.broadcast(6, Some(1), None, &mut NoOutlet);
    assert_eq!(drain(&mut group, 0), [6]);
}

/// Connections that have room for some payloads.
#[derive(Default)]
struct Room {
    left: u32,
    taken: Vec<(u8, u32)>,
}

impl Outlet<u8, u32> for Room {
    fn send(&mut self, _: &u8, _: u32) -> bool {
        false
    }

    fn skip(&mut self, _: &u8, _: u64) -> bool {
        false
    }

    fn offer(&mut self, member: &u8, payload: &u32) -> bool {
        let fits = self.left > 0;
        if fits {
            self.left -= 1;
            self.taken.push((*member, *payload));
        }
        fits
    }
}

#[test]
fn a_connection_with_room_takes_payloads_at_once_and_none_overtakes_another() {
    let mut group = group(Settings::default().with_queue(2), 2);
    let mut room = Room { left: 3, ..Room::default() };
    // Three are taken; the fourth has to wait, although there is room again for the fifth.
    assert_eq!(group.broadcast(1, None, None, &mut room).queued, 2);
    assert_eq!(group.broadcast(2, None, None, &mut room).queued, 2);
    room.left = 1;
    let third = group.broadcast(3, None, None, &mut room);
    let members: Vec<u8> = group.members().copied().collect();
    assert_eq!((third.queued, third.dropped), (2, 0));
    assert_eq!(room.taken, [(members[0], 1), (members[1], 1), (members[0], 2), (members[0], 3)]);
    assert_eq!(drain(&mut group, members[0]), []);
    assert_eq!(drain(&mut group, members[1]), [2, 3]);
    assert_eq!(group.counters().queued, 6);
}

#[test]
fn joins_and_leaves_are_events_and_are_bounded() {
    let mut group = Group::<u8, u32>::new(Settings::default().with_members(2));
    group.join(1, Member::Plain).expect("there is room");
    assert_eq!(group.join(1, Member::Reliable), Err(JoinError::Already));
    group.join(2, Member::Plain).expect("there is room");
    assert_eq!(group.join(3, Member::Plain), Err(JoinError::Full));
    group.broadcast(7, None, None, &mut NoOutlet);
    assert!(group.leave(&1));
    assert!(!group.leave(&1));
    let events: Vec<_> = std::iter::from_fn(|| group.poll()).collect();
    // That something waits for one who has left is no news.
    assert_eq!(events, [Event::Joined(1), Event::Joined(2), Event::Ready(2), Event::Left(1)]);
    assert_eq!((group.len(), group.take(&1)), (1, None));
    assert_eq!((group.counters().joined, group.counters().left), (2, 1));
}

/// The sessions of reliable members.
struct Sessions(BTreeMap<u8, Pair>);

impl Outlet<u8, Message> for Sessions {
    fn send(&mut self, member: &u8, payload: Message) -> bool {
        self.0.get_mut(member).is_some_and(|pair| pair.server.send(payload).is_ok())
    }

    fn skip(&mut self, member: &u8, count: u64) -> bool {
        self.0.get_mut(member).is_some_and(|pair| pair.server.skip(count).is_ok())
    }
}

fn room(overflow: Overflow) -> (Group<u8, Message>, Sessions) {
    let mut group = Group::new(Settings::default().with_overflow(overflow));
    let mut sessions = Sessions(BTreeMap::new());
    for id in 0..2 {
        group.join(id, Member::Reliable).expect("there is room");
        let server = Config::default().with_queue(2, 1 << 20);
        sessions.0.insert(id, Pair::open(Config::default(), server));
    }
    while group.poll().is_some() {}
    (group, sessions)
}

fn broadcast(group: &mut Group<u8, Message>, sessions: &mut Sessions, text: &str) {
    group.broadcast(text.into(), None, None, sessions);
    // The first member is fast, the second hears nothing.
    if let Some(pair) = sessions.0.get_mut(&0) {
        pair.later();
        pair.later();
    }
}

#[test]
fn a_reliable_member_that_is_too_slow_is_closed_and_comes_back() {
    let (mut group, mut sessions) = room(Overflow::Close);
    for text in ["one", "two", "three", "four"] {
        broadcast(&mut group, &mut sessions, text);
    }
    assert_eq!(sessions.0[&0].client.received(), 4);
    assert_eq!(std::iter::from_fn(|| group.poll()).collect::<Vec<_>>(), [Event::TooSlow(1)]);
    // What was queued for it before is still its own.
    assert_eq!(sessions.0[&1].server.queued(), 2);
}

#[test]
fn a_reliable_member_learns_of_the_gap_at_its_place() {
    let (mut group, mut sessions) = room(Overflow::Gap);
    for text in ["one", "two", "three", "four", "five"] {
        broadcast(&mut group, &mut sessions, text);
    }
    assert_eq!(group.counters().gaps, 3);
    let slow = sessions.0.get_mut(&1).expect("the slow one");
    // The gap has a place in its queue already, or is still counted by the group.
    slow.later();
    slow.later();
    assert!(group.catch_up(&1, &mut sessions));
    broadcast(&mut group, &mut sessions, "six");
    let slow = sessions.0.get_mut(&1).expect("the slow one");
    let heard = says(&mut slow.server, slow.down, slow.now);
    let mut all: Vec<String> =
        slow.trace.iter().filter_map(|line| line.strip_prefix("< ")).map(String::from).collect();
    all.extend(heard);
    all.retain(|line| !line.starts_with("␐w"));
    let gaps: u64 =
        all.iter().filter_map(|line| line.strip_prefix("␐g")?.parse::<u64>().ok()).sum();
    assert_eq!(gaps, 3, "{all:?}");
    let texts: Vec<_> = all.iter().filter(|line| !line.starts_with('␐')).collect();
    assert_eq!(texts, ["one", "two", "six"]);
    let (gap, six) = (all.iter().rposition(|line| line.starts_with("␐g")), all.len() - 1);
    assert!(gap < Some(six) && gap > Some(1), "{all:?}");
}

/// A session that takes messages, and at first no gaps.
#[derive(Default)]
struct Reluctant {
    refuses: bool,
    full: bool,
    heard: Vec<String>,
}

impl Outlet<u8, u32> for Reluctant {
    fn send(&mut self, _: &u8, payload: u32) -> bool {
        if !self.full {
            self.heard.push(payload.to_string());
        }
        !self.full
    }

    fn skip(&mut self, _: &u8, count: u64) -> bool {
        if !self.refuses {
            self.heard.push(format!("gap {count}"));
        }
        !self.refuses
    }
}

#[test]
fn nothing_is_sent_ahead_of_a_gap() {
    let mut group = Group::<u8, u32>::new(Settings::default().with_overflow(Overflow::Gap));
    group.join(1, Member::Reliable).expect("there is room");
    let mut outlet = Reluctant { refuses: true, full: true, heard: Vec::new() };
    group.broadcast(1, None, None, &mut outlet);
    outlet.full = false;
    // There is room for a message, and none for the gap: the message joins the gap.
    assert_eq!(group.broadcast(2, None, None, &mut outlet).dropped, 1);
    assert!(!group.catch_up(&1, &mut outlet));
    outlet.refuses = false;
    assert_eq!(group.broadcast(3, None, None, &mut outlet).queued, 1);
    assert_eq!(outlet.heard, ["gap 2", "3"]);
    assert!(group.catch_up(&1, &mut outlet));
}

proptest! {
    /// Everyone gets a part of what was said, in order, and what isn't there is counted.
    #[test]
    fn nothing_is_lost_without_being_counted(
        steps in prop::collection::vec((0_u8..4, 0_u8..3), 1..100),
        policy in prop_oneof![Just(Policy::DropOldest), Just(Policy::DropNewest)],
        queue in 1_usize..6,
    ) {
        let mut group = group(Settings::default().with_policy(policy).with_queue(queue), 3);
        let (mut said, mut heard) = (0_u32, [const { Vec::new() }; 3]);
        for (step, id) in steps {
            if step < 3 {
                group.broadcast(said, None, None, &mut NoOutlet);
                said += 1;
            } else if let Some(payload) = group.take(&id) {
                heard[usize::from(id)].push(payload);
            }
            prop_assert!(group.waiting(&id) <= queue);
        }
        let mut got = 0;
        for id in 0..3 {
            heard[usize::from(id)].extend(drain(&mut group, id));
            let heard = &heard[usize::from(id)];
            prop_assert!(heard.windows(2).all(|two| two[0] < two[1]), "{heard:?}");
            got += heard.len() as u64;
        }
        prop_assert_eq!(got + group.counters().dropped, u64::from(said) * 3);
    }
}
