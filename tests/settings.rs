//! Settings: what holds by default, and that each setter changes its own and nothing else.

#![allow(clippy::unwrap_used, reason = "tests may unwrap")]
#![cfg(all(feature = "alloc", feature = "handshake"))]

use std::time::Duration;

use sockless::connection::Keepalive;
use sockless::frame::Limits;
use sockless::handshake;
use sockless::words::simd::Level;
use sockless::{Config, Delivery};

const SECOND: Duration = Duration::from_secs(1);

/// A change, what it changes as `Debug` shows it before, and after.
type Change<T> = (fn(T) -> T, &'static str, &'static str);

#[track_caller]
fn change_only_their_own<T: Clone + std::fmt::Debug>(default: &T, changes: &[Change<T>]) {
    let shown = format!("{default:?}");
    for (change, before, after) in changes {
        assert_eq!(shown.matches(before).count(), 1, "{before} in {shown}");
        assert_eq!(format!("{:?}", change(default.clone())), shown.replace(before, after));
    }
}

#[test]
fn connection_has_the_defaults_that_are_documented() {
    let config = Config::default();
    assert_eq!((config.limits.frame, config.limits.message), (16 << 20, 16 << 20));
    assert_eq!(config.limits, Limits::default());
    assert_eq!(config.delivery, Delivery::Whole);
    assert!(config.auto_pong && config.auto_close && config.close_reasons);
    assert_eq!((config.soft_limit, config.hard_limit), (256 << 10, 16 << 20));
    assert_eq!((config.keepalive, config.idle), (None, None));
    assert_eq!(config.close, 10 * SECOND);
    assert_eq!(config.simd, Level::detect());
}

#[test]
fn connection_takes_each_setting() {
    let config = Config::default().with_simd(Level::SCALAR).with_idle(3 * SECOND);
    assert_eq!((config.simd, config.idle), (Level::SCALAR, Some(3 * SECOND)));
    let best = Level::available().last().unwrap();
    let config = config.with_simd(best);
    assert_eq!((config.simd, config.idle), (best, Some(3 * SECOND)));
    change_only_their_own(
        &config,
        &[
            (
                |config| config.with_limits(Limits::default().with_frame(5)),
                "Limits { frame: 16777216, message",
                "Limits { frame: 5, message",
            ),
            (|config| config.with_delivery(Delivery::Parts), "delivery: Whole", "delivery: Parts"),
            (|config| config.with_auto_pong(false), "auto_pong: true", "auto_pong: false"),
            (|config| config.with_auto_close(false), "auto_close: true", "auto_close: false"),
            (|config| config.with_close_reasons(false), "reasons: true", "reasons: false"),
            (
                |config| config.with_output_limits(1, 2),
                "soft_limit: 262144, hard_limit: 16777216",
                "soft_limit: 1, hard_limit: 2",
            ),
            (
                |config| config.with_keepalive(SECOND, 2 * SECOND),
                "keepalive: None",
                "keepalive: Some(Keepalive { interval: 1s, timeout: 2s })",
            ),
            (|config| config.with_idle(SECOND), "idle: Some(3s)", "idle: Some(1s)"),
            (|config| config.with_close(SECOND), "close: 10s", "close: 1s"),
        ],
    );
    let config = config.with_keepalive(SECOND, 2 * SECOND);
    let keepalive = Keepalive { interval: SECOND, timeout: 2 * SECOND };
    assert_eq!(config.keepalive, Some(keepalive));
}

#[test]
fn limits_of_frames_and_of_messages_are_two() {
    change_only_their_own(
        &Limits::DEFAULT,
        &[
            (|limits| limits.with_frame(5), "frame: 16777216", "frame: 5"),
            (|limits| limits.with_message(5), "message: 16777216", "message: 5"),
        ],
    );
}

#[test]
fn handshake_takes_each_limit() {
    let limits = handshake::HeadLimits::default();
    assert_eq!((limits.head, limits.fields, limits.timeout), (16 << 10, 100, Some(10 * SECOND)));
    change_only_their_own(
        &limits,
        &[
            (|limits| limits.with_head(5), "head: 16384", "head: 5"),
            (|limits| limits.with_fields(5), "fields: 100", "fields: 5"),
            (|limits| limits.with_timeout(SECOND), "timeout: Some(10s)", "timeout: Some(1s)"),
            (|limits| limits.without_timeout(), "timeout: Some(10s)", "timeout: None"),
        ],
    );
}

#[cfg(feature = "deflate")]
mod deflate {
    use sockless::Config;
    use sockless::extension::deflate::{self, Effort, Memory, Pool, Terms, WindowBits};

    use super::change_only_their_own;

    #[test]
    fn compression_has_the_defaults_that_are_documented() {
        let config = deflate::Compression::default();
        assert_eq!((config.level, config.level.get()), (Effort::default(), 6));
        assert_eq!((config.memory, config.memory.get()), (Memory::default(), 8));
        assert_eq!(config.threshold, 32);
        assert!(config.pool.is_none());
    }

    #[test]
    fn compression_takes_each_setting() {
        let config = deflate::Compression::default();
        change_only_their_own(
            &config,
            &[
                (
                    |config| config.with_level(Effort::SMALLEST),
                    "level: Effort(6)",
                    "level: Effort(9)",
                ),
                (
                    |config| config.with_memory(Memory::LEAST),
                    "memory: Memory(8)",
                    "memory: Memory(1)",
                ),
                (|config| config.with_threshold(5), "threshold: 32", "threshold: 5"),
                (
                    |config| config.with_pool(Pool::new(7)),
                    "pool: None",
                    "pool: Some(Pool { limit: 7, inflaters: 0, compressors: 0 })",
                ),
            ],
        );
        let config = Config::default().with_deflate(config.with_threshold(5));
        assert_eq!((config.deflate.threshold, config.soft_limit), (5, 256 << 10));
    }

    #[test]
    fn terms_change_each_by_itself() {
        let terms = Terms::default();
        change_only_their_own(
            &terms,
            &[
                (
                    |terms| terms.with_server_no_context_takeover(),
                    "server_no_context_takeover: false",
                    "server_no_context_takeover: true",
                ),
                (
                    |terms| terms.with_client_no_context_takeover(),
                    "client_no_context_takeover: false",
                    "client_no_context_takeover: true",
                ),
                (
                    |terms| terms.with_server_max_window_bits(WindowBits::MIN),
                    "server_max_window_bits: WindowBits(15)",
                    "server_max_window_bits: WindowBits(8)",
                ),
                (
                    |terms| terms.with_client_max_window_bits(WindowBits::MIN),
                    "client_max_window_bits: WindowBits(15)",
                    "client_max_window_bits: WindowBits(8)",
                ),
                (|terms| terms.with_fallback(), "fallback: false", "fallback: true"),
            ],
        );
    }

    #[test]
    fn levels_are_1_to_9() {
        for number in 0..=u8::MAX {
            let valid = (1..=9).contains(&number).then_some(number);
            assert_eq!(Effort::new(number).map(Effort::get), valid);
            assert_eq!(Memory::new(number).map(Memory::get), valid);
        }
        assert_eq!((Effort::FASTEST.get(), Effort::SMALLEST.get()), (1, 9));
        assert_eq!((Memory::LEAST.get(), Memory::MOST.get()), (1, 9));
    }
}
