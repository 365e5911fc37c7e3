//! Random cases: whatever the order of transports and however messages are put together, the same arrives; what is written is read the
//! same; nothing that a client sends makes a machine panic or keep a session for ever.

use proptest::collection::vec;
use proptest::prelude::*;
use sockless_socketio::engine::{
    Body, Channel, Event, Frame, Message, Packet as EnginePacket, encode_payload,
};
use sockless_socketio::socket::{Config, Decoder, Namespace, Packet, Payload};

use crate::peer::{Driven, POLLING, Served, WEBSOCKET, sid_of};

/// What a client and a server do.
#[derive(Clone, Debug)]
enum Step {
    ClientSays(bool),
    /// What the client has said since goes with one request.
    Post,
    ServerSays(bool),
    Poll,
    Websocket,
    Probe,
    Upgrade,
    /// The WebSocket is read and written.
    Exchange,
    Hold(bool),
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => any::<bool>().prop_map(Step::ClientSays),
        3 => Just(Step::Post),
        4 => any::<bool>().prop_map(Step::ServerSays),
        3 => Just(Step::Poll),
        1 => Just(Step::Websocket),
        1 => Just(Step::Probe),
        1 => Just(Step::Upgrade),
        3 => Just(Step::Exchange),
        1 => any::<bool>().prop_map(Step::Hold),
        1 => (0_u64..100).prop_map(Step::Wait),
    ];
    vec(step, 0..60)
}

/// A client that keeps the rules, and what it has said and heard.
struct Client {
    driven: Driven,
    sid: String,
    session: sockless_socketio::engine::Session,
    said: usize,
    unsent: Vec<Frame>,
    heard: Vec<String>,
    replied: usize,
    poll: Option<sockless_socketio::engine::Begun>,
    post: Option<sockless_socketio::engine::Begun>,
    channel: Option<Channel>,
    probed: bool,
    upgraded: bool,
}

fn said(number: usize, binary: bool) -> Frame {
    match binary {
        true => Frame::Binary(number.to_string().into()),
        false => Frame::message(&format!("t{number}")),
    }
}

impl Client {
    fn new() -> Self {
        let mut driven = Driven::with(sockless_socketio::engine::Config::default());
        let (sid, session) = driven.open();
        Self {
            driven,
            sid,
            session,
            said: 0,
            unsent: Vec::new(),
            heard: Vec::new(),
            replied: 0,
            poll: None,
            post: None,
            channel: None,
            probed: false,
            upgraded: false,
        }
    }

    fn hears(&mut self, text: &str) {
        match text.split_at(1) {
            ("4", rest) => self.heard.push(rest.to_owned()),
            ("b", _) => match EnginePacket::decode_polled(text) {
                Ok(EnginePacket::Binary(bytes)) => self.heard.push(format!("{bytes:?}")),
                other => panic!("{other:?}"),
            },
            ("6", "") => {}
            other => panic!("{other:?}"),
        }
    }

    /// Looks whether its requests have been answered.
    fn look(&mut self) {
        if let Some(poll) = &self.poll
            && let Some((status, body)) = self.driven.answer(poll)
        {
            assert_eq!(status, 200);
            self.poll = None;
            body.split('\x1e').for_each(|packet| self.hears(packet));
        }
        if let Some(post) = &self.post
            && let Some(answer) = self.driven.answer(post)
        {
            assert_eq!(answer, (200, "ok".into()));
            self.post = None;
        }
    }

