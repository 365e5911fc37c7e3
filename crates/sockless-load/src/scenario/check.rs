//! From a file to a scenario: every value is looked at once, and what doesn't fit is named with its line.

use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sockless_tokio::handshake::{Connector, Field, HeadLimits, Offer, Url};
use toml::Spanned;

use super::fault::{Fault, Place};
use super::file::{Bound, File, Jwt, Message as RawMessage};
use super::{
    Audience, COUNTS, Message, Overrides, PERCENTILES, Protocol, Scenario, Shape, Signing, Step,
    Thresholds,
};
use crate::schedule::{Pattern, Schedule};
use crate::span;
use crate::template::{Placeholder, Template};

const CONNECTIONS: u32 = 1_000_000;
const MESSAGES: u64 = 1_000_000_000;
/// How many pairs of a sender and a receiver can be followed: each takes some thirty bytes.
const PAIRS: u64 = 20_000_000;
/// The shortest time between two messages of one connection. Timers are no finer than a millisecond: what is planned within one goes out together.
const FASTEST: Duration = Duration::from_micros(10);
const PADDING: u32 = 1 << 20;

/// The text, in which faults have lines.
struct Source<'a>(&'a str);

impl Source<'_> {
    fn line(&self, at: usize) -> Place {
        let before = self.0.as_bytes().get(..at).unwrap_or(self.0.as_bytes());
        Place::Line(before.iter().filter(|byte| **byte == b'\n').count() + 1)
    }

    fn place<T>(&self, value: &Spanned<T>) -> Place {
        self.line(value.span().start)
    }

    fn span(&self, name: &str, value: &Spanned<Bound>) -> Result<Duration, Fault> {
        length(value.get_ref())
            .map_err(|what| Fault::new(self.place(value), format!("{name}: {what}")))
    }

    fn span_or(
        &self,
        name: &str,
        value: Option<&Spanned<Bound>>,
        default: u64,
    ) -> Result<Duration, Fault> {
        value.map_or(Ok(Duration::from_secs(default)), |value| self.span(name, value))
    }

    /// A text with placeholders.
    fn template(
        &self,
        value: &Spanned<String>,
        allowed: impl Fn(Placeholder) -> bool,
    ) -> Result<Template, Fault> {
        Template::parse(value.get_ref(), allowed).map_err(|unknown| {
            // A text of several lines has the fault in one of them. A line that begins after the three quotes is no part of it.
            let written = self.0.get(value.span()).unwrap_or_default();
            let opened = written.trim_start_matches(['\'', '"']).trim_start_matches('\r');
            let skipped = written.starts_with(['\'', '"']) && opened.starts_with('\n');
            let lines = value.get_ref()[..unknown.at].matches('\n').count() + usize::from(skipped);
            let place = match self.place(value) {
                Place::Line(line) => Place::Line(line + lines),
                other => other,
            };
            Fault::new(place, unknown)
        })
    }
}

