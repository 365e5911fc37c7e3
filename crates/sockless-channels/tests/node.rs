//! A node whose broker is played by the test: it answers late, wrongly, or not at all.

use std::time::Duration;

use sockless_channels::{
    Answer, Command, Config, Delivery, Epoch, Event, Fate, Loss, Node, Page, Position, Push,
    ReadFrom, Request, RequestId, Retention, Start, Subscriber,
};

type Tested = Node<fn() -> u64>;

const NOW: Duration = Duration::ZERO;
const PATIENCE: Duration = Duration::from_secs(5);
const EPOCH: Epoch = Epoch::new(7);

fn node() -> Tested {
    let entropy: fn() -> u64 = || 1_000;
    let mut node =
        Node::new(Config::default().with_patience(PATIENCE), Retention::default(), entropy, NOW);
    assert_eq!(node.command(NOW), Some(Command::Connect));
    assert_eq!(node.command(NOW), None);
    node.connected();
    node
}

fn sent(node: &mut Tested, now: Duration) -> (RequestId, Request) {
    match node.command(now) {
        Some(Command::Send(id, request)) => (id, request),
        other => panic!("a request is due: {other:?}"),
    }
}

fn page(top: u64, offsets: &[u64]) -> Answer {
    let entries = offsets.iter().map(|offset| (*offset, offset.to_string().into())).collect();
    Answer::Page(Page { epoch: EPOCH, base: 0, top, entries })
}

fn push(offset: u64) -> Push {
    let position = Position::new(EPOCH, offset);
    Push::Publication { channel: "room".into(), position, payload: offset.to_string().into() }
}

/// A subscriber that has started at an offset.
fn follow(node: &mut Tested, top: u64) -> Subscriber {
    let subscriber = node.subscribe("room", Start::Now).expect("there is room");
    let (id, request) = sent(node, NOW);
    assert!(matches!(request, Request::Subscribe { .. }));
    assert_eq!(node.command(NOW), None, "nothing is read before the broker pushes");
    node.answer(id, Answer::Done, NOW);
    let (id, request) = sent(node, NOW);
    assert!(matches!(request, Request::Read { from: ReadFrom::Newest, .. }), "{request:?}");
    node.answer(id, page(top, &[]), NOW);
    assert_eq!(node.ready(), Some(subscriber));
    assert!(matches!(node.delivery(subscriber), Some(Delivery::Started { .. })));
    assert_eq!(node.delivery(subscriber), None);
    subscriber
}

fn offsets(node: &mut Tested, subscriber: Subscriber) -> Vec<u64> {
    let publication = |delivery| match delivery {
        Delivery::Publication { position, .. } => position.offset(),
        other => panic!("not a publication: {other:?}"),
    };
    std::iter::from_fn(|| node.delivery(subscriber)).map(publication).collect()
}

#[test]
fn push_that_is_missing_is_read() {
    let mut node = node();
    let ann = follow(&mut node, 10);
    node.push(push(11), NOW);
    node.push(push(11), NOW);
    node.push(push(14), NOW);
    assert_eq!(offsets(&mut node, ann), [11], "nothing overtakes what is missing");
    let (id, request) = sent(&mut node, NOW);
    let Request::Read { from, seen, .. } = request else { panic!("{request:?}") };
    assert_eq!(from, ReadFrom::After(Position::new(EPOCH, 11)));
    assert_eq!(seen, Some(Position::new(EPOCH, 11)));
    node.push(push(15), NOW);
    assert_eq!(node.command(NOW), None, "one reading at a time");
    node.answer(id, page(14, &[12, 13, 14]), NOW);
    assert_eq!(offsets(&mut node, ann), [12, 13, 14]);
    let (id, _) = sent(&mut node, NOW);
    node.answer(id, page(15, &[15]), NOW);
    assert_eq!(offsets(&mut node, ann), [15]);
    assert_eq!(node.command(NOW), None);
}

#[test]
fn subscription_that_was_lost_in_silence_is_found_by_an_audit_and_made_again() {
    let mut node = node();
    let ann = follow(&mut node, 10);
    let audit = node.deadline().expect("the channel is checked");
    assert_eq!(audit, Duration::from_secs(30));
    node.timeout(audit);
    let (id, _) = sent(&mut node, audit);
    node.answer(id, page(11, &[11]), audit);
    assert_eq!(offsets(&mut node, ann), [11]);
    let (_, request) = sent(&mut node, audit);
    assert!(matches!(request, Request::Subscribe { .. }), "{request:?}");
}

