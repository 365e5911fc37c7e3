//! Requests as Redis commands, and Redis values as answers and pushes. When they are sent is decided in `carrier` and in the node.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use bytes::Bytes;
use redis::{Cmd, ErrorKind, PushInfo, PushKind, RedisError, ServerErrorKind, Value};

use super::Settings;
use crate::position::{Epoch, Position};
use crate::request::{Answer, Page, Push, ReadFrom, Request};

/// The scripts, in the order of their digests in [`Digests`].
pub(super) const SCRIPTS: [&str; 3] = [
    concat!(include_str!("open.lua"), include_str!("publish.lua")),
    concat!(include_str!("open.lua"), include_str!("read.lua")),
    include_str!("presence.lua"),
];

/// The digests under which a server knows the scripts.
pub(super) type Digests = [String; 3];

/// What makes commands for one connection.
#[derive(Clone, Debug)]
pub(super) struct Wire {
    settings: Settings,
    digests: Digests,
    /// Whether another run of the server has lost nothing.
    durable: bool,
}

/// How a request ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ConnectionLost;

impl Wire {
    pub(super) fn new(settings: Settings, digests: Digests, durable: bool) -> Self {
        Self { settings, digests, durable }
    }

    fn key(&self, kind: &str, channel: &str) -> String {
        format!("{}{kind}:{channel}", self.settings.prefix)
    }

    /// The command for a request.
    pub(super) fn command(&self, request: &Request) -> Cmd {
        match request {
            Request::Subscribe { channel } => one("SUBSCRIBE", self.key("p", channel)),
            Request::Unsubscribe { channel } => one("UNSUBSCRIBE", self.key("p", channel)),
            Request::Publish { channel, key, payload, seen, fresh } => {
                let retention = &self.settings.retention;
                let mut command = self.script(0, 3, channel);
                // With its length, so that no other channel and key are the same bytes.
                let mut idempotent = self.key("k", "").into_bytes();
                idempotent.extend_from_slice(format!("{}:{channel}:", channel.len()).as_bytes());
                idempotent.extend_from_slice(key);
                command.arg(idempotent);
                self.opening(&mut command, channel, *seen, *fresh);
                // Beyond this Redis has no numbers.
                let count = retention.count().min(1 << 30);
                command.arg(&payload[..]).arg(count).arg(retention.bytes());
                command.arg(millis(retention.age())).arg(millis(retention.key_age()));
                command
            }
            Request::Read { channel, from, count, bytes, seen, fresh } => {
                let mut command = self.script(1, 2, channel);
                self.opening(&mut command, channel, *seen, *fresh);
                match from {
                    ReadFrom::Newest => command.arg("newest").arg("").arg(""),
                    ReadFrom::Oldest => command.arg("oldest").arg("").arg(""),
                    ReadFrom::After(position) => command
                        .arg("after")
                        .arg(format!("{}", position.epoch()))
                        .arg(position.offset()),
                };
                command.arg(*count).arg(*bytes).arg(millis(self.settings.retention.age()));
                command
            }
            Request::Enter { channel, member, info, lifetime, .. } => {
                let mut command = self.presence(channel, "enter");
                command.arg(&**member).arg(&info[..]).arg(millis(*lifetime));
                command.arg(self.settings.retention.members());
                command
            }
            Request::Leave { channel, member } => {
                let mut command = self.presence(channel, "leave");
                command.arg(&**member);
                command
            }
            Request::Members { channel } => self.presence(channel, "members"),
        }
    }

    /// A call of a script with the first two keys of a channel.
    fn script(&self, index: usize, keys: usize, channel: &str) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.digests[index]).arg(keys);
        command.arg(self.key("h", channel)).arg(self.key("s", channel));
        command
    }

    /// The first six arguments of the scripts that open a channel.
    fn opening(&self, command: &mut Cmd, channel: &str, seen: Option<Position>, fresh: Epoch) {
        command.arg(self.key("p", channel)).arg(format!("{fresh}"));
        match seen {
            Some(seen) => command.arg(format!("{}", seen.epoch())).arg(seen.offset()),
            None => command.arg("").arg(""),
        };
        command.arg(u8::from(self.durable)).arg(millis(self.settings.retention.quiet()));
    }

    fn presence(&self, channel: &str, action: &str) -> Cmd {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.digests[2]).arg(2);
        command.arg(self.key("t", channel)).arg(self.key("i", channel));
        command.arg(self.key("p", channel)).arg(action);
        command
    }

    /// What a push says, if it is one of ours.
    pub(super) fn push(&self, info: PushInfo) -> Option<Push> {
        if info.kind != PushKind::Message {
            return None;
        }
        let mut data = info.data.into_iter();
        let (Some(Value::BulkString(name)), Some(Value::BulkString(body))) =
            (data.next(), data.next())
        else {
            return None;
        };
        let prefix = self.key("p", "");
        let channel: Arc<str> =
            Arc::from(core::str::from_utf8(&name).ok()?.strip_prefix(&*prefix)?);
        match body.first()? {
            b'P' => {
                let epoch = epoch(body.get(1..17)?)?;
                let colon = 17 + body.get(17..)?.iter().take(20).position(|byte| *byte == b':')?;
                let offset = number(&body[17..colon])?;
                let payload = Bytes::from(body).slice(colon + 1..);
                Some(Push::Publication { channel, position: Position::new(epoch, offset), payload })
            }
            b'E' => Some(Push::Epoch { channel, epoch: epoch(body.get(1..)?)? }),
            b'M' => Some(Push::Presence { channel }),
            _ => None,
        }
    }
}

