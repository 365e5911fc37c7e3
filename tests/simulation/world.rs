//! One run: two endpoints, the wire between them, and the clock.

use std::sync::Arc;
use std::time::Duration;

use sockless::{CloseCode, Holding};

use crate::endpoint::{Drawn, Endpoint};
use crate::opening::{Answering, Asking};
use crate::pipe::Pipe;
use crate::random::Random;

/// What is in store for the endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Nothing is injected, no timer is short: both outcomes have to agree.
    Calm,
    /// Timers are short.
    Hurried,
    /// The stream ends at some byte, in one direction or in both.
    Cut,
    /// The connection is reset at some byte.
    Reset,
    /// From some byte on nothing arrives any more, and nobody learns of it. Both endpoints keep the connection alive.
    Mute,
}

const CLASSES: [Class; 6] =
    [Class::Calm, Class::Calm, Class::Hurried, Class::Cut, Class::Reset, Class::Mute];

/// A run that is over.
pub(crate) struct World {
    pub(crate) class: Class,
    pub(crate) client: Endpoint<Asking>,
    pub(crate) server: Endpoint<Answering>,
}

/// More turns than any run takes that ends.
const PATIENCE: usize = 200_000;

impl World {
    /// Runs what the seed says, to the end.
    pub(crate) fn run(seed: u64) -> Self {
        let mut random = Random(seed);
        let random = &mut random;
        let class = random.pick(&CLASSES);
        let calm = !matches!(class, Class::Hurried | Class::Mute);
        let mut asks = Drawn::new(calm, false, random);
        let echoes = random.one_in(4);
        let mut answers = Drawn::new(calm, echoes, random);
        // Two endpoints that both hold messages while output waits can wait for each other until a deadline parts them.
        let holdings = [Holding::ByRole, Holding::Independent, Holding::Answering];
        answers.hold(random.pick(&holdings));
        asks.hold(if calm { Holding::ByRole } else { random.pick(&holdings) });
        if class == Class::Mute {
            asks.keep_alive(random);
            answers.keep_alive(random);
        }
        if !asks.ends_by_itself() && !answers.ends_by_itself() {
            asks.close_with(CloseCode::NORMAL);
        }
        let asking = Asking::new(Arc::clone(&asks.config), &asks.limits, random);
        let answering = Answering::new(Arc::clone(&answers.config), &answers.limits, random);
        let mut world = Self {
            class,
            client: Endpoint::new(asking, asks),
            server: Endpoint::new(answering, answers),
        };
        let (mut up, mut down) = (Pipe::new(random), Pipe::new(random));
        world.inject(&mut up, &mut down, random);
        world.go(&mut up, &mut down, random);
        world
    }

    fn inject(&self, up: &mut Pipe, down: &mut Pipe, random: &mut Random) {
        let reach = random.pick(&[20, 300, 1000, 6000]);
        let side = random.below(3);
        match self.class {
            Class::Cut => {
                if side != 0 {
                    up.cut_after(random.below(reach));
                }
                if side != 1 {
                    down.cut_after(random.below(reach));
                }
            }
            Class::Reset => {
                let pipe = if side == 0 { up } else { down };
                pipe.reset_after(random.below(reach));
            }
            Class::Mute => {
                if side != 0 {
                    up.mute_after(random.below(reach));
                }
                if side != 1 {
                    down.mute_after(random.below(reach));
                }
            }
            Class::Calm | Class::Hurried => {}
        }
    }

    fn go(&mut self, up: &mut Pipe, down: &mut Pipe, random: &mut Random) {
        let mut now = Duration::ZERO;
        for turns in 0.. {
            let (client, server) = (&mut self.client, &mut self.server);
            if client.end.is_some() && server.end.is_some() {
                return;
            }
            assert!(turns < PATIENCE, "it does not end, at {now:?}: {}", self.standing(up, down));
            let first = random.one_in(2);
            let mut progress = false;
            for turn in [first, !first] {
                progress |= match turn {
                    true => client.turn(now, down, up, random),
                    false => server.turn(now, up, down, random),
                };
            }
            if progress {
                continue;
            }
            let next = client.next(down).chain(server.next(up)).filter(|at| *at > now).min();
            let Some(next) = next else {
                panic!("nothing will ever happen again: {}", self.standing(up, down));
            };
            // A driver can be late, and several things be due at once.
            now = if random.one_in(8) { next + random.millis(300) } else { next };
        }
    }

    fn standing(&self, up: &Pipe, down: &Pipe) -> String {
        format!(
            "{:?}, client {:?} {:?} {:?}, server {:?} {:?} {:?}, {} and {} bytes in flight",
            self.class,
            self.client.end,
            self.client.connection.as_ref().map(|connection| connection.want()),
            self.client.application.wake,
            self.server.end,
            self.server.connection.as_ref().map(|connection| connection.want()),
            self.server.application.wake,
            up.in_flight(),
            down.in_flight(),
        )
    }
}
