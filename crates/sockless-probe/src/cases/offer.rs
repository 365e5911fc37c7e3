//! What an offer of permessage-deflate allows its answer to be, and a connection on which it was agreed.

use crate::exchange::Session;
use crate::stage::{Stage, check_answer};
use crate::verdict::{Finding, Testee};

pub(super) const NAME: &str = "permessage-deflate";

/// A parameter's value, if the element has the parameter.
pub(super) fn param<'a>(element: &'a str, name: &str) -> Option<Option<&'a str>> {
    element.split(';').skip(1).map(str::trim).find_map(|param| {
        let (own, value) = match param.split_once('=') {
            Some((own, value)) => (own.trim(), Some(value.trim().trim_matches('"'))),
            None => (param, None),
        };
        (own == name).then_some(value)
    })
}

/// What is wrong with an answer to this offer.
pub(super) fn check(offer: &str, answer: &str) -> Result<(), String> {
    if answer.contains(',') {
        return Err("It has more than one element.".to_owned());
    }
    if answer.split(';').next().map(str::trim) != Some(NAME) {
        return Err("It names another extension.".to_owned());
    }
    let known = [
        "server_no_context_takeover",
        "client_no_context_takeover",
        "server_max_window_bits",
        "client_max_window_bits",
    ];
    let names: Vec<&str> = answer
        .split(';')
        .skip(1)
        .map(|param| param.split('=').next().unwrap_or_default().trim())
        .collect();
    for (i, name) in names.iter().enumerate() {
        if !known.contains(name) {
            return Err(format!("It has the unknown parameter {name:?}."));
        }
        if names[..i].contains(name) {
            return Err(format!("It has {name} twice."));
        }
    }
    let bits = |name: &str| -> Result<Option<u8>, String> {
        match param(answer, name) {
            None => Ok(None),
            Some(Some(value)) => match value.parse::<u8>() {
                Ok(bits) if (8..=15).contains(&bits) && bits.to_string() == value => Ok(Some(bits)),
                _ => Err(format!("It has {name}={value}.")),
            },
            Some(None) => Err(format!("It has {name} without a value.")),
        }
    };
    let (server, client) = (bits("server_max_window_bits")?, bits("client_max_window_bits")?);
    if param(offer, "server_no_context_takeover").is_some()
        && param(answer, "server_no_context_takeover").is_none()
    {
        return Err("It leaves out server_no_context_takeover, which was asked for.".to_owned());
    }
    if let Some(Some(asked)) = param(offer, "server_max_window_bits") {
        match (server, asked.parse::<u8>()) {
            (None, _) => {
                return Err("It leaves out server_max_window_bits, which was asked for.".to_owned());
            }
            (Some(bits), Ok(asked)) if bits > asked => {
                return Err(format!(
                    "It has server_max_window_bits={bits} where {asked} was asked for."
                ));
            }
            _ => {}
        }
    }
    if client.is_some() && param(offer, "client_max_window_bits").is_none() {
        return Err("It has client_max_window_bits, which was not offered.".to_owned());
    }
    Ok(())
}

/// A connection on which permessage-deflate was agreed on with these parameters; `None` if the testee doesn't agree.
pub(super) fn compressed(stage: &mut Stage<'_>, params: &str) -> Result<Option<Session>, Finding> {
    let wanted = format!("{NAME}{params}");
    match stage.testee {
        Testee::Server => {
            let ask = stage.ask().set("Sec-WebSocket-Extensions", &wanted);
            let answered = stage.answer_to(&ask)?;
            if let Ok((head, _)) = &answered.read {
                check_answer(&ask, head).map_err(Finding::failed)?;
            }
            let session = stage.opened(&ask, answered)?;
            Ok(session.agreement.is_some().then_some(session))
        }
        Testee::Client => {
            let ask = stage.ask();
            let choice = |offers: &[String]| {
                let plain = |offer: &&String| {
                    offer.starts_with(NAME)
                        && param(offer, "server_max_window_bits").is_none()
                        && param(offer, "server_no_context_takeover").is_none()
                };
                offers.iter().find(plain).map(|_| wanted.clone())
            };
            let mut session = stage.open_with(&ask, &choice)?;
            if session.agreement.is_none() {
                session.send_close(1000);
                session.flush(session.soon());
                return Ok(None);
            }
            Ok(Some(session))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn an_answer_has_to_follow_from_the_offer() {
        let plain = "permessage-deflate";
        for (offer, answer, right) in [
            (plain, plain, true),
            (plain, "permessage-deflate; server_max_window_bits=10", true),
            (plain, "permessage-deflate; client_max_window_bits=10", false),
            (
                "permessage-deflate; client_max_window_bits",
                "permessage-deflate; client_max_window_bits=10",
                true,
            ),
            (
                "permessage-deflate; client_max_window_bits",
                "permessage-deflate; client_max_window_bits",
                false,
            ),
            ("permessage-deflate; server_max_window_bits=10", plain, false),
            (
                "permessage-deflate; server_max_window_bits=10",
                "permessage-deflate; server_max_window_bits=11",
                false,
            ),
            (
                "permessage-deflate; server_max_window_bits=10",
                "permessage-deflate; server_max_window_bits=\"9\"",
                true,
            ),
            ("permessage-deflate; server_no_context_takeover", plain, false),
            (plain, "permessage-deflate, permessage-deflate", false),
            (plain, "permessage-deflate; x", false),
            (plain, "permessage-deflate; server_max_window_bits=08", false),
            (plain, "x-other", false),
        ] {
            assert_eq!(check(offer, answer).is_ok(), right, "{offer}: {answer}");
        }
    }
}