pub(super) fn check(text: &str, overrides: &Overrides) -> Result<Scenario, Fault> {
    let source = Source(text);
    let file: File = toml::from_str(text).map_err(|error| {
        let place = error.span().map_or(Place::Default, |Range { start, .. }| source.line(start));
        Fault::new(place, error.message())
    })?;
    let protocol = protocol(&source, &file)?;
    let signing = file.jwt.as_ref().map(|jwt| signing(&source, jwt, overrides)).transpose()?;
    let of_user = |placeholder| match placeholder {
        Placeholder::Jwt => signing.is_some(),
        Placeholder::Number
        | Placeholder::Group
        | Placeholder::Member
        | Placeholder::User
        | Placeholder::Run => true,
        _ => false,
    };
    let url = url(&source, &file, overrides, protocol, of_user)?;
    let connections = connections(&source, &file, overrides)?;
    let group = group(&source, &file, connections.0)?;
    let duration = match overrides.duration {
        Some(duration) => duration,
        None => source.span("duration", &file.duration)?,
    };
    if duration.is_zero() {
        let place =
            overrides.duration.map_or(source.place(&file.duration), |_| Place::Flag("--duration"));
        return Err(Fault::new(place, "duration: more than nothing"));
    }
    let opening = file.open.iter().map(|step| {
        if step.send.is_none() && step.r#await.is_none() {
            let place = step.event.as_ref().map_or(Place::Default, |event| source.place(event));
            return Err(Fault::new(place, "a step of [[open]] has to send or to await something"));
        }
        let send = step
            .send
            .as_ref()
            .map(|send| shape(&source, protocol, send, step.event.as_ref(), step.binary, of_user));
        let refusal = step.refusal.as_ref().map(|text| text.get_ref().clone());
        if let Some(text) = &step.refusal
            && step.r#await.is_none()
        {
            let what = "refusal: it comes instead of what is awaited: set `await`";
            return Err(Fault::new(source.place(text), what));
        }
        for text in step.r#await.iter().chain(&step.refusal) {
            if text.get_ref().is_empty() {
                let what = "await, refusal: what has to be in the message?";
                return Err(Fault::new(source.place(text), what));
            }
        }
        let awaits = step.r#await.as_ref().map(|text| text.get_ref().clone());
        Ok(Step { send: send.transpose()?, awaits, refusal })
    });
    let opening = opening.collect::<Result<Vec<_>, _>>()?;
    let (message, pattern) = match &file.message {
        None => {
            let every = Duration::from_secs(1);
            (None, Pattern { every, turns: false, connections: connections.0, group, senders: 0 })
        }
        Some(raw) => {
            let of_message = |it| {
                of_user(it) && it != Placeholder::Jwt
                    || matches!(
                        it,
                        Placeholder::Mark | Placeholder::Sequence | Placeholder::Padding
                    )
            };
            let (message, pattern) =
                self::message(&source, raw, protocol, connections, group, duration, of_message)?;
            (Some(message), pattern)
        }
    };
    let user = match &file.user {
        Some(user) => {
            let allowed = |it| of_user(it) && !matches!(it, Placeholder::User | Placeholder::Jwt);
            source.template(user, allowed)?
        }
        None => Template::parse("user{number}", |_| true).unwrap_or_default(),
    };
    let thresholds = thresholds(&source, &file)?;
    if message.is_none()
        && let Some((name, _)) = file
            .thresholds
            .iter()
            .find(|(name, _)| !matches!(name.get_ref().as_str(), "failed" | "dropped"))
    {
        let what = format!("{} needs a [message] to be measured", name.get_ref());
        return Err(Fault::new(source.place(name), what));
    }
    let warmup = source.span_or("warmup", file.warmup.as_ref(), 0)?;
    if warmup >= duration {
        let place = file.warmup.as_ref().map_or(Place::Default, |warmup| source.place(warmup));
        return Err(Fault::new(
            place,
            "warmup: it is a part of the duration, and leaves nothing of it",
        ));
    }
    let timeout = source.span_or("timeout", file.timeout.as_ref(), 10)?;
    if timeout.is_zero() {
        let place = file.timeout.as_ref().map_or(Place::Default, |it| source.place(it));
        return Err(Fault::new(place, "timeout: more than nothing"));
    }
    Ok(Scenario {
        fields: fields(&source, &file, of_user)?,
        subprotocols: subprotocols(&source, &file, protocol)?,
        url,
        protocol,
        user,
        signing,
        opening,
        message,
        pattern,
        ramp: source.span_or("ramp", file.ramp.as_ref(), 1)?,
        settle: source.span_or("settle", file.settle.as_ref(), 0)?,
        duration,
        warmup,
        drain: source.span_or("drain", file.drain.as_ref(), 5)?,
        timeout,
        thresholds,
    })
}

fn length(value: &Bound) -> Result<Duration, String> {
    match value {
        Bound::Whole(seconds) => span::parse(&seconds.to_string()),
        Bound::Number(seconds) => span::parse(&seconds.to_string()),
        Bound::Text(text) => span::parse(text),
    }
}

