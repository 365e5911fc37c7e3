//! One session: what it is made of, and how it ends. Which sessions there are is in `table`.
//!
//! What arrives is in `receiving`, what is sent in `sending`, the change of the transport in `probing`.
//!
//! ```text
//!   Polling ── probe, then upgrade ──> WebSocket
//!
//!   Open ── the server closes ──> Closing ── all is sent, or the time is up ──> Closed
//!     └───────────── anything else that ends it ────────────────────────────────^
//! ```

mod probing;
mod receiving;
mod sending;

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use crate::engine::config::Config;
use crate::engine::heartbeat::{Beat, Heartbeat};
use crate::engine::output::{Message, Output, Reason};
use crate::engine::packet::{Frame, Packet};
use crate::engine::query::query_value;
use crate::engine::refusal::Refusal;
use crate::engine::request::{Answer, Begun, Head};
use crate::engine::table::{Channel, RequestId};

/// One session with a client.
#[derive(Debug)]
pub(in crate::engine) struct Conversation {
    pub(in crate::engine) sid: Arc<str>,
    pub(in crate::engine) query: Box<str>,
    heartbeat: Heartbeat,
    transport: Transport,
    post: Option<Post>,
    /// The stamp of the request that has opened it.
    first_stamp: Option<Box<str>>,
    /// The stamps of the last polls, and of the last requests with a body.
    stamps: [VecDeque<Box<str>>; 2],
    probe: Option<Probe>,
    queue: VecDeque<Frame>,
    queued: usize,
    /// Whether the driver knows that the WebSocket has something to do.
    told: bool,
    /// Whether the driver waits to read the WebSocket.
    unread: bool,
    inbox: VecDeque<Inbound>,
    held: bool,
    /// Whether its client has closed it while no poll waited: one may be on its way.
    polls_late: bool,
    state: State,
    /// The deadline that the table knows.
    filed: Option<Duration>,
    /// Whether the table knows that something may be taken.
    pub(in crate::engine) listed: bool,
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

/// How many requests back one is known again, and the longest stamp that is looked at.
const STAMPS: usize = 8;
const LONGEST_STAMP: usize = 32;

/// Where outputs go.
pub(in crate::engine) type Outputs = VecDeque<Output>;
impl Conversation {
    pub(in crate::engine) fn polling(
        sid: Arc<str>,
        query: &str,
        config: &Config,
        now: Duration,
    ) -> Self {
        Self::new(sid, query, Transport::Polling { poll: None }, config, now)
    }

    pub(in crate::engine) fn websocket(
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
            first_stamp: query_value(query, "t").map(Into::into),
            stamps: Default::default(),
            probe: None,
            queue: VecDeque::new(),
            queued: 0,
            told: false,
            unread: false,
            inbox: VecDeque::new(),
            held: false,
            polls_late: false,
            state: State::Open,
            filed: None,
            listed: false,
        }
    }

    pub(in crate::engine) fn is_closed(&self) -> bool {
        matches!(self.state, State::Closed(_))
    }

    pub(in crate::engine) fn is_websocket(&self) -> bool {
        matches!(self.transport, Transport::WebSocket(_))
    }

    /// Whether a poll may still come that its client has sent before it closed the session.
    pub(in crate::engine) fn polls_late(&self) -> bool {
        self.polls_late
    }

    /// The WebSockets that belong to it.
    pub(in crate::engine) fn channels(&self) -> impl Iterator<Item = Channel> {
        let main = match self.transport {
            Transport::WebSocket(channel) => Some(channel),
            Transport::Polling { .. } => None,
        };
        main.into_iter().chain(self.probe.as_ref().map(|probe| probe.channel))
    }

    /// The deadline that the table knows, and the one that it has to know from now on.
    pub(in crate::engine) fn file_deadline(&mut self) -> (Option<Duration>, Option<Duration>) {
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

    pub(in crate::engine) fn expire(
        &mut self,
        config: &Config,
        now: Duration,
        outputs: &mut Outputs,
    ) {
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

    /// Whether this is one of the last requests again, sent twice by something on the way. What one of them is answered with may be lost then.
    /// The stamp of a client that always has the same says nothing.
    pub(in crate::engine) fn is_repeated(&mut self, head: &Head<'_>) -> bool {
        let stamp = head.stamp().filter(|stamp| stamp.len() <= LONGEST_STAMP);
        let Some(stamp) = stamp.filter(|stamp| self.first_stamp.as_deref() != Some(*stamp)) else {
            return false;
        };
        let last = &mut self.stamps[usize::from(head.method != "GET")];
        let repeated = last.iter().any(|its| **its == *stamp);
        if last.len() >= STAMPS {
            last.pop_front();
        }
        last.push_back(stamp.into());
        repeated
    }

    /// A request has come twice.
    pub(in crate::engine) fn repeated(&mut self, outputs: &mut Outputs) -> Begun {
        self.end(Reason::TransportError, outputs);
        Begun::Answer(Refusal::Request.answer())
    }

    /// A request's client is gone.
    pub(in crate::engine) fn request_lost(&mut self, id: RequestId, outputs: &mut Outputs) {
        let polls = matches!(self.transport, Transport::Polling { poll: Some(poll) } if poll == id);
        if polls {
            // Nobody is there to be told.
            self.transport = Transport::Polling { poll: None };
        }
        if polls || self.post == Some(Post::Reading(id)) {
            self.end(Reason::TransportError, outputs);
        }
    }

    /// A WebSocket is gone.
    pub(in crate::engine) fn channel_lost(&mut self, channel: Channel, outputs: &mut Outputs) {
        if self.probes(channel) {
            self.end_probe(outputs);
        } else {
            self.end(Reason::TransportClose, outputs);
        }
    }

    /// The server closes it: what waits is sent before. What has arrived and not been taken is thrown away.
    pub(in crate::engine) fn close(
        &mut self,
        config: &Config,
        now: Duration,
        outputs: &mut Outputs,
    ) {
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
        if let Transport::Polling { poll } = &mut self.transport {
            self.polls_late = by_client && poll.is_none();
            if let Some(id) = poll.take() {
                let farewell = if by_client { Answer::noop() } else { Answer::close() };
                outputs.push_back(Output::Answer(id, farewell));
            }
        }
        if let Some(Post::Delivering(id)) = self.post.take() {
            let answer = if by_client { Answer::ok() } else { Refusal::Request.answer() };
            outputs.push_back(Output::Answer(id, answer));
        }
        outputs.extend(self.channels().map(Output::Transmit));
    }
}
