//! An open connection: what arrives is shown, lines are sent, until it has ended. The same for both roles.

use std::time::{Duration, Instant};

use sockless::connection::Side;
use sockless::{CloseCode, Config, Connection, Event, Holding, Input, Limits, Outcome, Want};

use crate::ending::Ending;
use crate::event::Seen;
use crate::options::Options;
use crate::output::Output;
use crate::queue::{Next, Queue};
use crate::stop::{Stop, Why};
use crate::wire::Wire;

/// For how long answers are awaited after the last line, unless the command line says otherwise.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the closing handshake may take.
const CLOSING: Duration = Duration::from_secs(5);
/// How long output may wait for a peer that doesn't read.
const STALLED: Duration = Duration::from_secs(20);
/// How much is read at once.
pub(crate) const READ: usize = 64 << 10;

/// How connections behave; `longest` is the longest message unless the command line says otherwise.
pub(crate) fn config(options: &Options, longest: u64) -> Config {
    let longest = options.max_message.unwrap_or(longest);
    let config = Config::default()
        .with_limits(Limits::default().with_frame(longest).with_message(longest))
        .with_holding(Holding::Independent)
        .with_write_timeout(STALLED)
        .with_close(CLOSING);
    match options.keepalive {
        Some(silence) => config.with_keepalive(silence, silence),
        None => config,
    }
}

/// Who takes part in a talk beside the peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Party<'a> {
    pub(crate) options: &'a Options,
    pub(crate) stop: &'a Stop,
    pub(crate) output: &'a Output,
    /// The lines to be sent.
    pub(crate) lines: &'a Queue,
    /// The input of the command that gets the messages, if there is one.
    pub(crate) command: Option<&'a Queue>,
    /// The client's number, for a server.
    pub(crate) client: Option<u64>,
    /// What the peer is called.
    pub(crate) peer: &'a str,
    /// The Close frame that we end with.
    pub(crate) close: (CloseCode, &'a str),
    /// What becomes of the talk when all lines have been sent.
    pub(crate) after: After,
}

/// What comes after the last line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    /// The answers, and then the end.
    Answers,
    /// The end.
    End,
    /// Whatever else the peer has to say.
    Nothing,
}

/// An open connection, and what is to be known about it.
#[derive(Debug)]
pub(crate) struct Talk<'a, R: Side> {
    connection: Connection<R>,
    party: Party<'a>,
    /// The origin of all times.
    started: Instant,
    next_ping: Option<Duration>,
    /// Messages sent, and received.
    sent: u64,
    received: u64,
    /// When the last message was sent or received.
    last: Duration,
    input_ended: bool,
    /// Somebody has begun to close: nothing can be sent any more.
    closing: bool,
    /// Nobody wants to see any more.
    blind: bool,
    /// The reason in the peer's Close frame.
    reason: String,
    /// Why the program ends, if it is the one to end it.
    ending: Option<Ending>,
}

impl<'a, R: Side> Talk<'a, R> {
    /// `started` is the origin of the connection's times.
    pub(crate) fn new(connection: Connection<R>, party: Party<'a>, started: Instant) -> Self {
        let now = started.elapsed();
        Self {
            connection,
            party,
            started,
            next_ping: party.options.ping.map(|every| now + every),
            sent: 0,
            received: 0,
            last: now,
            input_ended: false,
            closing: false,
            blind: false,
            reason: String::new(),
            ending: None,
        }
    }

