//! Frames that go to many sockets: each is made once into what WebSockets send.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use sockless_tokio::Prepared;

use crate::engine::Frame;

/// How many frames are remembered at most: a broadcast has one for its text, and one for each attachment.
const REMEMBERED: usize = 16;

/// The last frames that went to many and wait for some of them, with what was made of them.
#[derive(Default)]
pub(super) struct PreparedFrames(VecDeque<(Frame, Prepared)>);

/// A frame on its way to one WebSocket.
pub(super) enum Outgoing {
    /// For this one alone.
    Text(Arc<str>),
    /// The same.
    Binary(Bytes),
    /// For others, too.
    Prepared(Prepared),
}

impl PreparedFrames {
    /// What is sent for a frame.
    pub(super) fn outgoing(&mut self, frame: Frame) -> Outgoing {
        match frame {
            Frame::Text(text) if Arc::strong_count(&text) == 1 => Outgoing::Text(text),
            Frame::Binary(bytes) if bytes.is_unique() => Outgoing::Binary(bytes),
            frame => Outgoing::Prepared(self.prepare(frame)),
        }
    }

    fn prepare(&mut self, frame: Frame) -> Prepared {
        let known = self.0.iter().find(|(its, _)| is_same(its, &frame));
        if let Some((_, prepared)) = known {
            let prepared = prepared.clone();
            drop(frame);
            self.forget();
            return prepared;
        }
        let prepared = match &frame {
            Frame::Text(text) => Prepared::text(text),
            Frame::Binary(bytes) => Prepared::binary(bytes),
        };
        if self.0.len() >= REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back((frame, prepared.clone()));
        prepared
    }

    /// Forgets what waits for nobody any more.
    pub(super) fn forget(&mut self) {
        self.0.retain(|(frame, _)| match frame {
            Frame::Text(text) => Arc::strong_count(text) > 1,
            Frame::Binary(bytes) => !bytes.is_unique(),
        });
    }
}

/// Whether both are one piece of memory. It stays what it is while it is remembered.
fn is_same(one: &Frame, other: &Frame) -> bool {
    match (one, other) {
        (Frame::Text(one), Frame::Text(other)) => Arc::ptr_eq(one, other),
        (Frame::Binary(one), Frame::Binary(other)) => {
            one.as_ptr() == other.as_ptr() && one.len() == other.len()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prepared_for(frames: &mut PreparedFrames, frame: &Frame) -> Prepared {
        match frames.outgoing(frame.clone()) {
            Outgoing::Prepared(prepared) => prepared,
            Outgoing::Text(_) | Outgoing::Binary(_) => panic!("it is shared"),
        }
    }

    #[test]
    fn a_frame_for_many_is_prepared_once() {
        let mut many = PreparedFrames::default();
        for frame in [Frame::message("hello"), Frame::Binary(vec![1; 100].into())] {
            let first = prepared_for(&mut many, &frame);
            let second = prepared_for(&mut many, &frame);
            assert_eq!(first.frame().as_ptr(), second.frame().as_ptr());
            assert!(first.frame().ends_with(match &frame {
                Frame::Text(text) => text.as_bytes(),
                Frame::Binary(bytes) => bytes,
            }));
        }
    }

    #[test]
    fn frames_that_look_alike_are_not_taken_for_each_other() {
        let mut many = PreparedFrames::default();
        let (one, other) = (Frame::message("a"), Frame::message("b"));
        assert_ne!(prepared_for(&mut many, &one).frame(), prepared_for(&mut many, &other).frame());
        let bytes = Bytes::from(vec![1, 2, 3]);
        let (all, part) = (Frame::Binary(bytes.clone()), Frame::Binary(bytes.slice(..2)));
        assert_ne!(prepared_for(&mut many, &all).frame(), prepared_for(&mut many, &part).frame());
    }

    #[test]
    fn a_frame_for_one_is_not_prepared() {
        let mut many = PreparedFrames::default();
        assert!(matches!(many.outgoing(Frame::message("a")), Outgoing::Text(_)));
        assert!(matches!(many.outgoing(Frame::Binary(vec![1].into())), Outgoing::Binary(_)));
        assert!(many.0.is_empty());
    }

    #[test]
    fn what_waits_for_nobody_is_forgotten() {
        let mut many = PreparedFrames::default();
        let frame = Frame::message("a");
        prepared_for(&mut many, &frame);
        assert_eq!(many.0.len(), 1);
        // The last of them.
        many.outgoing(frame);
        assert!(many.0.is_empty());

        let frames: Vec<_> = (0..100).map(|count| Frame::message(&format!("{count}"))).collect();
        frames.iter().for_each(|frame| drop(prepared_for(&mut many, frame)));
        assert_eq!(many.0.len(), REMEMBERED);
        drop(frames);
        many.forget();
        assert!(many.0.is_empty());
    }
}
