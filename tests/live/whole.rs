//! A naive driver of a whole connection.

use std::time::Duration;

use sockless::{Connection, Input, Outcome, Want};

use crate::application::Application;
use crate::intake::Intake;
use crate::pipe::Pipe;
use crate::turns::{Party, Turn, Turns, Wire};
use crate::wire::Tested;

pub(crate) struct Whole<R: Tested> {
    pub(crate) connection: Connection<R>,
    pub(crate) application: Application,
    pub(crate) intake: Intake,
    want: Want,
    pub(crate) outcome: Option<Outcome>,
    turns: Turns,
}

impl<R: Tested> Whole<R> {
    pub(crate) fn new(connection: Connection<R>, application: Application, intake: Intake) -> Self {
        let want = connection.want();
        Self { connection, application, intake, want, outcome: None, turns: Turns::default() }
    }

    /// Polls until `None`: how many events there were.
    fn poll(&mut self, input: &mut Input<'_>, now: Duration) -> usize {
        let mut events = 0;
        while let Some(event) = self.connection.poll(input, now) {
            events += 1;
            if let Some(saying) = self.application.hear(event, now) {
                self.application.say(saying, &mut self.connection);
            }
        }
        assert!(input.is_empty(), "None, and the buffer is not the caller's");
        events
    }

    fn is_due(&self, wire: &Wire<'_>) -> bool {
        let Want::Io { read, write, deadline } = self.want else { return false };
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= wire.now);
        read && wire.is_readable()
            || write && wire.outbound.is_writable()
            || due(deadline)
            || due(self.application.next(&self.connection))
    }
}

impl<R: Tested> Party for Whole<R> {
    fn turn(&mut self, wire: &mut Wire<'_>) -> bool {
        if self.outcome.is_some() || !self.is_due(wire) {
            return false;
        }
        let Want::Io { read, deadline: before, .. } = self.want else { return false };
        let read = read && wire.is_readable();
        let mut arrival = self.intake.read(read, &mut self.connection, wire);
        let (mut moved, mut events) = (arrival.moved, 0);
        // 1. Poll until None.
        events += self.poll(&mut arrival.input(), wire.now);
        if self.intake.put_back(&arrival, &mut self.connection) {
            events += self.poll(&mut Input::none(), wire.now);
        }
        self.application.produce(&mut self.connection, wire.now);
        // 2. Write.
        while !self.connection.output().is_empty() {
            match wire.write(self.connection.output()) {
                Some(0) => break,
                Some(count) => {
                    moved += count;
                    self.connection.wrote(count);
                }
                None => self.connection.lost(),
            }
        }
        // 3. Do what it wants.
        if self.connection.want() == Want::ShutdownWrite {
            wire.outbound.end(wire.now);
            self.connection.shut();
            events += 1;
        }
        self.want = self.connection.want();
        let reads = matches!(self.want, Want::Io { read: true, .. });
        self.intake.take(reads, &mut self.connection);
        match self.want {
            Want::Done(outcome) => {
                self.outcome = Some(outcome);
                wire.outbound.end(wire.now);
                wire.inbound.close();
            }
            Want::Io { deadline, .. } => {
                let standing = || format!("whole, {:?}", self.connection);
                let turn = Turn { moved, events, deadlines: [before, deadline] };
                self.turns.taken(wire.now, &turn, standing);
            }
            Want::ShutdownWrite => panic!("it wants to be shut twice"),
        }
        true
    }

    fn next(&self, inbound: &Pipe) -> Option<Duration> {
        let Want::Io { read, deadline, .. } = self.want else { return None };
        let readable = inbound.readable().filter(|_| read);
        readable.into_iter().chain(deadline).chain(self.application.next(&self.connection)).min()
    }

    fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    fn standing(&self) -> String {
        format!("{:?}, {:?}, {} queued", self.want, self.outcome, self.connection.queued())
    }
}
