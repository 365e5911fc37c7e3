//! Everything that can be done with a connection, and how it can be configured.

use std::sync::Arc;
use std::time::Duration;

use arbitrary::Arbitrary;
use sockless::extension::Agreed;
use sockless::extension::deflate::{self, Effort, Memory, Parameters, WindowBits};
use sockless::frame::Limits;
use sockless::{Config, Delivery, Holding};

use crate::frames::Frame;

#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Op {
    Frame(Frame),
    Bytes(Vec<u8>),
    Text(Body),
    Binary(Body),
    Owned(bool, Body),
    BeginText(Body),
    BeginBinary(Body),
    Continue {
        text: bool,
        body: Body,
        last: bool,
    },
    StreamFrame {
        first: Option<bool>,
        fin: bool,
        len: u8,
    },
    StreamPayload(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Pass(u16),
    Eof,
    Write(u16),
    WriteAll,
    WriteSlices(u16),
    Lend(u8),
    Reclaim,
    /// Reads into the buffer of the message that is arriving, if it can be had.
    Take(Body),
    Configure(Choice),
    Compress(bool),
    Release,
    Shut,
    Lost,
}

/// A payload.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) enum Body {
    Text(String),
    Filled(u8, u8),
}

impl Body {
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Filled(size, byte) => {
                let sizes = [0, 1, 125, 126, 1000, 4095, 4096, 4500];
                char::from(byte % 128).to_string().repeat(sizes[usize::from(*size % 8)])
            }
        }
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Filled(size @ 200.., byte) => vec![*byte; 65_000 + usize::from(*size) * 4],
            other => other.text().into_bytes(),
        }
    }
}

/// A configuration.
#[derive(Arbitrary, Clone, Debug, Default)]
pub(crate) struct Choice {
    limits: Option<(u8, u16)>,
    flags: u8,
    timers: Option<[u8; 3]>,
    output: Option<(u8, u16)>,
}

impl Choice {
    fn holding(&self) -> Holding {
        let holdings = [Holding::ByRole, Holding::Answering, Holding::Independent];
        holdings[usize::from(self.flags >> 3) % holdings.len()]
    }

    /// Whether messages are held while output is congested, by a client or by a server.
    pub(crate) fn answers(&self, client: bool) -> bool {
        match self.holding() {
            Holding::Answering => true,
            Holding::Independent => false,
            _ => !client,
        }
    }

    pub(crate) fn config(&self, timers: bool) -> Arc<Config> {
        let limits = Limits::DEFAULT.with_frame(1 << 20).with_message(1 << 20);
        let compression = deflate::Compression::default().with_memory(Memory::LEAST);
        let mut config = Config::default()
            .with_limits(match self.limits {
                None => limits,
                Some((frame, message)) => {
                    limits.with_frame(frame.into()).with_message(message.into())
                }
            })
            .with_deflate(compression.with_level(Effort::FASTEST).with_threshold(8))
            .with_delivery(if self.flags & 1 == 0 { Delivery::Whole } else { Delivery::Parts })
            .with_auto_pong(self.flags & 2 == 0)
            .with_auto_close(self.flags & 4 == 0 || !timers);
        config = config.with_holding(self.holding());
        if let Some((soft, hard)) = self.output {
            config = config.with_output_limits(soft.into(), hard.into());
        }
        if let Some([interval, timeout, idle]) = self.timers
            && timers
        {
            let millis = |millis: u8| Duration::from_millis(u64::from(millis) + 1);
            config = config.with_keepalive(millis(interval), millis(timeout));
            if self.flags & 64 != 0 {
                config = config.with_write_timeout(millis(idle));
            }
            if idle < 128 {
                config = config.with_idle(millis(idle)).with_close(millis(timeout));
            }
        }
        Arc::new(config)
    }
}

/// What a handshake has agreed on about compression.
#[derive(Arbitrary, Clone, Debug)]
pub(crate) struct Agreement {
    flags: u8,
    server: Option<u8>,
    client: Option<u8>,
}

impl Agreement {
    pub(crate) fn agreed(&self) -> Agreed {
        let bits = |bits: u8| WindowBits::new(8 + bits % 8).expect("8 to 15");
        crate::inflation::agreed(Parameters {
            server_no_context_takeover: self.flags & 1 != 0,
            client_no_context_takeover: self.flags & 2 != 0,
            server_max_window_bits: self.server.map(bits),
            client_max_window_bits: self.client.map(bits),
        })
    }
}