    /// Goes on until the connection has ended. Of the buffer, this part has arrived already.
    pub(crate) fn run(
        mut self,
        wire: &mut Wire,
        buffer: &mut [u8],
        arrived: std::ops::Range<usize>,
    ) -> Ending {
        let Party { stop, output, lines, command, .. } = self.party;
        stop.wakes(wire.waker());
        lines.wakes(wire.waker());
        output.queue().wakes(wire.waker());
        if let Some(command) = command {
            command.wakes(wire.waker());
        }
        for message in &self.party.options.messages {
            self.send(message.as_bytes());
        }
        self.send_lines();
        // Whether the peer's stream has ended, and whether the connection knows.
        let (mut arrived, mut eof, mut knows) = (arrived, false, false);
        let mut now = self.started.elapsed();
        loop {
            self.look_at_others();
            // 1. Poll until there is nothing left in the input, or nobody takes any more.
            let mut input = match eof && !knows && arrived.is_empty() && !self.is_full() {
                true => {
                    knows = true;
                    Input::eof()
                }
                false => Input::new(&mut buffer[arrived.clone()]),
            };
            while !self.is_full()
                && let Some(event) = self.connection.poll(&mut input, now)
            {
                self.show(event);
            }
            arrived.start = arrived.end - input.len();
            self.send_lines();
            self.ping(now);
            if self.is_finished(now) {
                self.close();
            }
            // 2. Write what waits, as far as the stream takes it.
            self.write(wire);
            // 3. Do what the connection wants.
            let (read, deadline) = match self.connection.want() {
                Want::Done(outcome) => return self.end(&outcome),
                Want::ShutdownWrite => {
                    wire.shutdown();
                    self.connection.shut();
                    continue;
                }
                Want::Io { read, deadline, .. } => (read && arrived.is_empty() && !eof, deadline),
            };
            match if read && !self.is_full() { wire.read(buffer) } else { Ok(None) } {
                Ok(Some(0)) | Err(_) => eof = true,
                Ok(Some(count)) => arrived = 0..count,
                Ok(None) => {
                    let time = self.patience(deadline);
                    if let Err(error) = wire.wait(time) {
                        return Ending::lost(&error);
                    }
                }
            }
            now = self.started.elapsed();
        }
    }

    /// Whether whoever takes the messages has enough of them for now.
    fn is_full(&self) -> bool {
        let to_command = self.party.command.is_some_and(Queue::is_full);
        // Who closes wants to see the end, and no more messages.
        !self.blind && !self.closing && (to_command || self.party.output.queue().is_full())
    }

    /// How long to wait when there is nothing to do.
    fn patience(&self, deadline: Option<Duration>) -> Option<Duration> {
        // The connection looks at the time only when it is polled.
        let deadline = deadline.filter(|_| !self.is_full());
        let finished = self.finishes().filter(|_| !self.closing && self.connection.queued() == 0);
        let next_ping = self.next_ping.filter(|_| !self.closing);
        let next = [deadline, next_ping, finished].into_iter().flatten().min()?;
        Some(next.saturating_sub(self.started.elapsed()))
    }

    /// Looks whether the program is to stop, and whether anybody reads what is printed.
    fn look_at_others(&mut self) {
        if self.party.output.queue().is_abandoned() && !self.blind {
            self.blind = true;
            if self.party.client.is_some() {
                self.party.stop.ask(Why::Done);
            }
            self.ending.get_or_insert_with(Ending::silent);
            self.close();
        }
        if self.party.lines.is_overrun() && !self.closing {
            self.note("it reads too slowly, and misses lines");
            self.close_with(CloseCode::TRY_AGAIN_LATER, "too slow");
        }
        if let Some(why) = self.party.stop.why()
            && !self.closing
        {
            if why == Why::TimeOver {
                self.ending = Some(Ending::time_is_over());
            }
            self.close();
        }
    }

    /// When it is finished though answers are missing, once all lines have been sent.
    fn finishes(&self) -> Option<Duration> {
        let options = self.party.options;
        match self.party.after {
            After::Answers if options.once => {
                Some(self.last + options.wait.unwrap_or(options.timeout))
            }
            After::Answers if self.input_ended => {
                Some(self.last + options.wait.unwrap_or(PATIENCE))
            }
            After::End if self.input_ended => Some(self.last),
            _ => None,
        }
    }

    /// Whether all lines have been sent, and what was awaited after them has come, or hasn't come in time.
    fn is_finished(&mut self, now: Duration) -> bool {
        let Some(finishes) = self.finishes() else { return false };
        if self.closing || self.connection.queued() > 0 {
            return false;
        }
        let options = self.party.options;
        match options.once {
            true if self.received > 0 => true,
            true if now < finishes => false,
            true => {
                if !options.wait.is_some_and(|wait| wait.is_zero()) {
                    let text = "no answer came in time; --wait SECONDS waits longer";
                    self.ending = Some(Ending::unanswered(text));
                }
                true
            }
            // Where a time was given, it counts.
            false => now >= finishes || (options.wait.is_none() && self.received >= self.sent),
        }
    }

    fn close(&mut self) {
        let (code, reason) = self.party.close;
        self.close_with(code, reason);
    }

    fn close_with(&mut self, code: CloseCode, reason: &str) {
        self.closing = true;
        // It may be closing already.
        let _ = self.connection.close(code, reason, self.started.elapsed());
    }

