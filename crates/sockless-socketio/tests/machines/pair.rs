//! A client and a server of Engine.IO, with a network between them that delays, and loses what it is told to lose: nothing is lost, doubled
//! or reordered over the change of the transport, and what is cut ends.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use sockless_socketio::engine::client::{
    Client, Config, Event as Happened, Output as Order, Reason, Request,
};
use sockless_socketio::engine::{
    self, Answer, Begun, Body, Channel, Engine, Event, Frame, Head, Message, Output, RequestId,
    Session, Transmit,
};

use crate::peer::{Counting, millis};

/// What goes over the network, in one direction or the other.
#[derive(Debug)]
enum Crossing {
    Request { kind: Request, query: String, body: Bytes },
    Answer { kind: Request, status: u16, body: Bytes },
    Open { query: String },
    Opened,
    Refused(u16),
}

/// Both ends, and what is between them.
struct Pair {
    client: Client,
    server: Engine<Counting>,
    session: Option<Session>,
    now: Duration,
    crossing: VecDeque<Crossing>,
    /// Requests that the server has not answered.
    asked: Vec<(RequestId, Request)>,
    channel: Option<Channel>,
    /// Messages of the WebSocket: to the server, and to the client.
    up: VecDeque<Frame>,
    down: VecDeque<Frame>,
    open: bool,
    said: (u32, u32),
    heard: (Vec<String>, Vec<String>),
    ended: (Option<engine::Reason>, Option<Reason>),
    upgraded: bool,
}

/// Either end says something, something arrives, or a time passes.
#[derive(Clone, Debug)]
enum Step {
    ClientSays(bool),
    ServerSays(bool),
    /// Something that is on its way arrives: this one, of all that are.
    Arrives(usize),
    Up,
    Down,
    /// What has arrived at the client is taken.
    Take,
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => any::<bool>().prop_map(Step::ClientSays),
        3 => any::<bool>().prop_map(Step::ServerSays),
        6 => any::<usize>().prop_map(Step::Arrives),
        3 => Just(Step::Up),
        3 => Just(Step::Down),
        2 => Just(Step::Take),
        1 => (0_u64..40).prop_map(Step::Wait),
    ];
    vec(step, 0..80)
}

fn said(number: u32, binary: bool) -> Frame {
    match binary {
        true => Frame::Binary(number.to_string().into()),
        false => Frame::message(&format!("t{number}")),
    }
}

fn heard(message: Message) -> String {
    match message {
        Message::Text(text) => text,
        Message::Binary(bytes) => format!("{bytes:?}"),
    }
}

fn as_heard(frame: &Frame) -> String {
    match frame {
        Frame::Text(text) => text[1..].to_owned(),
        Frame::Binary(bytes) => format!("{bytes:?}"),
    }
}

impl Pair {
    fn new(client: Config, server: engine::Config) -> Self {
        let now = Duration::ZERO;
        Self {
            client: Client::new(client, "token=a", now),
            server: Engine::new(server, Counting::default()),
            session: None,
            now,
            crossing: VecDeque::new(),
            asked: Vec::new(),
            channel: None,
            up: VecDeque::new(),
            down: VecDeque::new(),
            open: false,
            said: (0, 0),
            heard: (Vec::new(), Vec::new()),
            ended: (None, None),
            upgraded: false,
        }
    }

    fn answer(&mut self, kind: Request, answer: Answer) {
        let (status, body) = (answer.status(), answer.into_body());
        self.crossing.push_back(Crossing::Answer { kind, status, body });
    }

    /// Carries out what both ends want to have done.
    fn settle(&mut self) {
        while let Some(order) = self.client.output() {
            match order {
                Order::Get { query } => {
                    let kind = Request::Poll;
                    self.crossing.push_back(Crossing::Request { kind, query, body: Bytes::new() });
                }
                Order::Post { query, body } => {
                    self.crossing.push_back(Crossing::Request { kind: Request::Post, query, body });
                }
                Order::Open { query } => self.crossing.push_back(Crossing::Open { query }),
                Order::Transmit => self.client_transmits(),
                Order::Read => {}
            }
        }
        while let Some(event) = self.server.event() {
            match event {
                Event::Opened(session) => self.session = Some(session),
                Event::Message(_, message) => self.heard.1.push(heard(message)),
                Event::Closed(_, reason) => self.ended.0 = Some(reason),
            }
        }
        while let Some(output) = self.server.output() {
            match output {
                Output::Answer(id, answer) => {
                    let place = self.asked.iter().position(|(asked, _)| *asked == id);
                    let (_, kind) = self.asked.remove(place.expect("asked"));
                    self.answer(kind, answer);
                }
                Output::Transmit(channel) if self.open => self.server_transmits(channel),
                _ => {}
            }
        }
    }

