//! The peer on tungstenite, which knows no `permessage-deflate`:
//! `interop_tungstenite client URL PINGING_URL`, or `interop_tungstenite server`.
//!
//! A client prints a line for each scenario: its name, ok or FAILED, and what there is to say, parted by tabs.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

mod client;
mod server;

use std::process::ExitCode;

use tungstenite::Message;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["client", url, pinging] => client::run(url, pinging),
        ["server"] => server::run(),
        _ => {
            eprintln!("usage: interop_tungstenite client URL PINGING_URL | server");
            return ExitCode::from(2);
        }
    }
    ExitCode::SUCCESS
}

fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(64 << 20))
        .max_frame_size(Some(64 << 20))
        .max_write_buffer_size(usize::MAX)
}

/// A fragment of a message.
fn fragment(payload: &[u8], opcode: Data, last: bool) -> Message {
    Message::Frame(Frame::message(payload.to_vec(), OpCode::Data(opcode), last))
}
