//! The same calls again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::{error, fmt};

use bytes::BytesMut;
use sockless::connection::{Entropy, SendError, Side};
use sockless::{CloseCode, Connection, Event, Input, Outcome};

use super::codec::Digest;
use super::damage::Damage;
use super::record::{Record, Records, reason};
use super::settings::Beginning;

/// What is seen of a replay while it runs.
#[derive(Debug)]
pub enum Step<'s, 'b> {
    /// A call is about to be made.
    Call(&'s Record<'s>),
    /// It has yielded an event.
    Event(&'s Event<'b>),
    /// It was refused.
    Refused(&'s str),
    /// It has said that these bytes were written: they are in its output.
    Wrote(&'s [u8]),
}

/// Why a replay has stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The trace is damaged. All calls before have been made, and had the same results.
    Damaged(Damage),
    /// The call with this number, of all records, had another result.
    Result {
        /// The number of the record with the call.
        call: usize,
        /// What the trace says of its results.
        recorded: String,
        /// What came of it now.
        replayed: String,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged(damage) => damage.fmt(f),
            Self::Result { call, recorded, replayed } => {
                write!(f, "record {call} came to [{recorded}], and now to [{replayed}]")
            }
        }
    }
}

impl error::Error for Mismatch {}

impl From<Damage> for Mismatch {
    fn from(damage: Damage) -> Self {
        Self::Damaged(damage)
    }
}

/// Makes the calls in `trace` again, shows them, and compares what comes of them: the outcome in the end.
///
/// # Errors
///
/// The first result that differs, or what is wrong with the trace.
pub fn replay(trace: &[u8], show: impl FnMut(Step<'_, '_>)) -> Result<Outcome, Mismatch> {
    let mut records = Records::new(trace)?;
    let Some(Record::Begin(beginning)) = records.next().transpose()? else {
        return Err(Damage::Malformed(super::record::MAGIC.len()).into());
    };
    let (config, agreed) = (beginning.settings.config(), beginning.agreed());
    let keys = Keys::default();
    if beginning.client {
        let connection = Connection::client_with(config, keys.clone()).with_extensions(agreed);
        Replay::new(connection, keys, show).run(&beginning, records)
    } else {
        let connection = Connection::server(config).with_extensions(agreed);
        Replay::new(connection, keys, show).run(&beginning, records)
    }
}

/// Masking keys out of a trace, and how many were asked for that are not there.
#[derive(Clone, Default)]
struct Keys(Arc<Mutex<(VecDeque<u8>, usize)>>);

impl Entropy for Keys {
    fn fill(&mut self, bytes: &mut [u8]) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for byte in bytes {
            let next = keys.0.pop_front();
            keys.1 += usize::from(next.is_none());
            *byte = next.unwrap_or_default();
        }
    }
}

struct Replay<R: Side, S> {
    connection: Connection<R>,
    keys: Keys,
    show: S,
    output: Digest,
    /// The input of the last call, and how much of it is left.
    input: Vec<u8>,
    left: usize,
    taken: Option<BytesMut>,
}

impl<R: Side, S: FnMut(Step<'_, '_>)> Replay<R, S> {
    fn new(connection: Connection<R>, keys: Keys, show: S) -> Self {
        let (input, output) = (Vec::new(), Digest::default());
        Self { connection, keys, show, output, input, left: 0, taken: None }
    }

    fn run(mut self, beginning: &Beginning, mut records: Records<'_>) -> Result<Outcome, Mismatch> {
        (self.show)(Step::Call(&Record::Begin(*beginning)));
        let mut number = 1;
        let mut next = records.next().transpose()?;
        while let Some(call) = next {
            let at = number;
            number += 1;
            if let Record::End(recorded) = call {
                if let Some(trailing) = records.next() {
                    trailing?;
                }
                return self.end(at, recorded);
            }
            // What came of the call stands behind it.
            let mut recorded = Vec::new();
            let mut damage = None;
            next = loop {
                match records.next() {
                    Some(Ok(record)) if record.is_result() && !matches!(record, Record::End(_)) => {
                        number += 1;
                        recorded.push(record);
                    }
                    Some(Err(found)) => {
                        damage = Some(found);
                        break None;
                    }
                    other => break other.transpose()?,
                }
            };
            let made = self.make(at, &call, &recorded);
            // The last call whose results are unknown is made, in case it is the one that matters, and not compared.
            damage.map_or(made, |damage| Err(damage.into()))?;
        }
        Err(Damage::Truncated.into())
    }

    fn end(self, call: usize, recorded: &str) -> Result<Outcome, Mismatch> {
        let outcome = self.connection.outcome();
        let replayed = format!("{outcome:?}");
        match replayed == recorded {
            true => Ok(outcome),
            false => Err(Mismatch::Result { call, recorded: recorded.to_owned(), replayed }),
        }
    }

