//! An echo server on tokio: two tasks for each client, one that reads and one that writes, on the adapter of this package.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program talks to its user")]

use std::io;
use std::process::ExitCode;
use std::time::Duration;

use sockless::CloseCode;
use sockless_examples::listen;
use sockless_examples::opening::{Terms, plain};
use sockless_examples::options::Options;
use sockless_examples::tokio_adapter::{self as adapter, Decision, Error};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long to wait when the system can't give another stream.
const RECOVER: Duration = Duration::from_millis(100);

#[tokio::main]
async fn main() -> ExitCode {
    let options = match Options::from_args("echo_tokio") {
        Ok(options) => options,
        Err(status) => return status,
    };
    match run(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("echo_tokio: {}", listen::problem(options.listen, &error));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> io::Result<()> {
    let listener = TcpListener::bind(options.listen).await?;
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    println!("echo_tokio listens on http://{}/ (Ctrl-C stops it)", listener.local_addr()?);

    let terms = Terms::new(options);
    let (stop, stopped) = watch::channel(false);
    let mut clients = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(clients.spawn(serve(stream, terms.clone(), stopped.clone()))),
                // Too many open files, say: `ulimit -n` tells how many there may be.
                Err(error) => {
                    eprintln!("echo_tokio: can't accept a client: {error}");
                    tokio::time::sleep(RECOVER).await;
                }
            },
            // Those who are gone are forgotten.
            Some(_) = clients.join_next() => {}
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        }
    }

    drop(listener);
    let _ = stop.send(true);
    tokio::select! {
        _ = async { while clients.join_next().await.is_some() {} } => {}
        () = tokio::time::sleep(options.grace) => {}
        // A second signal ends the program at once.
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

async fn serve(stream: TcpStream, terms: Terms, mut stopped: watch::Receiver<bool>) {
    let _ = stream.set_nodelay(true);
    let open =
        adapter::accept_with(
            stream,
            terms.config.clone(),
            terms.handshake,
            |request| match request.is_upgrade() {
                true => Decision::Accept(terms.acceptance()),
                false => Decision::Answer(plain(request)),
            },
        );
    let socket = tokio::select! {
        opened = open => match opened {
            Ok(socket) => socket,
            // It has been answered, or it is gone.
            Err(_) => return,
        },
        () = told(&mut stopped) => return,
    };

    let (mut incoming, outgoing) = socket.into_halves(TcpStream::into_split);
    let handle = outgoing.handle();
    let writing = tokio::spawn(outgoing.run());
    let mut leaving = false;
    loop {
        tokio::select! {
            message = incoming.next() => match message {
                // If the other half has ended, this one ends as well.
                Some(Ok(message)) => drop(handle.send(message).await),
                // It has closed, or it has failed and been told why.
                Some(Err(_)) | None => break,
            },
            () = told(&mut stopped), if !leaving => {
                leaving = true;
                // A connection that has ended has nobody left to tell.
                let _ = handle.close(CloseCode::GOING_AWAY, "the server stops").await;
            }
        }
    }
    // Nobody is left then who could send.
    drop((handle, incoming));
    if let Ok(Err(Error::Io(error))) = writing.await {
        eprintln!("echo_tokio: a client was lost: {error}");
    }
}

/// Waits until the server stops.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stop| *stop).await;
}