#[test]
fn own_publication_that_is_not_pushed_is_read_after_the_grace() {
    let mut node = node();
    let ann = follow(&mut node, 10);
    node.publish("room", None, "text".into(), NOW).expect("there is room");
    let (id, request) = sent(&mut node, NOW);
    assert!(matches!(request, Request::Publish { .. }));
    let position = Position::new(EPOCH, 12);
    node.answer(id, Answer::Published { position, repeated: false }, NOW);
    // The one before it arrives; that it was heard of doesn't make the node forget the other one.
    node.push(push(11), NOW);
    let grace = node.deadline().expect("the channel is checked");
    assert_eq!(grace, Duration::from_millis(200));
    node.timeout(grace);
    let (id, _) = sent(&mut node, grace);
    node.answer(id, page(12, &[12]), grace);
    assert_eq!(offsets(&mut node, ann), [11, 12]);
}

#[test]
fn connection_that_does_not_answer_is_given_up_and_the_publication_is_sent_again_with_its_key() {
    let mut node = node();
    let id = node.publish("room", None, "text".into(), NOW).expect("there is room");
    let (old, Request::Publish { key, .. }) = sent(&mut node, NOW) else { panic!() };
    assert_eq!(node.waiting_since(), Some(NOW));
    assert_eq!(node.deadline(), Some(PATIENCE));
    node.timeout(PATIENCE - Duration::from_nanos(1));
    assert!(node.is_connected());
    node.timeout(PATIENCE);
    assert!(!node.is_connected());
    assert_eq!(node.command(PATIENCE), Some(Command::Disconnect));
    assert_eq!(node.command(PATIENCE), None, "it waits before it connects again");
    let again = node.deadline().expect("it connects again");
    assert_eq!(node.command(again), Some(Command::Connect));
    node.connected();
    let (new, Request::Publish { key: same, .. }) = sent(&mut node, again) else { panic!() };
    assert_eq!(key, same);
    let position = Position::new(EPOCH, 1);
    node.answer(old, Answer::Refused, again);
    assert_eq!(node.event(), None, "answers of the old connection say nothing");
    node.answer(new, Answer::Published { position, repeated: true }, again);
    assert_eq!(node.event(), Some(Event::Published { publication: id, position, repeated: true }));
}

#[test]
fn publication_that_is_given_up_says_what_is_known() {
    let mut node = node();
    let sent_one = node.publish("room", None, "text".into(), NOW).expect("there is room");
    sent(&mut node, NOW);
    node.disconnected(NOW);
    let unsent = node.publish("room", None, "text".into(), NOW).expect("there is room");
    let end = Duration::from_secs(30);
    node.timeout(end - Duration::from_nanos(1));
    assert_eq!(node.event(), None);
    node.timeout(end);
    let fates = [(sent_one, Fate::Unknown), (unsent, Fate::Unsent)];
    for (publication, fate) in fates {
        assert_eq!(node.event(), Some(Event::Unpublished { publication, fate }));
    }
    assert_eq!(node.held().waiting_bytes, 0);
}

#[test]
fn retry_that_is_refused_is_unknown_because_the_first_try_may_have_worked() {
    let mut node = node();
    let publication = node.publish("room", None, "text".into(), NOW).expect("there is room");
    sent(&mut node, NOW);
    node.disconnected(NOW);
    let again = node.deadline().expect("it connects again");
    assert_eq!(node.command(again), Some(Command::Connect));
    node.connected();
    let (id, _) = sent(&mut node, again);
    node.answer(id, Answer::Refused, again);
    assert_eq!(node.event(), Some(Event::Unpublished { publication, fate: Fate::Unknown }));
}

#[test]
fn broker_that_goes_back_in_its_epoch_or_talks_nonsense_is_not_believed() {
    let base_ahead = Page { epoch: EPOCH, base: 20, top: 12, entries: Vec::new() };
    let nonsense = [
        page(9, &[]),
        page(12, &[12, 11]),
        page(12, &[11, 13]),
        page(12, &[0, 11]),
        page(u64::MAX, &[]),
        Answer::Page(base_ahead),
        Answer::Done,
        Answer::Members(Vec::new()),
        Answer::Published { position: Position::new(EPOCH, 11), repeated: false },
    ];
    for answer in nonsense {
        let mut node = node();
        let ann = follow(&mut node, 10);
        node.push(push(13), NOW);
        let (id, _) = sent(&mut node, NOW);
        node.answer(id, answer.clone(), NOW);
        assert_eq!(node.delivery(ann), None, "{answer:?}");
        assert_eq!(node.command(NOW), Some(Command::Disconnect), "{answer:?}");
    }
}