fn protocol(source: &Source<'_>, file: &File) -> Result<Protocol, Fault> {
    let name = file.protocol.as_ref().map_or("websocket", |name| name.get_ref());
    let place = file.protocol.as_ref().map_or(Place::Default, |name| source.place(name));
    let transports = file.transports.as_ref();
    match (name, transports) {
        ("socketio", transports) => {
            match transports.map_or("websocket", |transports| transports.get_ref()) {
                "websocket" => Ok(Protocol::SocketIo { polling: false, websocket: true }),
                "polling" => Ok(Protocol::SocketIo { polling: true, websocket: false }),
                "both" => Ok(Protocol::SocketIo { polling: true, websocket: true }),
                other => {
                    let place = transports.map_or(Place::Default, |it| source.place(it));
                    let what = "transports: \"websocket\", \"polling\" or \"both\", not";
                    Err(Fault::new(place, format!("{what} {other:?}")))
                }
            }
        }
        (_, Some(transports)) => {
            let what = "transports: only protocol = \"socketio\" has a choice";
            Err(Fault::new(source.place(transports), what))
        }
        ("websocket", None) => Ok(Protocol::WebSocket),
        ("session", None) => Ok(Protocol::Session),
        (other, None) => {
            let what = "protocol: \"websocket\", \"session\" or \"socketio\", not";
            Err(Fault::new(place, format!("{what} {other:?}")))
        }
    }
}

fn url(
    source: &Source<'_>,
    file: &File,
    overrides: &Overrides,
    protocol: Protocol,
    allowed: impl Fn(Placeholder) -> bool,
) -> Result<Template, Fault> {
    let (text, place) = match &overrides.url {
        Some(url) => (url.as_str(), Place::Flag("--url")),
        None => (file.url.get_ref().as_str(), source.place(&file.url)),
    };
    let template = Template::parse(text, allowed).map_err(|unknown| Fault::new(place, unknown))?;
    let sample = template.fill(sample);
    let socketio = matches!(protocol, Protocol::SocketIo { .. });
    // Socket.IO's may begin with `http` as well.
    let sample = match sample.strip_prefix("http") {
        Some(rest) if socketio => format!("ws{rest}"),
        _ => sample,
    };
    match Url::parse(&sample) {
        Ok(_) => Ok(template),
        Err(error) => Err(Fault::new(place, format!("url: {error}: {text:?}"))),
    }
}

/// How many connections, and where that is said.
fn connections(
    source: &Source<'_>,
    file: &File,
    overrides: &Overrides,
) -> Result<(u32, Place), Fault> {
    let (count, place) = match overrides.connections {
        Some(count) => (count, Place::Flag("--connections")),
        None => (*file.connections.get_ref(), source.place(&file.connections)),
    };
    match (1..=CONNECTIONS).contains(&count) {
        true => Ok((count, place)),
        false => Err(Fault::new(place, format!("connections: from 1 to {CONNECTIONS}"))),
    }
}

fn group(source: &Source<'_>, file: &File, connections: u32) -> Result<u32, Fault> {
    match &file.group {
        None => Ok(1),
        Some(group) if *group.get_ref() == 0 => Err(Fault::new(
            source.place(group),
            "group: how many connections are in one; from 1 on",
        )),
        Some(group) => Ok((*group.get_ref()).min(connections)),
    }
}

