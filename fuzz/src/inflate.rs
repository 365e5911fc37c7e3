//! Compressed messages: what another library has compressed arrives as it was, at any cut; anything else is taken as another
//! inflater takes it, or fails; and never is more taken than the limit.

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_HAS_MORE_INPUT, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};
use sockless::connection::Failure;
use sockless::extension::deflate::Parameters;
use sockless::frame::{Limits, Violation};
use sockless::{Client, Config, Delivery, Input, Kind, Server};

use crate::allocations::Meter;
use crate::cuts::Cuts;
use crate::endpoint::Endpoint;
use crate::inflation::Deflater;
use crate::items;
use crate::reference::Item;
use crate::seen::Seen;
use crate::wire::frame;

/// The limit on messages where the case sets none.
const LIMIT: u64 = 1 << 14;
/// What an inflater, its history and the pieces in progress take.
const CONSTANT: i64 = 256 << 10;
const TAIL: [u8; 4] = [0, 0, 0xFF, 0xFF];
/// A block without compression, with an octet in it: it decodes to just that at the end of a block and of an octet, and nowhere
/// else.
const PROBE: [u8; 6] = [0, 1, 0, 0xFE, 0xFF, b'x'];

#[derive(Arbitrary, Debug)]
struct Case {
    client: bool,
    takeover: bool,
    limit: Option<u16>,
    cuts: Cuts,
    messages: Vec<Compressed>,
}

#[derive(Arbitrary, Debug)]
struct Compressed {
    text: bool,
    fragments: u8,
    payload: Payload,
}

#[derive(Arbitrary, Debug)]
enum Payload {
    /// As another library compresses it, some of it changed.
    Deflated {
        word: String,
        times: u8,
        changes: Vec<(u16, u8)>,
    },
    Bytes(Vec<u8>),
    /// Not compressed at all.
    Plain(String),
}

pub fn check(data: &[u8]) {
    // One message that is nothing but these bytes.
    let message = |text| Compressed { text, fragments: 0, payload: Payload::Bytes(data.to_vec()) };
    hold::<Server>(true, LIMIT, &Cuts::single(), &[message(false), message(true)]);
    let Some(Case { client, takeover, limit, cuts, messages }) = crate::input(data) else { return };
    let limit = limit.map_or(LIMIT, u64::from);
    match client {
        true => hold::<Client>(takeover, limit, &cuts, &messages),
        false => hold::<Server>(takeover, limit, &cuts, &messages),
    }
}

/// What has to come of the messages: those before the first that fails, and for what reasons that one may fail.
#[derive(Debug, Default)]
struct Expected {
    items: Vec<Item>,
    failures: Vec<Failure>,
}

fn hold<R: Endpoint>(takeover: bool, limit: u64, cuts: &Cuts, messages: &[Compressed]) {
    let mut stream = Vec::new();
    let mut expected = Expected::default();
    let mut deflater = Deflater::new(takeover);
    let mut inflater = Reference::new(takeover);
    // Whether both sides have the same history: not behind a message that one of them knows otherwise.
    let mut shared = true;
    for message in messages {
        let (payload, original) = message.payload(&mut deflater);
        message.encode(&payload, (!R::MASKS).then_some([1, 2, 3, 4]), &mut stream);
        if !expected.failures.is_empty() {
            continue;
        }
        let (bytes, sound) = match &message.payload {
            Payload::Plain(text) => (text.clone().into_bytes(), true),
            _ => inflater.inflate(&payload, limit as usize),
        };
        match original {
            Some(original) if shared => {
                assert!(bytes.len() as u64 > limit || (bytes == original && sound));
            }
            None if takeover && !matches!(message.payload, Payload::Plain(_)) => shared = false,
            _ => {}
        }
        expected.judge(message.kind(), bytes, sound, limit);
    }
    for delivery in [Delivery::Whole, Delivery::Parts] {
        let (single, whole) = (&Cuts::single(), &Cuts::whole());
        for (cuts, copied) in [(cuts, true), (single, false), (whole, false)] {
            let config = config(limit, delivery);
            let (seen, peak) = receive::<R>(&config, takeover, &stream, cuts, copied);
            let failure = seen.iter().find_map(|seen| match seen {
                Seen::Failed(failure) => Some(*failure),
                _ => None,
            });
            assert_eq!(items::data(&seen), expected.items, "{delivery:?} {cuts:?} {failure:?}");
            match failure {
                None => assert_eq!(expected.failures, []),
                Some(failure) => assert!(
                    expected.failures.contains(&failure),
                    "{failure:?}, expected {:?}",
                    expected.failures
                ),
            }
            let most = 2 * (limit + stream.len() as u64) as i64 + CONSTANT;
            assert!(peak <= most, "{peak} bytes for {} and a limit of {limit}", stream.len());
        }
    }
}

impl Expected {
    fn judge(&mut self, kind: Kind, bytes: Vec<u8>, sound: bool, limit: u64) {
        if !sound {
            self.failures.push(Failure::CorruptMessage);
        }
        if bytes.len() as u64 > limit {
            self.failures.push(Failure::Violation(Violation::MessageTooLong));
        }
        if kind == Kind::Text && std::str::from_utf8(&bytes).is_err() {
            self.failures.push(Failure::Violation(Violation::InvalidText));
        }
        if self.failures.is_empty() {
            self.items.push(items::item(kind, bytes));
        }
    }
}

impl Compressed {
    fn kind(&self) -> Kind {
        if self.text { Kind::Text } else { Kind::Binary }
    }

