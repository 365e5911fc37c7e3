//! How a naive driver reads: into a buffer of its own, into memory that can't be written to, or straight into a message's buffer.

use bytes::BytesMut;
use sockless::connection::Side;
use sockless::{Connection, Input, Receiver};

use crate::random::Random;
use crate::turns::Wire;

/// Where input goes: a connection, or its receiving half.
pub(crate) trait Inlet {
    fn take_buffer(&mut self) -> Option<BytesMut>;
    fn put_buffer(&mut self, buffer: BytesMut) -> Result<(), BytesMut>;
}

macro_rules! inlet {
    ($kind:ident) => {
        impl<R: Side> Inlet for $kind<R> {
            fn take_buffer(&mut self) -> Option<BytesMut> {
                $kind::take_buffer(self)
            }

            fn put_buffer(&mut self, buffer: BytesMut) -> Result<(), BytesMut> {
                $kind::put_buffer(self, buffer)
            }
        }
    };
}
inlet!(Connection);
inlet!(Receiver);

#[derive(Default)]
pub(crate) struct Intake {
    copies: bool,
    /// It reads into a message's own buffer where it can.
    takes: bool,
    taken: Option<BytesMut>,
    /// How often it has taken one.
    pub(crate) count: u64,
}

/// What one read has brought.
pub(crate) struct Arrival {
    bytes: Vec<u8>,
    shared: Option<Vec<u8>>,
    ends: bool,
    pub(crate) moved: usize,
}

impl Intake {
    pub(crate) fn new(random: &mut Random) -> Self {
        Self { copies: random.one_in(3), takes: random.one_in(2), taken: None, count: 0 }
    }

    /// Reads once, if it is to.
    pub(crate) fn read(
        &mut self,
        reads: bool,
        inlet: &mut impl Inlet,
        wire: &mut Wire<'_>,
    ) -> Arrival {
        let mut arrival = Arrival { bytes: Vec::new(), shared: None, ends: false, moved: 0 };
        if !reads {
            return arrival;
        }
        // Now and then what was read elsewhere is handed in though the buffer is out: it comes after what is in the buffer.
        if let Some(mut buffer) = self.taken.take_if(|_| !wire.random.one_in(4)) {
            let read = wire.read_at_most(buffer.capacity());
            arrival.moved = read.len();
            arrival.ends = read.is_empty();
            buffer.extend_from_slice(&read);
            // After the end there is no message any more.
            let _ = inlet.put_buffer(buffer);
            return arrival;
        }
        arrival.bytes = wire.read();
        arrival.moved = arrival.bytes.len();
        arrival.ends = arrival.bytes.is_empty();
        arrival.shared = self.copies.then(|| arrival.bytes.clone());
        arrival
    }

    /// Puts a buffer back unread where other input has been handed in; whether there was one, and there is more to poll for.
    pub(crate) fn put_back(&mut self, arrival: &Arrival, inlet: &mut impl Inlet) -> bool {
        if arrival.bytes.is_empty() && !arrival.ends {
            return false;
        }
        let Some(taken) = self.taken.take() else { return false };
        let _ = inlet.put_buffer(taken);
        true
    }

    /// Takes a message's buffer out, if there is one and more is to be read.
    pub(crate) fn take(&mut self, reads: bool, inlet: &mut impl Inlet) {
        if self.takes && reads && self.taken.is_none() {
            self.taken = inlet.take_buffer();
            self.count += u64::from(self.taken.is_some());
        }
    }
}

impl Arrival {
    pub(crate) fn input(&mut self) -> Input<'_> {
        match (&self.shared, self.ends) {
            (_, true) => Input::eof(),
            (Some(shared), false) => Input::copied(shared, &mut self.bytes),
            (None, false) => Input::new(&mut self.bytes),
        }
    }
}
