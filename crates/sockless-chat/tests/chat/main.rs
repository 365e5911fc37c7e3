//! The chat as a machine, with a store on paper and clients of a few lines.

mod authorisation;
mod bad_input;
mod files;
mod missed;
mod paper;
mod presence;
mod simulation;
mod speaking;
mod world;
