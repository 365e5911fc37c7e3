//! A driver: it carries bytes between the wire and a handshake, then a connection, as programs do, each in its own way.

use std::sync::Arc;
use std::time::Duration;

use sockless::connection::Loan;
use sockless::established::Established;
use sockless::handshake::HeadLimits;
use sockless::words::role::Role;
use sockless::{CloseCode, Config, Delivery, Holding, Input, Outcome, Want};

use crate::application::Application;
use crate::opening::{Opened, Opening, Unopened};
use crate::pipe::{Pipe, Reset};
use crate::random::Random;
use crate::tap::Tap;
use crate::tested::{Special, Tested};

/// How an endpoint ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// There was a connection, and this became of it.
    Closed(Outcome),
    /// There was none.
    Unopened(Unopened),
}

/// How a driver goes about its business.
#[derive(Debug)]
pub(crate) struct Habits {
    /// It reads nothing while the connection says so.
    obeys: bool,
    /// It stops polling now and then, and comes back to the rest of the input.
    dawdles: bool,
    /// It reads large messages into their own buffer.
    takes: bool,
    /// It has what arrives in memory that can't be written to.
    copies: bool,
    /// It lends a buffer for output whenever it can.
    lends: bool,
    /// It writes all slices at once.
    vectored: bool,
}

/// One end of the wire.
pub(crate) struct Endpoint<O: Opening> {
    opening: O,
    pub(crate) connection: Option<Box<Tested<O::Role>>>,
    pub(crate) established: Option<Established<'static>>,
    pub(crate) application: Application,
    habits: Habits,
    /// What is to be written before the connection's output.
    head: Vec<u8>,
    /// How much of the connection's output is still the answer of the handshake.
    answer: usize,
    /// How much of that has been written.
    pub(crate) answered: u64,
    /// The frames that have been written.
    pub(crate) tap: Tap,
    /// What has arrived, where the driver has stopped polling before it was used up.
    kept: Vec<u8>,
    eof: bool,
    /// What to end with once the head is written.
    leaving: Option<Unopened>,
    pub(crate) end: Option<End>,
}

/// What an endpoint is made from, and may not change.
pub(crate) struct Drawn {
    pub(crate) config: Arc<Config>,
    pub(crate) limits: HeadLimits,
    application: Application,
    habits: Habits,
}

impl Drawn {
    /// An endpoint; a `calm` one has all the time in the world.
    pub(crate) fn new(calm: bool, echoes: bool, random: &mut Random) -> Self {
        let patient = Duration::from_secs(100_000);
        let mut config = Config::default()
            .with_auto_pong(!random.one_in(4))
            .with_auto_close(!random.one_in(3))
            .with_close(if calm { patient } else { random.millis(3000) });
        if random.one_in(3) {
            config = config.with_delivery(Delivery::Parts);
        }
        if random.one_in(2) {
            let timeout = if calm { patient } else { random.millis(2000) };
            config =
                config.with_keepalive(Duration::from_millis(20) + random.millis(1000), timeout);
        }
        if random.one_in(3) {
            config = config.with_idle(Duration::from_millis(50) + random.millis(4000));
        }
        if !calm && random.one_in(3) {
            config = config.with_write_timeout(random.millis(3000));
        } else if calm {
            config = config.with_write_timeout(patient);
        }
        if random.one_in(2) {
            let soft = 1 + random.below(3000);
            let hard = soft + random.below(6000);
            config = config.with_output_limits(soft, hard);
        }
        config = compressing(config, random);
        let limits = match calm {
            true => HeadLimits::default().with_timeout(patient),
            false => HeadLimits::default().with_timeout(random.millis(6000)),
        };
        let application = Application::new(&config, echoes, random);
        let habits = Habits {
            obeys: random.one_in(2),
            dawdles: random.one_in(3),
            takes: random.one_in(2),
            copies: random.one_in(4),
            lends: random.one_in(3),
            vectored: random.one_in(2),
        };
        Self { config: Arc::new(config), limits, application, habits }
    }

    pub(crate) fn hold(&mut self, holding: Holding) {
        self.config = Arc::new(Config::clone(&self.config).with_holding(holding));
    }

    /// Makes sure that silence is noticed, by the connection and by the application.
    pub(crate) fn keep_alive(&mut self, random: &mut Random) {
        let interval = Duration::from_millis(20) + random.millis(1000);
        let timeout = Duration::from_millis(1) + random.millis(2000);
        let config = Config::clone(&self.config).with_keepalive(interval, timeout);
        self.config = Arc::new(config);
        self.application.patience = 50;
    }

