//! What the broker did, written down where nothing forgets: the judge's memory.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use sockless_channels::{Answer, Epoch, Page, Position, Request};

/// Every publication of a run that the broker has accepted.
#[derive(Debug, Default)]
pub(crate) struct Record {
    publications: BTreeMap<(String, u64, u64), Bytes>,
    /// The places of a payload, which is different for each publication.
    places: BTreeMap<Bytes, Vec<(String, Position)>>,
    /// The last number that each publisher has in each epoch of a channel.
    last: BTreeMap<(String, u64, u64), u64>,
    epochs: BTreeSet<(String, u64)>,
    /// What was published after something that its publisher had published later.
    late: Vec<Bytes>,
    /// What the broker has refused, at least once.
    refused: BTreeSet<Bytes>,
}

/// A payload that says who published it (a node in one of its lives), and as which of its publications.
pub(crate) fn payload(publisher: u64, number: u64, len: usize) -> Bytes {
    let mut text = format!("{publisher} {number} ").into_bytes();
    text.resize(text.len() + len, b'.');
    text.into()
}

fn numbers(payload: &Bytes) -> (u64, u64) {
    let text = std::str::from_utf8(payload).expect("payloads are text");
    let mut words = text.split(' ').map_while(|word| word.parse().ok());
    words.next().zip(words.next()).expect("payloads begin with two numbers")
}

impl Record {
    /// Writes down what the broker answered to a request.
    pub(crate) fn executed(&mut self, request: &Request, answer: &Answer) {
        let Request::Publish { channel, payload, .. } = request else { return };
        let Answer::Published { position, repeated } = answer else {
            self.refused.insert(payload.clone());
            return;
        };
        if *repeated {
            return;
        }
        let (channel, epoch) = (channel.to_string(), position.epoch().number());
        let place = (channel.clone(), epoch, position.offset());
        let before = self.publications.insert(place, payload.clone());
        assert!(before.is_none(), "{channel} {position}: a position is used twice");
        let places = self.places.entry(payload.clone()).or_default();
        let twice = places.iter().any(|(_, place)| place.epoch() == position.epoch());
        assert!(!twice, "{channel} {position}: published twice in one epoch");
        let forgotten = !places.is_empty();
        places.push((channel.clone(), *position));
        let (publisher, number) = numbers(payload);
        let last = self.last.entry((channel.clone(), epoch, publisher)).or_default();
        // A broker that has forgotten a publication may get it again, after later ones.
        if number < *last && !forgotten {
            self.late.push(payload.clone());
        }
        *last = number.max(*last);
        self.epochs.insert((channel, epoch));
    }

    /// A channel has begun another epoch, in which what is kept from before can still be read.
    pub(crate) fn renewed(&mut self, channel: &str, page: &Page) {
        for (offset, payload) in page.entries.iter().filter(|entry| entry.0 <= page.base) {
            let place = (channel.to_owned(), page.epoch.number(), *offset);
            self.publications.entry(place).or_insert_with(|| payload.clone());
        }
    }

    /// What came late though the broker never refused it.
    pub(crate) fn disorder(&self) -> impl Iterator<Item = &Bytes> {
        self.late.iter().filter(|payload| !self.refused.contains(*payload))
    }

    /// What was published at a position.
    pub(crate) fn at(&self, channel: &str, position: Position) -> Option<&Bytes> {
        self.publications.get(&(channel.into(), position.epoch().number(), position.offset()))
    }

    /// Whether a payload was published anywhere.
    pub(crate) fn has(&self, payload: &Bytes) -> bool {
        self.places.contains_key(payload)
    }

    /// How many publications were accepted.
    pub(crate) fn len(&self) -> usize {
        self.publications.len()
    }

    /// How many epochs had publications, in all channels.
    pub(crate) fn epochs(&self) -> usize {
        self.epochs.len()
    }

    /// Whether this position is one that was reached.
    pub(crate) fn reached(&self, channel: &str, position: Position) -> bool {
        position.offset() == 0 || self.at(channel, position).is_some()
    }
}

/// An epoch that nothing in a run has.
pub(crate) const NO_EPOCH: Epoch = Epoch::new(0xDEAD);
