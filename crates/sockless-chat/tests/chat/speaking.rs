//! Who hears what, in which order, and how often.

use std::time::Duration;

use sockless_chat::chat::{Action, End, Event, Limits, Refusal};

use crate::paper::Paper;
use crate::world::{World, key, name, room, say, user};

#[test]
fn all_but_the_one_who_speaks_hear_it_and_that_one_learns_that_it_is_stored() {
    let mut world = World::new();
    let (ann, bob, phone) = (world.device("ann"), world.device("bob"), world.device("ann"));
    world.forget();
    world.act(ann, say("k", room("lobby"), "hello"));
    assert_eq!(world.texts(bob), ["hello"]);
    assert_eq!(world.texts(phone), ["hello"]);
    let told = world.told(ann);
    assert!(
        matches!(&told[..], [Event::Said { key: said, id: 1, up_to_date: true, .. }] if *said == key("k")),
        "{told:?}"
    );
}

#[test]
fn what_is_said_to_one_reaches_all_devices_of_both() {
    let mut world = World::new();
    let (ann, phone) = (world.device("ann"), world.device("ann"));
    let (bob, eve) = (world.device("bob"), world.device("eve"));
    world.forget();
    world.act(ann, say("1", user("bob"), "psst"));
    assert_eq!((world.texts(phone), world.texts(bob)), (vec!["psst".into()], vec!["psst".into()]));
    assert!(world.told(eve).is_empty());
    // To oneself, as a note.
    world.act(ann, say("2", user("ann"), "milk"));
    assert_eq!(world.texts(phone), ["milk"]);
    assert!(world.is_silent_but_for(ann));
}

#[test]
fn what_is_said_twice_under_one_key_is_said_once() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.forget();
    world.act(ann, say("k", room("lobby"), "once"));
    world.act(ann, say("k", room("lobby"), "once"));
    assert_eq!(world.texts(bob), ["once"]);
    let ids: Vec<u64> = world
        .told(ann)
        .iter()
        .filter_map(|event| match event {
            Event::Said { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    assert_eq!(ids, [1, 1]);
    // Nor does it when its device begins anew, or the server does.
    world.chat.gone(ann, world.now);
    let ann = world.device("ann");
    world.act(ann, say("k", room("lobby"), "once"));
    let mut world = World::with(Limits::default(), world.paper);
    let (ann, _) = (world.device("ann"), world.device("bob"));
    world.act(ann, say("k", room("lobby"), "once"));
    assert!(matches!(world.told(ann).last(), Some(Event::Said { id: 1, .. })));
    assert_eq!(world.paper.said().count(), 1);
    // Another user's key is another key.
    let bob = world.device("bob");
    world.act(bob, say("k", room("lobby"), "me too"));
    assert_eq!(world.paper.said().count(), 2);
}

#[test]
fn a_key_that_comes_again_while_it_is_stored_is_answered_when_it_is() {
    let mut world = World::new();
    let (ann, phone) = (world.device("ann"), world.device("ann"));
    world.forget();
    world.chat.act(ann, say("k", room("lobby"), "once"), world.now);
    world.chat.act(phone, say("k", room("lobby"), "once"), world.now);
    world.settle();
    for peer in [ann, phone] {
        assert!(matches!(world.told(peer)[..], [Event::Said { id: 1, .. }]));
    }
}

#[test]
fn what_could_not_be_stored_was_not_said_and_its_device_begins_anew() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.forget();
    world.full = true;
    world.act(ann, say("k", room("lobby"), "lost?"));
    assert_eq!(world.refusal(ann), Some(Refusal::Storage));
    assert_eq!(world.ended.get(&ann), Some(&End::NotStored));
    world.act(bob, Action::Join { n: 7, room: name("new") });
    assert_eq!(world.refusal(bob), Some(Refusal::Storage));
    world.full = false;
    let ann = world.device("ann");
    world.act(ann, say("k", room("lobby"), "lost?"));
    assert_eq!(world.texts(bob), ["lost?"]);
    assert_eq!(world.paper.said().count(), 1);
}

#[test]
fn a_flood_slows_down_its_own_device_alone_and_loses_nothing() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.forget();
    for number in 0..100 {
        world.act(ann, say(&format!("{number}"), room("lobby"), "again"));
    }
    assert_eq!(world.texts(bob).len(), 100);
    let longest = world.pauses.iter().map(|(_, wait)| *wait).max().expect("pauses");
    assert!(world.pauses.iter().all(|(peer, _)| *peer == ann), "{:?}", world.pauses);
    assert!(longest > Duration::from_secs(1), "{longest:?}");
    world.pauses.clear();
    world.act(bob, say("1", room("lobby"), "what is it?"));
    assert!(world.pauses.is_empty());
}

#[test]
fn who_is_writing_is_said_now_and_then_and_never_to_the_writer() {
    let mut world = World::new();
    let (ann, phone, bob) = (world.device("ann"), world.device("ann"), world.device("bob"));
    world.forget();
    for _ in 0..30 {
        world.act(ann, Action::Typing { to: room("lobby") });
        world.wait(Duration::from_millis(100));
    }
    assert_eq!(world.told(bob).len(), 1);
    world.act(ann, Action::Typing { to: room("lobby") });
    let told = world.told(bob);
    assert_eq!(told, [Event::Typing { place: room("lobby"), user: name("ann") }]);
    // What was said is followed by new writing.
    world.act(ann, say("1", room("lobby"), "there"));
    world.act(ann, Action::Typing { to: room("lobby") });
    assert_eq!(world.told(bob).len(), 2);
    assert!(
        !world
            .told(ann)
            .iter()
            .chain(&world.told(phone))
            .any(|event| matches!(event, Event::Typing { .. }))
    );
    // To one: who reads it sees with whom.
    world.act(bob, Action::Typing { to: user("ann") });
    assert_eq!(world.told(phone), [Event::Typing { place: user("bob"), user: name("bob") }]);
}

