//! The servers: what each does with a message.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use sockless_tokio::{CloseCode, Message, accept};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What a server does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Habit {
    /// It sends back what it gets.
    Echo,
    /// It sends what it gets to everybody, the sender included.
    Broadcast,
    /// To everybody but the sender.
    Others,
    /// It forgets every tenth message of each sender.
    LosesTenth,
    /// It sends every fifth message twice.
    Doubles,
    /// It sends every fourth message after the fifth.
    Swaps,
    /// After this number of messages, it does nothing for a second.
    Stalls(u32),
    /// After this number of messages, it closes the connection.
    Closes(u32),
    /// The same without a word.
    Cuts(u32),
    /// It says this first, and then echoes.
    Greets(&'static str),
}

type Everybody = Arc<Mutex<Vec<mpsc::UnboundedSender<Message>>>>;

/// A server with this habit: its URL.
pub(crate) async fn serve(habit: Habit) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let everybody = Everybody::default();
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(talk(stream, habit, Arc::clone(&everybody)));
        }
    });
    format!("ws://{address}/")
}

async fn talk(stream: TcpStream, habit: Habit, everybody: Everybody) {
    let Ok(mut socket) = accept(stream, ()).await else { return };
    let (sender, mut said) = mpsc::unbounded_channel();
    everybody.lock().expect("no panic").push(sender.clone());
    if let Habit::Greets(text) = habit {
        tokio::time::sleep(Duration::from_millis(50)).await;
        socket.send(text).await.expect("sent");
    }
    let (mut count, mut held) = (0_u32, None);
    loop {
        let message = tokio::select! {
            Some(message) = said.recv() => {
                if socket.send(message).await.is_err() {
                    return;
                }
                continue;
            }
            received = socket.recv() => match received {
                Some(Ok(message)) => message,
                _ => return,
            },
        };
        count += 1;
        let mut answers = Vec::new();
        match habit {
            Habit::Broadcast | Habit::Others => {
                for other in everybody.lock().expect("no panic").iter() {
                    if habit == Habit::Broadcast || !other.same_channel(&sender) {
                        let _ = other.send(message.clone());
                    }
                }
            }
            Habit::LosesTenth if count % 10 == 0 => {}
            Habit::Doubles if count % 5 == 0 => answers.extend([message.clone(), message]),
            Habit::Swaps if count % 5 == 4 => held = Some(message),
            Habit::Swaps => answers.extend(std::iter::once(message).chain(held.take())),
            Habit::Stalls(after) if count == after => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                answers.push(message);
            }
            Habit::Closes(after) if count > after => {
                let _ = socket.close(CloseCode::new(4000).expect("a code"), "enough").await;
                return;
            }
            Habit::Cuts(after) if count > after => return,
            _ => answers.push(message),
        }
        for answer in answers {
            if socket.send(answer).await.is_err() {
                return;
            }
        }
    }
}

/// A server that answers each request with this, whatever it is; with nothing, it leaves it unanswered.
pub(crate) async fn answer(with: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = [0; 1024];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(with.as_bytes()).await;
                if with.is_empty() {
                    tokio::time::sleep(Duration::from_secs(60)).await;
                }
            });
        }
    });
    format!("ws://{address}/")
}

/// An address at which nobody listens: a port that was free a moment ago.
pub(crate) async fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    format!("ws://{}/", listener.local_addr().expect("an address"))
}
