//! What arrives: the answers to requests, and the messages of the WebSocket.

use alloc::string::String;
use core::time::Duration;

use bytes::Bytes;

use super::{Client, State, Transport};
use crate::engine::client::hello::Hello;
use crate::engine::client::output::{Event, Output, Reason, Request};
use crate::engine::output::Message;
use crate::engine::packet::Packet;
use crate::engine::payload::SEPARATOR;

/// What is left of a body.
#[derive(Debug)]
pub(super) struct Unread {
    body: String,
    /// Where the next packet begins.
    at: usize,
}

impl Client {
    /// A request was answered. An answer that has more bytes than [`Config::max_input`](crate::engine::client::Config::max_input) has
    /// [`failed`](Self::failed).
    pub fn answered(&mut self, request: Request, status: u16, body: Bytes, now: Duration) {
        self.timeout(now);
        let Transport::Polling { polls, posts } = &mut self.transport else { return };
        let waits = match request {
            Request::Poll => core::mem::take(polls),
            Request::Post => core::mem::take(posts),
        };
        if !waits || self.is_closed() {
            return;
        }
        match (request, status, self.state) {
            (_, 200, _) => {}
            // What is left is sent all the same.
            (Request::Poll, _, State::Closing { .. }) => return,
            (_, _, State::Opening { .. }) => return self.end(Reason::Refused(status)),
            _ => return self.end(Reason::TransportError),
        }
        match request {
            Request::Poll => self.polled(body, now),
            Request::Post if self.is_last_sent() => self.end(Reason::ForcedClose),
            Request::Post => {}
        }
        self.go_on();
    }

    /// A request has failed: no answer comes any more.
    pub fn failed(&mut self, request: Request, now: Duration) {
        self.timeout(now);
        let Transport::Polling { polls, posts } = &mut self.transport else { return };
        let waits = match request {
            Request::Poll => core::mem::take(polls),
            Request::Post => core::mem::take(posts),
        };
        match self.state {
            _ if !waits => {}
            // What is left is sent all the same.
            State::Closing { .. } if request == Request::Poll => {}
            State::Opening { .. } => self.end(Reason::Unreachable),
            _ => self.end(Reason::TransportError),
        }
    }

    fn polled(&mut self, body: Bytes, now: Duration) {
        match String::from_utf8(body.into()) {
            Ok(body) => self.read_body(Unread { body, at: 0 }, now),
            Err(_) => self.end(Reason::ParseError),
        }
    }

    /// Reads the packets of a body as long as there is room for them: a body of nothing but short ones would take many times its length.
    fn read_body(&mut self, unread: Unread, now: Duration) {
        let Unread { body, mut at } = unread;
        while let Some(rest) = body.get(at..)
            && !self.is_closed()
        {
            if self.is_full() {
                self.unread = Some(Unread { body, at });
                return;
            }
            let end = rest.find(SEPARATOR).unwrap_or(rest.len());
            at += end + SEPARATOR.len_utf8();
            match Packet::decode_polled(&rest[..end]) {
                Ok(packet) => self.packet(packet, now),
                Err(_) => self.end(Reason::ParseError),
            }
        }
    }

    /// The WebSocket has received a text message.
    pub fn text(&mut self, text: &str, now: Duration) {
        self.timeout(now);
        if self.probe.is_some() {
            self.probed(text);
        } else if self.is_websocket() && !self.is_closed() {
            match Packet::decode(text) {
                Ok(packet) => self.packet(packet, now),
                Err(_) => self.end(Reason::ParseError),
            }
        }
    }

    /// The WebSocket has received a binary message.
    pub fn binary(&mut self, bytes: Bytes, now: Duration) {
        self.timeout(now);
        if self.probe.is_some() {
            self.end_probe();
        } else if self.is_websocket() && !self.is_closed() {
            self.packet(Packet::Binary(bytes), now);
        }
    }

    /// The WebSocket is gone: it was closed, it has failed, or it couldn't be opened. With the status, if the server has refused to open
    /// it.
    pub fn websocket_lost(&mut self, refused: Option<u16>, now: Duration) {
        self.timeout(now);
        if self.probe.is_some() {
            self.end_probe();
        } else if self.is_websocket() {
            self.end(match (self.state, refused) {
                (State::Opening { .. }, Some(status)) => Reason::Refused(status),
                _ => Reason::TransportClose,
            });
        }
    }

    /// Whether the WebSocket is to be read on. If not, an [`Output::Read`] says when.
    pub fn wants_input(&mut self) -> bool {
        let full = self.is_full() && !self.is_closed();
        match &mut self.transport {
            Transport::WebSocket { unread, .. } => {
                *unread = full;
                !full
            }
            Transport::Polling { .. } => true,
        }
    }

    fn packet(&mut self, packet: Packet<'_>, now: Duration) {
        match (self.state, packet) {
            (State::Opening { .. }, Packet::Open(json)) => self.greeted(json, now),
            (State::Opening { .. }, _) | (State::Open, Packet::Open(_)) => {
                self.end(Reason::ParseError);
            }
            (_, Packet::Close) => self.end(Reason::TransportClose),
            (State::Open, Packet::Ping(text)) => {
                self.hears_of_server(now);
                // One answer is enough for all pings that came before it goes: a server that doesn't read can't make a queue of them.
                self.pong = Some(Packet::Pong(text).encode());
                self.flush();
            }
            (State::Open, Packet::Message(text)) => self.deliver(Message::Text(text.into())),
            (State::Open, Packet::Binary(bytes)) => self.deliver(Message::Binary(bytes)),
            // Nothing is said by the others; and what comes while we close is thrown away.
            _ => {}
        }
    }

    fn greeted(&mut self, json: &str, now: Duration) {
        let Some(hello) = Hello::read(json) else { return self.end(Reason::ParseError) };
        let changes = hello.upgrades && self.config.websocket && !self.is_websocket();
        self.hello = Some(hello);
        self.state = State::Open;
        self.hears_of_server(now);
        self.events.push_back(Event::Opened);
        if changes {
            self.begin_probe(now);
        }
    }

    fn deliver(&mut self, message: Message) {
        self.waiting.0 += 1;
        self.waiting.1 += message.len();
        self.events.push_back(Event::Message(message));
    }

    /// There is room for what the server sends: it has its time to say something.
    pub(super) fn read_on(&mut self, now: Duration) {
        if self.state != State::Open {
            return;
        }
        self.hears_of_server(now);
        if let Some(unread) = self.unread.take() {
            self.read_body(unread, now);
        }
        if let Transport::WebSocket { unread, .. } = &mut self.transport
            && core::mem::take(unread)
        {
            self.outputs.push_back(Output::Read);
        }
        self.go_on();
    }

    /// Makes the requests that are due, and the last step of the change to a WebSocket.
    pub(super) fn go_on(&mut self) {
        self.change();
        let (full, heard) = (self.is_full(), self.is_changing());
        if let Transport::Polling { polls, .. } = &mut self.transport
            && !*polls
            && !full
            && !heard
            && self.state == State::Open
        {
            *polls = true;
            let query = self.address("polling");
            self.outputs.push_back(Output::Get { query });
        }
        self.flush();
    }
}