#[test]
fn live_subscriber_hears_of_another_epoch_and_gets_all_of_it() {
    let mut node = node();
    let ann = follow(&mut node, 10);
    node.push(push(11), NOW);
    let fresh = Epoch::new(8);
    node.push(Push::Epoch { channel: "room".into(), epoch: fresh }, NOW);
    let (id, _) = sent(&mut node, NOW);
    let entries = vec![(6, "six".into()), (7, "seven".into())];
    node.answer(id, Answer::Page(Page { epoch: fresh, base: 5, top: 7, entries }), NOW);
    // It hadn't taken what came before; the gap says from where on.
    let position = Position::new(fresh, 5);
    let after = Position::new(EPOCH, 10);
    assert_eq!(node.delivery(ann), Some(Delivery::Gap { after, position, loss: Loss::Epoch }));
    assert_eq!(offsets(&mut node, ann), [6, 7]);
}

#[test]
fn waits_between_attempts_grow_to_their_limit_and_shrink_after_an_answer() {
    let mut node = node();
    let mut now = NOW;
    let wait = |node: &mut Tested, now: &mut Duration| {
        node.disconnected(*now);
        let at = node.deadline().expect("it connects again");
        assert_eq!(node.command(at - Duration::from_nanos(1)), None);
        assert_eq!(node.command(at), Some(Command::Connect));
        let waited = at - *now;
        *now = at;
        waited
    };
    let waits: Vec<_> = (0..12).map(|_| wait(&mut node, &mut now)).collect();
    assert!(waits.windows(2).all(|pair| pair[0] <= pair[1]), "{waits:?}");
    assert!(waits[0] <= Duration::from_millis(100) && waits[0] >= Duration::from_millis(50));
    assert!(waits[11] <= Duration::from_secs(10) && waits[11] >= Duration::from_secs(5));
    node.connected();
    node.publish("room", None, "text".into(), now).expect("there is room");
    let (id, _) = sent(&mut node, now);
    node.answer(id, Answer::Refused, now);
    assert!(wait(&mut node, &mut now) <= Duration::from_millis(100));
}

#[test]
fn requests_on_their_way_are_limited() {
    let entropy: fn() -> u64 = || 1;
    let mut node = Node::new(Config::default().with_window(3), Retention::default(), entropy, NOW);
    assert_eq!(node.command(NOW), Some(Command::Connect));
    node.connected();
    for _ in 0..10 {
        node.publish("room", None, "text".into(), NOW).expect("there is room");
    }
    let ids: Vec<_> = (0..3).map(|_| sent(&mut node, NOW).0).collect();
    assert_eq!(node.command(NOW), None);
    node.answer(ids[1], Answer::Refused, NOW);
    sent(&mut node, NOW);
    assert_eq!(node.command(NOW), None);
}

#[test]
fn channel_that_is_left_leaves_nothing() {
    let mut node = node();
    let ann = follow(&mut node, 10);
    node.push(push(11), NOW);
    node.unsubscribe(ann);
    node.unsubscribe(ann);
    assert_eq!(node.delivery(ann), None);
    let (id, request) = sent(&mut node, NOW);
    assert!(matches!(request, Request::Unsubscribe { .. }));
    node.answer(id, Answer::Done, NOW);
    node.push(push(12), NOW);
    assert_eq!((node.ready(), node.command(NOW), node.deadline()), (None, None, None));
    assert_eq!(node.held(), sockless_channels::NodeHeld::default());
}

