//! What the peer of a connection has to see, from the calls that succeeded.

use sockless::Kind;

use crate::items;
use crate::reference::Item;

/// The data messages that the peer has to see.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) sent: Vec<Item>,
    open: Option<(Kind, Vec<u8>)>,
    /// Of a streamed frame: whether it is the last, and what lacks.
    pub(crate) frame: Option<(bool, usize)>,
}

impl Model {
    pub(crate) fn whole(&mut self, kind: Kind, bytes: Vec<u8>) {
        assert!(self.open.is_none() && self.frame.is_none(), "a message inside another one");
        self.sent.push(items::item(kind, bytes));
    }

    pub(crate) fn fragment(&mut self, first: Option<Kind>, bytes: &[u8], last: bool) {
        assert!(self.frame.is_none(), "a frame inside another one");
        self.extend(first, bytes, last);
    }

    fn extend(&mut self, first: Option<Kind>, bytes: &[u8], ends: bool) {
        if let Some(kind) = first {
            assert!(self.open.is_none(), "a message inside another one");
            self.open = Some((kind, Vec::new()));
        }
        self.open.as_mut().expect("a message to continue").1.extend_from_slice(bytes);
        if let Some((kind, bytes)) = self.open.take_if(|_| ends) {
            self.sent.push(items::item(kind, bytes));
        }
    }

    pub(crate) fn stream(&mut self, first: Option<Kind>, fin: bool, len: usize) {
        self.fragment(first, &[], fin && len == 0);
        self.frame = (len > 0).then_some((fin, len));
    }

    pub(crate) fn payload(&mut self, bytes: &[u8]) {
        let Some((fin, left)) = self.frame else {
            return assert!(bytes.is_empty(), "payload without a frame");
        };
        let left = left.checked_sub(bytes.len()).expect("no more than was announced");
        self.extend(None, bytes, fin && left == 0);
        self.frame = (left > 0).then_some((fin, left));
    }
}
