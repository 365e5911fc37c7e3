//! What all servers do: a runtime, and a line that says where they listen.

use std::io::{self, Write as _};

use tokio::net::TcpListener;
use tokio::runtime::Builder;

/// Serves on any port of 127.0.0.1, on as many threads as the first argument says.
pub fn run(serve: impl AsyncFnOnce(TcpListener) -> io::Result<()>) -> io::Result<()> {
    let threads = std::env::args().nth(1).and_then(|threads| threads.parse().ok()).unwrap_or(1);
    let runtime = match threads {
        0 | 1 => Builder::new_current_thread().enable_all().build()?,
        threads => Builder::new_multi_thread().worker_threads(threads).enable_all().build()?,
    };
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        io::stdout().flush()?;
        serve(listener).await
    })
}