    fn show(&mut self, event: Event<'_>) {
        let client = self.party.client;
        match event {
            Event::Text(text) => self.show_message(&Seen::Text(&text), text.as_bytes()),
            Event::Binary(bytes) => self.show_message(&Seen::Binary(&bytes), &bytes),
            Event::Ping(payload) => self.party.output.see(&Seen::Ping(&payload), client),
            Event::Pong(pong) => {
                let round_trip = pong.round_trip;
                self.party.output.see(&Seen::Pong { payload: &pong.payload, round_trip }, client);
                if let (Some(time), Some(_)) = (round_trip, self.next_ping) {
                    self.note(&format!("pong after {:.1} ms", time.as_secs_f64() * 1e3));
                }
            }
            Event::Closing(closing) => {
                self.closing = true;
                self.reason = closing.reason.to_string();
            }
            Event::Failed(_) => self.closing = true,
            _ => {}
        }
    }

    fn show_message(&mut self, seen: &Seen<'_>, bytes: &[u8]) {
        let is_answered = self.party.options.once && self.received > 0;
        if self.blind || is_answered {
            return;
        }
        self.received += 1;
        self.last = self.started.elapsed();
        self.party.output.see(seen, self.party.client);
        if let Some(command) = self.party.command {
            let mut line = bytes.to_vec();
            line.push(b'\n');
            // A command that doesn't read may still write.
            command.push(line);
        }
    }

    fn send_lines(&mut self) {
        while !self.input_ended && !self.closing && !self.connection.is_congested() {
            match self.party.lines.next() {
                Next::Nothing => return,
                Next::Item(line) => self.send(&line),
                Next::End => {
                    self.input_ended = true;
                    self.last = self.started.elapsed();
                }
            }
        }
    }

    fn send(&mut self, line: &[u8]) {
        let sent = match (self.party.options.binary, std::str::from_utf8(line)) {
            (true, _) => self.connection.send_binary(line),
            (false, Ok(text)) => self.connection.send_text(text),
            (false, Err(_)) => {
                let what =
                    if self.party.command.is_some() { "of the command" } else { "of the input" };
                let text = format!("line {} {what} is not UTF-8; --binary sends it", self.sent + 1);
                self.ending = Some(Ending::unusable(text));
                return match self.party.client {
                    Some(_) => self.close_with(CloseCode::INTERNAL_ERROR, ""),
                    None => self.close(),
                };
            }
        };
        match sent {
            Ok(()) => {
                self.sent += 1;
                self.last = self.started.elapsed();
            }
            Err(error) => {
                // The connection is closing: how it ended will be said.
                self.note(&format!("a message was not sent: {error}"));
                self.closing = true;
            }
        }
    }

    fn ping(&mut self, now: Duration) {
        if let (Some(every), Some(due)) = (self.party.options.ping, self.next_ping)
            && now >= due
        {
            self.next_ping = Some(now + every);
            // A connection that closes can't be pinged, and need not be.
            let _ = self.connection.ping(b"ws", now);
        }
    }

    fn write(&mut self, wire: &mut Wire) {
        while !self.connection.output().is_empty() {
            match wire.write(self.connection.output()) {
                Ok(0) => break,
                Ok(count) => self.connection.wrote(count),
                // The peer may be gone; what it has sent before is still to be read.
                Err(_) => self.connection.wrote(usize::MAX),
            }
        }
        let _ = wire.flush();
    }

    fn note(&self, text: &str) {
        match self.party.client {
            Some(client) => self.party.output.note(&format!("client {client}: {text}")),
            None => self.party.output.note(text),
        }
    }

    fn end(self, outcome: &Outcome) -> Ending {
        let ending = match self.ending {
            Some(ending) => ending,
            None if self.party.options.once && self.received == 0 && !self.waits_for_nothing() => {
                let ended = Ending::of(outcome, &self.reason, self.party.peer);
                match ended.status {
                    0 => Ending::unanswered(&format!("there was no answer: {}", ended.text)),
                    _ => ended,
                }
            }
            None => Ending::of(outcome, &self.reason, self.party.peer),
        };
        let code = outcome.received.code().map(|code| code.get());
        let (reason, clean) = (self.reason.as_str(), outcome.clean());
        let seen = Seen::Closed { code, reason, clean, why: &ending.text };
        self.party.output.see(&seen, self.party.client);
        ending
    }

    /// Whether no answer is awaited.
    fn waits_for_nothing(&self) -> bool {
        self.party.options.wait.is_some_and(|wait| wait.is_zero())
    }
}
