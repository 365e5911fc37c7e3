//! What a handshake that has to fail is worth: a server's answer to a wrong request, what a client does after a wrong answer.

use crate::cases::expect::Outcome;
use crate::stage::{Answered, Stage};
use crate::verdict::Finding;
use crate::wire::frame::Frame;
use crate::wire::link::{Link, Turn};

/// A request that has to be refused: what its answer is worth.
pub(super) fn refusal(answered: &Answered) -> Outcome {
    let said = answered.describe();
    match (answered.status(), &answered.read) {
        (101, _) => Err(Finding::failed("The server opened a connection.")),
        (0, Ok(_)) => Err(Finding::failed(format!("The answer is no HTTP: {said}."))),
        (0, Err(None)) => {
            Ok(Finding::non_strict("The server neither refused nor accepted in time."))
        }
        (0, Err(_)) => Ok(Finding::non_strict(format!("It refused without saying so: {said}."))),
        _ => Ok(Finding::ok(format!("It refused: {said}."))),
    }
}

/// After a wrong answer: whether the client takes the connection for open. A message follows, which nobody may send back.
pub(in crate::cases) fn is_not_opened(stage: &Stage<'_>, mut link: Link) -> Outcome {
    let hello = Frame::text("are you open?");
    let mut bytes = Vec::new();
    hello.encode(false, [0; 4], &mut bytes);
    stage.note("a text frame follows, in case it is taken for open");
    link.queue(bytes, usize::MAX);
    let until = stage.soon();
    loop {
        let arrived = link.take_arrived();
        // A Close frame is a way of failing; anything else is a connection that is open.
        if let Some(first) = arrived.first()
            && first & 0xF != 0x8
        {
            let shown = crate::wire::frame::excerpt(&arrived);
            return Err(Finding::failed(format!(
                "The client took the connection for open: {shown}."
            )));
        }
        if !arrived.is_empty() {
            return Ok(Finding::non_strict("The client closed as if the connection were open."));
        }
        if link.ended().is_some() {
            return Ok(Finding::ok("The client closed the stream."));
        }
        if link.turn(until, true) == Turn::TimedOut {
            return Ok(Finding::non_strict("The client did nothing, and left the stream open."));
        }
    }
}
