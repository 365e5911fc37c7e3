//! From a file to a scenario: every value is looked at once, and what doesn't fit is named with its line.

mod message;
mod opening;
mod server;
mod source;
mod thresholds;

use std::ops::Range;
use std::time::Duration;

use self::message::message;
use self::opening::opening;
use self::server::{fields, protocol, signing, subprotocols, url};
use self::source::Source;
use self::thresholds::thresholds;
use super::fault::{Fault, Place};
use super::file::File;
use super::{Overrides, Scenario};
use crate::schedule::Pattern;
use crate::template::{Placeholder, Template};

const CONNECTIONS: u32 = 1_000_000;

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
    let opening = opening(&source, &file, protocol, of_user)?;
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
