//! The negotiation of permessage-deflate: whether an answer follows from the offer, whether wrong ones are turned down, and whether
//! messages keep to what was agreed on.

use super::entry::Entry;
use super::expect::{Outcome, comes_back, echo, well};
use super::offer::{NAME, check, param};
use super::rules;
use crate::case::Case;
use crate::exchange::Session;
use crate::stage::{Stage, offers};
use crate::verdict::{Finding, Rule, Testee};

const CHAPTER: &str = "negotiation";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = server_answers();
    cases.extend(declined());
    cases.extend(client_answers());
    cases.extend(kept());
    cases
}

/// Messages whose repetitions are just out of reach of a window and just within, and small ones that repeat each other. What comes
/// back has to inflate in the window that was agreed on.
fn exchange(stage: &Stage<'_>, session: &mut Session) -> Result<(), Finding> {
    let bits = session.agreement.as_ref().map_or(15, |agreement| agreement.theirs.bits);
    let window = 1_usize << bits;
    for distance in [window / 2, window + 50] {
        let block = stage.octets(distance);
        let message = [&block[..], &block[..], b"the end, the end, the end"].concat();
        let frames = session.message_frames(false, &message, 1 << 14);
        session.send_chopped(&frames, usize::MAX);
        let until = session.soon();
        comes_back(session, false, &message, until)?;
    }
    for i in 0..6 {
        let text =
            format!("{{\"n\": {}, \"m\": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]}}", i % 2).repeat(3 + i);
        echo(session, &text)?;
    }
    Ok(())
}

fn server_answers() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut offers: Vec<(String, String, &'static Rule)> = vec![
        ("plain".into(), String::new(), &rules::SERVER_TAKEOVER),
        ("server-takeover".into(), "; server_no_context_takeover".into(), &rules::SERVER_TAKEOVER),
        ("client-takeover".into(), "; client_no_context_takeover".into(), &rules::CLIENT_TAKEOVER),
        ("client-window".into(), "; client_max_window_bits".into(), &rules::CLIENT_WINDOW),
        ("both-takeovers".into(), "; server_no_context_takeover; client_no_context_takeover".into(), &rules::SERVER_TAKEOVER),
        ("quoted".into(), "; server_max_window_bits=\"10\"".into(), &rules::SERVER_WINDOW),
        ("spaces".into(), " ;server_max_window_bits=10 ; client_max_window_bits".into(), &rules::SERVER_WINDOW),
        ("all".into(), "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=11; client_max_window_bits=12".into(), &rules::SERVER_WINDOW),
    ];
    for bits in 8..=15 {
        offers.push((
            format!("server-window-{bits}"),
            format!("; server_max_window_bits={bits}"),
            &rules::SERVER_WINDOW,
        ));
        offers.push((
            format!("client-window-{bits}"),
            format!("; client_max_window_bits={bits}"),
            &rules::CLIENT_WINDOW,
        ));
    }
    for (id, params, rule) in offers {
        let offer = format!("{NAME}{params}");
        let says = format!("The answer to {offer:?} follows from it, and messages keep to it.");
        let entry = Entry::new(CHAPTER, format!("negotiation.{id}"), rule, says);
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask().set("Sec-WebSocket-Extensions", &offer);
            let answered = stage.answer_to(&ask)?;
            let answer = answered
                .read
                .as_ref()
                .ok()
                .and_then(|(head, _)| head.value("Sec-WebSocket-Extensions"));
            let mut session = stage.opened(&ask, answered)?;
            let Some(answer) = answer else {
                session.send_close(1000);
                return Ok(Finding::unimplemented("The server declined the offer."));
            };
            check(&offer, &answer)
                .map_err(|why| Finding::failed(format!("The answer is {answer:?}. {why}")))?;
            exchange(stage, &mut session)?;
            well(session, &format!("The answer is {answer:?}, and messages keep to it."))
        }));
    }
    for (id, offer) in [
        ("second-of-two", "permessage-deflate; x-unknown, permessage-deflate"),
        ("after-unknown", "x-unknown; a=1, permessage-deflate"),
        ("first-of-two", "permessage-deflate; server_no_context_takeover, permessage-deflate"),
        (
            "impossible-first",
            "permessage-deflate; server_max_window_bits=7, permessage-deflate; client_no_context_takeover",
        ),
    ] {
        let says = format!("Of several offers ({id}) one at most is accepted, a right one.");
        let entry = Entry::new(CHAPTER, format!("negotiation.{id}"), &rules::DEFLATE_OFFER, says);
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask().set("Sec-WebSocket-Extensions", offer);
            let answered = stage.answer_to(&ask)?;
            let answer = answered
                .read
                .as_ref()
                .ok()
                .and_then(|(head, _)| head.value("Sec-WebSocket-Extensions"));
            let mut session = stage.opened(&ask, answered)?;
            let Some(answer) = answer else {
                session.send_close(1000);
                return Ok(Finding::unimplemented("The server declined all of them."));
            };
            let right = offer.split(',').map(str::trim).any(|offer| {
                offer.starts_with(NAME)
                    && !offer.contains("x-unknown")
                    && !offer.contains("bits=7")
                    && check(offer, &answer).is_ok()
            });
            if !right {
                return Err(Finding::failed(format!(
                    "The answer {answer:?} follows from none of them."
                )));
            }
            exchange(stage, &mut session)?;
            well(session, &format!("The answer is {answer:?}."))
        }));
    }
    cases
}

