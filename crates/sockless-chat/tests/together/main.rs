//! Many servers as one: in a simulation with the channels in memory, and as processes with a real Redis. One checker judges both.
#![allow(clippy::print_stdout, reason = "a test tells what it has done")]

#[path = "../server/client.rs"]
mod client;
mod crowd;
#[path = "../store/directory.rs"]
mod directory;
mod judge;
mod machine;
mod names;
mod network;
#[path = "../chat/paper.rs"]
#[allow(dead_code, reason = "the simulation of one server needs more of it")]
mod paper;
#[path = "../server/program.rs"]
#[allow(dead_code, reason = "the tests of one server need more of it")]
mod program;
mod servers;
mod simulation;
mod stories;
