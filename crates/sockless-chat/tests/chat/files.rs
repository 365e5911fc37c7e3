//! Files: offered, sent in parts, said, fetched.

use sockless_chat::chat::{Action, Event, Limits, PeerId, Refusal};

use crate::paper::Paper;
use crate::world::{World, key, room};

fn offer(key_text: &str, size: u64, upload: u32, file: &str) -> Action {
    Action::Offer {
        key: key(key_text),
        to: room("lobby"),
        name: file.into(),
        kind: "image/PNG".into(),
        size,
        upload,
    }
}

fn part(world: &mut World, peer: PeerId, upload: u32, bytes: &[u8]) {
    let message = [&upload.to_be_bytes(), bytes].concat();
    world.chat.part(peer, &message, world.now);
    world.settle();
}

#[test]
fn a_file_arrives_as_a_message_when_its_last_part_has() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.forget();
    world.act(ann, offer("f", 6, 9, "cat.png"));
    part(&mut world, ann, 9, b"abc");
    assert!(world.told(bob).is_empty());
    part(&mut world, ann, 9, b"def");
    let told = world.told(bob);
    let [Event::Message { message }] = &told[..] else { panic!("{told:?}") };
    let file = message.file.clone().expect("a file");
    assert_eq!((file.name.as_str(), file.kind.as_str(), file.size), ("cat.png", "image/png", 6));
    assert!(matches!(world.told(ann)[..], [Event::Said { .. }]));
    world.act(bob, Action::Fetch { n: 5, of: room("lobby"), id: message.id, from: 2 });
    assert_eq!(world.parts, [(bob, 5, b"cdef".to_vec())]);
    assert_eq!(world.chat.uploading(), 0);
}

#[test]
fn a_file_that_is_offered_again_begins_anew_and_is_said_once() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.forget();
    world.act(ann, offer("f", 6, 1, "cat.png"));
    part(&mut world, ann, 1, b"abc");
    world.act(ann, offer("f", 6, 2, "cat.png"));
    assert_eq!(world.chat.uploading(), 6);
    // What was on its way.
    part(&mut world, ann, 1, b"def");
    part(&mut world, ann, 2, b"ABCDEF");
    assert_eq!(world.told(bob).len(), 1);
    world.act(ann, offer("f", 6, 3, "cat.png"));
    assert_eq!(world.chat.uploading(), 0);
    assert_eq!(world.paper.file(1), Some(&b"ABCDEF"[..]));
    assert!(world.told(bob).is_empty());
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut world = World::new();
    let (ann, bob) = (world.device("ann"), world.device("bob"));
    world.forget();
    let most = Limits::default().file;
    for (size, file, refusal) in [
        (0, "a", Refusal::Limit),
        (most + 1, "a", Refusal::Limit),
        (u64::MAX, "a", Refusal::Limit),
        (1, "../../etc/passwd", Refusal::Name),
        (1, "C:\\con", Refusal::Name),
        (1, ".bashrc", Refusal::Name),
        (1, "cat\u{202e}gnp.exe", Refusal::Name),
        (1, "", Refusal::Name),
    ] {
        world.act(ann, offer("f", size, 1, file));
        assert_eq!(world.refusal(ann), Some(refusal), "{size} {file:?}");
    }
    world.act(ann, offer("f", 3, 1, "a"));
    part(&mut world, ann, 1, b"abcd");
    assert_eq!(world.refusal(ann), Some(Refusal::Upload));
    world.act(ann, offer("f", 3, 1, "a"));
    part(&mut world, ann, 1, b"");
    assert_eq!(world.refusal(ann), Some(Refusal::Upload));
    world.chat.part(ann, b"abc", world.now);
    world.settle();
    assert_eq!(world.refusal(ann), Some(Refusal::Malformed));
    assert!(world.told(bob).is_empty());
    assert_eq!(world.chat.uploading(), 0);
}

#[test]
fn files_on_their_way_are_few_and_go_with_their_device() {
    let limits = Limits { uploads: 10, ..Limits::default() };
    let mut world = World::with(limits, Paper::default());
    let (ann, phone, bob) = (world.device("ann"), world.device("ann"), world.device("bob"));
    world.forget();
    world.act(ann, offer("1", 4, 1, "a"));
    world.act(phone, offer("2", 4, 1, "b"));
    world.act(ann, offer("3", 1, 3, "c"));
    assert_eq!(world.refusal(ann), Some(Refusal::Limit), "two of a user");
    world.act(bob, offer("4", 3, 1, "d"));
    assert_eq!(world.refusal(bob), Some(Refusal::Limit), "ten octets in all");
    world.act(ann, Action::Cancel { upload: 1 });
    assert_eq!(world.chat.uploading(), 4);
    world.chat.gone(phone, world.now);
    assert_eq!(world.chat.uploading(), 0);
    world.act(bob, offer("4", 3, 1, "d"));
    assert_eq!(world.refusal(bob), None);
}