    fn client_transmits(&mut self) {
        loop {
            match self.client.transmit() {
                Transmit::Frame(frame) => self.up.push_back(frame),
                Transmit::Wait => return,
                Transmit::Close => return self.close_websocket(),
            }
        }
    }

    fn server_transmits(&mut self, channel: Channel) {
        loop {
            match self.server.transmit(channel) {
                Transmit::Frame(frame) => self.down.push_back(frame),
                Transmit::Wait => return,
                Transmit::Close => return self.close_websocket(),
            }
        }
    }

    /// All that was sent before arrives, then both ends see the end.
    fn close_websocket(&mut self) {
        self.open = false;
        while !self.up.is_empty() {
            self.up();
        }
        while !self.down.is_empty() {
            self.down();
        }
        if let Some(channel) = self.channel.take() {
            self.server.channel_lost(channel);
        }
        self.client.websocket_lost(None, self.now);
    }

    fn up(&mut self) {
        let (Some(channel), Some(frame)) = (self.channel, self.up.pop_front()) else { return };
        match frame {
            Frame::Text(text) => self.server.text(channel, &text, self.now),
            Frame::Binary(bytes) => self.server.binary(channel, bytes, self.now),
        }
    }

    fn down(&mut self) {
        if !self.client.wants_input() {
            return;
        }
        match self.down.pop_front() {
            Some(Frame::Text(text)) => self.client.text(&text, self.now),
            Some(Frame::Binary(bytes)) => self.client.binary(bytes, self.now),
            None => {}
        }
    }

    fn take(&mut self) {
        while let Some(event) = self.client.event(self.now) {
            assert_eq!(self.ended.1, None, "nothing comes after the end");
            match event {
                Happened::Opened => {}
                Happened::Upgraded => self.upgraded = true,
                Happened::Message(message) => self.heard.0.push(heard(message)),
                Happened::Closed(reason) => self.ended.1 = Some(reason),
            }
        }
    }

    fn arrives(&mut self, which: usize) {
        let count = self.crossing.len();
        if count == 0 {
            return;
        }
        match self.crossing.remove(which % count).expect("one of them") {
            Crossing::Request { kind, query, body } => {
                assert!(query.starts_with("token=a&EIO=4&transport=polling"), "{query}");
                let method = if kind == Request::Poll { "GET" } else { "POST" };
                let most = self.server.config().max_payload();
                assert!(body.len() <= most, "a body of {} bytes", body.len());
                let mut begun = self.server.begin(Head::new(method, &query), self.now);
                if let Begun::Body(id, _) = begun {
                    begun = self.server.body(id, Body::Whole(body), self.now);
                }
                match begun {
                    Begun::Answer(answer) => self.answer(kind, answer),
                    Begun::Wait(id) => self.asked.push((id, kind)),
                    Begun::Body(..) => panic!("the body was given"),
                }
            }
            Crossing::Answer { kind, status, body } => {
                self.client.answered(kind, status, body, self.now);
            }
            Crossing::Open { query } => {
                match self.server.begin_websocket(Head::new("GET", &query), self.now) {
                    Ok(channel) => {
                        self.channel = Some(channel);
                        self.crossing.push_back(Crossing::Opened);
                    }
                    Err(refusal) => {
                        let status = refusal.answer().status();
                        self.crossing.push_back(Crossing::Refused(status));
                    }
                }
            }
            Crossing::Opened => {
                self.open = true;
                self.client.opened(self.now);
                if let Some(channel) = self.channel {
                    self.server_transmits(channel);
                }
            }
            Crossing::Refused(status) => self.client.websocket_lost(Some(status), self.now),
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::ClientSays(binary) => {
                if self.client.send(&[said(self.said.0, *binary)]).is_ok() {
                    self.said.0 += 1;
                }
            }
            Step::ServerSays(binary) => {
                if let Some(session) = self.session
                    && self.server.send(session, &[said(self.said.1, *binary)]).is_ok()
                {
                    self.said.1 += 1;
                }
            }
            Step::Arrives(which) => self.arrives(*which),
            Step::Up => self.up(),
            Step::Down => self.down(),
            Step::Take => self.take(),
            Step::Wait(time) => {
                self.now += millis(*time);
                self.server.timeout(self.now);
                self.client.timeout(self.now);
            }
        }
        self.settle();
    }

