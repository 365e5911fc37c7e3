//! The program itself: started, talked to over TCP, killed, stopped.

mod both;
mod carried;
mod client;
mod deployed;
mod doors;
mod lives;
mod program;
mod settings;
mod talks;

#[path = "../store/directory.rs"]
mod directory;
