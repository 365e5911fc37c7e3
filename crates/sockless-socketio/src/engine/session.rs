//! One session: its transport, what waits to be sent, and what has arrived and not been taken. Which sessions there are is in `table`.
//!
//! ```text
//!   Polling ── probe, then upgrade ──> WebSocket
//!
//!   Open ── the server closes ──> Closing ── all is sent, or the time is up ──> Closed
//!     └───────────── anything else that ends it ────────────────────────────────^
//! ```

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use bytes::Bytes;

use super::config::Config;
use super::heartbeat::{Beat, Heartbeat};
use super::output::{Message, Output, Reason, SendError, Transmit};
use super::packet::{Frame, Packet};
use super::payload::{SEPARATOR, decode_payload, encode_payload};
use super::refusal::Refusal;
use super::request::{Answer, Begun, Body};
use super::table::{Channel, RequestId};

/// One session with a client.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) sid: Arc<str>,
    pub(super) query: Box<str>,
    heartbeat: Heartbeat,
    transport: Transport,
    post: Option<Post>,
    probe: Option<Probe>,
    queue: VecDeque<Frame>,
    queued: usize,
    /// Whether the driver knows that the WebSocket has something to do.
    told: bool,
    /// Whether the driver waits to read the WebSocket.
    unread: bool,
    inbox: VecDeque<Inbound>,
    held: bool,
    state: State,
    /// The deadline that the table knows.
    filed: Option<Duration>,
}

#[derive(Debug)]
enum Transport {
    Polling { poll: Option<RequestId> },
    WebSocket(Channel),
}

/// A request with a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Post {
    /// The body is being read.
    Reading(RequestId),
    /// The messages in it are being taken; then it is answered.
    Delivering(RequestId),
}

/// A WebSocket that may become the transport.
#[derive(Debug)]
struct Probe {
    channel: Channel,
    until: Duration,
    /// Whether the client has probed it, and whether the answer waits to be sent.
    probed: bool,
    answers: bool,
}

/// What has arrived and not been taken.
#[derive(Debug)]
enum Inbound {
    Message(Message),
    /// A body whose packets have been checked; the next one begins at `at`.
    Payload {
        body: String,
        at: usize,
    },
    /// The client has closed the session.
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closing { by: Duration },
    Closed(Reason),
}

/// Where outputs go.
pub(super) type Outputs = VecDeque<Output>;

impl Conversation {
    pub(super) fn polling(sid: Arc<str>, query: &str, config: &Config, now: Duration) -> Self {
        Self::new(sid, query, Transport::Polling { poll: None }, config, now)
    }

    pub(super) fn websocket(
        sid: Arc<str>,
        query: &str,
        channel: Channel,
        config: &Config,
        now: Duration,
    ) -> Self {
        Self::new(sid, query, Transport::WebSocket(channel), config, now)
    }

    fn new(
        sid: Arc<str>,
        query: &str,
        transport: Transport,
        config: &Config,
        now: Duration,
    ) -> Self {
        Self {
            sid,
            query: query.into(),
            heartbeat: Heartbeat::new(config, now),
            transport,
            post: None,
            probe: None,
            queue: VecDeque::new(),
            queued: 0,
            told: false,
            unread: false,
            inbox: VecDeque::new(),
            held: false,
            state: State::Open,
            filed: None,
        }
    }

