//! Opens a connection to an echo server through whatever is between, has some messages echoed, and closes. It prints `ok` and what was agreed on, or
//! the name of the error, and the error.
//!
//! ```text
//! reach URL [--ca FILE | --system] [--proxy URL | --proxy environment] [--deflate on|off] [--timeout SECONDS]
//! ```

use std::error::Error;
use std::time::Duration;

use sockless_tokio::{ClientOptions, ConnectError, Message, Proxy, Tls, connect_with};

use crate::options::{LONGEST, certificates, value};

pub(crate) async fn run(mut args: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let url = args.next().ok_or("which URL?")?;
    let mut options = ClientOptions::new().with_max_message(LONGEST);
    while let Some(name) = args.next() {
        let mut value = || value(&name, &mut args);
        options = match name.as_str() {
            "--ca" => options.with_tls(Tls::with_roots(certificates(value()?)?)?),
            "--proxy" => match value()?.as_str() {
                "environment" => options.with_proxy_from_environment(),
                proxy => options.with_proxy(Proxy::parse(proxy)?),
            },
            "--deflate" if value()? == "on" => options.with_compression(),
            "--deflate" => options,
            "--timeout" => options.with_timeout(Duration::from_secs_f64(value()?.parse()?)),
            _ => return Err(format!("unknown option {name}").into()),
        };
    }
    match echoed(&url, &options).await {
        Ok(said) => println!("ok\t{said}"),
        Err(error) => match error.downcast_ref::<ConnectError>() {
            Some(why) => println!("{}\t{why}", name(why)),
            None => println!("broken\t{error}"),
        },
    }
    Ok(())
}

fn name(error: &ConnectError) -> String {
    match error {
        ConnectError::Proxy(error) => format!("Proxy {error:?}"),
        ConnectError::Refused(refused) => format!("Refused {}", refused.status),
        error => {
            let shown = format!("{error:?}");
            shown.split(['(', ' ', '{']).next().unwrap_or_default().to_owned()
        }
    }
}

async fn echoed(url: &str, options: &ClientOptions) -> Result<String, Box<dyn Error>> {
    let mut socket = connect_with(url, options).await?;
    let answer = socket.response().ok_or("no answer")?;
    let extensions = answer.field("sec-websocket-extensions").unwrap_or(b"none");
    let said = String::from_utf8_lossy(extensions).into_owned();
    let binary: Vec<u8> = (0..300_000u32).map(|at| (at ^ (at >> 8)) as u8).collect();
    for message in [Message::text("grüß dich, 世界"), Message::binary(binary), Message::text("")]
    {
        socket.send(message.clone()).await?;
        let back = socket.recv().await.ok_or("it closed")??;
        if back != message {
            return Err(format!("{back:?} came back for {message:?}").into());
        }
    }
    let outcome = socket.close(None, "").await?;
    if !outcome.clean() {
        return Err(format!("not clean: {outcome:?}").into());
    }
    Ok(said)
}
