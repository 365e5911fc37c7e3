//! What the node gives out, and who gets it: streams, records, answers. What it does there is decided elsewhere.

use alloc::vec::Vec;
use core::time::Duration;

use sockless_channels as channels;
use sockless_channels::{Delivery, Subscriber};

use super::state::{Channels, Follower};
use crate::entropy::Entropy;
use crate::socket::namespace::Namespace;
use crate::socket::server::Server;

impl<E: Entropy> Server<E> {
    /// Whether this is one server of many.
    pub fn is_in_cluster(&self) -> bool {
        self.cluster.is_some()
    }

    /// The node of a server in a cluster, for its driver: it carries out the node's commands, and hands in answers and pushes. What comes of
    /// them are [events](Self::event), and further commands after those.
    pub fn channels_mut(&mut self) -> Option<&mut Channels> {
        self.cluster.as_mut().map(|cluster| &mut cluster.node)
    }

    /// Takes what the node has.
    pub(in crate::socket) fn pump(&mut self, now: Duration) {
        let Some(cluster) = &mut self.cluster else { return };
        cluster.now = cluster.now.max(now);
        let mut moved = false;
        while let Some(event) = self.cluster.as_mut().and_then(|cluster| cluster.node.event()) {
            self.settled(event, now);
        }
        while let Some((look, members)) =
            self.cluster.as_mut().and_then(|cluster| cluster.node.looked())
        {
            self.fetched(look, members);
        }
        while let Some(subscriber) = self.cluster.as_mut().and_then(|its| its.node.ready()) {
            moved = true;
            self.serve(subscriber, now);
        }
        if moved {
            self.take_turns(now);
        }
        if let Some(cluster) = &mut self.cluster {
            cluster.hear_of_servers();
        }
        self.conclude(now);
    }

    /// It is known what has become of something that was published.
    fn settled(&mut self, event: channels::Event, now: Duration) {
        let Some(cluster) = &mut self.cluster else { return };
        match event {
            channels::Event::Published { publication, position, .. } => {
                if let Some((namespace, number)) = cluster.publications.remove(&publication)
                    && let Some(stream) = cluster.stream(&namespace)
                {
                    stream.published(number, position);
                    self.unpark(&namespace);
                }
            }
            channels::Event::Unpublished { publication, fate } => {
                if let Some((namespace, number)) = cluster.publications.remove(&publication) {
                    self.unwritten(&namespace, number, fate, now);
                }
            }
        }
    }

    fn serve(&mut self, subscriber: Subscriber, now: Duration) {
        let Some(cluster) = &self.cluster else { return };
        match cluster.followers.get(&subscriber).cloned() {
            Some(Follower::Stream(namespace)) => self.follow_on(subscriber, &namespace, now),
            Some(Follower::Side(namespace)) => {
                while let Some(delivery) = self.delivery(subscriber) {
                    if let Delivery::Publication { payload, .. } = delivery {
                        let _ = self.said(&namespace, payload);
                    }
                }
            }
            Some(Follower::Answers) => {
                while let Some(delivery) = self.delivery(subscriber) {
                    if let Delivery::Publication { payload, .. } = delivery {
                        let _ = self.heard(payload);
                    }
                }
            }
            // What is gathered for one who comes back is taken with all of these, once the streams are served.
            None => {}
        }
    }

    fn delivery(&mut self, subscriber: Subscriber) -> Option<Delivery> {
        self.cluster.as_mut()?.node.delivery(subscriber)
    }

    fn follow_on(&mut self, subscriber: Subscriber, namespace: &Namespace, now: Duration) {
        while let Some(delivery) = self.delivery(subscriber) {
            match delivery {
                Delivery::Started { position, .. } => {
                    if let Some(stream) =
                        self.cluster.as_mut().and_then(|its| its.stream(namespace))
                    {
                        stream.at = Some(position);
                    }
                    self.started(namespace, now);
                }
                Delivery::Publication { position, payload } => {
                    self.pass(namespace, position, payload, now);
                }
                Delivery::Gap { position, .. } => self.lose(namespace, position, now),
            }
        }
    }

    /// Does what is due.
    pub(in crate::socket) fn cluster_timeout(&mut self, now: Duration) {
        let Some(cluster) = &mut self.cluster else { return };
        cluster.now = cluster.now.max(now);
        if cluster.node.deadline().is_some_and(|at| at <= now) {
            cluster.node.timeout(now);
        }
        let late = cluster.fetches.iter().filter(|(_, fetch)| fetch.until <= now);
        let late: Vec<_> = late.map(|(socket, _)| *socket).collect();
        let namespaces: Vec<_> = cluster.streams.keys().cloned().collect();
        late.into_iter().for_each(|socket| self.fetch_no_more(socket));
        namespaces.iter().for_each(|namespace| self.renew_records(namespace, now));
        self.pump(now);
        self.take_turns(now);
    }
}
