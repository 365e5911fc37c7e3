//! What is sent, by whom and how often, and who has to get it.

use std::time::Duration;

use toml::Spanned;

use super::source::Source;
use crate::mark::Mark;
use crate::scenario::fault::{Fault, Place};
use crate::scenario::file::Message as RawMessage;
use crate::scenario::{Audience, Message, Protocol, Shape};
use crate::schedule::{Pattern, Schedule};
use crate::template::Placeholder;

const MESSAGES: u64 = 1_000_000_000;
/// How many pairs of a sender and a receiver can be followed: each takes some thirty bytes.
const PAIRS: u64 = 20_000_000;
/// The shortest time between two messages of one connection. Timers are no finer than a millisecond: what is planned within one goes out together.
const FASTEST: Duration = Duration::from_micros(10);
const PADDING: u32 = 1 << 20;

pub(super) fn message(
    source: &Source<'_>,
    raw: &RawMessage,
    protocol: Protocol,
    (connections, place): (u32, Place),
    group: u32,
    duration: Duration,
    allowed: impl Fn(Placeholder) -> bool,
) -> Result<(Message, Pattern), Fault> {
    let shape = shape(source, protocol, &raw.send, raw.event.as_ref(), raw.binary, allowed)?;
    let (Shape::Text(template)
    | Shape::Binary(template)
    | Shape::Event { arguments: template, .. }) = &shape;
    if !template.has(Placeholder::Mark) {
        let what =
            "send: {mark} has to be in it, by which the message is recognised where it arrives";
        return Err(Fault::new(source.place(&raw.send), what));
    }
    let padding = raw.padding.as_ref().map_or(0, |padding| *padding.get_ref());
    if let Some(value) = &raw.padding
        && (padding > PADDING || !template.has(Placeholder::Padding))
    {
        let what = format!("padding: at most {PADDING}, and {{padding}} has to be in `send`");
        return Err(Fault::new(source.place(value), what));
    }
    let to = match raw.to.as_ref().map_or("sender", |to| to.get_ref()) {
        "sender" => Audience::Sender,
        "group" => Audience::Group,
        "others" => Audience::Others,
        other => {
            let place = raw.to.as_ref().map_or(Place::Default, |to| source.place(to));
            let what = format!("to: \"sender\", \"group\" or \"others\", not {other:?}");
            return Err(Fault::new(place, what));
        }
    };
    if to == Audience::Others && group < 2 {
        let place = raw.to.as_ref().map_or(Place::Default, |to| source.place(to));
        return Err(Fault::new(place, "to: nobody else is in a group of one: set `group`"));
    }
    let turns = match raw.from.as_ref().map_or("each", |from| from.get_ref()) {
        "each" => false,
        "turns" => true,
        other => {
            let place = raw.from.as_ref().map_or(Place::Default, |from| source.place(from));
            let what = format!(
                "from: \"each\" member of a group, or its members in \"turns\", not {other:?}"
            );
            return Err(Fault::new(place, what));
        }
    };
    let senders = raw.senders.as_ref().map_or(group, |senders| *senders.get_ref());
    if let Some(value) = &raw.senders
        && !(1..=group).contains(&senders)
    {
        let what = format!("senders: how many of a group send: from 1 to {group}");
        return Err(Fault::new(source.place(value), what));
    }
    let every = source.span("every", &raw.every)?;
    let too_fast = |what: String| Fault::new(source.place(&raw.every), what);
    if every < FASTEST {
        return Err(too_fast(format!("every: at least {} us", FASTEST.as_micros())));
    }
    if every > duration {
        return Err(too_fast("every: it is longer than the duration".into()));
    }
    let pattern = Pattern { every, turns, connections, group, senders };
    // The first connection of a group has as many as any.
    let most = u64::from(Schedule::new(&pattern, 0, duration).count());
    let total = most * u64::from(senders) * u64::from(connections.div_ceil(group));
    if most >= u64::from(u32::MAX) || total > MESSAGES {
        return Err(too_fast(format!("every: that is more than {MESSAGES} messages in all")));
    }
    if to != Audience::Sender && u64::from(connections) * u64::from(senders) > PAIRS {
        let what = format!(
            "{connections} receivers of {senders} senders each: more than {PAIRS} pairs can't be followed; use smaller groups, or fewer `senders`"
        );
        return Err(Fault::new(place, what));
    }
    Ok((Message { shape, to, padding: padding as usize }, pattern))
}

pub(super) fn shape(
    source: &Source<'_>,
    protocol: Protocol,
    send: &Spanned<String>,
    event: Option<&Spanned<String>>,
    binary: bool,
    allowed: impl Fn(Placeholder) -> bool,
) -> Result<Shape, Fault> {
    let template = source.template(send, allowed)?;
    match (protocol, event) {
        (Protocol::SocketIo { .. }, None) => {
            Err(Fault::new(source.place(send), "Socket.IO sends events: set `event` to its name"))
        }
        (Protocol::SocketIo { .. }, Some(_)) if binary => {
            Err(Fault::new(source.place(send), "binary: events have JSON alone here"))
        }
        (Protocol::SocketIo { .. }, Some(event)) => {
            let filled = template.fill(sample);
            if let Err(error) = serde_json::from_str::<Vec<serde_json::Value>>(&filled) {
                let what = format!("send: the arguments of an event are a JSON array: {error}");
                return Err(Fault::new(source.place(send), what));
            }
            Ok(Shape::Event { name: event.get_ref().clone(), arguments: template })
        }
        (_, Some(event)) => {
            Err(Fault::new(source.place(event), "event: only protocol = \"socketio\" has events"))
        }
        (_, None) if binary => Ok(Shape::Binary(template)),
        (_, None) => Ok(Shape::Text(template)),
    }
}

/// What stands for a placeholder where only the form is looked at.
pub(super) fn sample(placeholder: Placeholder) -> String {
    match placeholder {
        Placeholder::Mark => Mark { run: 0, sender: 0, sequence: 0, planned: 0, late: 0 }.text(),
        _ => "0".into(),
    }
}
