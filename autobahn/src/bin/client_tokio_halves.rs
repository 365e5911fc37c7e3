//! A client on tokio in two tasks: the one reads, the other writes what is to be sent back.

use std::process::ExitCode;

use sockless_autobahn::session::{Failure, options, run};
use sockless_tokio::connect_with;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    run(session).await
}

async fn session(url: &str) -> Result<String, Failure> {
    let (sender, mut reader) = connect_with(url, options()).await?.split();
    let mut seen = String::new();
    while let Some(message) = reader.recv().await {
        let message = message?;
        if let Some(text) = message.as_text() {
            seen = text.to_owned();
        }
        // If nothing can be sent any more, the reader says why.
        let _ = sender.send(message).await;
    }
    Ok(seen)
}
