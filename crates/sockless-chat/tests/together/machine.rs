//! The machine of one server, with a broker that loses what it has.

use std::sync::Arc;
use std::time::Duration;

use sockless_channels::{Broker, Command, Config, Retention};
use sockless_chat::chat::{Fact, Key, Message, Name, Place};
use sockless_chat::together::{Happened, Options, Together};

const SECOND: Duration = Duration::from_secs(1);

/// Nothing is too old: the clocks of these servers differ.
fn retention() -> Retention {
    Retention::default().with_age(100_000 * SECOND)
}

/// A server, and a way to the broker that is there or not.
struct Server {
    together: Together<Box<dyn FnMut() -> u64>>,
    up: bool,
    now: Duration,
}

impl Server {
    fn new(server: u64, now: Duration) -> Self {
        let retention = retention();
        let options = Options {
            server,
            position: None,
            last: 0,
            config: Config::default(),
            copied: retention,
        };
        let mut number = server;
        let random: Box<dyn FnMut() -> u64> = Box::new(move || {
            number += 1;
            number
        });
        let together = Together::new(options, random, now).expect("it has room");
        Self { together, up: true, now }
    }

    /// Carries everything, for some seconds; what has happened comes back.
    fn run(&mut self, broker: &mut Broker) -> Vec<Happened> {
        let mut all = Vec::new();
        for _ in 0..40 {
            self.now += SECOND / 4;
            self.together.timeout(self.now);
            while let Some(command) = self.together.command(self.now) {
                match command {
                    Command::Connect if self.up => self.together.connected(),
                    Command::Connect => self.together.disconnected(self.now),
                    Command::Disconnect => {}
                    Command::Send(id, request) => {
                        let (answer, pushes) = broker.execute(&request, self.now);
                        self.together.answer(id, answer, self.now);
                        pushes.into_iter().for_each(|push| self.together.push(push, self.now));
                    }
                }
            }
            all.extend(std::iter::from_fn(|| self.together.poll(self.now)));
        }
        all
    }

    fn cut(&mut self) {
        self.up = false;
        self.together.disconnected(self.now);
    }
}

fn said(key: &str) -> Vec<Fact> {
    let name = |text| Name::parse(text).expect("a name");
    let key = Key::parse(key).expect("a key");
    let (from, to) = (name("ann"), Place::Room(name("lobby")));
    let message = Message { id: 0, at: 1, from, to, text: "x".into(), file: None, key: None };
    vec![Fact::Said { message: Arc::new(message), key, forget: None, file: Arc::default() }]
}

/// The ids of messages.
fn ids(happened: &[Happened]) -> Vec<u64> {
    let is_said = |facts: &[Fact]| facts.iter().any(|fact| matches!(fact, Fact::Said { .. }));
    let id = |what: &Happened| match what {
        Happened::Facts { id, facts, .. } if is_said(facts) => Some(*id),
        _ => None,
    };
    happened.iter().filter_map(id).collect()
}

#[test]
fn what_was_written_before_a_loss_is_void_after_it_and_said_to_have_failed() {
    let mut broker = Broker::new(retention(), 100);
    let mut server = Server::new(1, 1000 * SECOND);
    server.run(&mut broker);
    server.together.write(1, &said("a"), server.now);
    assert_eq!(ids(&server.run(&mut broker)).len(), 1);
    server.cut();
    server.together.write(2, &said("b"), server.now);
    let alone = server.run(&mut broker);
    assert!(alone.contains(&Happened::Alone(true)), "{alone:?}");
    // The broker is another one, and takes it.
    broker.restarted(1);
    server.up = true;
    let after = server.run(&mut broker);
    assert!(after.contains(&Happened::Failed { number: 2 }), "{after:?}");
    assert!(after.iter().any(|what| matches!(what, Happened::Gap { .. })), "{after:?}");
    assert_eq!(ids(&after), [0; 0]);
    // Said again, under the same key, it is there.
    server.together.write(3, &said("b"), server.now);
    assert_eq!(ids(&server.run(&mut broker)).len(), 1);
}

#[test]
fn ids_ascend_over_losses_also_for_a_server_whose_clock_is_behind() {
    let mut broker = Broker::new(retention(), 100);
    let mut first = Server::new(1, 9000 * SECOND);
    first.run(&mut broker);
    first.together.write(1, &said("a"), first.now);
    let mut all = ids(&first.run(&mut broker));
    // Its clock is two hours behind, and it begins the next epoch: what it knows is more than what its clock says.
    let mut second = Server::new(2, 1800 * SECOND);
    let read = second.run(&mut broker);
    assert_eq!(ids(&read), all, "{read:?}");
    broker.restarted(1);
    second.together.write(1, &said("b"), second.now);
    second.run(&mut broker);
    second.together.write(2, &said("c"), second.now);
    all.extend(ids(&second.run(&mut broker)));
    assert!(all.len() == 2 && all.is_sorted(), "{all:?}");
    // Nothing was pushed to the first: it finds out by itself.
    let read: Vec<u64> = (0..5).flat_map(|_| ids(&first.run(&mut broker))).collect();
    assert_eq!(read, all[1..]);
}
