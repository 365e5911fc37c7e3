//! What the server does with messages: it sends each back, as it came, and takes some for orders.
//!
//! | message | what happens beside |
//! |---|---|
//! | `!count` | instead of it comes back how many messages the server has taken in this session |
//! | `!gap` | a gap of 3 follows |
//! | `!tick` | an unnumbered `tick` follows |
//! | `!again` | it is wanted once more before it is accepted |
//! | `!ask` | the request `what?` follows; its reply comes back as `answered: ` and the reply |
//! | `!cut` | the connection is cut at once |
//! | `!end` | the session ends |
//! | `!end asleep` | the connection is cut, then the session ends |
//! | `!forget` | all connections' sessions are forgotten, and this connection is cut |
//!
//! A request is replied to with its text in capitals, `fail` is rejected with `no`, `wait` is never replied to.

use std::time::Duration;

use sockless_session::reliable::{Incoming, Link, LinkError, Message, Output, Received, Session};

/// What the application remembers of a session.
#[derive(Debug, Default)]
pub(super) struct Memory {
    taken: u64,
    wanted_again: bool,
}

/// What the connection has to do after a message.
#[derive(Debug)]
pub(super) enum Order {
    None,
    Say(Output<Message>),
    Cut,
    EndAsleep,
    Forget,
}

/// Takes what has arrived on a session's connection.
pub(super) fn take(
    session: &mut Session<Message>,
    memory: &mut Memory,
    link: Link,
    message: Incoming<'_>,
    now: Duration,
) -> Result<Order, LinkError> {
    let received = session.receive(link, message, now)?;
    let mut order = Order::None;
    match received {
        Received::Message { number, payload } => {
            if payload == Incoming::Text("!again") && !memory.wanted_again {
                memory.wanted_again = true;
                session.again(number).expect("it has been received and not accepted");
                return Ok(order);
            }
            memory.taken += 1;
            let back = match payload {
                Incoming::Text("!count") => memory.taken.to_string().as_str().into(),
                payload => Message::from(payload),
            };
            send(session, back);
            session.accept(number, now).expect("it has been received");
            match payload {
                Incoming::Text("!gap") => drop(session.skip(3).expect("there is room")),
                Incoming::Text("!tick") => {
                    order = session.unnumbered("tick".into()).map_or(Order::None, Order::Say);
                }
                Incoming::Text("!ask") => {
                    let until = now + Duration::from_secs(60);
                    session.request("what?".into(), until).expect("there is room");
                }
                Incoming::Text("!cut") => order = Order::Cut,
                Incoming::Text("!end") => session.end().expect("it is open"),
                Incoming::Text("!end asleep") => order = Order::EndAsleep,
                Incoming::Text("!forget") => order = Order::Forget,
                _ => {}
            }
        }
        Received::Request { number, payload } => {
            memory.taken += 1;
            let replied = match payload {
                Incoming::Text("wait") => Ok(0),
                Incoming::Text("fail") => session.reject(number, "no".into()),
                Incoming::Text(text) => session.reply(number, text.to_uppercase().as_str().into()),
                Incoming::Binary(bytes) => session.reply(number, bytes.into()),
            };
            replied.expect("there is room");
            session.accept(number, now).expect("it has been received");
        }
        Received::Reply { number, payload, .. } => {
            let text = format!("answered: {}", String::from_utf8_lossy(payload.as_bytes()));
            send(session, text.as_str().into());
            session.accept(number, now).expect("it has been received");
        }
        Received::Late { number, .. } | Received::Gap { number, .. } => {
            session.accept(number, now).expect("it has been received");
        }
        _ => {}
    }
    Ok(order)
}

/// A window's messages have room in the queue, so that one more always has.
fn send(session: &mut Session<Message>, message: Message) {
    session.send(message).expect("there is room");
}
