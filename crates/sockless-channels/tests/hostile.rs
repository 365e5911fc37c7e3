//! A broker that says anything, and a caller that calls anything in any order: nothing panics, nothing grows, nothing spins, and
//! everything is well as soon as the broker is.

use std::collections::VecDeque;
use std::time::Duration;

use sockless_channels::{
    Answer, Broker, Command, Config, Delivery, Entropy, Epoch, Node, Page, Position, Push,
    RequestId, Retention, Start, Subscriber,
};

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }

    fn offset(&mut self) -> u64 {
        let near = self.below(12);
        self.pick(&[
            near,
            near,
            near,
            near,
            0,
            1 << 62,
            (1 << 63) - 1,
            1 << 63,
            u64::MAX - 1,
            u64::MAX,
        ])
    }

    fn position(&mut self) -> Position {
        Position::new(Epoch::new(self.below(3)), self.offset())
    }

    fn answer(&mut self) -> Answer {
        match self.below(8) {
            0 => Answer::Published { position: self.position(), repeated: self.below(2) == 0 },
            1 | 2 => Answer::Done,
            3 => Answer::Refused,
            4 => Answer::Members(vec![("ann".into(), "".into()), ("ann".into(), "again".into())]),
            _ => {
                let mut offset = self.offset();
                let mut entries = Vec::new();
                for _ in 0..self.below(6) {
                    entries.push((offset, "text".into()));
                    offset = offset.wrapping_add(self.pick(&[1, 1, 1, 1, 0, 2, u64::MAX]));
                }
                let top = self.pick(&[offset.wrapping_sub(1), offset, offset.wrapping_add(3)]);
                let base = self.pick(&[0, top, top.wrapping_sub(2), top.wrapping_add(1)]);
                Answer::Page(Page { epoch: Epoch::new(self.below(3)), base, top, entries })
            }
        }
    }

    fn push(&mut self, channel: &'static str) -> Push {
        let channel = channel.into();
        match self.below(4) {
            0 => Push::Epoch { channel, epoch: Epoch::new(self.below(3)) },
            1 => Push::Presence { channel },
            _ => Push::Publication { channel, position: self.position(), payload: "text".into() },
        }
    }
}

const CHANNELS: [&str; 3] = ["ann", "bob", ""];

#[test]
fn nothing_that_a_broker_says_makes_a_node_panic_grow_or_spin() {
    let seeds = std::env::var("SOCKLESS_SEEDS").map(|seeds| seeds.parse().expect("a number"));
    for seed in 0..seeds.unwrap_or(1_000) {
        run(seed);
    }
}

