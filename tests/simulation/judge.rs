//! What has to be true of a run, whatever its seed.

use sockless::connection::{Cause, Initiator};

use crate::application::{MARK, Saying};
use crate::endpoint::{End, Endpoint};
use crate::opening::{Opening, Unopened};
use crate::tap::Written;
use crate::tested::Tested;
use crate::world::{Class, World};

/// Judges a run that has ended.
pub(crate) fn judge(world: &World) {
    hold_against(world.class, &world.client, &world.server);
    hold_against(world.class, &world.server, &world.client);
    if world.class == Class::Calm {
        agree(world);
    }
}

/// Where nothing was injected, both endpoints know the same about the handshake and about the end.
fn agree(world: &World) {
    match (world.client.end, world.server.end) {
        (Some(End::Closed(client)), Some(End::Closed(server))) => {
            assert!(client.clean() && server.clean(), "not clean: {client:?} {server:?}");
            assert_eq!((client.cause, server.cause), (Cause::Closed, Cause::Closed));
            assert_eq!((client.sent, client.received), (server.received, server.sent));
            let local = Some(Initiator::Local);
            assert!(client.initiator == local || server.initiator == local, "nobody began");
        }
        (Some(End::Unopened(client)), Some(End::Unopened(server))) => {
            assert_eq!((client, server), (Unopened::Refused(503), Unopened::Refused(503)));
        }
        other => panic!("nothing stood in the way of an agreement: {other:?}"),
    }
}

/// Holds what one endpoint says against what the other one did.
fn hold_against<O: Opening, P: Opening>(class: Class, this: &Endpoint<O>, peer: &Endpoint<P>) {
    if let (Some(ours), Some(theirs)) = (this.established, peer.established) {
        assert_eq!(ours.subprotocol, theirs.subprotocol);
        assert_eq!(ours.extensions.is_empty(), theirs.extensions.is_empty());
    }
    let (heard, said) = (&this.application.heard, &peer.application.said);
    assert!(heard.len() <= said.len(), "more was heard than was said");
    for (at, (heard, said)) in heard.iter().zip(said).enumerate() {
        assert!(
            heard == said,
            "number {at} was not heard as it was said: {:?} {:?}",
            heard.0,
            said.0
        );
    }
    for pong in &this.application.pongs {
        let pinged = this
            .application
            .said
            .iter()
            .any(|(saying, payload)| *saying == Saying::Ping && payload == pong);
        assert!(pinged || !pong.starts_with(MARK), "a pong to no ping");
    }
    let Some(connection) = &this.connection else {
        assert!(heard.is_empty() && this.application.said.is_empty());
        return;
    };
    let Some(End::Closed(ours)) = this.end else {
        panic!("there was a connection, and no outcome: {:?}", this.end);
    };
    count(this, connection, ours.clean() && ours.cause == Cause::Closed);
    assert_ne!(ours.cause, Cause::Open, "done, but open");
    assert_eq!(ours.clean(), ours.sent.is_present() && ours.received.is_present());
    assert_eq!(ours.received.is_present(), this.application.peer_closed);
    let written = this.tap.close.as_ref().map(|body| match body[..] {
        [high, low, ..] => u16::from_be_bytes([high, low]),
        _ => 1005,
    });
    assert_eq!(ours.sent.number(), written.unwrap_or(1006), "not the Close frame on the wire");
    match (ours.received.is_present(), peer.end) {
        (true, Some(End::Closed(theirs))) => {
            assert_eq!(ours.received, theirs.sent, "a Close frame that the peer did not send");
            assert_eq!(heard.len(), said.len(), "something was lost in front of the Close frame");
            // All up to the Close frame was read, and nothing after it was looked at.
            let received = connection.counters().received;
            let read = Written { bytes: received.wire_bytes, frames: received.frames };
            assert_eq!(Some(read), peer.tap.until_close);
        }
        (true, _) => panic!("a Close frame from nobody"),
        (false, _) => assert_ne!(class, Class::Calm, "no Close frame, though nothing was injected"),
    }
    if let (Some(peer), false) = (&peer.connection, class == Class::Reset) {
        let (received, sent) = (connection.counters().received, peer.counters().sent);
        assert!(received.wire_bytes <= sent.wire_bytes, "more bytes arrived than were written");
        assert!(received.frames <= sent.frames, "more frames arrived than were sent");
    }
}

/// The counters say what the application and the wire know. Where it ended well, nothing was left in the queue.
fn count<O: Opening>(this: &Endpoint<O>, connection: &Tested<O::Role>, well: bool) {
    let messages = |log: &[(Saying, Vec<u8>)]| {
        let messages = log.iter().filter(|(saying, _)| *saying != Saying::Ping);
        messages
            .fold((0, 0), |(count, bytes), (_, payload)| (count + 1, bytes + payload.len() as u64))
    };
    let counters = connection.counters();
    assert_eq!(counters.sent.wire_bytes, this.answered + this.tap.bytes);
    if well {
        assert_eq!(counters.sent.frames, this.tap.frames);
    } else {
        assert!(counters.sent.frames >= this.tap.frames);
    }
    let (said, said_bytes) = messages(&this.application.said);
    let (heard, heard_bytes) = messages(&this.application.heard);
    // The frame that is being streamed is counted from its header on.
    let streamed = u64::from(this.application.is_streaming());
    assert_eq!(counters.sent.messages, said + streamed);
    let begun_bytes = this.application.begun_bytes() as u64;
    assert_eq!(counters.sent.payload_bytes, said_bytes + begun_bytes);
    assert_eq!(counters.received.messages, heard);
    let part_bytes = this.application.part_bytes() as u64;
    assert_eq!(counters.received.payload_bytes, heard_bytes + part_bytes);
    assert!(counters.received.frames <= counters.received.wire_bytes / 2);
}
