//! Events echoed over WebSockets: each connection always has as many on their way.

use std::io;
use std::net::SocketAddr;

use mio::{Events, Poll, Token};

use super::frames::text;
use super::wait;
use super::websocket::Client;

/// How many connections, how many events of each are on their way, and how long their text is.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub connections: usize,
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
        for token in 0..load.connections {
            let mut client = Client::open(address)?;
            client.register(poll.registry(), Token(token))?;
            clients.push(client);
        }
        let event = format!("42[\"echo\",\"{}\"]", "x".repeat(load.length));
        let question = text(&event);
        Ok(Self { load, poll, clients, question, answer: event.len() })
    }

    /// Has this many events echoed in all.
    pub fn run(&mut self, events: usize) -> io::Result<()> {
        let Load { window, .. } = self.load;
        let (mut asked, mut answered) = (0, 0);
        let mut buffer = vec![0; 64 << 10];
        for client in &mut self.clients {
            client.send(&self.question.repeat(window))?;
            asked += window;
        }
        let mut ready = Events::with_capacity(self.clients.len());
        while answered < asked {
            wait(&mut self.poll, &mut ready)?;
            for event in &ready {
                let client = &mut self.clients[event.token().0];
                let count = client.receive(&mut buffer, self.answer)?;
                answered += count;
                let more = if asked < events { count } else { 0 };
                client.send(&self.question.repeat(more))?;
                asked += more;
            }
        }
        Ok(())
    }
}
