//! What has to be true of every run.

use std::collections::HashSet;

use crate::app::{App, GAP, Learnt};
use crate::world::World;

/// Panics if something isn't as it has to be.
pub(crate) fn judge(world: &World) {
    let (client, server) = (&world.client.app, &world.server.app);
    one_way(client, server, world.recoverable);
    one_way(server, client, world.recoverable);
}

fn one_way(from: &App, to: &App, recoverable: bool) {
    let mut sessions: Vec<_> = from.ledger.iter().map(|sent| sent.id).collect();
    sessions.dedup();
    let mut seen = HashSet::new();
    sessions.retain(|id| seen.insert(*id));
    for id in sessions {
        let mut taken: Vec<u32> = Vec::new();
        let log = if recoverable { &to.effects } else { &to.ever };
        for (_, content) in log.iter().filter(|(other, _)| *other == id) {
            // Gaps can look alike; messages can't.
            if *content < GAP && taken.contains(content) {
                let again = to.replayable.contains(&(id, *content)) && !to.exact;
                assert!(again || !recoverable, "{content} was taken twice");
                continue;
            }
            taken.push(*content);
        }
        let sent = || from.ledger.iter().filter(|sent| sent.id == id);
        if recoverable {
            let kept = sent().filter(|sent| sent.end != Some(Learnt::Forgotten));
            let expected: Vec<u32> = kept.map(|sent| sent.content).filter(|c| *c < GAP).collect();
            let taken: Vec<u32> = taken.iter().copied().filter(|c| *c < GAP).collect();
            assert_eq!(taken, expected, "what was sent isn't what was taken");
        }
        let mut last = None;
        for content in taken.iter().filter(|content| **content < GAP) {
            let at = sent().position(|sent| sent.content == *content).expect("it was sent");
            assert!(last < Some(at), "{content} was taken out of order");
            last = Some(at);
        }
        for sent in sent().filter(|sent| sent.content < GAP) {
            let was_taken = taken.contains(&sent.content);
            match sent.end {
                Some(Learnt::Delivered) => assert!(was_taken, "{sent:?} was not delivered"),
                // Who goes back, or dies before what it has taken is stored, says that it has not taken it.
                Some(Learnt::Undelivered) => {
                    let forgot = to.went_back || to.replayable.contains(&(id, sent.content));
                    assert!(!was_taken || forgot, "{sent:?} was delivered");
                }
                _ => {}
            }
        }
    }
}
