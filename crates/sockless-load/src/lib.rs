//! A load generator for WebSocket and Socket.IO servers. The README says how it is used; here is how it is made.
//!
//! | module | what it does | must not know |
//! |---|---|---|
//! | `command` | reads the command line | how anything is measured |
//! | `run` | opens, measures, waits for what is late, closes | protocols, reports |
//! | `member` | one connection: sends when it is time, marks off what arrives | other connections |
//! | `crowd` | what connections share: groups, counters, histograms, the phase | protocols |
//! | `wire` | the three protocols as one thing that sends and receives | what is in a message |
//! | `progress` | a line a second | how a connection works |
//! | `report` | what was measured, as a table, JSON and HTML | that there was a run |
//! | `verdict` | whether the thresholds held | how reports look |
//! | `scenario` | what a file says, all of it checked | the network |
//! | `template` | texts with placeholders | scenarios |
//! | `jwt` | signs tokens | what they are for |
//! | `schedule` | who sends its next message when | clocks, tasks |
//! | `mark` | says in a message who has sent it when | connections |
//! | `tally` | lost, doubled and late messages of one receiver | time |
//! | `span` | lengths of time as people write them | |
//! | `descriptors` | the limit on open files | |
//!
//! Each uses those further down alone. Whatever decides what a figure means (`schedule`, `mark`, `tally`, `verdict`) does no input or output, and is tested without it.

pub mod command;
mod crowd;
mod descriptors;
pub mod jwt;
pub mod mark;
mod member;
mod progress;
pub mod report;
pub mod run;
pub mod scenario;
pub mod schedule;
pub mod span;
pub mod tally;
pub mod template;
pub mod verdict;
mod wire;
