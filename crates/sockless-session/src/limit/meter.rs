//! The messages and the octets of one connection.

use core::time::Duration;

use super::bucket::{Bucket, Rate, TooMuch};

/// What a connection that sends too much gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answer {
    /// Nothing is read from it until it has earned what it has sent: TCP slows it down.
    #[default]
    Pause,
    /// It is closed with 1008.
    Close,
}

/// What a connection may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MeterSettings {
    /// Messages: no limit by default.
    pub messages: Option<Rate>,
    /// Octets: no limit by default.
    pub bytes: Option<Rate>,
    /// What it gets if it sends more: a pause by default.
    pub answer: Answer,
}

impl MeterSettings {
    /// No limits.
    pub const NONE: Self = Self { messages: None, bytes: None, answer: Answer::Pause };

    /// The same settings with a limit on messages.
    #[must_use]
    pub const fn with_messages(mut self, rate: Rate) -> Self {
        self.messages = Some(rate);
        self
    }

    /// The same settings with a limit on octets.
    #[must_use]
    pub const fn with_bytes(mut self, rate: Rate) -> Self {
        self.bytes = Some(rate);
        self
    }

    /// The same settings with another answer.
    #[must_use]
    pub const fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = answer;
        self
    }
}

/// What is to be done about a message that has arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is within the limits.
    Fine,
    /// It is to be taken, and then nothing is to be read until this time.
    PauseUntil(Duration),
    /// The connection is to be closed with 1008.
    Close,
}

impl Verdict {
    /// The code of the Close frame.
    pub const CLOSE_CODE: u16 = 1008;
}

/// What one connection has sent: sixteen octets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meter {
    messages: Bucket,
    bytes: Bucket,
}

impl Meter {
    /// A connection that has sent nothing.
    pub const fn new() -> Self {
        Self { messages: Bucket::new(), bytes: Bucket::new() }
    }

    /// A message of this length has arrived.
    #[inline]
    pub fn message(&mut self, settings: &MeterSettings, len: u64, now: Duration) -> Verdict {
        let MeterSettings { messages, bytes, answer } = settings;
        match answer {
            Answer::Close => {
                let take = |bucket: &mut Bucket, rate: &Option<Rate>, count| match rate {
                    Some(rate) => bucket.take(rate, count, now),
                    None => Ok::<(), TooMuch>(()),
                };
                let fine = take(&mut self.messages, messages, 1)
                    .and_then(|()| take(&mut self.bytes, bytes, len));
                if fine.is_ok() { Verdict::Fine } else { Verdict::Close }
            }
            Answer::Pause => {
                let mut wait = Duration::ZERO;
                let parts = [(&mut self.messages, messages, 1), (&mut self.bytes, bytes, len)];
                for (bucket, rate, count) in parts {
                    if let Some(rate) = rate {
                        bucket.charge(rate, count, now);
                        wait = wait.max(bucket.wait(rate, now));
                    }
                }
                if wait.is_zero() { Verdict::Fine } else { Verdict::PauseUntil(now + wait) }
            }
        }
    }
}
