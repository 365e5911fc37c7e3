//! A client and a server joined: whatever they send, each sees what the other has sent, once and in order; and they end in
//! agreement. Another implementation sees the same.

use std::sync::Arc;

use arbitrary::Arbitrary;
use sockless::frame::Limits;
use sockless::{Client, Config, Server};

use crate::cuts::Cuts;
use crate::endpoint::Endpoint;
use crate::operations::{Agreement, Choice, Op};
use crate::peer::{self, End};
use crate::reference;
use crate::run::{Halves, Run};
use crate::seen::Seen;

const LIMIT: usize = 16 << 20;

#[derive(Arbitrary, Debug)]
struct Case {
    client: Choice,
    server: Choice,
    agreement: Option<Agreement>,
    cuts: [Cuts; 2],
    apart: [bool; 2],
    ops: Vec<(bool, Op)>,
}

/// One endpoint, and how much of what it wrote has been delivered.
struct Joint<R: Endpoint> {
    run: Run<R>,
    delivered: usize,
}

impl<R: Endpoint> Joint<R> {
    fn new(choice: &Choice, agreement: Option<&Agreement>, cuts: &Cuts, apart: bool) -> Self {
        let config = Config::clone(&choice.config(false)).with_limits(Limits::DEFAULT);
        let mut conn = R::open(&Arc::new(config));
        if let Some(agreement) = agreement {
            conn = conn.with_extensions(agreement.agreed());
        }
        let halves = if apart { Halves::Apart } else { Halves::Joined };
        let run = Run::new(conn, cuts, halves).without_timers();
        Self { run: run.answering(choice.answers(R::MASKS)), delivered: 0 }
    }

    /// Hands over what has been written since the last time; whether that was anything.
    fn deliver<P: Endpoint>(&mut self, peer: &mut Joint<P>, into: bool) -> bool {
        let bytes = self.run.wire[self.delivered..].to_vec();
        self.delivered = self.run.wire.len();
        match into {
            true => peer.run.read_into(&bytes),
            false => peer.run.receive(&bytes),
        }
        !bytes.is_empty()
    }

    fn act<P: Endpoint>(&mut self, op: &Op, peer: &mut Joint<P>) {
        match op {
            Op::Frame(_) | Op::Bytes(_) | Op::Pass(_) | Op::Eof | Op::Shut | Op::Lost => {
                self.deliver(peer, false);
            }
            Op::Take(_) => _ = self.deliver(peer, true),
            Op::Configure(_) => {}
            op => self.run.apply(op),
        }
    }

    fn saw<P: Endpoint>(&self, peer: &Joint<P>) {
        let failed = self.run.seen.iter().find(|seen| matches!(seen, Seen::Failed(_)));
        assert_eq!(failed, None, "nobody did anything wrong");
        assert_eq!(self.run.messages().1, peer.run.messages().0, "what the other has sent");
    }

    /// Another implementation in the place of the peer.
    fn seen_elsewhere<P: Endpoint>(&self) {
        let (items, wrong) = reference::decode(&self.run.wire, R::MASKS, &Limits::DEFAULT);
        assert_eq!(wrong, None, "the sender broke a rule");
        let (theirs, end) = peer::receive::<P>(&self.run.wire, LIMIT);
        let closed = matches!(items.last(), Some(reference::Item::Close(..)));
        assert_eq!(theirs, items);
        assert_eq!(end, if closed { End::Closed } else { End::Cut });
    }
}

pub fn check(data: &[u8]) {
    let Some(case) = crate::input::<Case>(data) else { return };
    let agreement = case.agreement.as_ref();
    let [up, down] = &case.cuts;
    let mut client = Joint::<Client>::new(&case.client, agreement, up, case.apart[0]);
    let mut server = Joint::<Server>::new(&case.server, agreement, down, case.apart[1]);
    for (to_client, op) in &case.ops {
        match to_client {
            true => client.act(op, &mut server),
            false => server.act(op, &mut client),
        }
    }
    settle(&mut client, &mut server);
    client.saw(&server);
    server.saw(&client);

    // An end in agreement, unless somebody is still inside a frame.
    if !client.run.inside_frame() && !server.run.inside_frame() {
        let close = Op::Close(Some(1000), "done".into());
        client.run.apply(&close);
        settle(&mut client, &mut server);
        server.run.apply(&close);
        settle(&mut client, &mut server);
        let (ours, theirs) = (client.run.conn().outcome(), server.run.conn().outcome());
        assert!(ours.clean() && theirs.clean(), "{ours:?} {theirs:?}");
        assert_eq!((ours.sent, ours.received), (theirs.received, theirs.sent));
        client.saw(&server);
        server.saw(&client);
        client.run.finish();
        server.run.finish();
    }
    if agreement.is_none() {
        client.seen_elsewhere::<Server>();
        server.seen_elsewhere::<Client>();
    }
}

/// Everything that is written arrives, and so do the answers.
fn settle(client: &mut Joint<Client>, server: &mut Joint<Server>) {
    for round in 0.. {
        assert!(round < 1000, "they go on for ever");
        client.run.apply(&Op::WriteAll);
        server.run.apply(&Op::WriteAll);
        if !(client.deliver(server, false) | server.deliver(client, false)) {
            return;
        }
    }
}
