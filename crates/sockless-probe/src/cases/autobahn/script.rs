//! A case of Autobahn's groups 1 to 7 and 10: frames to be sent, what has to come back, how the connection has to end; and the
//! judging of it by the suite's own rules.

use std::time::{Duration, Instant};

use crate::cases::expect::Ended;
use crate::exchange::{Event, Session};
use crate::stage::Stage;
use crate::verdict::{Behavior, Closing, Finding, Testee};
use crate::wire::frame::{FIN, Frame, PING, PONG};

/// The suite's own waits for the closing handshake.
const CLOSE_WAIT: Duration = Duration::from_secs(1);
/// Beyond what the suite waits, where it would wait forever.
const LAST: Duration = Duration::from_secs(10);

/// One thing that is done.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Frames, in writes of at most this many octets.
    Frames(Vec<Frame>, usize),
    /// The header of a frame whose payload follows in parts.
    Begin(Frame),
    /// So many further octets of its payload.
    Part(usize),
    /// The closing handshake is begun, with this body.
    Close(Vec<u8>),
    /// So long it is waited; whether that is something that is compared.
    Wait(Duration, Option<char>),
}

/// What can come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Pong(Vec<u8>),
    /// The wait of this name was over with the connection still open.
    Waited(char),
}

/// How the connection has to end.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// Whether the probe begins the closing handshake.
    pub(crate) by_probe: bool,
    pub(crate) codes: Vec<u16>,
    pub(crate) clean: bool,
    /// Whether an end by the wrong endpoint is a wrong behavior too.
    pub(crate) wrong_end_is_fatal: bool,
}

/// What happens if the case doesn't end by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    /// The connection is failed.
    Kill(Duration),
    /// It is closed.
    Close(Duration),
}

/// A script.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
    pub(crate) ok: Vec<Seen>,
    pub(crate) non_strict: Option<Vec<Seen>>,
    pub(crate) expected: Expected,
    /// Whether the probe doesn't close by itself once all has come back.
    pub(crate) no_close: bool,
    /// Whether a wrong close code is a wrong behavior too.
    pub(crate) code_matters: bool,
    pub(crate) informational: bool,
    pub(crate) after: After,
}

impl Script {
    /// One that ends with the probe's closing handshake.
    pub(crate) fn closed(steps: Vec<Step>, ok: Vec<Seen>) -> Self {
        let expected =
            Expected { by_probe: true, codes: vec![1000], clean: true, wrong_end_is_fatal: false };
        Self {
            steps,
            ok,
            non_strict: None,
            expected,
            no_close: false,
            code_matters: false,
            informational: false,
            after: After::Close(Duration::from_secs(1)),
        }
    }

    /// One that the testee fails with this code.
    pub(crate) fn failed(steps: Vec<Step>, ok: Vec<Seen>, code: u16) -> Self {
        let mut script = Self::closed(steps, ok);
        script.expected.by_probe = false;
        script.expected.codes = vec![code];
        script.expected.clean = false;
        script.after = After::Kill(Duration::from_secs(1));
        script
    }
}

/// What the suite remembers of a connection.
struct Course<'a> {
    session: Session,
    script: &'a Script,
    received: Vec<Seen>,
    by_probe: bool,
    failed_by_probe: bool,
    dropped_by_probe: bool,
    clean: bool,
    over: bool,
    /// When the closing handshake has to be over.
    close_by: Option<Instant>,
    /// When the suite fails a connection that is still there.
    kill_at: Option<Instant>,
    /// What is still to be sent of a frame.
    held: Vec<u8>,
}

