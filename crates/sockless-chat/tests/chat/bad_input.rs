//! Whatever is sent, it is answered, nobody else notices, and nothing of it is stored.

use proptest::prelude::*;
use sockless_chat::chat::{Action, Event, Limits, Name, Refusal};

use crate::world::{World, key, room, say};

#[test]
fn texts_and_names_that_hide_something_are_refused() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.forget();
    let long = "x".repeat(Limits::default().text + 1);
    for text in ["", " \n", "a\u{0}b", "a\u{1b}[31m", "\u{7f}", &long] {
        world.act(ann, say("k", room("lobby"), text));
        assert_eq!(world.refusal(ann), Some(Refusal::Text), "{text:?}");
    }
    assert!(world.told(bob).is_empty());
    for text in ["", " a", "a ", "a\nb", "\u{202e}nna", "a\u{200b}", "\u{feff}a", &"x".repeat(33)] {
        assert_eq!(Name::parse(text), Err(Refusal::Name), "{text:?}");
    }
    // What looks like something else is a name as any other: it is for those who show it to show it as text.
    for text in
        ["<script>alert(1)</script>", "Ann O'Neil", "Łukasz", "日本語", "🦀", "../..", "room/lobby"]
    {
        assert!(Name::parse(text).is_ok(), "{text:?}");
    }
}

#[test]
fn what_is_no_json_or_no_action_is_no_action() {
    for text in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"do":"fly"}"#,
        r#"{"do":"say"}"#,
        r#"{"do":"say","key":"k","to":{"room":"lobby"},"text":"x","more":1}"#,
        r#"{"do":"say","key":"k","to":{"room":"lobby","user":"bob"},"text":"x"}"#,
        r#"{"do":"say","key":"k","to":{"house":"lobby"},"text":"x"}"#,
        r#"{"do":"say","key":"k k","to":{"room":"lobby"},"text":"x"}"#,
        r#"{"do":"join","n":-1,"room":"tea"}"#,
        r#"{"do":"join","n":1,"room":"\u202etea"}"#,
        r#"{"do":"more","after":18446744073709551616}"#,
    ] {
        assert!(serde_json::from_str::<Action>(text).is_err(), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(serde_json::from_str::<Action>(&deep).is_err());
}

#[test]
fn actions_are_written_as_the_design_says() {
    for (text, action) in [
        (
            r#"{"do":"say","key":"k","to":{"user":"bob"},"text":"x"}"#,
            say("k", crate::world::user("bob"), "x"),
        ),
        (r#"{"do":"hello","after":7}"#, Action::Hello { token: None, after: 7 }),
        (r#"{"do":"cancel","upload":1}"#, Action::Cancel { upload: 1 }),
    ] {
        assert_eq!(serde_json::from_str::<Action>(text).ok(), Some(action), "{text}");
    }
    let event = Event::Refused {
        re: None,
        key: Some(key("k")),
        error: Refusal::NotAMember,
        text: "no".into(),
    };
    let text = serde_json::to_string(&event).expect("JSON");
    assert_eq!(text, r#"{"ev":"refused","key":"k","error":"not_a_member","text":"no"}"#);
}

fn place() -> impl Strategy<Value = sockless_chat::chat::Place> {
    prop_oneof![
        "lobby|tea|secret|none".prop_map(|name| crate::world::room(&name)),
        "ann|bob|eve|nobody".prop_map(|name| crate::world::user(&name)),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let number = prop_oneof![0u64..20, Just(u64::MAX)];
    let words = prop_oneof!["[ -~]{0,9}", ".{0,40}"];
    prop_oneof![
        ("[a-c]", place(), words.clone()).prop_map(|(k, to, text)| Action::Say {
            key: key(&k),
            to,
            text
        }),
        ("lobby|tea|secret", 0u64..9)
            .prop_map(|(room, n)| Action::Join { n, room: crate::world::name(&room) }),
        ("lobby|tea|secret", 0u64..9)
            .prop_map(|(room, n)| Action::Leave { n, room: crate::world::name(&room) }),
        Just(Action::Rooms { n: 1 }),
        place().prop_map(|to| Action::Typing { to }),
        (place(), number.clone()).prop_map(|(of, before)| Action::History { n: 1, of, before }),
        (place(), words, number.clone()).prop_map(|(of, words, before)| Action::Search {
            n: 1,
            of,
            words,
            before
        }),
        ("[a-c]", place(), "[a-z./]{0,5}", number.clone(), 0u32..3).prop_map(
            |(k, to, name, size, upload)| {
                Action::Offer { key: key(&k), to, name, kind: "a/b".into(), size, upload }
            }
        ),
        (0u32..3).prop_map(|upload| Action::Cancel { upload }),
        (place(), number.clone(), number.clone()).prop_map(|(of, id, from)| Action::Fetch {
            n: 1,
            of,
            id,
            from
        }),
        number.prop_map(|after| Action::More { after }),
        Just(Action::Hello { token: None, after: 0 }),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Act(Action),
    Part(Vec<u8>),
    Malformed,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => action().prop_map(Step::Act),
        3 => (0u8..3, prop::collection::vec(any::<u8>(), 0..12))
            .prop_map(|(upload, bytes)| Step::Part([vec![0, 0, 0, upload], bytes].concat())),
        1 => prop::collection::vec(any::<u8>(), 0..4).prop_map(Step::Part),
        1 => Just(Step::Malformed),
    ]
}

proptest! {
    /// Ann and Bob share a room that Eve never gets into by anything but a join; and a direct word that she never sees.
    #[test]
    fn nobody_notices_what_is_refused_and_nobody_reads_what_is_not_his(steps in prop::collection::vec(step(), 0..60)) {
        let mut world = World::new();
        let (ann, bob, eve) = (world.device("ann"), world.device("bob"), world.device("eve"));
        world.act(ann, say("direct", crate::world::user("bob"), "between us"));
        world.forget();
        for step in steps {
            let stored = world.paper.facts.len();
            match step {
                Step::Act(action) => world.act(eve, action),
                Step::Part(bytes) => {
                    world.chat.part(eve, &bytes, world.now);
                    world.settle();
                }
                Step::Malformed => {
                    world.chat.malformed(eve, world.now);
                    world.settle();
                }
            }
            let told = world.told(eve);
            if told.iter().any(|event| matches!(event, Event::Refused { .. })) {
                prop_assert!(world.is_silent_but_for(eve), "{told:?}");
                prop_assert_eq!(world.paper.facts.len(), stored);
            }
            for event in &told {
                if let Event::History { list, .. } = event {
                    prop_assert!(list.iter().all(|message| message.text != "between us"));
                }
            }
            prop_assert!(world.chat.uploading() <= 2 * Limits::default().file);
            world.forget();
        }
        prop_assert!(world.ended.is_empty());
        // Both are served as before.
        world.act(ann, say("after", room("lobby"), "still here"));
        prop_assert_eq!(world.texts(bob), ["still here"]);
    }
}