fn run(seed: u64) {
    let mut random = Random(seed);
    let mut numbers = Random(seed + 1);
    let config = Config::default()
        .with_window(1 + random.below(6) as usize)
        .with_publications(5, 100)
        .with_subscribers(6)
        .with_members(4);
    let copied = Retention::default().with_count(1 + random.below(5) as usize);
    let mut now = Duration::ZERO;
    let mut node = Node::new(config, copied, move || numbers.next(), now);
    let mut requests: VecDeque<RequestId> = VecDeque::new();
    let mut subscribers: Vec<(Subscriber, Option<Position>)> = Vec::new();
    for _ in 0..300 {
        let channel = random.pick(&CHANNELS);
        match random.below(16) {
            0 => {
                let start = match random.below(3) {
                    0 => Start::Now,
                    1 => Start::Oldest,
                    _ => Start::After(random.position()),
                };
                if let Ok(subscriber) = node.subscribe(channel, start) {
                    subscribers.push((subscriber, None));
                }
            }
            1 if random.below(4) == 0 && !subscribers.is_empty() => {
                let index = random.below(subscribers.len() as u64) as usize;
                node.unsubscribe(subscribers.swap_remove(index).0);
            }
            2 => drop(node.publish(channel, None, "some text".into(), now)),
            3 => drop(node.enter(channel, random.pick(&["x", "y", "z"]), "".into())),
            4 => node.leave(channel, random.pick(&["x", "y", "z"])),
            5 => drop(node.watch(channel, now)),
            6 => node.unwatch(channel),
            7 if random.below(4) == 0 => node.disconnected(now),
            8 => node.connected(),
            9 => drop(node.event()),
            10 => while node.change(channel).is_some() {},
            11 => {
                now += Duration::from_millis(random.below(20_000));
                node.timeout(now);
            }
            _ => node.push(random.push(channel), now),
        }
        if let Some(id) = requests.pop_front().filter(|_| random.below(4) > 0) {
            node.answer(id, random.answer(), now);
        }
        let mut commands = 0;
        while let Some(command) = node.command(now) {
            commands += 1;
            assert!(commands < 50, "seed {seed}: it never has enough");
            match command {
                Command::Connect if random.below(3) > 0 => node.connected(),
                Command::Connect => {}
                Command::Disconnect => requests.clear(),
                Command::Send(id, _) => requests.push_back(id),
            }
        }
        for (subscriber, at) in &mut subscribers {
            let mut deliveries = 0;
            while let Some(delivery) = node.delivery(*subscriber) {
                deliveries += 1;
                assert!(deliveries < 100, "seed {seed}: it never ends");
                if let (Delivery::Publication { position, .. }, Some(before)) = (&delivery, *at) {
                    let next = Position::new(before.epoch(), before.offset() + 1);
                    assert_eq!(
                        *position, next,
                        "seed {seed}: whatever is said, there are no holes"
                    );
                }
                *at = Some(delivery.position());
            }
        }
        while node.ready().is_some() {}
        let held = node.held();
        assert!(held.requests <= 6 && held.waiting <= 5 && held.subscribers <= 6, "{held:?}");
        assert!(held.channels <= 2 && held.members <= 4 && held.copied <= 10, "{held:?}");
    }
    reform(seed, node, now, subscribers);
}

/// From here on the broker is honest: whatever it had said before, everybody gets where it is.
fn reform<E: Entropy>(
    seed: u64,
    mut node: Node<E>,
    mut now: Duration,
    mut subscribers: Vec<(Subscriber, Option<Position>)>,
) {
    let mut broker = Broker::new(Retention::default(), 10);
    node.disconnected(now);
    let end = now + Duration::from_secs(120);
    let mut turns = 0;
    let mut published = 0;
    while now < end {
        turns += 1;
        assert!(turns < 2_000, "seed {seed}: it spins");
        if published < 6 && node.publish(CHANNELS[published % 2], None, "text".into(), now).is_ok()
        {
            published += 1;
        }
        let mut pushes = Vec::new();
        while let Some(command) = node.command(now) {
            match command {
                Command::Connect => node.connected(),
                Command::Disconnect => {}
                Command::Send(id, request) => {
                    let (answer, pushed) = broker.execute(&request, now);
                    node.answer(id, answer, now);
                    pushes.extend(pushed);
                }
            }
        }
        for push in pushes {
            node.push(push, now);
        }
        while node.event().is_some() {}
        while let Some(ready) = node.ready() {
            let Some(found) = subscribers.iter_mut().find(|one| one.0 == ready) else {
                panic!("seed {seed}: nobody is ready")
            };
            while let Some(delivery) = node.delivery(ready) {
                found.1 = Some(delivery.position());
            }
        }
        let soon = now + Duration::from_secs(1);
        let next = node.deadline().unwrap_or(end).min(if published < 6 { soon } else { end });
        now = next.clamp(now, end);
        node.timeout(now);
    }
    assert_eq!(published, 6);
    let tops: Vec<_> = CHANNELS[..2].iter().map(|c| broker.kept(c).map(|kept| kept.0)).collect();
    for (subscriber, at) in subscribers {
        assert!(
            tops.contains(&at),
            "seed {seed}: {subscriber:?} is at {at:?}, not one of {tops:?}"
        );
    }
}