/// Runs a script.
pub(crate) fn run(stage: &mut Stage<'_>, script: &Script) -> Finding {
    let session = match stage.open() {
        Ok(session) => session,
        Err(mut finding) => {
            finding.closing = Closing::Failed;
            return finding;
        }
    };
    let mut course = Course {
        session,
        script,
        received: Vec::new(),
        by_probe: false,
        failed_by_probe: false,
        dropped_by_probe: false,
        clean: false,
        over: false,
        close_by: None,
        kill_at: match script.after {
            After::Kill(wait) => Some(Instant::now() + wait),
            After::Close(_) => None,
        },
        held: Vec::new(),
    };
    for step in &script.steps {
        course.step(step);
    }
    let (wait, kill) = match script.after {
        After::Kill(wait) => (wait, true),
        After::Close(wait) => (wait, false),
    };
    // The suite's own time, or as much as the user gives to a testee.
    course.watch(wait.max(stage.setting.patience), true);
    if !course.over && kill {
        course.fail(1001);
    } else if !course.over {
        course.close(&1000_u16.to_be_bytes());
    }
    course.watch(LAST, false);
    if !course.over {
        course.drop_stream();
    }
    course.judge()
}

impl Course<'_> {
    fn is_open(&self) -> bool {
        !self.over && !self.session.close_sent
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Frames(frames, chop) => self.session.send_chopped(frames, *chop),
            Step::Begin(frame) => {
                self.held = self.session.encoded(frame);
                let payload = self.held.split_off(self.held.len() - frame.payload.len());
                let header = std::mem::replace(&mut self.held, payload);
                self.session.send_raw(&header);
            }
            Step::Part(count) => {
                let rest = self.held.split_off((*count).min(self.held.len()));
                let part = std::mem::replace(&mut self.held, rest);
                if !self.over {
                    self.session.send_raw(&part);
                }
            }
            Step::Close(body) => self.close(body),
            Step::Wait(wait, name) => {
                self.watch(*wait, false);
                if let (Some(name), true) = (name, self.is_open()) {
                    self.received.push(Seen::Waited(*name));
                }
            }
        }
    }

    /// Begins the closing handshake, if it has not begun.
    fn close(&mut self, body: &[u8]) {
        if self.is_open() {
            self.session.send(&Frame::new(FIN | 0x8, body));
            self.session.close_sent = true;
            self.by_probe = true;
            self.close_by = Some(Instant::now() + CLOSE_WAIT);
        }
    }

    /// Fails the connection.
    fn fail(&mut self, code: u16) {
        self.failed_by_probe = true;
        if self.session.close_sent {
            self.drop_stream();
        } else {
            self.session.note(format!("the probe fails the connection with {code}"));
            self.close(&code.to_be_bytes());
        }
    }

    fn drop_stream(&mut self) {
        if !self.over {
            self.session.note("the probe drops the stream");
            self.over = true;
            self.dropped_by_probe = true;
        }
    }

    /// Takes what comes, until the time is over or the connection. With `finishing` the probe closes once everything has come.
    fn watch(&mut self, wait: Duration, finishing: bool) {
        let until = Instant::now() + wait;
        while !self.over {
            let next = self.close_by.map_or(until, |by| by.min(until));
            if let Some(event) = self.session.next(next) {
                self.event(event);
                if finishing && !self.over {
                    self.finish_when_done();
                }
                continue;
            }
            if self.close_by.is_some_and(|by| Instant::now() >= by) {
                self.close_by = None;
                // The testee has not answered the Close frame, or a server has not closed the stream. The suite calls the latter
                // unclean only where it doesn't fail the connection before.
                let killed = self.clean && self.kill_at.is_some();
                self.clean &= killed;
                self.drop_stream();
            } else if Instant::now() >= next {
                return;
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Text(bytes) => self.received.push(Seen::Text(bytes)),
            Event::Binary(bytes) => self.received.push(Seen::Binary(bytes)),
            Event::Pong(bytes) => self.received.push(Seen::Pong(bytes)),
            Event::Ping(_) => {}
            Event::Close(..) => {
                self.clean = true;
                let server = self.session.testee() == Testee::Server;
                if self.session.close_sent {
                    // A server closes the stream; for a client the probe does.
                    let by = self.kill_at.unwrap_or_else(|| Instant::now() + CLOSE_WAIT);
                    self.close_by = server.then(|| by.max(Instant::now() + CLOSE_WAIT / 2));
                } else {
                    self.session.send_close(1000);
                    self.session.flush(Instant::now() + CLOSE_WAIT);
                }
                if !server {
                    self.drop_stream();
                }
            }
            Event::Broke(_) => self.fail(1002),
            Event::End(_) => self.over = true,
        }
    }

    /// Closes once everything has come back.
    fn finish_when_done(&mut self) {
        let script = self.script;
        let done = self.received == script.ok
            && script.non_strict.as_ref().is_none_or(|other| *other == self.received);
        if done && script.expected.by_probe && !script.no_close {
            self.close(&script.expected.codes[0].to_be_bytes());
        }
    }

    fn judge(self) -> Finding {
        let script = self.script;
        let (mut behavior, mut reason) = if self.received == script.ok {
            (Behavior::Ok, "What came back is what has to come back.".to_owned())
        } else if script.non_strict.as_ref() == Some(&self.received) {
            (Behavior::NonStrict, "What came back is allowed, but not the best.".to_owned())
        } else {
            (Behavior::Failed, self.difference())
        };
        let ended = self.ended();
        if script.expected.wrong_end_is_fatal && script.expected.by_probe != self.by_probe {
            behavior = Behavior::Failed;
            reason = "The testee did not fail the connection.".to_owned();
        }
        if script.code_matters && ended.closing == Closing::WrongCode {
            behavior = Behavior::Failed;
            reason.clone_from(&ended.reason);
        }
        let mut finding = ended.onto(Finding::new(behavior, reason), &self.session);
        if script.informational {
            finding.behavior = Behavior::Informational;
            finding.closing = Closing::Informational;
        }
        finding
    }

    fn ended(&self) -> Ended {
        let expected = &self.script.expected;
        let server = self.session.testee() == Testee::Server;
        match self.session.close_received.flatten() {
            _ if expected.by_probe != self.by_probe => {
                Ended::new(Closing::Failed, "The wrong endpoint failed the connection.")
            }
            _ if expected.clean && !self.clean => {
                Ended::new(Closing::Unclean, "The connection did not end by both Close frames.")
            }
            Some(code) if !expected.codes.contains(&code) => Ended::new(
                Closing::WrongCode,
                format!("The close code is {code} in place of {:?} or none.", expected.codes),
            ),
            _ if server && self.dropped_by_probe => Ended::new(
                Closing::FailedByClient,
                "The server left it to its client to close the stream.",
            ),
            _ => Ended::new(Closing::Ok, "The connection was closed as it has to be."),
        }
    }

    fn difference(&self) -> String {
        let show = |seen: &[Seen]| -> String {
            let all: Vec<String> = seen.iter().take(4).map(Seen::describe).collect();
            let more = if seen.len() > 4 { ", ..." } else { "" };
            if all.is_empty() { "nothing".to_owned() } else { all.join(", ") + more }
        };
        format!("It has to send {}; it sent {}.", show(&self.script.ok), show(&self.received))
    }
}

impl Seen {
    fn describe(&self) -> String {
        use crate::wire::frame::excerpt;
        match self {
            Self::Text(bytes) => format!("text {}", excerpt(bytes)),
            Self::Binary(bytes) => format!("binary {}", excerpt(bytes)),
            Self::Pong(bytes) => format!("a Pong {}", excerpt(bytes)),
            Self::Waited(name) => format!("nothing in wait {name}"),
        }
    }
}

/// Frames in one write.
pub(crate) fn frames(frames: Vec<Frame>) -> Step {
    Step::Frames(frames, usize::MAX)
}

/// A ping with this payload, and its pong.
pub(crate) fn ping(payload: &[u8]) -> (Frame, Seen) {
    (Frame::new(FIN | PING, payload), Seen::Pong(payload.to_vec()))
}

/// A pong.
pub(crate) fn pong(payload: &[u8]) -> Frame {
    Frame::new(FIN | PONG, payload)
}