/// Parameters that are unknown, repeated, or have no value that they may have.
fn invalid() -> Vec<(String, String)> {
    let mut params: Vec<(String, String)> = [
        ("unknown", "x-unknown"),
        ("unknown-with-value", "x-unknown=1"),
        ("server-takeover-with-value", "server_no_context_takeover=1"),
        ("client-takeover-with-value", "client_no_context_takeover=1"),
        ("server-takeover-twice", "server_no_context_takeover; server_no_context_takeover"),
        ("client-takeover-twice", "client_no_context_takeover; client_no_context_takeover"),
        ("server-window-twice", "server_max_window_bits=10; server_max_window_bits=10"),
        ("server-window-without-value", "server_max_window_bits"),
    ]
    .map(|(id, param)| (id.to_owned(), param.to_owned()))
    .into();
    for side in ["server", "client"] {
        for value in ["0", "7", "16", "08", "015", "255", "x", "1a", "9.0"] {
            params.push((
                format!("{side}-window-of-{value}"),
                format!("{side}_max_window_bits={value}"),
            ));
        }
    }
    params
}

fn declined() -> Vec<Case> {
    let mut cases = Vec::new();
    for (id, param) in invalid() {
        let offer = format!("{NAME}; {param}");
        let says =
            format!("The offer {offer:?} is declined, and the connection opened without it.");
        let entry =
            Entry::new(CHAPTER, format!("negotiation.declines-{id}"), &rules::DEFLATE_OFFER, says);
        cases.push(entry.only(Testee::Server).case(move |stage| {
            let ask = stage.ask().set("Sec-WebSocket-Extensions", &offer);
            let answered = stage.answer_to(&ask)?;
            if !answered.is_accepted() {
                return Ok(Finding::non_strict(format!(
                    "In place of the offer the connection was declined: {}.",
                    answered.describe()
                )));
            }
            let agreed = answered
                .read
                .as_ref()
                .ok()
                .and_then(|(head, _)| head.value("Sec-WebSocket-Extensions"));
            if let Some(answer) = agreed {
                return Err(Finding::failed(format!("It was accepted: {answer:?}.")));
            }
            let mut session = stage.opened(&ask, answered)?;
            super::expect::alive(&mut session)?;
            well(session, "It was declined.")
        }));
    }
    cases
}

