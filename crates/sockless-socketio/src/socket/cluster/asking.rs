//! Questions to all servers, and their answers: which sockets there are, and what they acknowledge. What this server answers itself is in
//! `answering`.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::{Buf, Bytes};
use sockless_channels::{Change, Start};

use super::deed::Deed;
use super::state::{Follower, State};
use super::stream::Aim;
use crate::entropy::Entropy;
use crate::socket::decoder::is_reserved;
use crate::socket::fields::{put, put_event, take, take_all, take_payload, take_shared};
use crate::socket::namespace::Namespace;
use crate::socket::output::{Asked, EmitError, Event};
use crate::socket::payload::Payload;
use crate::socket::recovery::Audience;
use crate::socket::server::Server;

/// The channel in which all servers are present.
const SERVERS: &str = "servers";

/// The first byte of what servers say to each other: servers of another version write another one.
const VERSION: u8 = 1;

/// A question to all servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Inquiry(u64);

/// A socket, on any of the servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    id: Arc<str>,
    rooms: Vec<Arc<str>>,
    data: Option<Arc<str>>,
}

impl Found {
    /// Its id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The rooms that it is in. One has its id's name.
    pub fn rooms(&self) -> impl Iterator<Item = &str> {
        self.rooms.iter().map(|room| &**room)
    }

    /// What was put to it, as JSON.
    pub fn data(&self) -> Option<&str> {
        self.data.as_deref()
    }
}

/// What a server knows of others, of its questions, and of those of others.
#[derive(Debug, Default)]
pub(in crate::socket) struct Asking {
    servers: BTreeSet<Arc<str>>,
    next: u64,
    questions: BTreeMap<u64, Question>,
    /// Whose acknowledgements are gathered here, by the server that asks and the number of its question.
    pub(super) gathering: BTreeMap<(Arc<str>, u64), Gathering>,
    pub(super) acks: BTreeMap<Asked, (Arc<str>, u64)>,
}

#[derive(Debug)]
struct Question {
    heard: BTreeSet<Arc<str>>,
    until: Duration,
    answers: Answers,
}

#[derive(Debug)]
enum Answers {
    Found(Vec<Found>),
    Acks { answers: Vec<(Arc<str>, Payload)>, asked: usize },
}

#[derive(Debug, Default)]
pub(super) struct Gathering {
    pub(super) asked: usize,
    pub(super) left: BTreeSet<Asked>,
    pub(super) answers: Vec<(Arc<str>, Payload)>,
}

impl Asking {
    pub(super) fn deadline(&self) -> Option<Duration> {
        self.questions.values().map(|question| question.until).min()
    }

    fn is_answered(&self, question: &Question) -> bool {
        self.servers.is_subset(&question.heard)
    }
}

fn answers_name(server: &str) -> String {
    format!("n:{server}")
}

impl State {
    /// Lets others know of this server, and hears of them.
    pub(super) fn join_servers(&mut self) {
        let server = self.server.clone();
        self.asking.servers.insert(server.clone());
        // A new node has room for all of this.
        let _ = self.node.enter_for(SERVERS, &server, Bytes::new(), self.settings.silence);
        let _ = self.node.watch(SERVERS, self.now);
        if let Ok(answers) = self.node.subscribe(&answers_name(&server), Start::Now) {
            self.followers.insert(answers, Follower::Answers);
        }
    }

    /// Lets others know that this server goes.
    pub(in crate::socket) fn leave_servers(&mut self) {
        self.node.leave(SERVERS, &self.server);
    }

    /// Takes what has changed among the servers.
    pub(super) fn hear_of_servers(&mut self) {
        while let Some(channel) = self.node.changed() {
            while let Some(change) = self.node.change(&channel) {
                match change {
                    Change::Present { member, .. } => drop(self.asking.servers.insert(member)),
                    // This one knows of itself.
                    Change::Absent { member } if member == self.server => {}
                    Change::Absent { member } => drop(self.asking.servers.remove(&member)),
                }
            }
        }
    }

    pub(super) fn answer(&mut self, to: &str, bytes: Vec<u8>) {
        // If it can't be said, this server is missing in the answers.
        let _ = self.node.publish(&answers_name(to), None, bytes.into(), self.now);
    }
}

impl<E: Entropy> Server<E> {
    /// How many servers there are, with this one, as far as it knows.
    pub fn servers(&self) -> usize {
        self.cluster.as_ref().map_or(1, |cluster| cluster.asking.servers.len())
    }

    fn ask(
        &mut self,
        answers: Answers,
        timeout: Duration,
        now: Duration,
    ) -> Result<u64, EmitError> {
        let Some(cluster) = &mut self.cluster else { return Err(EmitError::Disconnected) };
        if cluster.asking.questions.len() >= MOST {
            return Err(EmitError::Acks);
        }
        let number = cluster.asking.next;
        cluster.asking.next += 1;
        let until = now.saturating_add(timeout);
        let question = Question { heard: BTreeSet::new(), until, answers };
        cluster.asking.questions.insert(number, question);
        Ok(number)
    }

