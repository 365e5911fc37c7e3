//! What a connection is made from: its role, what the handshake agreed on, and its configuration.

use std::time::Duration;

use sockless::connection::{Holding, Keepalive};
use sockless::extension::Agreed;
use sockless::extension::deflate::{Compression, Effort, Memory, Parameters, WindowBits};
use sockless::{Config, Delivery, Limits};

use super::codec::{Reader, Writer};

/// How a trace begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// Whether the connection is a client's.
    pub client: bool,
    /// The parameters of `permessage-deflate`, if it is in use: no context takeover of the server's, of the client's, and their
    /// window bits, 0 for none.
    pub deflate: Option<(bool, bool, u8, u8)>,
    /// The configuration.
    pub settings: Settings,
}

/// A configuration, as far as the behaviour of a connection depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    frame: u64,
    message: u64,
    parts: bool,
    auto_pong: bool,
    auto_close: bool,
    close_reasons: bool,
    soft: u64,
    hard: u64,
    keepalive: Option<(Duration, Duration)>,
    idle: Option<Duration>,
    close: Duration,
    write: Duration,
    holding: Holding,
    /// Effort, memory and threshold of compression.
    compression: [u64; 3],
}

impl Beginning {
    pub(super) fn new(client: bool, agreed: Agreed, config: &Config) -> Self {
        Self { client, deflate: parameters(agreed), settings: Settings::of(config) }
    }

    /// What the handshake agreed on.
    pub(super) fn agreed(&self) -> Agreed {
        self.deflate.map_or_else(Agreed::default, with_parameters)
    }

    pub(super) fn write(&self, body: &mut Writer<'_>) {
        body.flag(self.client).flag(self.deflate.is_some());
        if let Some((server, client, server_bits, client_bits)) = self.deflate {
            body.flag(server).flag(client).number(server_bits.into()).number(client_bits.into());
        }
        self.settings.write(body);
    }

    pub(super) fn read(body: &mut Reader<'_>) -> Option<Self> {
        let client = body.flag()?;
        let deflate = if body.flag()? {
            let (server, client) = (body.flag()?, body.flag()?);
            let mut bits = || body.byte().filter(|bits| matches!(bits, 0 | 8..=15));
            Some((server, client, bits()?, bits()?))
        } else {
            None
        };
        Some(Self { client, deflate, settings: Settings::read(body)? })
    }
}

fn parameters(agreed: Agreed) -> Option<(bool, bool, u8, u8)> {
    let parameters = agreed.deflate?;
    Some((
        parameters.server_no_context_takeover,
        parameters.client_no_context_takeover,
        parameters.server_max_window_bits.map_or(0, |bits| bits.get()),
        parameters.client_max_window_bits.map_or(0, |bits| bits.get()),
    ))
}

fn with_parameters((server, client, server_bits, client_bits): (bool, bool, u8, u8)) -> Agreed {
    let mut agreed = Agreed::default();
    agreed.deflate = Some(Parameters {
        server_no_context_takeover: server,
        client_no_context_takeover: client,
        server_max_window_bits: WindowBits::new(server_bits),
        client_max_window_bits: WindowBits::new(client_bits),
    });
    agreed
}

impl Settings {
    pub(super) fn of(config: &Config) -> Self {
        let compression = [
            config.deflate.level.get().into(),
            config.deflate.memory.get().into(),
            config.deflate.threshold as u64,
        ];
        Self {
            frame: config.limits.frame,
            message: config.limits.message,
            parts: config.delivery == Delivery::Parts,
            auto_pong: config.auto_pong,
            auto_close: config.auto_close,
            close_reasons: config.close_reasons,
            soft: config.soft_limit as u64,
            hard: config.hard_limit as u64,
            keepalive: config.keepalive.map(|Keepalive { interval, timeout }| (interval, timeout)),
            idle: config.idle,
            close: config.close,
            write: config.write_timeout,
            holding: config.holding,
            compression,
        }
    }

    /// The configuration. What does not show in behaviour, a pool and the SIMD level, is left to the default.
    pub(super) fn config(&self) -> Config {
        let clamp = |number| usize::try_from(number).unwrap_or(usize::MAX);
        let mut config = Config::default()
            .with_limits(Limits::default().with_frame(self.frame).with_message(self.message))
            .with_delivery(if self.parts { Delivery::Parts } else { Delivery::Whole })
            .with_auto_pong(self.auto_pong)
            .with_auto_close(self.auto_close)
            .with_close_reasons(self.close_reasons)
            .with_output_limits(clamp(self.soft), clamp(self.hard))
            .with_close(self.close)
            .with_write_timeout(self.write)
            .with_holding(self.holding);
        if let Some((interval, timeout)) = self.keepalive {
            config = config.with_keepalive(interval, timeout);
        }
        if let Some(idle) = self.idle {
            config = config.with_idle(idle);
        }
        let [level, memory, threshold] = self.compression;
        let compression = Compression::default()
            .with_level(u8::try_from(level).ok().and_then(Effort::new).unwrap_or_default())
            .with_memory(u8::try_from(memory).ok().and_then(Memory::new).unwrap_or_default())
            .with_threshold(clamp(threshold));
        config.with_deflate(compression)
    }

    pub(super) fn write(&self, body: &mut Writer<'_>) {
        body.number(self.frame).number(self.message);
        body.flag(self.parts).flag(self.auto_pong).flag(self.auto_close).flag(self.close_reasons);
        body.number(self.soft).number(self.hard).flag(self.keepalive.is_some());
        if let Some((interval, timeout)) = self.keepalive {
            body.time(interval).time(timeout);
        }
        body.flag(self.idle.is_some());
        if let Some(idle) = self.idle {
            body.time(idle);
        }
        body.time(self.close).time(self.write).number(match self.holding {
            Holding::Answering => 1,
            Holding::Independent => 2,
            // The role is known.
            _ => 0,
        });
        for number in self.compression {
            body.number(number);
        }
    }

    pub(super) fn read(body: &mut Reader<'_>) -> Option<Self> {
        Some(Self {
            frame: body.number()?,
            message: body.number()?,
            parts: body.flag()?,
            auto_pong: body.flag()?,
            auto_close: body.flag()?,
            close_reasons: body.flag()?,
            soft: body.number()?,
            hard: body.number()?,
            keepalive: if body.flag()? { Some((body.time()?, body.time()?)) } else { None },
            idle: if body.flag()? { Some(body.time()?) } else { None },
            close: body.time()?,
            write: body.time()?,
            holding: match body.number()? {
                0 => Holding::ByRole,
                1 => Holding::Answering,
                2 => Holding::Independent,
                _ => return None,
            },
            compression: [body.number()?, body.number()?, body.number()?],
        })
    }
}
