//! The echo server behind axum.

mod peer;

#[test]
fn echo_axum_serves_everything() {
    peer::echo::serves_everything(env!("CARGO_BIN_EXE_echo_axum"));
}
