//! Many servers as one: in a simulation with the channels in memory, and as processes with a real Redis. One checker judges both.

mod judge;
#[path = "../chat/paper.rs"]
#[allow(dead_code, reason = "the simulation of one server needs more of it")]
mod paper;
mod servers;
mod simulation;
mod stories;
