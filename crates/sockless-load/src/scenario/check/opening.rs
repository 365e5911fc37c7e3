//! What a connection says and awaits before it counts as open.

use super::message::shape;
use super::source::Source;
use crate::scenario::fault::{Fault, Place};
use crate::scenario::file::{File, Step as Raw};
use crate::scenario::{Protocol, Step};
use crate::template::Placeholder;

pub(super) fn opening(
    source: &Source<'_>,
    file: &File,
    protocol: Protocol,
    allowed: impl Fn(Placeholder) -> bool,
) -> Result<Vec<Step>, Fault> {
    file.open.iter().map(|raw| step(source, raw, protocol, &allowed)).collect()
}

fn step(
    source: &Source<'_>,
    raw: &Raw,
    protocol: Protocol,
    allowed: impl Fn(Placeholder) -> bool,
) -> Result<Step, Fault> {
    if raw.send.is_none() && raw.r#await.is_none() {
        let place = raw.event.as_ref().map_or(Place::Default, |event| source.place(event));
        return Err(Fault::new(place, "a step of [[open]] has to send or to await something"));
    }
    if let Some(text) = &raw.refusal
        && raw.r#await.is_none()
    {
        let what = "refusal: it comes instead of what is awaited: set `await`";
        return Err(Fault::new(source.place(text), what));
    }
    for text in raw.r#await.iter().chain(&raw.refusal) {
        if text.get_ref().is_empty() {
            let what = "await, refusal: what has to be in the message?";
            return Err(Fault::new(source.place(text), what));
        }
    }
    let send = raw.send.as_ref();
    let send = send.map(|it| shape(source, protocol, it, raw.event.as_ref(), raw.binary, allowed));
    Ok(Step {
        send: send.transpose()?,
        awaits: raw.r#await.as_ref().map(|text| text.get_ref().clone()),
        refusal: raw.refusal.as_ref().map(|text| text.get_ref().clone()),
    })
}
