//! What arrives in a session: bodies and messages, until they are taken.

use alloc::string::String;
use core::time::Duration;

use bytes::Bytes;

use super::{Conversation, Inbound, Outputs, Post, State, Transport};
use crate::engine::config::Config;
use crate::engine::output::{Message, Output, Reason};
use crate::engine::packet::Packet;
use crate::engine::payload::{SEPARATOR, decode_payload};
use crate::engine::refusal::Refusal;
use crate::engine::request::{Answer, Begun, Body};
use crate::engine::table::{Channel, RequestId};

impl Conversation {
    /// A request with a body begins.
    pub(in crate::engine) fn begin_post(
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
    pub(in crate::engine) fn body(
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

    /// A WebSocket has received text.
    pub(in crate::engine) fn text(
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

    /// A WebSocket has received bytes.
    pub(in crate::engine) fn binary(
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

    /// Whether a WebSocket is to be read on.
    pub(in crate::engine) fn wants_input(&mut self, channel: Channel) -> bool {
        let wants = self.probes(channel) || self.inbox.is_empty();
        self.unread = !wants;
        wants
    }

    /// Whether a pong may wait where it isn't read.
    pub(super) fn is_unheard(&self) -> bool {
        self.held && !self.inbox.is_empty()
    }

    /// Nothing is taken from it while it is held.
    pub(in crate::engine) fn hold(&mut self, held: bool, config: &Config, now: Duration) {
        if self.held && !held {
            self.heartbeat.resume(config, now);
        }
        self.held = held;
    }

    /// Whether something can be taken, or it has ended and nothing is left to take.
    pub(in crate::engine) fn is_ready(&self) -> bool {
        match self.inbox.is_empty() {
            true => self.is_closed(),
            false => !self.held,
        }
    }

    /// The next message, and at last the end.
    pub(in crate::engine) fn take(
        &mut self,
        outputs: &mut Outputs,
    ) -> Option<Result<Message, Reason>> {
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

    pub(super) fn client_closes(&mut self, outputs: &mut Outputs) {
        self.inbox.clear();
        self.end(Reason::TransportClose, outputs);
    }

    /// The driver may read the WebSocket again, if it waits for that.
    pub(super) fn read_on(&mut self, outputs: &mut Outputs) {
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