    fn step(&mut self, step: &Step) {
        self.look();
        match step {
            Step::ClientSays(binary) => {
                self.unsent.push(said(self.said, *binary));
                self.said += 1;
            }
            Step::Post if !self.upgraded && self.post.is_none() && !self.unsent.is_empty() => {
                let body = encode_payload(&std::mem::take(&mut self.unsent));
                let request = self.driven.post_begun(&self.sid);
                let now = self.driven.now;
                let begun = self.driven.engine.body(request, Body::Whole(body.into()), now);
                self.driven.settle();
                self.post = Some(begun);
            }
            Step::ServerSays(binary) => {
                let frame = said(self.replied, *binary);
                self.replied += 1;
                self.driven.engine.send(self.session, &[frame]).expect("sent");
                self.driven.settle();
            }
            Step::Poll if !self.upgraded && self.poll.is_none() => {
                let begun = self.driven.poll_begun(&self.sid);
                self.poll = Some(begun);
            }
            Step::Websocket if self.channel.is_none() => {
                let query = format!("{WEBSOCKET}&sid={}", self.sid);
                self.channel = Some(self.driven.websocket(&query));
            }
            Step::Probe if !self.probed => {
                if let Some(channel) = self.channel {
                    self.driven.text(channel, "2probe");
                    self.probed = true;
                    self.look();
                }
            }
            // It has no request any more.
            Step::Upgrade if self.probed && !self.upgraded => {
                if let (None, None, Some(channel)) = (&self.poll, &self.post, self.channel) {
                    self.driven.text(channel, "5");
                    self.upgraded = true;
                }
            }
            Step::Exchange => {
                if let (true, Some(channel)) = (self.upgraded, self.channel) {
                    self.exchange(channel);
                }
            }
            Step::Hold(held) => {
                self.driven.engine.hold(self.session, *held, self.driven.now);
                self.driven.settle();
            }
            Step::Wait(time) => self.driven.wait(*time),
            _ => {}
        }
    }

    fn exchange(&mut self, channel: Channel) {
        for frame in std::mem::take(&mut self.unsent) {
            match frame {
                Frame::Text(text) => self.driven.text(channel, &text),
                Frame::Binary(bytes) => {
                    self.driven.engine.binary(channel, bytes, self.driven.now);
                    self.driven.settle();
                }
            }
        }
        for text in self.driven.sent(channel) {
            match text.strip_prefix("bytes ") {
                Some(bytes) => self.heard.push(bytes.to_owned()),
                None if text == "3probe" => {}
                None => self.hears(&text),
            }
        }
    }

    /// Everything that is on its way arrives.
    fn finish(&mut self) {
        self.step(&Step::Hold(false));
        for step in [Step::Post, Step::Poll, Step::Exchange, Step::Poll] {
            self.step(&step);
        }
        self.look();
        self.step(&Step::Post);
        self.look();
    }
}