    pub(super) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_))
    }

    pub(super) fn is_websocket(&self) -> bool {
        matches!(self.transport, Transport::WebSocket(_))
    }

    /// Whether a message could be sent at once: its transport waits for one.
    pub(super) fn is_idle(&self) -> bool {
        self.state == State::Open
            && self.queue.is_empty()
            && !matches!(self.transport, Transport::Polling { poll: None })
    }

    /// The WebSockets that belong to it.
    pub(super) fn channels(&self) -> impl Iterator<Item = Channel> {
        let main = match self.transport {
            Transport::WebSocket(channel) => Some(channel),
            Transport::Polling { .. } => None,
        };
        main.into_iter().chain(self.probe.as_ref().map(|probe| probe.channel))
    }

    /// The deadline that the table knows, and the one that it has to know from now on.
    pub(super) fn file_deadline(&mut self) -> (Option<Duration>, Option<Duration>) {
        let deadline = self.deadline();
        (core::mem::replace(&mut self.filed, deadline), deadline)
    }

    fn deadline(&self) -> Option<Duration> {
        let probe = self.probe.as_ref().map(|probe| probe.until);
        let own = match self.state {
            State::Open => self.heartbeat.deadline(),
            State::Closing { by } => by,
            State::Closed(_) => return None,
        };
        Some(probe.map_or(own, |until| until.min(own)))
    }

    pub(super) fn expire(&mut self, config: &Config, now: Duration, outputs: &mut Outputs) {
        if self.probe.as_ref().is_some_and(|probe| now >= probe.until) {
            self.end_probe(outputs);
        }
        match self.state {
            State::Open => match self.heartbeat.beat(config, self.is_unheard(), now) {
                Beat::Nothing => {}
                Beat::Ping => {
                    self.push(Packet::Ping("").encode());
                    self.flush(outputs);
                }
                Beat::Dead => self.end(Reason::PingTimeout, outputs),
            },
            State::Closing { by } if now >= by => self.end(Reason::ForcedClose, outputs),
            _ => {}
        }
    }

    /// Whether a pong may wait where it isn't read.
    fn is_unheard(&self) -> bool {
        self.held && !self.inbox.is_empty()
    }

    /// A poll begins.
    pub(super) fn begin_poll(&mut self, id: RequestId, outputs: &mut Outputs) -> Begun {
        match &mut self.transport {
            Transport::WebSocket(_) => Begun::Answer(Refusal::Request.answer()),
            Transport::Polling { poll: Some(_) } => {
                self.end(Reason::TransportError, outputs);
                Begun::Answer(Refusal::Request.answer())
            }
            Transport::Polling { poll } => {
                *poll = Some(id);
                self.flush(outputs);
                Begun::Wait(id)
            }
        }
    }

    /// A request with a body begins.
    pub(super) fn begin_post(
        &mut self,
        id: RequestId,
        octets: bool,
        limit: usize,
        outputs: &mut Outputs,
    ) -> Begun {
        if self.is_websocket() {
            return Begun::Answer(Refusal::Request.answer());
        }
        if octets || self.post.is_some() {
            self.end(Reason::TransportError, outputs);
            return Begun::Answer(Refusal::Request.answer());
        }
        self.post = Some(Post::Reading(id));
        Begun::Body(id, limit)
    }

    /// A body has been read.
    pub(super) fn body(
        &mut self,
        id: RequestId,
        body: Body,
        config: &Config,
        now: Duration,
        outputs: &mut Outputs,
    ) -> Begun {
        if self.post != Some(Post::Reading(id)) || self.state != State::Open {
            return Begun::Answer(Refusal::Session.answer());
        }
        self.post = None;
        let body = match body {
            Body::Whole(body) if body.len() <= config.max_payload => body,
            _ => {
                // The client could go on after a gap.
                self.end(Reason::TransportError, outputs);
                return Begun::Answer(Refusal::TooLarge.answer());
            }
        };
        let Ok(mut body) = String::from_utf8(body.into()) else {
            self.end(Reason::ParseError, outputs);
            return Begun::Answer(Refusal::Request.answer());
        };
        let checked = self.check(&body, config, now);
        body.truncate(checked.good);
        if checked.delivers {
            self.inbox.push_back(Inbound::Payload { body, at: 0 });
        }
        match checked.wrong {
            Some(reason) => {
                self.end(reason, outputs);
                Begun::Answer(Refusal::Request.answer())
            }
            None if checked.delivers => {
                self.post = Some(Post::Delivering(id));
                Begun::Wait(id)
            }
            None => Begun::Answer(Answer::ok()),
        }
    }

    /// Looks at the packets of a body, up to the first that is wrong or closes. Pongs count at once.
    fn check(&mut self, body: &str, config: &Config, now: Duration) -> Checked {
        let mut checked = Checked { good: 0, delivers: false, wrong: None };
        let mut texts = body.split(SEPARATOR);
        for packet in decode_payload(body) {
            match packet {
                Ok(Packet::Message(_) | Packet::Binary(_)) => checked.delivers = true,
                Ok(Packet::Close) => {
                    checked.delivers = true;
                    checked.good = body.len();
                    break;
                }
                Ok(Packet::Pong(_)) => self.heartbeat.pong(config, now),
                Ok(Packet::Ping(_)) => checked.wrong = Some(Reason::TransportError),
                Ok(Packet::Open(_) | Packet::Upgrade | Packet::Noop) => {}
                Err(_) => checked.wrong = Some(Reason::ParseError),
            }
            if checked.wrong.is_some() {
                break;
            }
            let separator = usize::from(checked.good > 0) * SEPARATOR.len_utf8();
            checked.good += separator + texts.next().map_or(0, str::len);
        }
        checked
    }

    /// A request's client is gone.
    pub(super) fn request_lost(&mut self, id: RequestId, outputs: &mut Outputs) {
        let polls = matches!(self.transport, Transport::Polling { poll: Some(poll) } if poll == id);
        if polls {
            // Nobody is there to be told.
            self.transport = Transport::Polling { poll: None };
        }
        if polls || self.post == Some(Post::Reading(id)) {
            self.end(Reason::TransportError, outputs);
        }
    }

    /// A WebSocket for this session was opened: whether it may become its transport.
    pub(super) fn begin_probe(&mut self, channel: Channel, config: &Config, now: Duration) -> bool {
        if self.is_websocket() || self.probe.is_some() || self.is_closed() {
            return false;
        }
        let until = now.saturating_add(config.upgrade_timeout);
        self.probe = Some(Probe { channel, until, probed: false, answers: false });
        true
    }

    fn end_probe(&mut self, outputs: &mut Outputs) {
        if let Some(probe) = self.probe.take() {
            outputs.push_back(Output::Transmit(probe.channel));
        }
    }

    fn probes(&self, channel: Channel) -> bool {
        self.probe.as_ref().is_some_and(|probe| probe.channel == channel)
    }

    /// A WebSocket has received text.
    pub(super) fn text(
        &mut self,
        channel: Channel,
        text: &str,
        config: &Config,
        now: Duration,
        outputs: &mut Outputs,
    ) {
        if self.probes(channel) {
            return self.probe_text(text, outputs);
        }
        if self.is_closed() {
            return;
        }
        if text.len() > config.max_payload {
            return self.end(Reason::TransportError, outputs);
        }
        match Packet::decode(text) {
            Ok(Packet::Close) if self.state != State::Open => self.client_closes(outputs),
            // What comes after the server has closed is thrown away.
            _ if self.state != State::Open => {}
            Ok(Packet::Message(text)) => {
                self.inbox.push_back(Inbound::Message(Message::Text(text.into())));
            }
            Ok(Packet::Close) => self.inbox.push_back(Inbound::Close),
            Ok(Packet::Pong(_)) => self.heartbeat.pong(config, now),
            // Only servers ping.
            Ok(Packet::Ping(_)) => self.end(Reason::TransportError, outputs),
            Ok(_) => {}
            Err(_) => self.end(Reason::ParseError, outputs),
        }
    }

    fn probe_text(&mut self, text: &str, outputs: &mut Outputs) {
        let Some(probe) = &mut self.probe else { return };
        match Packet::decode(text) {
            Ok(Packet::Ping("probe")) if !probe.probed => {
                (probe.probed, probe.answers) = (true, true);
                outputs.push_back(Output::Transmit(probe.channel));
                // The poll that waits is ended: the client changes over once it has none.
                self.flush(outputs);
            }
            Ok(Packet::Upgrade) if probe.probed => {
                self.transport = Transport::WebSocket(probe.channel);
                self.told = probe.answers;
                if probe.answers {
                    self.queue.push_front(Packet::Pong("probe").encode());
                    self.queued += 6;
                }
                self.probe = None;
                self.flush(outputs);
            }
            _ => self.end_probe(outputs),
        }
    }

    /// A WebSocket has received bytes.
    pub(super) fn binary(
        &mut self,
        channel: Channel,
        bytes: Bytes,
        config: &Config,
        outputs: &mut Outputs,
    ) {
        if self.probes(channel) {
            self.end_probe(outputs);
        } else if bytes.len() > config.max_payload {
            self.end(Reason::TransportError, outputs);
        } else if self.state == State::Open {
            self.inbox.push_back(Inbound::Message(Message::Binary(bytes)));
        }
    }

    /// A WebSocket is gone.
    pub(super) fn channel_lost(&mut self, channel: Channel, outputs: &mut Outputs) {
        if self.probes(channel) {
            self.end_probe(outputs);
        } else {
            self.end(Reason::TransportClose, outputs);
        }
    }

    /// Whether a WebSocket is to be read on.
    pub(super) fn wants_input(&mut self, channel: Channel) -> bool {
        let wants = self.probes(channel) || self.inbox.is_empty();
        self.unread = !wants;
        wants
    }

    /// What a WebSocket has to do next.
    pub(super) fn transmit(&mut self, channel: Channel, outputs: &mut Outputs) -> Transmit {
        if self.probes(channel) {
            let answers =
                self.probe.as_mut().is_some_and(|probe| core::mem::take(&mut probe.answers));
            return match answers {
                true => Transmit::Frame(Packet::Pong("probe").encode()),
                false => Transmit::Wait,
            };
        }
        if let Some(frame) = self.queue.pop_front() {
            self.queued -= frame.len();
            return Transmit::Frame(frame);
        }
        self.told = false;
        match self.state {
            State::Open => Transmit::Wait,
            State::Closing { .. } => {
                self.end(Reason::ForcedClose, outputs);
                Transmit::Close
            }
            State::Closed(_) => Transmit::Close,
        }
    }

    /// Queues all of these frames, or none.
    pub(super) fn send(
        &mut self,
        frames: &[Frame],
        config: &Config,
        outputs: &mut Outputs,
    ) -> Result<(), SendError> {
        if self.state != State::Open {
            return Err(SendError::Closed);
        }
        let bytes: usize = frames.iter().map(Frame::len).sum();
        let fits = self.queue.len() + frames.len() <= config.queue_frames
            && self.queued.saturating_add(bytes) <= config.queue_bytes;
        if !fits {
            return Err(SendError::Full);
        }
        frames.iter().cloned().for_each(|frame| self.push(frame));
        self.flush(outputs);
        Ok(())
    }

    /// Queues a frame of the protocol, which has its place whatever waits.
    pub(super) fn push(&mut self, frame: Frame) {
        self.queued += frame.len();
        self.queue.push_back(frame);
    }

    /// Gives what waits to the transport, if it can take it.
    fn flush(&mut self, outputs: &mut Outputs) {
        let closes = matches!(self.state, State::Closing { .. });
        let probed = self.probe.as_ref().is_some_and(|probe| probe.probed);
        match &mut self.transport {
            Transport::Polling { poll } => {
                if self.queue.is_empty() && !closes && !probed {
                    return;
                }
                let Some(id) = poll.take() else { return };
                if closes {
                    self.queue.push_back(Packet::Close.encode());
                } else if self.queue.is_empty() {
                    self.queue.push_back(Packet::Noop.encode());
                }
                let body = encode_payload(&self.queue);
                (self.queue, self.queued) = (VecDeque::new(), 0);
                outputs.push_back(Output::Answer(id, Answer::packets(body)));
                if closes {
                    self.end(Reason::ForcedClose, outputs);
                }
            }
            Transport::WebSocket(channel) => {
                if !self.told && (closes || !self.queue.is_empty()) {
                    self.told = true;
                    outputs.push_back(Output::Transmit(*channel));
                }
            }
        }
    }

    /// The server closes it: what waits is sent before. What has arrived and not been taken is thrown away.
    pub(super) fn close(&mut self, config: &Config, now: Duration, outputs: &mut Outputs) {
        if self.state == State::Open {
            self.state = State::Closing { by: now.saturating_add(config.close_timeout) };
            self.inbox.clear();
            if let Some(Post::Delivering(id)) = self.post {
                self.post = None;
                outputs.push_back(Output::Answer(id, Refusal::Request.answer()));
            }
            self.flush(outputs);
        }
    }

    /// It has ended. What has arrived before can still be taken.
    fn end(&mut self, reason: Reason, outputs: &mut Outputs) {
        if self.is_closed() {
            return;
        }
        self.state = State::Closed(reason);
        (self.queue, self.queued) = (VecDeque::new(), 0);
        let by_client = reason == Reason::TransportClose;
        if let Transport::Polling { poll } = &mut self.transport
            && let Some(id) = poll.take()
        {
            let farewell = if by_client { Packet::Noop } else { Packet::Close };
            let body = encode_payload([&farewell.encode()]);
            outputs.push_back(Output::Answer(id, Answer::packets(body)));
        }
        if let Some(Post::Delivering(id)) = self.post.take() {
            let answer = if by_client { Answer::ok() } else { Refusal::Request.answer() };
            outputs.push_back(Output::Answer(id, answer));
        }
        outputs.extend(self.channels().map(Output::Transmit));
    }

    /// Nothing is taken from it while it is held.
    pub(super) fn hold(&mut self, held: bool, config: &Config, now: Duration) {
        if self.held && !held {
            self.heartbeat.resume(config, now);
        }
        self.held = held;
    }

    /// Whether something can be taken, or it has ended and nothing is left to take.
    pub(super) fn is_ready(&self) -> bool {
        match self.inbox.is_empty() {
            true => self.is_closed(),
            false => !self.held,
        }
    }

    /// The next message, and at last the end.
    pub(super) fn take(&mut self, outputs: &mut Outputs) -> Option<Result<Message, Reason>> {
        while let Some(inbound) = self.inbox.pop_front() {
            match inbound {
                Inbound::Message(message) => {
                    self.read_on(outputs);
                    return Some(Ok(message));
                }
                Inbound::Payload { body, mut at } => {
                    let next = next_message(&body, &mut at);
                    match next {
                        Some(Inbound::Message(message)) => {
                            self.inbox.push_front(Inbound::Payload { body, at });
                            return Some(Ok(message));
                        }
                        Some(_) => self.client_closes(outputs),
                        None => {}
                    }
                    if let Some(Post::Delivering(id)) = self.post.take() {
                        outputs.push_back(Output::Answer(id, Answer::ok()));
                    }
                }
                Inbound::Close => self.client_closes(outputs),
            }
        }
        self.read_on(outputs);
        match self.state {
            State::Closed(reason) => Some(Err(reason)),
            _ => None,
        }
    }

    fn client_closes(&mut self, outputs: &mut Outputs) {
        self.inbox.clear();
        self.end(Reason::TransportClose, outputs);
    }

    /// The driver may read the WebSocket again, if it waits for that.
    fn read_on(&mut self, outputs: &mut Outputs) {
        if let Transport::WebSocket(channel) = self.transport
            && self.inbox.is_empty()
            && core::mem::take(&mut self.unread)
        {
            outputs.push_back(Output::Read(channel));
        }
    }
}

/// What was seen in a body.
struct Checked {
    /// How many bytes of it are to be delivered.
    good: usize,
    /// Whether there is anything to deliver.
    delivers: bool,
    wrong: Option<Reason>,
}

/// The next message of a body that was checked, or that the client closes.
fn next_message(body: &str, at: &mut usize) -> Option<Inbound> {
    while let Some(rest) = body.get(*at..) {
        let text = rest.split(SEPARATOR).next().unwrap_or_default();
        *at += text.len() + SEPARATOR.len_utf8();
        match Packet::decode_polled(text) {
            Ok(Packet::Message(text)) => {
                return Some(Inbound::Message(Message::Text(text.into())));
            }
            Ok(Packet::Binary(bytes)) => return Some(Inbound::Message(Message::Binary(bytes))),
            Ok(Packet::Close) => return Some(Inbound::Close),
            _ => {}
        }
    }
    None
}