    pub(in crate::socket) fn fetch_in_cluster(
        &mut self,
        namespace: &Namespace,
        audience: &Audience,
        timeout: Duration,
        now: Duration,
    ) -> Result<Inquiry, EmitError> {
        let number = self.ask(Answers::Found(Vec::new()), timeout, now)?;
        let mut bytes = self.header(b'F');
        bytes.extend_from_slice(&number.to_be_bytes());
        audience.put(&mut bytes);
        self.say_or_forget(namespace, bytes, number)
    }

    fn say_or_forget(
        &mut self,
        namespace: &Namespace,
        bytes: Vec<u8>,
        number: u64,
    ) -> Result<Inquiry, EmitError> {
        let said = self.say(namespace, bytes.into());
        if let (Err(_), Some(cluster)) = (&said, &mut self.cluster) {
            cluster.asking.questions.remove(&number);
        }
        said.map(|()| Inquiry(number))
    }

    pub(in crate::socket) fn ask_in_cluster(
        &mut self,
        namespace: &Namespace,
        audience: Audience,
        name: &str,
        payload: Payload,
        timeout: Duration,
        now: Duration,
    ) -> Result<Inquiry, EmitError> {
        if is_reserved(name) {
            return Err(EmitError::Reserved);
        }
        let answers = Answers::Acks { answers: Vec::new(), asked: 0 };
        // The sockets have this time; then the answers need some for their way.
        let number = self.ask(answers, timeout.saturating_add(ON_THE_WAY), now)?;
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        let name = name.into();
        let deed = Deed::Ask { question: number, timeout: millis, name, payload };
        let written = self.write(namespace, audience, deed, Aim::Nothing);
        if let (Err(_), Some(cluster)) = (&written, &mut self.cluster) {
            cluster.asking.questions.remove(&number);
        }
        written.map(|()| Inquiry(number))
    }

    /// The beginning of something that is said.
    pub(super) fn header(&self, kind: u8) -> Vec<u8> {
        let server = self.cluster.as_ref().map(|cluster| cluster.server.as_bytes());
        let mut bytes = Vec::from([VERSION]);
        put(&mut bytes, server.unwrap_or_default());
        bytes.push(kind);
        bytes
    }

    pub(super) fn say_volatile(
        &mut self,
        namespace: &Namespace,
        audience: Audience,
        name: &str,
        payload: Payload,
    ) -> Result<(), EmitError> {
        let mut bytes = self.header(b'V');
        audience.put(&mut bytes);
        put_event(&mut bytes, name, &payload);
        self.say(namespace, bytes.into())
    }

    pub(in crate::socket) fn say_to_servers(
        &mut self,
        namespace: &Namespace,
        name: &str,
        payload: &Payload,
    ) -> Result<(), EmitError> {
        let mut bytes = self.header(b'S');
        put_event(&mut bytes, name, payload);
        self.say(namespace, bytes.into())
    }

    pub(super) fn sender(bytes: &mut Bytes) -> Option<Arc<str>> {
        if bytes.try_get_u8().ok()? != VERSION {
            return None;
        }
        take_shared(bytes)
    }

    /// A server has answered.
    pub(super) fn heard(&mut self, mut bytes: Bytes) -> Option<()> {
        let by = Self::sender(&mut bytes)?;
        let kind = bytes.try_get_u8().ok()?;
        let number = bytes.try_get_u64().ok()?;
        let asking = &mut self.cluster.as_mut()?.asking;
        let question = asking.questions.get_mut(&number)?;
        match (kind, &mut question.answers) {
            (b'F', Answers::Found(found)) => {
                found.extend(take_all(&mut bytes, |bytes| {
                    let mut seat = take(bytes)?;
                    let id = take_shared(&mut seat)?;
                    let rooms = take_all(&mut seat, take_shared)?;
                    let data = take_all(&mut seat, take_shared)?.pop();
                    Some(Found { id, rooms, data })
                })?);
            }
            (b'A', Answers::Acks { answers, asked }) => {
                *asked += usize::try_from(bytes.try_get_u64().ok()?).ok()?;
                answers.extend(take_all(&mut bytes, |bytes| {
                    let mut answer = take(bytes)?;
                    Some((take_shared(&mut answer)?, take_payload(&mut answer)?))
                })?);
            }
            _ => return None,
        }
        question.heard.insert(by);
        Some(())
    }

    /// Tells the application what is answered by all, or what was answered in time.
    pub(super) fn conclude(&mut self, now: Duration) {
        let Some(cluster) = &mut self.cluster else { return };
        let asking = &mut cluster.asking;
        let over: Vec<u64> = asking
            .questions
            .iter()
            .filter(|(_, question)| now >= question.until || asking.is_answered(question))
            .map(|(number, _)| *number)
            .collect();
        for number in over {
            let Some(question) = asking.questions.remove(&number) else { continue };
            let missing = asking.servers.difference(&question.heard).count();
            let inquiry = Inquiry(number);
            self.events.push_back(match question.answers {
                Answers::Found(sockets) => Event::Found { inquiry, sockets, missing },
                Answers::Acks { answers, asked } => {
                    let silent = asked.saturating_sub(answers.len());
                    Event::Answered { inquiry, answers, silent, missing }
                }
            });
        }
    }
}

/// How many questions there may be at once.
const MOST: usize = 4_096;

/// How long an answer may be on its way.
const ON_THE_WAY: Duration = Duration::from_secs(1);
