//! How the parts of what is kept for other servers are written one after the other: a length, then bytes. What they mean is said where they
//! are used. What is read is not trusted.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use bytes::{Buf, Bytes};

use super::payload::Payload;

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    // Nothing that fits into a message is longer.
    bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
}

/// An event's name and arguments.
pub(super) fn put_event(bytes: &mut Vec<u8>, name: &str, payload: &Payload) {
    put(bytes, name.as_bytes());
    put_payload(bytes, payload);
}

pub(super) fn put_payload(bytes: &mut Vec<u8>, payload: &Payload) {
    put(bytes, payload.json().as_bytes());
    put_all(bytes, payload.attachments().iter().map(|attachment| &**attachment));
}

pub(super) fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    put_count(bytes, part.len());
    bytes.extend_from_slice(part);
}

pub(super) fn put_all<'p>(bytes: &mut Vec<u8>, parts: impl ExactSizeIterator<Item = &'p [u8]>) {
    put_count(bytes, parts.len());
    parts.for_each(|part| put(bytes, part));
}

pub(super) fn take_event(bytes: &mut Bytes) -> Option<(String, Payload)> {
    Some((take_text(bytes)?, take_payload(bytes)?))
}

pub(super) fn take_payload(bytes: &mut Bytes) -> Option<Payload> {
    let json = take_text(bytes)?;
    let attachments = take_all(bytes, take)?;
    super::json::is_array(&json).then(|| Payload::checked(json, attachments))
}

pub(super) fn take(bytes: &mut Bytes) -> Option<Bytes> {
    let len = usize::try_from(bytes.try_get_u32().ok()?).ok()?;
    (len <= bytes.len()).then(|| bytes.split_to(len))
}

pub(super) fn take_text(bytes: &mut Bytes) -> Option<String> {
    String::from_utf8(take(bytes)?.into()).ok()
}

pub(super) fn take_shared(bytes: &mut Bytes) -> Option<Arc<str>> {
    Some(take_text(bytes)?.as_str().into())
}

pub(super) fn take_all<T>(
    bytes: &mut Bytes,
    one: impl Fn(&mut Bytes) -> Option<T>,
) -> Option<Vec<T>> {
    let count = bytes.try_get_u32().ok()?;
    // A count that lies ends with the bytes: nothing is reserved for it.
    (0..count).map(|_| one(bytes)).collect()
}
