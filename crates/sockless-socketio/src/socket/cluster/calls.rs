//! What an application can ask of all servers at once. On a server that is in no cluster, it is asked of that one.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::asking::Inquiry;
use super::deed::Deed;
use super::stream::Aim;
use crate::entropy::Entropy;
use crate::socket::namespace::Namespace;
use crate::socket::output::EmitError;
use crate::socket::payload::Payload;
use crate::socket::sending::Target;
use crate::socket::server::Server;

impl<E: Entropy> Server<E> {
    /// Asks all servers of a cluster for the sockets that something would be sent to. An [`Event::Found`](crate::socket::Event::Found) has them,
    /// after this time at most.
    ///
    /// # Errors
    ///
    /// If it can't be asked now, or this server is in no cluster: there is [`find`](Self::find).
    pub fn fetch(
        &mut self,
        target: &Target,
        timeout: Duration,
        now: Duration,
    ) -> Result<Inquiry, EmitError> {
        let audience = self.audience(target);
        self.fetch_in_cluster(target.namespace(), &audience, timeout, now)
    }

    /// Sends an event to many, on all servers of a cluster, and asks each for an acknowledgement within a time. An
    /// [`Event::Answered`](crate::socket::Event::Answered) has them, a second after this time at most.
    ///
    /// # Errors
    ///
    /// If it can't be sent now, or this server is in no cluster.
    pub fn ask_all(
        &mut self,
        target: &Target,
        name: &str,
        payload: Payload,
        timeout: Duration,
        now: Duration,
    ) -> Result<Inquiry, EmitError> {
        let audience = self.audience(target);
        self.ask_in_cluster(target.namespace(), audience, name, payload, timeout, now)
    }

    /// Lets many join a room, on all servers, and those who are away as well.
    ///
    /// # Errors
    ///
    /// If too much waits to be written.
    pub fn join_all(&mut self, target: &Target, room: &str) -> Result<(), EmitError> {
        if self.cluster.is_none() {
            for socket in self.find(target) {
                self.join(socket, room);
            }
            return Ok(());
        }
        self.write_for_many(target, Deed::Join(Vec::from([String::from(room)])))
    }

    /// Lets many leave a room, on all servers, and those who are away as well.
    ///
    /// # Errors
    ///
    /// If too much waits to be written.
    pub fn leave_all(&mut self, target: &Target, room: &str) -> Result<(), EmitError> {
        if self.cluster.is_none() {
            for socket in self.find(target) {
                self.leave(socket, room);
            }
            return Ok(());
        }
        self.write_for_many(target, Deed::Leave(Vec::from([String::from(room)])))
    }

    /// Disconnects many from their namespace, on all servers; or closes their sessions. In a cluster, those who are away don't come back as
    /// who they were.
    ///
    /// # Errors
    ///
    /// If too much waits to be written.
    pub fn disconnect_all(
        &mut self,
        target: &Target,
        close: bool,
        now: Duration,
    ) -> Result<(), EmitError> {
        if self.cluster.is_none() {
            for socket in self.find(target) {
                match close {
                    true => self.close(socket, now),
                    false => self.disconnect(socket, now),
                }
            }
            return Ok(());
        }
        self.write_for_many(target, Deed::Disconnect { close })
    }

    /// Says something to the other servers' applications, which get an
    /// [`Event::ServerMessage`](crate::socket::Event::ServerMessage). Nobody waits for it, and nothing of it is kept.
    ///
    /// # Errors
    ///
    /// If too much waits to be said, or this server is in no cluster.
    pub fn emit_to_servers(
        &mut self,
        namespace: &Namespace,
        name: &str,
        payload: &Payload,
    ) -> Result<(), EmitError> {
        self.say_to_servers(namespace, name, payload)
    }

    fn write_for_many(&mut self, target: &Target, deed: Deed) -> Result<(), EmitError> {
        let audience = self.audience(target);
        self.write(target.namespace(), audience, deed, Aim::Nothing)
    }
}
