//! Each action by those who may not: it is refused, and nobody else hears of it.

use std::time::Duration;

use sockless_chat::chat::{Action, End, Event, PeerId, Refusal};

use crate::world::{World, key, name, room, say, user};

/// Every action that concerns a place, at that place.
fn all_at(place: &sockless_chat::chat::Place) -> Vec<Action> {
    let of = || place.clone();
    let offer = Action::Offer {
        key: key("offer"),
        to: of(),
        name: "a.txt".into(),
        kind: "text/plain".into(),
        size: 3,
        upload: 1,
    };
    vec![
        say("say", of(), "let me in"),
        Action::Typing { to: of() },
        Action::History { n: 1, of: of(), before: u64::MAX },
        Action::Search { n: 2, of: of(), words: "secret".into(), before: u64::MAX },
        Action::Fetch { n: 3, of: of(), id: 1, from: 0 },
        offer,
    ]
}

fn world_with_a_secret_room() -> (World, PeerId, PeerId) {
    let mut world = World::new();
    let (ann, eve) = (world.device("ann"), world.device("eve"));
    world.act(ann, Action::Join { n: 1, room: name("secret") });
    world.act(ann, say("1", room("secret"), "the secret"));
    world.forget();
    (world, ann, eve)
}

#[test]
fn only_members_do_anything_in_a_room() {
    let (mut world, ann, eve) = world_with_a_secret_room();
    for action in all_at(&room("secret")) {
        let shown = format!("{action:?}");
        world.act(eve, action);
        assert_eq!(world.refusal(eve), Some(Refusal::NotAMember), "{shown}");
        assert!(world.is_silent_but_for(eve), "{shown}");
    }
    world.act(eve, Action::Leave { n: 1, room: name("secret") });
    assert_eq!(world.refusal(eve), Some(Refusal::NotAMember));
    for action in all_at(&room("secret")) {
        let shown = format!("{action:?}");
        world.act(ann, action);
        assert_eq!(world.refusal(ann), None, "{shown}");
    }
}

#[test]
fn who_has_left_may_do_no_more_than_a_stranger() {
    let (mut world, ann, eve) = world_with_a_secret_room();
    world.act(eve, Action::Join { n: 1, room: name("secret") });
    world.act(eve, Action::Leave { n: 2, room: name("secret") });
    world.forget();
    for action in all_at(&room("secret")) {
        world.act(eve, action);
        assert_eq!(world.refusal(eve), Some(Refusal::NotAMember));
    }
    world.act(ann, say("2", room("secret"), "is she gone?"));
    assert_eq!(world.texts(eve), Vec::<String>::new());
}

#[test]
fn a_file_that_was_begun_as_a_member_is_not_said_after_leaving() {
    let (mut world, ann, eve) = world_with_a_secret_room();
    world.act(eve, Action::Join { n: 1, room: name("secret") });
    world.act(eve, all_at(&room("secret")).pop().expect("the offer"));
    world.act(eve, Action::Leave { n: 2, room: name("secret") });
    world.forget();
    world.chat.part(eve, &[0, 0, 0, 1, b'a', b'b', b'c'], world.now);
    world.settle();
    assert_eq!(world.refusal(eve), Some(Refusal::NotAMember));
    assert_eq!(world.texts(ann), Vec::<String>::new());
}

#[test]
fn nothing_can_be_asked_of_a_user_who_is_not_there() {
    let (mut world, _, eve) = world_with_a_secret_room();
    for action in all_at(&user("nobody")) {
        world.act(eve, action);
        assert_eq!(world.refusal(eve), Some(Refusal::Unknown));
    }
}

#[test]
fn what_is_said_to_one_is_read_by_two() {
    let mut world = World::new();
    let (ann, bob, eve) = (world.device("ann"), world.device("bob"), world.device("eve"));
    world.forget();
    world.act(ann, say("1", user("bob"), "for you alone"));
    assert_eq!(world.texts(bob), ["for you alone"]);
    assert!(world.told(eve).is_empty());
    for other in ["ann", "bob"] {
        world.act(eve, Action::History { n: 1, of: user(other), before: u64::MAX });
        let told = world.told(eve);
        let Some(Event::History { list, .. }) = told.last() else { panic!("{told:?}") };
        assert!(list.is_empty());
    }
    world.chat.gone(eve, world.now);
    let eve = world.device("eve");
    assert_eq!(world.texts(eve), Vec::<String>::new());
}

#[test]
fn nothing_is_done_before_a_hello_and_three_tries_end_it() {
    let (mut world, _, eve) = world_with_a_secret_room();
    let _ = eve;
    for action in all_at(&room("lobby")) {
        let stranger = world.stranger();
        world.act(stranger, action);
        assert_eq!(world.refusal(stranger), Some(Refusal::Hello));
        assert!(world.is_silent_but_for(stranger));
    }
    let stranger = world.stranger();
    (0..3).for_each(|_| world.act(stranger, Action::Rooms { n: 1 }));
    assert_eq!(world.ended.get(&stranger), Some(&End::NotGreeted));
}

#[test]
fn a_hello_comes_once() {
    let mut world = World::new();
    let ann = world.device("ann");
    world.chat.hello(ann, name("bob"), Duration::MAX, 0, world.now);
    world.settle();
    assert_eq!(world.refusal(ann), Some(Refusal::Hello));
    world.act(ann, Action::Hello { token: None, after: 0 });
    assert_eq!(world.refusal(ann), Some(Refusal::Hello));
}

#[test]
fn when_a_token_ends_nothing_more_is_heard_or_done() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.wait(Duration::from_secs(999));
    let ann_again = world.device("ann");
    world.forget();
    world.wait(Duration::from_secs(1));
    assert_eq!(world.ended.get(&ann), Some(&End::Expired));
    assert_eq!(world.ended.get(&bob), Some(&End::Expired));
    assert_eq!(world.ended.get(&ann_again), None);
    world.forget();
    world.act(bob, say("1", room("lobby"), "am I here?"));
    assert!(world.is_silent_but_for(bob));
    let late = world.stranger();
    world.chat.hello(late, name("bob"), world.now, 0, world.now);
    world.settle();
    assert_eq!(world.ended.get(&late), Some(&End::Expired));
}