/// Answers that a client may not take.
fn client_answers() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut wrong: Vec<(String, String)> =
        invalid().into_iter().map(|(id, param)| (id, format!("{NAME}; {param}"))).collect();
    wrong.push(("client-window-without-value".into(), format!("{NAME}; client_max_window_bits")));
    wrong.push(("two-elements".into(), format!("{NAME}, {NAME}")));
    wrong.push(("other-extension-too".into(), format!("{NAME}, x-not-offered")));
    wrong.push(("malformed".into(), format!("{NAME}; =")));
    for (id, answer) in wrong {
        let says = format!("The answer {answer:?} fails the connection.");
        let entry =
            Entry::new(CHAPTER, format!("negotiation.fails-{id}"), &rules::DEFLATE_ANSWER, says);
        cases.push(
            entry.only(Testee::Client).case(move |stage| answered_wrongly(stage, &answer, false)),
        );
    }
    let entry = Entry::new(
        CHAPTER,
        "negotiation.fails-client-window-not-offered",
        &rules::CLIENT_WINDOW,
        "An answer with client_max_window_bits, which the client has not offered, fails the connection.",
    );
    cases.push(entry.only(Testee::Client).case(|stage| {
        answered_wrongly(stage, &format!("{NAME}; client_max_window_bits=12"), true)
    }));
    cases
}

/// Answers so, to a client that offers permessage-deflate.
fn answered_wrongly(stage: &mut Stage<'_>, answer: &str, only_without_window: bool) -> Outcome {
    let mut caller = stage.caller()?;
    let offered = offers(&caller.head);
    let own: Vec<&String> = offered.iter().filter(|offer| offer.starts_with(NAME)).collect();
    let unimplemented = if own.is_empty() {
        Some("The client does not offer permessage-deflate.")
    } else if only_without_window
        && own.iter().any(|o| param(o, "client_max_window_bits").is_some())
    {
        Some("The client offers client_max_window_bits, so that it is right.")
    } else {
        None
    };
    let right = stage.right_answer(&caller.head);
    if let Some(why) = unimplemented {
        stage.send_head(&mut caller.link, &right.bytes(), usize::MAX);
        let mut session = Session::new(stage.context(), caller.link, None);
        session.send_close(1000);
        session.flush(session.soon());
        return Ok(Finding::unimplemented(why));
    }
    let bytes = right.add("Sec-WebSocket-Extensions", answer).bytes();
    stage.send_head(&mut caller.link, &bytes, usize::MAX);
    super::handshake::outcome::is_not_opened(stage, caller.link)
}

/// What a client has agreed on, it keeps.
fn kept() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut params: Vec<(String, String, &'static Rule)> = vec![
        ("plain".into(), String::new(), &rules::COMPRESSED),
        ("client-takeover".into(), "; client_no_context_takeover".into(), &rules::CLIENT_TAKEOVER),
        ("server-takeover".into(), "; server_no_context_takeover".into(), &rules::SERVER_TAKEOVER),
        ("server-window".into(), "; server_max_window_bits=9".into(), &rules::SERVER_WINDOW),
    ];
    for bits in 8..=15 {
        params.push((
            format!("client-window-{bits}"),
            format!("; client_max_window_bits={bits}"),
            &rules::CLIENT_WINDOW_SENT,
        ));
        params.push((
            format!("client-window-{bits}-alone"),
            format!("; client_max_window_bits={bits}; client_no_context_takeover"),
            &rules::CLIENT_WINDOW_SENT,
        ));
    }
    for (id, params, rule) in params {
        let answer = format!("{NAME}{params}");
        let says = format!("After the answer {answer:?} the client's messages keep to it.");
        let entry = Entry::new(CHAPTER, format!("negotiation.keeps-{id}"), rule, says);
        cases.push(entry.only(Testee::Client).case(move |stage| {
            let choice = |offers: &[String]| {
                let fits = |offer: &&String| {
                    let first = offer.split(';').next().map(str::trim);
                    let server = param(offer, "server_max_window_bits").is_none()
                        && param(offer, "server_no_context_takeover").is_none();
                    let window = !answer.contains("client_max_window_bits")
                        || param(offer, "client_max_window_bits").is_some();
                    first == Some(NAME) && server && window
                };
                offers.iter().find(fits).map(|_| answer.clone())
            };
            let ask = stage.ask();
            let mut session = stage.open_with(&ask, &choice)?;
            if session.agreement.is_none() {
                session.send_close(1000);
                session.flush(session.soon());
                return Ok(Finding::unimplemented(
                    "The client's offer does not allow this answer.",
                ));
            }
            exchange(stage, &mut session)?;
            let compressed = session.compressed;
            well(session, &format!("All came back, {compressed} messages of them compressed."))
        }));
    }
    cases
}