    /// Makes a call, and compares.
    fn make(
        &mut self,
        at: usize,
        call: &Record<'_>,
        recorded: &[Record<'_>],
    ) -> Result<(), Mismatch> {
        let drawn = recorded.iter().find_map(|record| match record {
            Record::Drawn(bytes) => Some(*bytes),
            _ => None,
        });
        let drawn = drawn.unwrap_or_default();
        {
            let mut keys = self.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
            keys.0.extend(drawn);
        }
        (self.show)(Step::Call(call));
        let mut results = Vec::new();
        let digest = self.call(call, &mut results);
        let mut keys = self.keys.0.lock().unwrap_or_else(PoisonError::into_inner);
        let drew = drawn.len() + keys.1 - keys.0.len();
        let told = recorded.iter().filter(|record| !matches!(record, Record::Drawn(_)));
        let mut was = told.map(Record::to_string).collect::<Vec<_>>().join(";");
        let mut is = results.join(";");
        if drew != drawn.len() {
            was += &format!(" keys of {} bytes", drawn.len());
            is += &format!(" keys of {drew} bytes");
        }
        if let (Record::Wrote { digest: before, .. }, Some(now)) = (call, digest)
            && *before != now
        {
            was += &format!(" output {before:016x}");
            is += &format!(" output {now:016x}");
        }
        *keys = Default::default();
        match was == is {
            true => Ok(()),
            false => Err(Mismatch::Result { call: at, recorded: was, replayed: is }),
        }
    }

    /// Makes a call; the digest of all output, if it was about output.
    fn call(&mut self, call: &Record<'_>, results: &mut Vec<String>) -> Option<u64> {
        let connection = &mut self.connection;
        let sent = match *call {
            Record::Poll { now, eof, input } => {
                self.input = input.to_vec();
                self.left = input.len();
                return self.poll(now, eof, results);
            }
            Record::PollOn { now } => return self.poll(now, false, results),
            Record::Wrote { count, .. } => return Some(self.wrote(count)),
            Record::SendText(text) => connection.send_text(text),
            Record::SendBinary(bytes) => connection.send_binary(bytes),
            Record::SendOwnedText(text) => connection.send(text).map_err(|refused| refused.reason),
            Record::SendOwnedBinary(bytes) => {
                connection.send(bytes).map_err(|refused| refused.reason)
            }
            Record::BeginText { last, text } => connection.begin_text(text, last),
            Record::BeginBinary { last, bytes } => connection.begin_binary(bytes, last),
            Record::ContinueText { last, text } => connection.continue_text(text, last),
            Record::ContinueBinary { last, bytes } => connection.continue_binary(bytes, last),
            Record::StreamFrame { first, fin, len } => connection.stream_frame(first, fin, len),
            Record::StreamPayload(bytes) => connection.stream_payload(&mut bytes.to_vec()),
            Record::Ping { now, payload } => connection.ping(payload, now),
            Record::Pong(payload) => connection.pong(payload),
            Record::Close { now, code, reason } => {
                connection.close(CloseCode::new(code), reason, now)
            }
            ref other => {
                self.other(other);
                Ok(())
            }
        };
        if let Err(error) = sent {
            self.refused(error, results);
        }
        None
    }

    fn other(&mut self, call: &Record<'_>) {
        match call {
            Record::SetConfig(settings) => self.connection.set_config(settings.config()),
            Record::Shut => self.connection.shut(),
            Record::Lost => self.connection.lost(),
            Record::TakeBuffer => self.taken = self.connection.take_buffer(),
            Record::PutBuffer(more) => {
                let mut bytes = self.taken.take().unwrap_or_default();
                bytes.extend_from_slice(more);
                self.taken = self.connection.put_buffer(bytes).err();
            }
            Record::SetCompression(on) => self.connection.set_compression(*on),
            Record::Release => self.connection.release(),
            _ => {}
        }
    }

    fn refused(&mut self, error: SendError, results: &mut Vec<String>) {
        let reason = reason(error);
        (self.show)(Step::Refused(&reason));
        results.push(Record::Refused(&reason).to_string());
    }

    fn poll(
        &mut self,
        now: std::time::Duration,
        eof: bool,
        results: &mut Vec<String>,
    ) -> Option<u64> {
        let start = self.input.len() - self.left;
        let mut input = if eof { Input::eof() } else { Input::new(&mut self.input[start..]) };
        let event = self.connection.poll(&mut input, now);
        self.left = input.len();
        if let Some(event) = &event {
            results.push(Record::event(event).to_string());
            (self.show)(Step::Event(event));
        }
        None
    }

    fn wrote(&mut self, count: u64) -> u64 {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        let output: Vec<u8> =
            self.connection.output_slices().flatten().copied().take(count).collect();
        self.output.add(&output);
        (self.show)(Step::Wrote(&output));
        self.connection.wrote(count);
        self.output.0
    }
}
