//! A client on tokio: it sends back what the fuzzing server sends, with `recv` and `send`.

use std::process::ExitCode;

use sockless_autobahn::session::{Failure, options, run};
use sockless_tokio::{Error, connect_with};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(session).await
}

async fn session(url: &str) -> Result<String, Failure> {
    let mut socket = connect_with(url, options()).await?;
    let mut seen = String::new();
    while let Some(message) = socket.recv().await {
        let message = message?;
        if let Some(text) = message.as_text() {
            seen = text.to_owned();
        }
        match socket.send(message).await {
            // The server may be gone; what it has sent before is still to be read.
            Err(Error::Io(_)) | Ok(()) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(seen)
}
