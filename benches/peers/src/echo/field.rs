//! Who runs against whom in the echo: a table for each ground that servers can share.

use super::form::Form;
use super::servers::{
    self, ADAPTER, BARE_EPOLL, BARE_TOKIO, LOOP, MIO, MIO_2, NEXUS, SERVE, STREAM, TUNGSTENITE,
    URING,
};

/// What all servers of a table run on, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// One loop on epoll, and what our own programs have instead.
    Epoll,
    /// A task for each client, on so many threads.
    Tokio(Form, Workers),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workers {
    One,
    Two,
}

/// The titles of tables that others look up.
pub const TOKIO_TITLE: &str = "Echo on tokio";
pub const EACH_TITLE: &str = "Echo on tokio, each message written by itself";
pub const TASKS_TITLE: &str = "Echo on tokio, two tasks for each client";
pub const TOKIO_2_TITLE: &str = "Echo on tokio's two workers";
pub const TASKS_2_TITLE: &str = "Echo on tokio's two workers, two tasks for each client";

/// A table.
pub struct Field {
    pub ground: Ground,
    pub title: &'static str,
    pub text: &'static str,
    /// Ours first.
    pub names: &'static [&'static str],
    pub limit: &'static str,
}

/// All tables.
pub const FIELDS: [Field; 6] = [
    Field {
        ground: Ground::Epoll,
        title: "Echo on epoll",
        text: "A loop that reads, polls and writes, in one thread. `sockless` is a connection without a driver of ours, in the loop of \
               `bare epoll`, as are nexus-web, a codec, and tungstenite. `echo_mio` and `echo_uring` are servers with everything that a server needs; the \
               latter is on io_uring. On two threads `echo_mio` serves twice as many as long as a message takes them no more processor time than on one.",
        names: &[LOOP, MIO, MIO_2, URING, BARE_EPOLL, TUNGSTENITE, NEXUS],
        limit: BARE_EPOLL,
    },
    Field {
        ground: Ground::Tokio(Form::Together, Workers::One),
        title: TOKIO_TITLE,
        text: "One thread. `sockless` is `crates/sockless-tokio` in its ordinary form, `recv` with `feed`; `stream and sink` is the same \
               as a `Stream` and a `Sink`, driven as the peers that are one: all that has arrived is taken, fed, and flushed. fastwebsockets, wtx and soketto \
               have no way to write several messages together.",
        names: &[
            ADAPTER,
            STREAM,
            SERVE,
            MIO,
            BARE_EPOLL,
            BARE_TOKIO,
            TUNGSTENITE,
            "tokio-websockets",
            "fastwebsockets",
            "yawc",
            "sockudo-ws",
            "wtx",
            "soketto",
        ],
        limit: BARE_TOKIO,
    },
    Field {
        ground: Ground::Tokio(Form::Each, Workers::One),
        title: EACH_TITLE,
        text: "One thread; `recv` and `send`, or `next` and `send`, as every introduction has it.",
        names: &[
            ADAPTER,
            BARE_TOKIO,
            TUNGSTENITE,
            "tokio-websockets",
            "fastwebsockets",
            "yawc",
            "sockudo-ws",
        ],
        limit: BARE_TOKIO,
    },
    Field {
        ground: Ground::Tokio(Form::Tasks, Workers::One),
        title: TASKS_TITLE,
        text: "One thread. One task receives and hands each message to another one, which sends. Ours is `split`; the peers are taken apart by \
               `StreamExt::split`, with a bounded channel between the two, and the task that sends writes all that waits together.",
        names: &[ADAPTER, BARE_TOKIO, TUNGSTENITE, "tokio-websockets", "yawc", "sockudo-ws"],
        limit: BARE_TOKIO,
    },
    Field {
        ground: Ground::Tokio(Form::Together, Workers::Two),
        title: TOKIO_2_TITLE,
        text: "The multi-thread scheduler with two workers, in the form of the first table on tokio.",
        names: &[
            ADAPTER,
            STREAM,
            BARE_TOKIO,
            TUNGSTENITE,
            "tokio-websockets",
            "fastwebsockets",
            "yawc",
            "sockudo-ws",
        ],
        limit: BARE_TOKIO,
    },
    Field {
        ground: Ground::Tokio(Form::Tasks, Workers::Two),
        title: TASKS_2_TITLE,
        text: "The multi-thread scheduler with two workers.",
        names: &[ADAPTER, BARE_TOKIO, TUNGSTENITE, "tokio-websockets", "yawc", "sockudo-ws"],
        limit: BARE_TOKIO,
    },
];

impl Ground {
    /// What it is called on the command line of a server's process.
    pub fn name(self) -> &'static str {
        match self {
            Self::Epoll => "epoll",
            Self::Tokio(Form::Together, Workers::One) => "together-1",
            Self::Tokio(Form::Each, Workers::One) => "each-1",
            Self::Tokio(Form::Tasks, Workers::One) => "tasks-1",
            Self::Tokio(Form::Together, Workers::Two) => "together-2",
            Self::Tokio(Form::Each, Workers::Two) => "each-2",
            Self::Tokio(Form::Tasks, Workers::Two) => "tasks-2",
        }
    }

    /// Serves until the process is ended.
    pub fn serve(name: &str, server: &str, length: usize) -> std::io::Result<()> {
        // A server of the other ground stands in a table to be compared with.
        if server == servers::BARE_EPOLL {
            return servers::on_epoll(server, length);
        }
        let ground = FIELDS.iter().map(|field| field.ground).find(|ground| ground.name() == name);
        match ground {
            Some(Self::Epoll) => servers::on_epoll(server, length),
            Some(Self::Tokio(form, workers)) => {
                let workers = if workers == Workers::One { 1 } else { 2 };
                servers::on_tokio(form, server, length, workers)
            }
            None => Err(std::io::Error::other(format!("no ground {name:?}"))),
        }
    }
}