    /// Whether the connection will end, if nobody else ends it.
    pub(crate) fn ends_by_itself(&self) -> bool {
        self.application.closing.is_some() || self.config.idle.is_some()
    }

    pub(crate) fn close_with(&mut self, code: CloseCode) {
        self.application.closing = Some(Some(code));
    }
}

#[cfg(feature = "deflate")]
fn compressing(config: Config, random: &mut Random) -> Config {
    use sockless::extension::deflate::{self, Effort, Memory, Pool};

    let mut deflate = deflate::Compression::default()
        .with_level(random.pick(&[Effort::FASTEST, Effort::default()]))
        .with_memory(random.pick(&[Memory::LEAST, Memory::default()]))
        .with_threshold(random.pick(&[0, 32, 500]));
    if random.one_in(3) {
        deflate = deflate.with_pool(Pool::new(1));
    }
    config.with_deflate(deflate)
}

#[cfg(not(feature = "deflate"))]
fn compressing(config: Config, _: &mut Random) -> Config {
    config
}

impl<O: Opening> Endpoint<O>
where
    Tested<O::Role>: Special,
{
    pub(crate) fn new(opening: O, drawn: Drawn) -> Self {
        Self {
            head: opening.first_words(),
            opening,
            connection: None,
            established: None,
            application: drawn.application,
            habits: drawn.habits,
            answer: 0,
            answered: 0,
            tap: Tap::new(<O::Role as Role>::MASKS),
            kept: Vec::new(),
            eof: false,
            leaving: None,
            end: None,
        }
    }

    /// Does whatever can be done now; whether that was anything.
    pub(crate) fn turn(
        &mut self,
        now: Duration,
        inbound: &mut Pipe,
        outbound: &mut Pipe,
        random: &mut Random,
    ) -> bool {
        if self.end.is_some() {
            return false;
        }
        let mut progress = match &mut self.connection {
            Some(connection) => {
                if self.habits.lends {
                    // Refused while output waits; it is lent by the next turn.
                    let _ = connection.lend(Loan::Output, Vec::new());
                }
                let (head, tap) = (&self.head, &mut self.tap);
                let mut write = |bytes: &[u8], random: &mut Random| {
                    // Whoever writes past the queue has its answer in the queue.
                    assert!(head.is_empty(), "the handshake's answer would be overtaken");
                    let count = outbound.write(now, bytes, random).unwrap_or(0);
                    tap.see(&bytes[..count]);
                    count
                };
                self.application.wake(connection, now, &mut write, random)
            }
            None => false,
        };
        progress |= match self.connection {
            Some(_) => self.receive(now, inbound, random),
            None => self.open(now, inbound, random),
        };
        match self.write(now, outbound, random) {
            Ok(wrote) => progress |= wrote,
            Err(Reset) => {
                inbound.destroy(now);
                outbound.destroy(now);
                match &mut self.connection {
                    Some(connection) => {
                        self.head.clear();
                        connection.lost();
                    }
                    None => self.finish(End::Unopened(Unopened::Lost), now, inbound, outbound),
                }
                progress = true;
            }
        }
        progress | self.conclude(now, inbound, outbound)
    }

    /// Goes on with the handshake.
    fn open(&mut self, now: Duration, inbound: &mut Pipe, random: &mut Random) -> bool {
        if self.leaving.is_some() {
            return false;
        }
        let due = self.opening.deadline().is_some_and(|at| at <= now);
        let mut bytes;
        let mut input = if inbound.readable().is_some_and(|at| at <= now) {
            bytes = inbound.read(now, usize::MAX, random);
            self.eof = bytes.is_empty();
            if self.eof { Input::eof() } else { Input::new(&mut bytes) }
        } else if due {
            Input::none()
        } else {
            return false;
        };
        match self.opening.poll(&mut input, now) {
            Some(Opened::Open { connection, established, head }) => {
                self.answer = connection.queued();
                self.connection = Some(connection);
                self.established = Some(established);
                self.head = head;
                self.kept = input.into_rest().to_vec();
                self.application.wake = Some(now + random.millis(100));
                self.poll(now, random);
            }
            Some(Opened::Not { answer, why }) => {
                self.head = answer;
                self.leaving = Some(why);
            }
            None => assert!(!self.eof && !due, "the handshake goes on for ever"),
        }
        true
    }

    /// Reads and polls, or lets time pass.
    fn receive(&mut self, now: Duration, inbound: &mut Pipe, random: &mut Random) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        let wants = match connection.want() {
            Want::Io { read, .. } => read || !self.habits.obeys,
            Want::ShutdownWrite => true,
            Want::Done(_) => false,
        };
        if !self.kept.is_empty() {
            self.poll(now, random);
            return true;
        }
        if wants && !self.eof && inbound.readable().is_some_and(|at| at <= now) {
            if self.habits.takes
                && inbound.has_arrived(now)
                && let Some(mut taken) = connection.take_buffer()
            {
                taken.extend(inbound.read(now, taken.capacity(), random));
                connection.put_buffer(taken).expect("what was taken, and no more");
                self.poll(now, random);
                return true;
            }
            self.kept = inbound.read(now, usize::MAX, random);
            self.eof = self.kept.is_empty();
            self.poll(now, random);
            return true;
        }
        if connection.want().deadline().is_some_and(|at| at <= now) {
            self.poll(now, random);
            return true;
        }
        false
    }

    /// Polls with what is kept, or with the news that the stream has ended.
    fn poll(&mut self, now: Duration, random: &mut Random) {
        let mut bytes = std::mem::take(&mut self.kept);
        let arrived = if self.habits.copies { bytes.clone() } else { Vec::new() };
        let mut input = match bytes.is_empty() && self.eof {
            true => Input::eof(),
            false if self.habits.copies => {
                bytes.fill(0);
                Input::copied(&arrived, &mut bytes)
            }
            false => Input::new(&mut bytes),
        };
        loop {
            let Some(connection) = &mut self.connection else { return };
            match connection.poll(&mut input, now) {
                Some(event) => self.application.hear(event, connection, now),
                None => {
                    assert!(input.is_empty(), "poll returned None before the input was consumed");
                    return;
                }
            }
            if self.habits.dawdles && random.one_in(4) {
                break;
            }
        }
        self.kept = input.into_rest().to_vec();
    }

    /// Writes as much as the wire takes; whether that was anything.
    fn write(
        &mut self,
        now: Duration,
        outbound: &mut Pipe,
        random: &mut Random,
    ) -> Result<bool, Reset> {
        if !outbound.is_writable() {
            return Ok(false);
        }
        if !self.head.is_empty() {
            let count = outbound.write(now, &self.head, random)?;
            self.head.drain(..count);
            return Ok(count > 0);
        }
        let Some(connection) = &mut self.connection else { return Ok(false) };
        if connection.output().is_empty() {
            return Ok(false);
        }
        let output = match self.habits.vectored {
            true => connection.output_slices().flatten().copied().collect(),
            false => connection.output().to_vec(),
        };
        assert!(!self.habits.vectored || output.len() == connection.queued());
        let count = outbound.write(now, &output, random)?;
        connection.wrote(count);
        let answer = self.answer.min(count);
        self.answer -= answer;
        self.answered += answer as u64;
        self.tap.see(&output[answer..count]);
        if self.habits.lends && connection.output().is_empty() {
            drop(connection.reclaim(Loan::Output));
        }
        Ok(count > 0)
    }

    /// Does what the connection wants at last; whether that was anything.
    fn conclude(&mut self, now: Duration, inbound: &mut Pipe, outbound: &mut Pipe) -> bool {
        if let Some(why) = self.leaving {
            if self.head.is_empty() && self.end.is_none() {
                self.finish(End::Unopened(why), now, inbound, outbound);
                return true;
            }
            return false;
        }
        match self.connection.as_mut().map(|connection| (connection.want(), connection)) {
            Some((Want::ShutdownWrite, connection)) => {
                outbound.end(now);
                connection.shut();
                true
            }
            Some((Want::Done(outcome), _)) if self.end.is_none() => {
                self.finish(End::Closed(outcome), now, inbound, outbound);
                true
            }
            _ => false,
        }
    }

    fn finish(&mut self, end: End, now: Duration, inbound: &mut Pipe, outbound: &mut Pipe) {
        outbound.end(now);
        inbound.close();
        self.end = Some(end);
    }

    /// When something is due next, given what is on the wire.
    pub(crate) fn next(&self, inbound: &Pipe) -> impl Iterator<Item = Duration> {
        let readable = inbound.readable().filter(|_| !self.eof);
        let due = match &self.connection {
            Some(connection) => [connection.want().deadline(), self.application.wake, readable],
            None => [self.opening.deadline(), None, readable],
        };
        let over = self.end.is_some();
        due.into_iter().flatten().filter(move |_| !over)
    }
}