fn one(name: &str, argument: String) -> Cmd {
    let mut command = redis::cmd(name);
    command.arg(argument);
    command
}

/// Whole milliseconds, at least one: Redis refuses a lifetime of none, and has no room for one beyond its integers.
fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).clamp(1, 1 << 50)
}

/// What the server's reply means for a request. A value that can't be an answer means that the connection is of no use.
pub(super) fn answer(
    request: &Kind,
    reply: Result<Value, RedisError>,
) -> Result<Answer, ConnectionLost> {
    let value = match reply.and_then(Value::extract_error) {
        Ok(value) => value,
        Err(error) if is_refusal(&error) => return Ok(Answer::Refused),
        Err(_) => return Err(ConnectionLost),
    };
    let answer = match request {
        Kind::Done => match value {
            Value::Int(0) => Some(Answer::Refused),
            _ => Some(Answer::Done),
        },
        Kind::Publish => published(value),
        Kind::Read => page(value).map(Answer::Page),
        Kind::Members => members(value),
    };
    answer.ok_or(ConnectionLost)
}

/// What kind of answer a request gets.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Done,
    Publish,
    Read,
    Members,
}

impl Kind {
    pub(super) fn of(request: &Request) -> Self {
        match request {
            Request::Publish { .. } => Self::Publish,
            Request::Read { .. } => Self::Read,
            Request::Members { .. } => Self::Members,
            _ => Self::Done,
        }
    }
}

/// Whether the server is well and only refuses this: it has no memory left, say, or this user may not. A server that has become
/// a replica, is loading or doesn't know our scripts is one to connect to again.
fn is_refusal(error: &RedisError) -> bool {
    let gone = [
        ServerErrorKind::NoScript,
        ServerErrorKind::ReadOnly,
        ServerErrorKind::BusyLoading,
        ServerErrorKind::MasterDown,
    ];
    let is_gone = gone.into_iter().any(|kind| error.kind() == ErrorKind::Server(kind));
    error.code().is_some() && !is_gone && !error.is_unrecoverable_error()
}

fn published(value: Value) -> Option<Answer> {
    let mut values = array(value)?.into_iter();
    let (epoch_text, offset, repeated) = (values.next()?, values.next()?, values.next()?);
    let position = Position::new(epoch(&text(epoch_text)?)?, number(&text(offset)?)?);
    Some(Answer::Published { position, repeated: repeated == Value::Int(1) })
}

fn page(value: Value) -> Option<Page> {
    let mut values = array(value)?.into_iter();
    let epoch = epoch(&text(values.next()?)?)?;
    let (base, top) = (number(&text(values.next()?)?)?, number(&text(values.next()?)?)?);
    let mut flat = array(values.next()?)?.into_iter();
    let mut entries = Vec::new();
    while let Some(offset) = flat.next() {
        entries.push((number(&text(offset)?)?, text(flat.next()?)?.into()));
    }
    Some(Page { epoch, base, top, entries })
}

fn members(value: Value) -> Option<Answer> {
    let mut flat = array(value)?.into_iter();
    let mut members = Vec::new();
    while let Some(name) = flat.next() {
        let name = text(name)?;
        let name = core::str::from_utf8(&name).ok()?.to_owned();
        members.push((name.into(), text(flat.next()?)?.into()));
    }
    Some(Answer::Members(members))
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn text(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    core::str::from_utf8(digits).ok()?.parse().ok()
}

fn epoch(digits: &[u8]) -> Option<Epoch> {
    let digits = core::str::from_utf8(digits).ok().filter(|digits| digits.len() == 16)?;
    u64::from_str_radix(digits, 16).ok().map(Epoch::new)
}