#[test]
fn answer_for_a_channel_that_was_left_says_nothing_about_the_one_that_was_joined_again() {
    let mut node = node();
    let ann = follow(&mut node, 10);
    node.push(push(12), NOW);
    let (old, _) = sent(&mut node, NOW);
    node.unsubscribe(ann);
    let ann = node.subscribe("room", Start::Now).expect("there is room");
    let (id, request) = sent(&mut node, NOW);
    assert!(matches!(request, Request::Subscribe { .. }), "{request:?}");
    node.answer(old, page(12, &[11, 12]), NOW);
    assert_eq!(node.delivery(ann), None, "it has begun nowhere");
    node.answer(id, Answer::Done, NOW);
    let (id, request) = sent(&mut node, NOW);
    assert!(matches!(request, Request::Read { from: ReadFrom::Newest, .. }), "{request:?}");
    node.answer(id, page(13, &[]), NOW);
    let position = Position::new(EPOCH, 13);
    let recovery = sockless_channels::Recovery::Fresh;
    assert_eq!(node.delivery(ann), Some(Delivery::Started { position, recovery }));
}

#[test]
fn answer_that_was_asked_for_in_an_earlier_epoch_says_nothing() {
    let entropy: fn() -> u64 = || 1_000;
    let copied = Retention::default().with_count(1);
    let mut node = Node::new(Config::default(), copied, entropy, NOW);
    assert_eq!(node.command(NOW), Some(Command::Connect));
    node.connected();
    let ann = follow(&mut node, 10);
    for offset in 11..=13 {
        node.push(push(offset), NOW);
    }
    assert_eq!(node.delivery(ann), None, "the node's copy doesn't reach back");
    let (old, _) = sent(&mut node, NOW);
    let fresh = Epoch::new(8);
    node.push(Push::Epoch { channel: "room".into(), epoch: fresh }, NOW);
    let (id, _) = sent(&mut node, NOW);
    let renewed = Page { epoch: fresh, base: 5, top: 5, entries: Vec::new() };
    node.answer(id, Answer::Page(renewed.clone()), NOW);
    for offset in 6..=7 {
        let position = Position::new(fresh, offset);
        let payload = offset.to_string().into();
        node.push(Push::Publication { channel: "room".into(), position, payload }, NOW);
        while node.delivery(ann).is_some() {}
    }
    node.answer(old, Answer::Page(renewed), NOW);
    assert_eq!((node.delivery(ann), node.command(NOW)), (None, None));
    assert!(node.is_connected(), "it is no contradiction");
}

#[test]
fn subscriber_goes_on_after_its_reading_was_answered_with_nonsense() {
    for nonsense in [page(12, &[12, 11]), page(3, &[]), page(u64::MAX, &[]), Answer::Done] {
        let entropy: fn() -> u64 = || 1_000;
        let copied = Retention::default().with_count(1);
        let mut node = Node::new(Config::default(), copied, entropy, NOW);
        assert_eq!(node.command(NOW), Some(Command::Connect));
        node.connected();
        let ann = follow(&mut node, 10);
        node.push(push(11), NOW);
        node.push(push(12), NOW);
        assert_eq!(node.delivery(ann), None, "11 has to be read");
        let (id, _) = sent(&mut node, NOW);
        node.answer(id, nonsense.clone(), NOW);
        assert_eq!(node.command(NOW), Some(Command::Disconnect), "{nonsense:?}");
        let again = node.deadline().expect("it connects again");
        assert_eq!(node.command(again), Some(Command::Connect));
        node.connected();
        // It hasn't to be asked again by its application.
        while let Some(Command::Send(id, request)) = node.command(again) {
            let answer = match request {
                Request::Read { .. } => page(12, &[11, 12]),
                _ => Answer::Done,
            };
            node.answer(id, answer, again);
        }
        assert_eq!(node.ready(), Some(ann), "{nonsense:?}");
        assert_eq!(offsets(&mut node, ann), [11, 12]);
    }
}

#[test]
fn those_who_come_back_and_those_who_publish_take_turns() {
    let entropy: fn() -> u64 = || 1_000;
    let mut node = Node::new(Config::default().with_window(1), Retention::default(), entropy, NOW);
    assert_eq!(node.command(NOW), Some(Command::Connect));
    node.connected();
    follow(&mut node, 10);
    for _ in 0..6 {
        node.subscribe("room", Start::Oldest).expect("there is room");
        node.publish("room", None, "text".into(), NOW).expect("there is room");
    }
    let mut kinds = Vec::new();
    while let Some(Command::Send(id, request)) = node.command(NOW) {
        let reads = matches!(request, Request::Read { .. });
        kinds.push(reads);
        node.answer(id, if reads { page(10, &[9, 10]) } else { Answer::Refused }, NOW);
    }
    assert_eq!(kinds.len(), 12);
    assert!(kinds.windows(2).all(|pair| pair[0] != pair[1]), "{kinds:?}");
}