    /// The payload, and what it was made of, if it is as it was made.
    fn payload(&self, deflater: &mut Deflater) -> (Vec<u8>, Option<Vec<u8>>) {
        match &self.payload {
            Payload::Deflated { word, times, changes } => {
                let original = word.repeat(usize::from(*times) + 1).into_bytes();
                let mut payload = deflater.deflate(&original);
                for (at, value) in changes {
                    let at = usize::from(*at) % payload.len();
                    payload[at] ^= value;
                }
                (payload, changes.is_empty().then_some(original))
            }
            Payload::Bytes(bytes) => (bytes.clone(), None),
            Payload::Plain(text) => (text.clone().into_bytes(), None),
        }
    }

    fn encode(&self, payload: &[u8], key: Option<[u8; 4]>, stream: &mut Vec<u8>) {
        let opcode = if self.text { 1 } else { 2 };
        let rsv1 = if matches!(self.payload, Payload::Plain(_)) { 0 } else { 0x40 };
        let size = payload.len().div_ceil(usize::from(self.fragments % 5) + 1).max(1);
        let mut fragments: Vec<_> = payload.chunks(size).collect();
        if fragments.is_empty() {
            fragments.push(&[]);
        }
        let last = fragments.len() - 1;
        for (at, fragment) in fragments.into_iter().enumerate() {
            let first = if at == 0 { opcode | rsv1 } else { 0 };
            let fin = if at == last { 0x80 } else { 0 };
            stream.extend(frame(fin | first, key, fragment));
        }
    }
}

fn config(limit: u64, delivery: Delivery) -> Arc<Config> {
    let limits = Limits::DEFAULT.with_message(limit);
    Arc::new(Config::default().with_limits(limits).with_delivery(delivery))
}

/// What is seen, and the most memory that was held meanwhile, without what is kept here of it. With `copied`, the bytes are handed
/// in where they can't be written to.
fn receive<R: Endpoint>(
    config: &Arc<Config>,
    takeover: bool,
    stream: &[u8],
    cuts: &Cuts,
    copied: bool,
) -> (Vec<Seen>, i64) {
    let agreed = crate::inflation::agreed(Parameters {
        server_no_context_takeover: !takeover,
        client_no_context_takeover: !takeover,
        ..Parameters::default()
    });
    let mut seen = Vec::new();
    let (mut held, mut peak) = (0, 0);
    let mut conn = R::open(config).with_extensions(agreed);
    for read in cuts.reads(stream.len()) {
        let arrived = &stream[read];
        let mut buffer = if copied { vec![0xEE; arrived.len()] } else { arrived.to_vec() };
        let mut input = match copied {
            true => Input::copied(arrived, &mut buffer),
            false => Input::new(&mut buffer),
        };
        loop {
            let meter = Meter::start();
            let event = conn.poll(&mut input, Duration::ZERO);
            peak = peak.max(held + meter.peak());
            let Some(event) = event else {
                held += meter.live();
                break;
            };
            let before = meter.live();
            let copy = Seen::new(&event);
            let copied = meter.live() - before;
            drop(event);
            held += meter.live() - copied;
            copy.join(&mut seen);
        }
        assert!(input.is_empty(), "no event, but input is left");
    }
    (seen, peak)
}

/// Another inflater, with everything inflated so far as its window.
struct Reference {
    takeover: bool,
    state: Box<DecompressorOxide>,
    out: Vec<u8>,
    at: usize,
    /// Whether nothing has come behind the beginning, or behind a block that says that it is the last.
    fresh: bool,
}

impl Reference {
    fn new(takeover: bool) -> Self {
        Self { takeover, state: Box::default(), out: Vec::new(), at: 0, fresh: true }
    }

    /// The message, as far as it could be inflated (at most a little more than `limit`); and whether it is sound.
    fn inflate(&mut self, payload: &[u8], limit: usize) -> (Vec<u8>, bool) {
        if !self.takeover {
            *self = Self::new(false);
        }
        let start = self.at;
        self.out.resize(start + limit + 2, 0);
        let mut sound = true;
        let mut input = payload;
        // Any number of blocks may say that they are the last, but a message may not end with one.
        while !input.is_empty() && sound {
            let (status, read) = self.step(input);
            input = &input[read..];
            self.fresh = status == TINFLStatus::Done;
            if self.fresh {
                *self.state = DecompressorOxide::new();
            }
            sound = self.fresh || status == TINFLStatus::NeedsMoreInput && input.is_empty();
        }
        let end = self.at;
        sound = sound && !self.fresh && self.ends();
        (self.out[start..end].to_vec(), sound)
    }

    /// Whether the octets that the sender has stripped complete a block, without giving any data.
    fn ends(&mut self) -> bool {
        let end = self.at;
        if self.step(&TAIL) != (TINFLStatus::NeedsMoreInput, TAIL.len()) || self.at != end {
            return false;
        }
        let probed = self.step(&PROBE) == (TINFLStatus::NeedsMoreInput, PROBE.len());
        let gave = &self.out[end..self.at] == b"x";
        self.at = end;
        probed && gave
    }

    fn step(&mut self, input: &[u8]) -> (TINFLStatus, usize) {
        let flags = TINFL_FLAG_HAS_MORE_INPUT | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
        let (status, read, wrote) =
            decompress(&mut self.state, input, &mut self.out, self.at, flags);
        self.at += wrote;
        (status, read)
    }
}