#[test]
fn rooms_come_and_go_with_their_members() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.act(ann, Action::Join { n: 1, room: name("tea") });
    assert!(world.told(ann).contains(&Event::Done { re: 1 }));
    world.forget();
    world.act(bob, Action::Join { n: 1, room: name("tea") });
    let joined = Event::Joined { room: name("tea"), user: name("bob"), online: true };
    assert!(world.told(ann).contains(&joined));
    world.act(ann, Action::Rooms { n: 2 });
    let told = world.told(ann);
    let Some(Event::Rooms { list, .. }) = told.last() else { panic!("{told:?}") };
    let listed: Vec<_> = list.iter().map(|room| (room.name.as_str(), room.count)).collect();
    assert_eq!(listed, [("lobby", 2), ("tea", 2)]);
    assert!(list.iter().all(|room| room.members.is_empty()), "members are for members");
    world.act(ann, Action::Leave { n: 3, room: name("tea") });
    assert!(world.told(bob).contains(&Event::Left { room: name("tea"), user: name("ann") }));
    world.act(bob, Action::Leave { n: 3, room: name("tea") });
    world.act(bob, Action::Rooms { n: 4 });
    let told = world.told(bob);
    let Some(Event::Rooms { list, .. }) = told.last() else { panic!("{told:?}") };
    assert_eq!(list.len(), 1);
}

#[test]
fn what_is_found_is_what_was_said_there() {
    let mut world = World::new();
    let ann = world.device("ann");
    for (number, text) in ["Tea at four", "coffee at five", "no TEA today"].into_iter().enumerate()
    {
        world.act(ann, say(&format!("{number}"), room("lobby"), text));
    }
    let look = |words: &str| Action::Search {
        n: 1,
        of: room("lobby"),
        words: words.into(),
        before: u64::MAX,
    };
    world.act(ann, look("tea AT"));
    let told = world.told(ann);
    let Some(Event::History { list, .. }) = told.last() else { panic!("{told:?}") };
    assert_eq!(list.len(), 1);
    world.act(ann, look("  "));
    assert_eq!(world.refusal(ann), Some(Refusal::Text));
}

#[test]
fn limits_are_said_and_hold() {
    let limits = Limits { rooms_of_user: 2, rooms: 3, members: 3, users: 4, ..Limits::default() };
    let mut world = World::with(limits, Paper::default());
    let devices: Vec<_> = ["a", "b", "c", "d"].map(|who| world.device(who)).into();
    // The fourth finds no room in the lobby, and is there all the same.
    assert!(world.ended.is_empty());
    let mut join = |at: usize, room: &str| {
        world.act(devices[at], Action::Join { n: 1, room: name(room) });
        world.refusal(devices[at])
    };
    assert_eq!(join(0, "one"), None);
    assert_eq!(join(0, "two"), Some(Refusal::Limit), "rooms of a user");
    assert_eq!(join(1, "two"), None);
    assert_eq!(join(2, "three"), Some(Refusal::Limit), "rooms");
    assert_eq!(join(3, "lobby"), Some(Refusal::Limit), "members");
    let fifth = world.device("e");
    assert_eq!(world.refusal(fifth), Some(Refusal::Limit));
    assert_eq!(world.ended.get(&fifth), Some(&End::NotGreeted));
}

#[test]
fn what_others_wait_for_is_not_in_the_way() {
    let limits = Limits { rooms_of_user: 3, rooms: 4, members: 4, users: 6, ..Limits::default() };
    let mut world = World::with(limits, Paper::default());
    let devices: Vec<_> = ["a", "b", "c"].map(|who| world.device(who)).into();
    // Nothing is stored meanwhile.
    let mut ask = |device, action| world.chat.act(device, action, world.now);
    for n in 0..20 {
        ask(devices[0], say(&format!("k{n}"), room("lobby"), "and on"));
    }
    for device in &devices {
        ask(*device, Action::Join { n: 1, room: name("one") });
    }
    ask(devices[0], Action::Join { n: 2, room: name("two") });
    // That is one room too many for this user, then one too many for all.
    ask(devices[0], Action::Join { n: 3, room: name("three") });
    ask(devices[1], Action::Join { n: 4, room: name("four") });
    ask(devices[2], Action::Join { n: 5, room: name("five") });
    world.settle();
    let refused: Vec<u64> = world.heard.values().flatten().filter_map(refused_number).collect();
    assert_eq!(refused, [3, 5]);
    world.device("d");
    assert!(world.ended.is_empty());
}

/// Which action was refused, because of a limit.
fn refused_number(event: &Event) -> Option<u64> {
    match event {
        Event::Refused { re, error: Refusal::Limit, .. } => *re,
        _ => None,
    }
}

#[test]
fn a_name_is_taken_once_whatever_its_case() {
    let mut world = World::new();
    assert!(world.chat.claim(&name("Ann")).is_ok());
    assert_eq!(world.chat.claim(&name("Ann")), Err(Refusal::Taken), "while it is stored");
    world.settle();
    assert_eq!(world.chat.claim(&name("ANN")), Err(Refusal::Taken));
    let stranger = world.device("aNN");
    assert_eq!(world.ended.get(&stranger), Some(&End::NotGreeted));
}

#[test]
fn the_oldest_device_makes_room() {
    let mut world = World::new();
    let devices: Vec<_> = (0..9).map(|_| world.device("ann")).collect();
    assert_eq!(world.ended.get(&devices[0]), Some(&End::TooMany));
    assert_eq!(world.ended.len(), 1);
}
