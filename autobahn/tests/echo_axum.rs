//! The echo server behind axum.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod peer;

#[test]
fn echo_axum_serves_everything() {
    peer::echo::serves_everything(env!("CARGO_BIN_EXE_echo_axum"));
}