    /// Everything that is on its way arrives.
    fn rest(&mut self) {
        for _ in 0..200 {
            self.step(&Step::Arrives(0));
            self.step(&Step::Up);
            self.step(&Step::Down);
            self.step(&Step::Take);
        }
    }

    /// What was heard is the beginning of what was said.
    fn check(&self, steps: &[Step]) {
        let (mut client, mut server) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::ClientSays(binary) => client.push(*binary),
                Step::ServerSays(binary) => server.push(*binary),
                _ => {}
            }
        }
        for heard in [&self.heard.0, &self.heard.1] {
            let numbers: Vec<u32> = heard.iter().map(|text| number(text)).collect();
            let expected: Vec<u32> = (0..).take(numbers.len()).collect();
            assert_eq!(numbers, expected);
        }
        assert!(self.heard.1.len() <= client.len() && self.heard.0.len() <= server.len());
    }
}

/// The number in `t7` or `b"7"`.
fn number(text: &str) -> u32 {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    digits.parse().expect("a number")
}

fn patient() -> engine::Config {
    engine::Config::default().with_ping(millis(3_000), millis(3_000)).with_max_payload(64)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever arrives when, both ends hear all that the other has said, once and in order.
    #[test]
    fn all_arrives_over_the_change_of_the_transport(steps in steps(), polling: bool, websocket: bool, few: bool) {
        let mut config = Config::default().with_transports(polling || !websocket, websocket);
        if few {
            config = config.with_backlog(2, 1_000);
        }
        let mut pair = Pair::new(config, patient());
        pair.settle();
        for step in &steps {
            pair.step(step);
        }
        pair.rest();
        pair.check(&steps);
        prop_assert_eq!(pair.ended, (None, None));
        prop_assert_eq!(pair.heard.0.len(), pair.said.1 as usize);
        prop_assert_eq!(pair.heard.1.len(), pair.said.0 as usize);
        prop_assert_eq!(pair.upgraded, websocket && polling);
        // Then the client goes, after all that it has said.
        pair.client.send(&[said(pair.said.0, false)]).expect("sent");
        pair.client.close(pair.now);
        pair.settle();
        pair.rest();
        prop_assert_eq!(pair.heard.1.len(), pair.said.0 as usize + 1);
        prop_assert_eq!(pair.ended.1, Some(Reason::ForcedClose));
        prop_assert_eq!(pair.ended.0, Some(engine::Reason::TransportClose));
    }

    /// What is cut ends on both sides in the time that the heartbeat gives, without a gap before the end.
    #[test]
    fn what_is_cut_ends_without_a_gap(steps in steps(), cut in 0_usize..80) {
        let mut pair = Pair::new(Config::default(), patient());
        pair.settle();
        for step in steps.iter().take(cut) {
            pair.step(step);
        }
        pair.crossing.clear();
        pair.up.clear();
        pair.down.clear();
        for _ in 0..60 {
            let next = [pair.client.deadline(), pair.server.deadline()].into_iter().flatten().min();
            let Some(next) = next else { break };
            pair.now = pair.now.max(next);
            pair.server.timeout(pair.now);
            pair.client.timeout(pair.now);
            pair.settle();
            pair.take();
            pair.crossing.clear();
            pair.up.clear();
            pair.down.clear();
        }
        pair.check(&steps);
        prop_assert!(pair.ended.1.is_some(), "the client waits for ever");
        prop_assert!(pair.now < millis(60_000));
        prop_assert_eq!(pair.server.sessions(), 0);
    }
}

#[test]
fn what_both_have_said_is_heard_as_it_was_said() {
    let mut pair = Pair::new(Config::default(), patient());
    pair.settle();
    pair.rest();
    let binary = said(7, true);
    pair.client.send(&[binary.clone(), said(8, false)]).expect("sent");
    let session = pair.session.expect("a session");
    pair.server.send(session, std::slice::from_ref(&binary)).expect("sent");
    pair.settle();
    pair.rest();
    assert_eq!(pair.heard.0, [as_heard(&binary)]);
    assert_eq!(pair.heard.1, [as_heard(&binary), "t8".into()]);
}
