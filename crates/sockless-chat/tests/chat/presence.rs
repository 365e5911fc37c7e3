//! Who is online, as others see it.

use std::time::Duration;

use sockless_chat::chat::{Action, Event};

use crate::world::{World, name, room, say};

fn presence(who: &str, online: bool) -> Event {
    Event::Presence { user: name(who), online }
}

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_crash_is_seen_and_a_reload_is_not() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    assert!(world.told(ann).contains(&presence("bob", true)));
    world.chat.lost(bob, world.now);
    world.wait(2 * SECOND);
    world.chat.back(bob, world.now);
    world.wait(10 * SECOND);
    assert!(world.told(ann).is_empty(), "a reload");
    world.chat.lost(bob, world.now);
    world.wait(4 * SECOND);
    assert!(world.told(ann).is_empty(), "not yet");
    world.wait(SECOND);
    assert_eq!(world.told(ann), [presence("bob", false)]);
    world.chat.gone(bob, world.now);
    world.wait(10 * SECOND);
    assert!(world.told(ann).is_empty(), "it is said once");
    world.device("bob");
    assert_eq!(world.told(ann), [presence("bob", true)]);
}

#[test]
fn a_user_is_online_as_long_as_one_device_is() {
    let mut world = World::new();
    let (ann, bob, phone) = (world.device("ann"), world.device("bob"), world.device("bob"));
    world.forget();
    world.chat.gone(bob, world.now);
    world.wait(10 * SECOND);
    assert!(world.told(ann).is_empty());
    world.chat.lost(phone, world.now);
    world.wait(10 * SECOND);
    assert_eq!(world.told(ann), [presence("bob", false)]);
    assert_eq!(world.chat.online(), 1);
}

#[test]
fn a_welcome_says_who_is_there_and_others_hear_of_it_once() {
    let mut world = World::new();
    let ann = world.device("ann");
    world.forget();
    let bob = world.device("bob");
    world.device("bob");
    let told = world.told(bob);
    let Event::Welcome { you, rooms, online, .. } = &told[0] else { panic!("{told:?}") };
    assert_eq!(you, &name("bob"));
    assert_eq!(rooms[0].members, [name("ann"), name("bob")]);
    assert_eq!(online, &[name("ann"), name("bob")]);
    let joined = Event::Joined { room: name("lobby"), user: name("bob"), online: false };
    assert_eq!(world.told(ann), [joined, presence("bob", true)]);
}

#[test]
fn who_shares_no_room_is_not_told() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.act(ann, Action::Leave { n: 1, room: name("lobby") });
    world.forget();
    world.chat.gone(bob, world.now);
    world.wait(10 * SECOND);
    world.device("bob");
    assert!(world.told(ann).is_empty());
    // Joining shows who is there.
    world.act(ann, Action::Join { n: 2, room: name("lobby") });
    assert!(world.told(ann).contains(&presence("bob", true)));
}

#[test]
fn who_is_away_is_still_a_member_and_gets_what_was_missed() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.chat.gone(bob, world.now);
    world.act(ann, say("1", room("lobby"), "while you were away"));
    let bob = world.device("bob");
    assert_eq!(world.texts(bob), ["while you were away"]);
}
