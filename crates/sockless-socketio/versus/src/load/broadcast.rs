//! Events for all: one client asks for them, and every client gets each.

use std::io;
use std::net::SocketAddr;

use mio::{Events, Poll, Token};

use super::frames::text;
use super::wait;
use super::websocket::Client;

/// How many sockets there are, how many broadcasts are on their way, and how long their text is.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub sockets: usize,
    pub window: usize,
    pub length: usize,
}

/// Clients that are connected.
pub struct Clients {
    load: Load,
    poll: Poll,
    clients: Vec<Client>,
    question: Vec<u8>,
    answer: usize,
}

impl Clients {
    pub fn open(address: SocketAddr, load: Load) -> io::Result<Self> {
        let poll = Poll::new()?;
        let mut clients = Vec::new();
        for token in 0..load.sockets {
            let mut client = Client::open(address)?;
            client.register(poll.registry(), Token(token))?;
            clients.push(client);
        }
        let filling = "x".repeat(load.length);
        let question = text(&format!("42[\"tell\",\"{filling}\"]"));
        let answer = format!("42[\"news\",\"{filling}\"]").len();
        Ok(Self { load, poll, clients, question, answer })
    }

    /// Has this many broadcasts made: the next is asked for when one has reached everybody.
    pub fn run(&mut self, broadcasts: usize) -> io::Result<()> {
        let Load { sockets, window, .. } = self.load;
        let mut buffer = vec![0; 64 << 10];
        let (mut asked, mut arrived) = (window.min(broadcasts), 0);
        self.clients[0].send(&self.question.repeat(asked))?;
        let mut ready = Events::with_capacity(sockets);
        while arrived < broadcasts * sockets {
            wait(&mut self.poll, &mut ready)?;
            for event in &ready {
                arrived += self.clients[event.token().0].receive(&mut buffer, self.answer)?;
            }
            let due = (arrived / sockets + window).min(broadcasts) - asked;
            self.clients[0].send(&self.question.repeat(due))?;
            asked += due;
        }
        Ok(())
    }
}
