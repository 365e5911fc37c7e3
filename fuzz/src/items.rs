//! What a connection's events say in the words of the reference: whole messages and control frames, wherever parts were cut.

use sockless::Kind;

use crate::reference::Item;
use crate::seen::Seen;

/// The items, with parts put together over what came between them, and what there is of a message that did not end.
pub(crate) fn items(seen: &[Seen]) -> (Vec<Item>, Vec<u8>) {
    let mut items = Vec::new();
    let mut open = Vec::new();
    for seen in seen {
        items.push(match seen.clone() {
            Seen::Text(text) => Item::Text(text),
            Seen::Binary(bytes) => Item::Binary(bytes),
            Seen::Part(is_text, bytes, first, last) => {
                assert!(!first || open.is_empty(), "a message begins inside another one");
                open.extend(bytes);
                if !last {
                    continue;
                }
                let kind = if is_text { Kind::Text } else { Kind::Binary };
                item(kind, std::mem::take(&mut open))
            }
            Seen::Ping(payload) => Item::Ping(payload),
            Seen::Pong(payload, _) => Item::Pong(payload),
            Seen::Closing(code, reason) => Item::Close(code, reason),
            Seen::Quiet | Seen::Idle | Seen::Failed(_) => continue,
        });
    }
    (items, open)
}

/// A whole message.
pub(crate) fn item(kind: Kind, bytes: Vec<u8>) -> Item {
    match kind {
        Kind::Text => Item::Text(String::from_utf8(bytes).expect("text was checked")),
        Kind::Binary => Item::Binary(bytes),
    }
}

/// Only text and binary messages.
pub(crate) fn data_of(items: Vec<Item>) -> Vec<Item> {
    let is_data = |item: &Item| matches!(item, Item::Text(_) | Item::Binary(_));
    items.into_iter().filter(is_data).collect()
}

/// The messages that were seen whole.
pub(crate) fn data(seen: &[Seen]) -> Vec<Item> {
    data_of(items(seen).0)
}
