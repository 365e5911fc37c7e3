//! What recovery needs of a client: the private id that the server has given it, and the offset of the last event that it has got.
//!
//! A server that can recover adds an offset to the arguments of an event that asks for no acknowledgement, so a last argument that is a
//! string may be one. The official client believes any such string, and it keeps the old offset under a new private id. This one looks
//! only at events that can have an offset, and begins anew with a new id: the server knows from where on it has been there.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use crate::json_string::json_string;

/// What is known in one namespace.
#[derive(Debug, Default)]
pub(super) struct Recovery {
    private_id: Option<String>,
    offset: Option<String>,
}

impl Recovery {
    /// The server has accepted the client: whether it goes on where it was interrupted.
    pub(super) fn accepted(&mut self, private_id: Option<String>) -> bool {
        let recovered = private_id.is_some() && private_id == self.private_id;
        if !recovered {
            *self = Self { private_id, offset: None };
        }
        recovered
    }

    /// Whether the server may recover what was missed.
    pub(super) fn is_possible(&self) -> bool {
        self.private_id.is_some()
    }

    /// An event has arrived that asks for no acknowledgement: whether its last argument may be an offset.
    pub(super) fn event(&mut self, arguments: &str) -> bool {
        if self.private_id.is_none() {
            return false;
        }
        let last = last_string(arguments);
        let may_be = last.is_some();
        self.offset = last.or(self.offset.take());
        may_be
    }

    /// What is sent to the server when a namespace is asked for: the authentication, a JSON object, and beside it what recovery needs.
    pub(super) fn ask(&self, auth: Option<String>) -> Option<String> {
        let Some(private_id) = &self.private_id else { return auth };
        let mut data = format!("{{\"pid\":{}", json_string(private_id));
        if let Some(offset) = &self.offset {
            data.push_str(",\"offset\":");
            data.push_str(&json_string(offset));
        }
        let auth = auth.as_deref().unwrap_or("{}").trim();
        let members = auth.strip_prefix('{').map_or("}", str::trim_start);
        if !members.starts_with('}') {
            data.push(',');
        }
        data.push_str(members);
        Some(data)
    }
}

/// The last element of an array, if it is a string.
fn last_string(array: &str) -> Option<String> {
    // Most arrays are seen through at once.
    if !array.trim_end().strip_suffix(']')?.trim_end().ends_with('"') {
        return None;
    }
    let elements: Vec<&RawValue> = serde_json::from_str(array).ok()?;
    serde_json::from_str(elements.last()?.get()).ok()
}
