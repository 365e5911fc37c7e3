//! A naive driver of the two halves, in two tasks with a channel of few places between them.

use std::collections::VecDeque;
use std::time::Duration;

use sockless::connection::{Notice, Reply};
use sockless::{Input, Outcome, Receiver, Sender, Want};

use crate::application::{Application, Saying};
use crate::intake::Intake;
use crate::pipe::Pipe;
use crate::turns::{Party, Turn, Turns, Wire};
use crate::wire::Tested;

enum Order {
    Say(Saying),
    Reply(Reply),
}

pub(crate) struct Halves<R: Tested> {
    receiver: Receiver<R>,
    sender: Sender<R>,
    pub(crate) application: Application,
    pub(crate) intake: Intake,
    /// Messages are held while the sending half is congested.
    answers: bool,
    /// From the task that reads to the one that writes.
    orders: VecDeque<Order>,
    places: usize,
    /// From the one that writes to the one that reads, and what it says of its queue.
    notices: VecDeque<Notice>,
    congested: bool,
    shut: bool,
    pub(crate) outcome: Option<Outcome>,
    reader: Turns,
    writer: Turns,
}

impl<R: Tested> Halves<R> {
    pub(crate) fn new(
        (receiver, sender): (Receiver<R>, Sender<R>),
        application: Application,
        intake: Intake,
        answers: bool,
        places: usize,
    ) -> Self {
        Self {
            receiver,
            sender,
            application,
            intake,
            answers,
            orders: VecDeque::new(),
            places,
            notices: VecDeque::new(),
            congested: false,
            shut: false,
            outcome: None,
            reader: Turns::default(),
            writer: Turns::default(),
        }
    }

    fn holds(&self) -> bool {
        self.answers && self.congested || self.orders.len() >= self.places
    }

    /// Polls until `None`: how many events there were.
    fn poll(&mut self, input: &mut Input<'_>, now: Duration) -> usize {
        let mut events = 0;
        loop {
            self.receiver.hold(self.holds());
            let Some(event) = self.receiver.poll(input, now) else { break };
            events += 1;
            if let Some(saying) = self.application.hear(event, now) {
                self.orders.push_back(Order::Say(saying));
            }
        }
        assert!(input.is_empty(), "None, and the buffer is not the caller's");
        events
    }

    fn read(&mut self, wire: &mut Wire<'_>) -> bool {
        self.receiver.hold(self.holds());
        let Want::Io { read, write, deadline } = self.receiver.want() else { panic!("no Io") };
        let reads = read && wire.is_readable();
        let has_room = self.orders.len() < self.places;
        let due = deadline.is_some_and(|at| at <= wire.now);
        let is_due = reads || due || write && has_room || !self.notices.is_empty();
        if !is_due {
            return false;
        }
        let mut arrival = self.intake.read(reads, &mut self.receiver, wire);
        let (moved, mut events) = (arrival.moved, self.notices.len());
        while let Some(notice) = self.notices.pop_front() {
            self.receiver.note(notice, wire.now);
        }
        events += self.poll(&mut arrival.input(), wire.now);
        if self.intake.put_back(&arrival, &mut self.receiver) {
            events += self.poll(&mut Input::none(), wire.now);
        }
        let reads = matches!(self.receiver.want(), Want::Io { read: true, .. });
        self.intake.take(reads, &mut self.receiver);
        while self.orders.len() < self.places
            && let Some(reply) = self.receiver.reply()
        {
            events += 1;
            self.orders.push_back(Order::Reply(reply));
        }
        let standing = || format!("reader, {:?} {:?}", self.receiver.want(), self.receiver);
        let turn = Turn { moved, events, deadlines: [deadline, self.receiver.deadline()] };
        self.reader.taken(wire.now, &turn, standing);
        true
    }

    fn write(&mut self, wire: &mut Wire<'_>) -> bool {
        let deadline = self.sender.deadline();
        let due = |at: Option<Duration>| at.is_some_and(|at| at <= wire.now);
        let writes = !self.sender.output().is_empty() && wire.outbound.is_writable();
        let acts = due(deadline) || due(self.application.next(&self.sender));
        if !writes && !acts && self.orders.is_empty() {
            return false;
        }
        let (mut moved, mut events) = (0, self.orders.len());
        while let Some(order) = self.orders.pop_front() {
            match order {
                Order::Say(saying) => self.application.say(saying, &mut self.sender),
                Order::Reply(reply) => self.sender.apply(reply, wire.now),
            }
        }
        self.application.produce(&mut self.sender, wire.now);
        self.sender.timeout(wire.now);
        while !self.sender.output().is_empty() {
            // Nothing resets the wire of halves.
            let count = wire.write(self.sender.output()).unwrap();
            if count == 0 {
                break;
            }
            moved += count;
            self.sender.wrote(count);
        }
        while let Some(notice) = self.sender.notice() {
            events += 1;
            self.notices.push_back(notice);
        }
        self.congested = self.sender.is_congested();
        let standing = || format!("writer, {:?}", self.sender);
        let turn = Turn { moved, events, deadlines: [deadline, self.sender.deadline()] };
        self.writer.taken(wire.now, &turn, standing);
        true
    }

    /// Ends as the joined connection would.
    fn conclude(&mut self, wire: &mut Wire<'_>) {
        let (received, sent) = (self.receiver.end(), self.sender.end());
        let outcome = Outcome::join(received, sent);
        let written = self.sender.output().is_empty() && self.orders.is_empty();
        let replied = sent.is_ended();
        if received.failure().is_some() && written && replied && !self.shut {
            wire.outbound.end(wire.now);
            self.shut = true;
        }
        let server_closes = !R::MASKS && outcome.clean();
        let ends = self.receiver.is_over() && (replied || received.failure().is_some());
        if sent.is_over() && self.notices.is_empty() || written && (ends || server_closes) {
            self.outcome = Some(outcome);
            wire.outbound.end(wire.now);
            wire.inbound.close();
        }
    }
}

impl<R: Tested> Party for Halves<R> {
    fn turn(&mut self, wire: &mut Wire<'_>) -> bool {
        if self.outcome.is_some() {
            return false;
        }
        let mut taken = self.read(wire);
        taken |= self.write(wire);
        if taken {
            self.conclude(wire);
        }
        taken
    }

    fn next(&self, inbound: &Pipe) -> Option<Duration> {
        let Want::Io { read, deadline, .. } = self.receiver.want() else { return None };
        let readable = inbound.readable().filter(|_| read);
        let of_sender =
            self.sender.deadline().into_iter().chain(self.application.next(&self.sender));
        readable.into_iter().chain(deadline).chain(of_sender).min()
    }

    fn is_over(&self) -> bool {
        self.outcome.is_some()
    }

    fn standing(&self) -> String {
        format!(
            "{:?}, {:?}, {} queued, {} orders, {:?} {:?}",
            self.receiver.want(),
            self.outcome,
            self.sender.queued(),
            self.orders.len(),
            self.receiver.end(),
            self.sender.end()
        )
    }
}