fn number_of(text: &str) -> usize {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

fn payloads() -> impl Strategy<Value = Payload> {
    let argument = prop_oneof![
        any::<i32>().prop_map(|number| serde_json::json!(number)),
        ".{0,8}".prop_map(|text| serde_json::json!(text)),
        vec(".{0,3}", 0..3).prop_map(|texts| serde_json::json!({ "a": texts, "b": null })),
    ];
    let argument = prop_oneof![argument.prop_map(Ok), vec(any::<u8>(), 0..10).prop_map(Err)];
    vec(argument, 0..6).prop_map(|arguments| {
        let mut payload = Payload::new();
        for argument in arguments {
            match argument {
                Ok(value) => payload.push(&value).expect("JSON"),
                Err(bytes) => payload.push_binary(bytes),
            }
        }
        payload
    })
}

fn packets() -> impl Strategy<Value = Packet> {
    let namespace = prop_oneof![Just("/".to_owned()), "/[a-z0-9?=&]{1,8}"]
        .prop_map(|name| Namespace::new(&name).expect("a name"));
    let id = proptest::option::of(0_u64..1 << 53);
    (namespace, id, "[^\u{0}]{0,8}", payloads(), 0..5_u8).prop_map(
        |(namespace, id, name, payload, kind)| match kind {
            0 => Packet::Event { namespace, id, name: format!("e{name}"), payload },
            1 => Packet::Ack { namespace, id: id.unwrap_or(0), payload },
            2 => Packet::Connect { namespace, data: id.map(|id| format!("{{\"a\":{id}}}")) },
            3 => {
                Packet::ConnectError { namespace, data: Some(serde_json::json!(name).to_string()) }
            }
            _ => Packet::Disconnect { namespace },
        },
    )
}

proptest! {
    #[test]
    fn nothing_is_lost_or_doubled_or_disordered_by_any_transport(steps in steps()) {
        let mut client = Client::new();
        for step in &steps {
            client.step(step);
        }
        client.finish();
        let sent: Vec<_> = client.driven.messages().iter().map(|text| number_of(text)).collect();
        prop_assert_eq!(sent, (0..client.said).collect::<Vec<_>>());
        let heard: Vec<_> = client.heard.iter().map(|text| number_of(text)).collect();
        prop_assert_eq!(heard, (0..client.replied).collect::<Vec<_>>());
        prop_assert_eq!(client.driven.ended(), None);
    }

    #[test]
    fn a_packet_is_read_as_it_was_written(packet in packets()) {
        let (mut decoder, config) = (Decoder::default(), Config::default());
        let frames = packet.encode();
        let (last, before) = frames.split_last().expect("at least one");
        let mut read = |frame: &Frame| match frame {
            Frame::Text(text) => decoder.text(&text[1..], &config),
            Frame::Binary(bytes) => decoder.binary(bytes.clone(), &config),
        };
        for frame in before {
            prop_assert_eq!(read(frame), Ok(None));
        }
        prop_assert_eq!(read(last), Ok(Some(packet)));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[0-9]{0,3}-?(/[a-z]{0,3},?)?[0-9]{0,3}.{0,20}") {
        let (mut decoder, config) = (Decoder::default(), Config::default());
        let first = decoder.text(&text, &config);
        let second = decoder.binary(vec![1].into(), &config);
        // What was whole awaits nothing.
        if !matches!(first, Ok(None)) {
            prop_assert!(second.is_err());
        }
        // What is read once is read the same again.
        if let Ok(Some(packet)) = first {
            let frames = packet.encode();
            let Frame::Text(text) = &frames[0] else { panic!() };
            prop_assert_eq!(Decoder::default().text(&text[1..], &config), Ok(Some(packet)));
        }
    }

    #[test]
    fn nothing_a_client_sends_keeps_a_session_for_ever(
        sent in vec(prop_oneof!["[0-7][a-z\u{1e}]{0,5}", "4[0-6].{0,12}", ".{0,12}"], 0..12),
        by_polling in any::<bool>(),
    ) {
        let mut driven = Driven::new();
        if by_polling {
            let (status, hello) = driven.get(POLLING).expect("an answer");
            prop_assert_eq!(status, 200);
            let query = format!("{POLLING}&sid={}", sid_of(&hello));
            for text in &sent {
                if let sockless_socketio::engine::Begun::Body(request, _) = driven.begin("POST", &query) {
                    prop_assert!(driven.body(request, text).is_some());
                }
            }
        } else {
            let (channel, _) = driven.open_websocket();
            for text in &sent {
                driven.text(channel, text);
                driven.sent(channel);
            }
            driven.engine.channel_lost(channel);
            driven.settle();
        }
        driven.wait(300);
        driven.wait(200);
        prop_assert_eq!(driven.engine.sessions(), 0);
        prop_assert_eq!(driven.engine.deadline(), None);
        let closed = driven.events.iter().filter(|event| matches!(event, Event::Closed(..))).count();
        prop_assert_eq!(closed, 1);
    }

    #[test]
    fn a_server_survives_any_messages(sent in vec(prop_oneof!["4[0-6].{0,12}", "40(/custom,)?", "42\\[\"a\"\\]"], 0..12)) {
        let mut served = Served::new();
        for text in &sent {
            for event in served.text(text) {
                if let sockless_socketio::socket::Event::Connect { socket, .. } = event {
                    served.server.accept(socket, served.now).expect("accepted");
                }
            }
            served.sent();
        }
        served.server.engine_mut().channel_lost(served.channel);
        served.events();
        prop_assert_eq!(served.server.sockets(), 0);
        prop_assert_eq!(served.server.engine().sessions(), 0);
        prop_assert_eq!(served.server.deadline(), None);
    }

    #[test]
    fn a_body_is_read_as_it_was_written(messages in vec(prop_oneof![
        "[^\u{1e}]{0,8}".prop_map(Ok),
        vec(any::<u8>(), 0..8).prop_map(Err),
    ], 1..8)) {
        let frames: Vec<_> = messages.iter().map(|message| match message {
            Ok(text) => Frame::message(text),
            Err(bytes) => Frame::Binary(bytes.clone().into()),
        }).collect();
        let mut driven = Driven::new();
        let (sid, _) = driven.open();
        prop_assert_eq!(driven.post(&sid, &encode_payload(&frames)), Some((200, "ok".into())));
        let read: Vec<_> = driven.events.into_iter().map(|event| match event {
            Event::Message(_, Message::Text(text)) => Ok(text),
            Event::Message(_, Message::Binary(bytes)) => Err(bytes.to_vec()),
            other => panic!("{other:?}"),
        }).collect();
        prop_assert_eq!(read, messages);
    }
}
