//! Whom a scenario connects to, and what a connection says when it is opened: protocol, URL, header fields, subprotocols, tokens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use sockless_tokio::handshake::{Connector, Field, HeadLimits, Offer, Url};

use super::message::sample;
use super::source::Source;
use crate::scenario::fault::{Fault, Place};
use crate::scenario::file::{File, Jwt};
use crate::scenario::{Overrides, Protocol, Signing};
use crate::template::{Placeholder, Template};

pub(super) fn protocol(source: &Source<'_>, file: &File) -> Result<Protocol, Fault> {
    let name = file.protocol.as_ref().map_or("websocket", |name| name.get_ref());
    let place = file.protocol.as_ref().map_or(Place::Default, |name| source.place(name));
    let transports = file.transports.as_ref();
    match (name, transports) {
        ("socketio", transports) => {
            match transports.map_or("websocket", |transports| transports.get_ref()) {
                "websocket" => Ok(Protocol::SocketIo { polling: false, websocket: true }),
                "polling" => Ok(Protocol::SocketIo { polling: true, websocket: false }),
                "both" => Ok(Protocol::SocketIo { polling: true, websocket: true }),
                other => {
                    let place = transports.map_or(Place::Default, |it| source.place(it));
                    let what = "transports: \"websocket\", \"polling\" or \"both\", not";
                    Err(Fault::new(place, format!("{what} {other:?}")))
                }
            }
        }
        (_, Some(transports)) => {
            let what = "transports: only protocol = \"socketio\" has a choice";
            Err(Fault::new(source.place(transports), what))
        }
        ("websocket", None) => Ok(Protocol::WebSocket),
        ("session", None) => Ok(Protocol::Session),
        (other, None) => {
            let what = "protocol: \"websocket\", \"session\" or \"socketio\", not";
            Err(Fault::new(place, format!("{what} {other:?}")))
        }
    }
}

pub(super) fn url(
    source: &Source<'_>,
    file: &File,
    overrides: &Overrides,
    protocol: Protocol,
    allowed: impl Fn(Placeholder) -> bool,
) -> Result<Template, Fault> {
    let (text, place) = match &overrides.url {
        Some(url) => (url.as_str(), Place::Flag("--url")),
        None => (file.url.get_ref().as_str(), source.place(&file.url)),
    };
    let template = Template::parse(text, allowed).map_err(|unknown| Fault::new(place, unknown))?;
    let sample = template.fill(sample);
    let socketio = matches!(protocol, Protocol::SocketIo { .. });
    // Socket.IO's may begin with `http` as well.
    let sample = match sample.strip_prefix("http") {
        Some(rest) if socketio => format!("ws{rest}"),
        _ => sample,
    };
    match Url::parse(&sample) {
        Ok(_) => Ok(template),
        Err(error) => Err(Fault::new(place, format!("url: {error}: {text:?}"))),
    }
}

pub(super) fn fields(
    source: &Source<'_>,
    file: &File,
    allowed: impl Fn(Placeholder) -> bool,
) -> Result<Vec<(String, Template)>, Fault> {
    let checked = file.headers.iter().map(|(name, value)| {
        let template = source.template(value, &allowed)?;
        let sample = template.fill(sample);
        let fields = [Field::new(name, &sample)];
        let tried = Url::parse("ws://localhost/").ok().map(|url| {
            Connector::new(
                Offer::new(url).with_fields(&fields),
                &HeadLimits::default(),
                Duration::ZERO,
            )
        });
        match tried {
            Some(Err(error)) => Err(Fault::new(source.place(value), format!("{name}: {error}"))),
            _ => Ok((name.clone(), template)),
        }
    });
    checked.collect()
}

pub(super) fn subprotocols(
    source: &Source<'_>,
    file: &File,
    protocol: Protocol,
) -> Result<Vec<String>, Fault> {
    let checked = file.subprotocols.iter().map(|name| {
        if protocol != Protocol::WebSocket {
            let what = "subprotocols: only protocol = \"websocket\" has a choice";
            return Err(Fault::new(source.place(name), what));
        }
        let names = [name.get_ref().as_str()];
        let tried = Url::parse("ws://localhost/").ok().map(|url| {
            let offer = Offer::new(url).with_subprotocols(&names);
            Connector::new(offer, &HeadLimits::default(), Duration::ZERO)
        });
        match tried {
            Some(Err(error)) => Err(Fault::new(source.place(name), error)),
            _ => Ok(name.get_ref().clone()),
        }
    });
    checked.collect()
}

pub(super) fn signing(
    source: &Source<'_>,
    jwt: &Jwt,
    overrides: &Overrides,
) -> Result<Signing, Fault> {
    let file = match (&overrides.secret_file, &jwt.secret_file) {
        (Some(path), _) => Some((path.clone(), Place::Flag("--secret-file"))),
        (None, Some(path)) => Some((path.get_ref().into(), source.place(path))),
        (None, None) => None,
    };
    let secret = match (file, &jwt.secret) {
        (Some((path, place)), _) => std::fs::read(&path)
            .map_err(|error| Fault::new(place, format!("{}: {error}", path.display())))?,
        (None, Some(secret)) => secret.get_ref().as_bytes().to_vec(),
        (None, None) => {
            let place = source.place(&jwt.claims);
            return Err(Fault::new(place, "jwt: set `secret` or `secret_file`, or --secret-file"));
        }
    };
    if secret.is_empty() {
        return Err(Fault::new(source.place(&jwt.claims), "jwt: the secret is empty"));
    }
    // A day from now: longer than any run.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let text = jwt.claims.get_ref().replace("{expires}", &(now + 86_400).to_string());
    let place = source.place(&jwt.claims);
    let allowed = |it| {
        matches!(
            it,
            Placeholder::User | Placeholder::Number | Placeholder::Group | Placeholder::Member
        )
    };
    let claims = Template::parse(&text, allowed).map_err(|unknown| Fault::new(place, unknown))?;
    match serde_json::from_str::<serde_json::Map<_, _>>(&claims.fill(sample)) {
        Ok(_) => Ok(Signing { secret, claims }),
        Err(error) => Err(Fault::new(place, format!("claims: they are a JSON object: {error}"))),
    }
}
