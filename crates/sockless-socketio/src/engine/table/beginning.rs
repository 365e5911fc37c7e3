//! What begins: requests and WebSockets, in a session that is there or in a new one.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::time::Duration;

use super::{Channel, Engine, RequestId, Session};
use crate::engine::packet::Packet;
use crate::engine::refusal::Refusal;
use crate::engine::request::{Answer, Begun, Body, Carrier, Head};
use crate::engine::session::Conversation;
use crate::entropy::{Entropy, draw_id};
use crate::json_string::json_string;

impl<E: Entropy> Engine<E> {
    /// A request that is for no WebSocket begins: its head is there.
    pub fn begin(&mut self, head: Head<'_>, now: Duration) -> Begun {
        self.timeout(now);
        self.route(head, now).unwrap_or_else(|refusal| Begun::Answer(refusal.answer()))
    }

    fn route(&mut self, head: Head<'_>, now: Duration) -> Result<Begun, Refusal> {
        let carrier = self.check(&head)?;
        let session = match (head.sid(), carrier) {
            (None, _) if head.method != "GET" => return Err(Refusal::Method),
            (_, Carrier::WebSocket) => return Err(Refusal::Request),
            (None, Carrier::Polling) => {
                let sid = self.draw()?;
                let conversation = Conversation::polling(sid, head.query, &self.config, now);
                self.open(conversation)
            }
            (Some(sid), Carrier::Polling) => match self.find(sid) {
                Err(_) if head.method == "GET" && self.takes_leave(sid) => {
                    return Ok(Begun::Answer(Answer::noop()));
                }
                found => found?,
            },
        };
        let Self { conversations, requests, config, outputs, .. } = self;
        let Some(conversation) = conversations.get_mut(session.0) else {
            return Err(Refusal::Session);
        };
        let id = RequestId(requests.insert(session));
        let begun = match head.method {
            _ if conversation.is_repeated(&head) => conversation.repeated(outputs),
            "GET" => conversation.begin_poll(id, outputs),
            "POST" => conversation.begin_post(id, head.is_octets(), config.max_payload, outputs),
            _ => Begun::Answer(Refusal::Request.answer()),
        };
        if matches!(begun, Begun::Answer(_)) {
            self.requests.remove(id.0);
        }
        self.settle(session);
        Ok(begun)
    }

    fn check(&self, head: &Head<'_>) -> Result<Carrier, Refusal> {
        let carrier = head.carrier()?;
        let offered = match carrier {
            Carrier::Polling => self.config.polling,
            Carrier::WebSocket => self.config.websocket,
        };
        if !offered {
            return Err(Refusal::Transport);
        }
        head.check_version()?;
        Ok(carrier)
    }

    /// Whether this is the poll that was on its way when its client has closed the session. There is one.
    fn takes_leave(&mut self, sid: &str) -> bool {
        let before = self.left.len();
        self.left.retain(|left| **left != *sid);
        self.left.len() < before
    }

    fn find(&self, sid: &str) -> Result<Session, Refusal> {
        self.sids.get(sid).copied().ok_or(Refusal::Session)
    }

    /// The id of a new session.
    fn draw(&mut self) -> Result<Arc<str>, Refusal> {
        if self.stopping || self.sids.len() >= self.config.sessions {
            return Err(Refusal::Unavailable);
        }
        Ok(draw_id(&mut self.entropy))
    }

    fn open(&mut self, mut conversation: Conversation) -> Session {
        let config = &self.config;
        let changes = config.websocket && !conversation.is_websocket();
        let hello = format!(
            "{{\"sid\":{},\"upgrades\":[{}],\"pingInterval\":{},\"pingTimeout\":{},\"maxPayload\":{}}}",
            json_string(&conversation.sid),
            if changes { "\"websocket\"" } else { "" },
            config.ping_interval.as_millis(),
            config.ping_timeout.as_millis(),
            config.max_payload,
        );
        conversation.push(Packet::Open(&hello).encode());
        let sid = conversation.sid.clone();
        let session = Session(self.conversations.insert(Box::new(conversation)));
        self.sids.insert(sid, session);
        self.opened.push_back(session);
        session
    }

    /// A request for a WebSocket begins. If it isn't refused, the WebSocket is to be opened; its messages may have as many bytes as
    /// [`Config::with_max_payload`](crate::engine::Config::with_max_payload) says. One that has no place in its session is closed by the first [`transmit`](Self::transmit).
    ///
    /// # Errors
    ///
    /// Why it is refused: [`Refusal::answer`] is the answer.
    pub fn begin_websocket(&mut self, head: Head<'_>, now: Duration) -> Result<Channel, Refusal> {
        self.timeout(now);
        if self.check(&head)? != Carrier::WebSocket {
            return Err(Refusal::Request);
        }
        if head.method != "GET" {
            return Err(Refusal::Method);
        }
        let (channel, session) = match head.sid() {
            None => {
                let sid = self.draw()?;
                // It belongs to a session in a moment.
                let channel = Channel(self.channels.insert(Session(0)));
                let config = &self.config;
                let conversation = Conversation::websocket(sid, head.query, channel, config, now);
                let session = self.open(conversation);
                if let Some(its) = self.channels.get_mut(channel.0) {
                    *its = session;
                }
                (channel, session)
            }
            Some(sid) => {
                let session = self.find(sid)?;
                let channel = Channel(self.channels.insert(session));
                let conversation = self.conversations.get_mut(session.0);
                let takes =
                    conversation.is_some_and(|its| its.begin_probe(channel, &self.config, now));
                if !takes {
                    self.channels.remove(channel.0);
                }
                (channel, session)
            }
        };
        self.settle(session);
        Ok(channel)
    }

    /// The body of a request has been read, or was too long.
    pub fn body(&mut self, request: RequestId, body: Body, now: Duration) -> Begun {
        self.timeout(now);
        let mut begun = Begun::Answer(Refusal::Session.answer());
        if let Some(session) = self.requests.remove(request.0) {
            self.with(session, |conversation, config, outputs| {
                begun = conversation.body(request, body, config, now, outputs);
            });
        }
        begun
    }

    /// The client of a request is gone: nothing waits for the answer.
    pub fn request_lost(&mut self, request: RequestId) {
        if let Some(session) = self.requests.remove(request.0) {
            self.with(session, |conversation, _, outputs| {
                conversation.request_lost(request, outputs);
            });
        }
    }
}
