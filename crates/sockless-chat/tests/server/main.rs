//! The program itself: started, talked to over TCP, killed, stopped.

mod both;
mod client;
mod doors;
mod lives;
mod program;
mod talks;

#[path = "../store/directory.rs"]
mod directory;