fn message(
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

fn shape(
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
fn sample(placeholder: Placeholder) -> String {
    match placeholder {
        Placeholder::Mark => {
            crate::mark::Mark { run: 0, sender: 0, sequence: 0, planned: 0, late: 0 }.text()
        }
        _ => "0".into(),
    }
}

fn signing(source: &Source<'_>, jwt: &Jwt, overrides: &Overrides) -> Result<Signing, Fault> {
    let file = match (&overrides.secret_file, &jwt.secret_file) {
        (Some(path), _) => Some((path.clone(), Place::Flag("--secret-file"))),
        (None, Some(path)) => Some((path.get_ref().into(), source.place(path))),
        (None, None) => None,
    };
    let secret = match (file, &jwt.secret) {
        (Some((path, place)), _) => std::fs::read(&path)
            .map_err(|error| Fault::new(place, format!("{}: {error}", path.display())))?,
        (None, Some(secret)) => secret.get_ref().as_bytes().to_vec(),
        (None, None) => {
            let place = source.place(&jwt.claims);
            return Err(Fault::new(place, "jwt: set `secret` or `secret_file`, or --secret-file"));
        }
    };
    if secret.is_empty() {
        return Err(Fault::new(source.place(&jwt.claims), "jwt: the secret is empty"));
    }
    // A day from now: longer than any run.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let text = jwt.claims.get_ref().replace("{expires}", &(now + 86_400).to_string());
    let place = source.place(&jwt.claims);
    let allowed = |it| {
        matches!(
            it,
            Placeholder::User | Placeholder::Number | Placeholder::Group | Placeholder::Member
        )
    };
    let claims = Template::parse(&text, allowed).map_err(|unknown| Fault::new(place, unknown))?;
    match serde_json::from_str::<serde_json::Map<_, _>>(&claims.fill(sample)) {
        Ok(_) => Ok(Signing { secret, claims }),
        Err(error) => Err(Fault::new(place, format!("claims: they are a JSON object: {error}"))),
    }
}

fn fields(
    source: &Source<'_>,
    file: &File,
    allowed: impl Fn(Placeholder) -> bool,
) -> Result<Vec<(String, Template)>, Fault> {
    let checked = file.headers.iter().map(|(name, value)| {
        let template = source.template(value, &allowed)?;
        let sample = template.fill(sample);
        let fields = [Field::new(name, &sample)];
        let tried = Url::parse("ws://localhost/").ok().map(|url| {
            Connector::new(
                Offer::new(url).with_fields(&fields),
                &HeadLimits::default(),
                Duration::ZERO,
            )
        });
        match tried {
            Some(Err(error)) => Err(Fault::new(source.place(value), format!("{name}: {error}"))),
            _ => Ok((name.clone(), template)),
        }
    });
    checked.collect()
}

fn subprotocols(
    source: &Source<'_>,
    file: &File,
    protocol: Protocol,
) -> Result<Vec<String>, Fault> {
    let checked = file.subprotocols.iter().map(|name| {
        if protocol != Protocol::WebSocket {
            let what = "subprotocols: only protocol = \"websocket\" has a choice";
            return Err(Fault::new(source.place(name), what));
        }
        let names = [name.get_ref().as_str()];
        let tried = Url::parse("ws://localhost/").ok().map(|url| {
            let offer = Offer::new(url).with_subprotocols(&names);
            Connector::new(offer, &HeadLimits::default(), Duration::ZERO)
        });
        match tried {
            Some(Err(error)) => Err(Fault::new(source.place(name), error)),
            _ => Ok(name.get_ref().clone()),
        }
    });
    checked.collect()
}

fn thresholds(source: &Source<'_>, file: &File) -> Result<Thresholds, Fault> {
    let mut thresholds = Thresholds::default();
    for (name, value) in &file.thresholds {
        let place = source.place(value);
        let latency = PERCENTILES.iter().position(|(other, _)| other == name.get_ref());
        let count = COUNTS.iter().position(|other| other == name.get_ref());
        match (latency, count, value.get_ref()) {
            (Some(at), _, Bound::Text(_)) => {
                thresholds.latency[at] = Some(source.span(name.get_ref(), value)?);
            }
            (Some(_), ..) => {
                let what = format!("{}: a length of time such as \"50ms\"", name.get_ref());
                return Err(Fault::new(place, what));
            }
            (None, Some(at), Bound::Whole(most)) => thresholds.counts[at] = Some(*most),
            (None, Some(_), _) => {
                let what = format!("{}: a number from 0 on", name.get_ref());
                return Err(Fault::new(place, what));
            }
            (None, None, _) => {
                let names = PERCENTILES.iter().map(|(name, _)| *name).chain(COUNTS);
                let names = names.collect::<Vec<_>>().join(", ");
                let what =
                    format!("{}: there is no such threshold; there are {names}", name.get_ref());
                return Err(Fault::new(place, what));
            }
        }
    }
    Ok(thresholds)
}
