//! Sockets that do nothing, or have done something once.

use std::io;
use std::net::SocketAddr;

use mio::{Events, Poll, Token};

use super::frames::text;
use super::wait;
use super::websocket::Client;

/// Clients that stay until this is dropped.
pub struct Clients(Vec<Client>);

impl Clients {
    /// Opens them; with an event echoed to each, if they are to have been used.
    pub fn open(address: SocketAddr, count: usize, used: bool) -> io::Result<Self> {
        let mut poll = Poll::new()?;
        let mut clients = Vec::new();
        let event = format!("42[\"echo\",\"{}\"]", "x".repeat(1_000));
        for _ in 0..count {
            let mut client = Client::open(address)?;
            if used {
                client.register(poll.registry(), Token(0))?;
                client.send(&text(&event))?;
                let (mut ready, mut buffer) = (Events::with_capacity(8), [0; 4096]);
                while client.receive(&mut buffer, event.len())? == 0 {
                    wait(&mut poll, &mut ready)?;
                }
                client.deregister(poll.registry())?;
            }
            clients.push(client);
        }
        Ok(Self(clients))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
}
