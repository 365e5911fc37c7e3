//! What was missed: in order, once, in parts, while others go on.

use std::time::Duration;

use sockless_chat::chat::{Action, Chat, Event, Limits, Output, Read};

use crate::paper::Paper;
use crate::world::{World, name, room, say, user};

fn small_pages() -> Limits {
    Limits { page: 3, ..Limits::default() }
}

#[test]
fn it_comes_in_parts_that_are_asked_for() {
    let mut world = World::with(small_pages(), Paper::default());
    let ann = world.device("ann");
    let bob = world.device("bob");
    world.chat.gone(bob, world.now);
    for number in 1..=7 {
        let to = if number % 2 == 0 { user("bob") } else { room("lobby") };
        world.act(ann, say(&format!("{number}"), to, &format!("{number}")));
    }
    let bob = world.device("bob");
    assert_eq!(world.texts(bob), ["1", "2", "3"]);
    // Until it has caught up, nothing new comes before.
    world.act(ann, say("8", room("lobby"), "8"));
    assert_eq!(world.texts(bob), Vec::<String>::new());
    world.act(bob, Action::More { after: 3 });
    assert_eq!(world.texts(bob), ["4", "5", "6"]);
    world.act(bob, Action::More { after: 6 });
    assert_eq!(world.texts(bob), ["7", "8"]);
    world.act(ann, say("9", room("lobby"), "9"));
    assert_eq!(world.texts(bob), ["9"]);
    world.act(bob, Action::More { after: 9 });
    assert!(matches!(world.told(bob)[..], [Event::Refused { .. }]));
}

#[test]
fn what_was_said_before_one_came_into_a_room_was_not_missed() {
    let mut world = World::new();
    let ann = world.device("ann");
    world.act(ann, say("1", room("lobby"), "before"));
    let bob = world.device("bob");
    assert_eq!(world.texts(bob), Vec::<String>::new());
    world.act(ann, say("2", room("lobby"), "after"));
    world.chat.gone(bob, world.now);
    let bob = world.device("bob");
    assert_eq!(world.texts(bob), ["after"]);
    let bob = {
        world.chat.gone(bob, world.now);
        world.device_after("bob", 2)
    };
    assert_eq!(world.texts(bob), Vec::<String>::new());
}

#[test]
fn what_is_said_while_it_is_read_follows_it_once() {
    let mut world = World::new();
    let ann = world.device("ann");
    world.act(ann, say("1", room("lobby"), "one"));
    let bob = world.stranger();
    world.device("bob");
    world.act(ann, say("2", room("lobby"), "two"));
    world.forget();
    // The read is on its way, and its answer is late.
    let asked = hello_without_an_answer(&mut world.chat, bob, world.now);
    let Read::Missed { user, rooms, after, up_to, most } = asked else { panic!("{asked:?}") };
    world.act(ann, say("3", room("lobby"), "three"));
    assert_eq!(world.texts(bob), Vec::<String>::new());
    let (list, more) = world.paper.missed(&user, &rooms, after, up_to, most);
    world.chat.missed(bob, list, more);
    world.settle();
    assert_eq!(world.texts(bob), ["two", "three"]);
    world.act(ann, say("4", room("lobby"), "four"));
    assert_eq!(world.texts(bob), ["four"]);
}

fn hello_without_an_answer(
    chat: &mut Chat,
    bob: sockless_chat::chat::PeerId,
    now: Duration,
) -> Read {
    chat.hello(bob, name("bob"), Duration::MAX, 0, now);
    let mut asked = None;
    while let Some(output) = chat.poll() {
        if let Output::Read { read: read @ Read::Missed { .. }, .. } = output {
            asked = Some(read);
        }
    }
    asked.expect("a read")
}

#[test]
fn what_a_device_says_before_it_has_caught_up_does_not_make_it_skip() {
    let mut world = World::with(small_pages(), Paper::default());
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.chat.gone(bob, world.now);
    for number in 1..=4 {
        world.act(ann, say(&format!("{number}"), room("lobby"), &format!("{number}")));
    }
    let bob = world.device("bob");
    world.forget();
    world.act(bob, say("5", room("lobby"), "5"));
    assert!(matches!(world.told(bob)[..], [Event::Said { id: 5, up_to_date: false, .. }]));
    world.act(bob, Action::More { after: 3 });
    // It has said it, and gets it: by its id it knows it.
    assert_eq!(world.texts(bob), ["4", "5"]);
}
