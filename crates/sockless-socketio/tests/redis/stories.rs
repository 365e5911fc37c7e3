//! What happens over several processes.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use sockless_session::reconnect::{Backoff, Settings};
use sockless_socketio::client::{Client, Event};
use sockless_socketio::socket::Payload;

use crate::broker::Broker;
use crate::process::{Balancer, Process};

pub(crate) type Test = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

pub(crate) fn tests() -> Vec<Test> {
    vec![
        ("rooms_questions_and_disconnections_reach_across_processes", || Box::pin(rooms())),
        ("client_of_a_server_that_was_killed_is_recovered_by_another", || Box::pin(recovers())),
        ("quiet_client_is_recovered_by_another_server", || Box::pin(quiet())),
        ("client_of_the_only_server_is_recovered_by_its_successor", || Box::pin(successor())),
        ("redis_that_comes_back_empty_makes_clients_new_and_leaves_no_gap", || Box::pin(empty())),
    ]
}

const LONG: Duration = Duration::from_secs(10);

async fn connect(url: &str) -> Client {
    let backoff = Backoff::new(Duration::from_millis(50), 100, Duration::from_millis(100));
    Client::builder(url)
        .with_transports(false, true)
        .with_reconnect(Settings::default().with_backoff(backoff))
        .connect()
        .await
        .expect("it connects")
}

async fn ask(client: &Client, name: &str, payload: Payload) -> Payload {
    client.emit_with_ack(name, payload, LONG).await.unwrap_or_else(|e| panic!("{name}: {e}"))
}

async fn join(client: &Client, room: &str) {
    ask(client, "join", Payload::new().with(room).expect("JSON")).await;
}

async fn say(client: &Client, room: &str, number: u64) {
    let payload = Payload::new().with(room).and_then(|its| its.with(&number)).expect("JSON");
    ask(client, "say", payload).await;
}

async fn next(client: &mut Client) -> Event {
    let event = tokio::time::timeout(LONG, client.recv()).await.expect("something comes");
    event.expect("it isn't over")
}

/// The number that is said next.
async fn said(client: &mut Client) -> u64 {
    match next(client).await {
        Event::Message(message) if message.name() == "said" => {
            // The position comes last.
            message
                .read::<(u64,)>()
                .or_else(|_| message.read().map(|(n, _): (_, String)| (n,)))
                .expect("a number")
                .0
        }
        other => panic!("{other:?}"),
    }
}

/// Until it is connected again: whether it was recovered.
async fn back(client: &mut Client) -> bool {
    loop {
        match next(client).await {
            Event::Connected { recovered } => return recovered,
            Event::Disconnected(_) | Event::Failed(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn rooms() {
    let broker = Broker::start("rooms");
    let processes: Vec<_> = (0..3).map(|_| Process::start(&broker)).collect();
    let mut clients = Vec::new();
    for process in &processes {
        clients.push(connect(&format!("http://127.0.0.1:{}/", process.port)).await);
    }
    join(&clients[1], "news").await;
    join(&clients[2], "sport").await;
    say(&clients[0], "news", 1).await;
    say(&clients[1], "sport", 2).await;
    say(&clients[2], "news", 3).await;
    assert_eq!((said(&mut clients[1]).await, said(&mut clients[1]).await), (1, 3));
    assert_eq!(said(&mut clients[2]).await, 2);
    let (mut rooms, missing): (Vec<usize>, usize) =
        ask(&clients[0], "who", Payload::new()).await.read().expect("numbers");
    rooms.sort_unstable();
    assert_eq!((rooms, missing), (vec![1, 2, 2], 0));
    // Two answer, and one doesn't.
    let [first, second, third] = &mut clients[..] else { panic!() };
    let answer = |client| async {
        match next(client).await {
            Event::Message(mut message) if message.name() == "question" => {
                message.reply(Payload::new()).expect("it can be answered");
            }
            other => panic!("{other:?}"),
        }
    };
    let asking = first.sender();
    let asked = asking.emit_with_ack("ask all", Payload::new(), LONG);
    let ((), (), asked) = tokio::join!(answer(second), answer(third), asked);
    let (answers, silent): (usize, usize) = asked.expect("an answer").read().expect("numbers");
    assert_eq!((answers, silent), (2, 1));
    assert!(matches!(next(first).await, Event::Message(its) if its.name() == "question"));
    let id = clients[2].id().expect("it is connected");
    ask(&clients[0], "put out", Payload::new().with(&*id).expect("JSON")).await;
    assert!(matches!(next(&mut clients[2]).await, Event::Disconnected(_)));
}

async fn recovers() {
    let broker = Broker::start("recovers");
    let (mut first, mut second) = (Process::start(&broker), Process::start(&broker));
    let balancer = Balancer::before(&first).await;
    let mut ann = connect(&balancer.url).await;
    let mut bob = connect(&format!("http://127.0.0.1:{}/", second.port)).await;
    join(&ann, "news").await;
    say(&bob, "news", 1).await;
    assert_eq!(said(&mut ann).await, 1);
    let id = ann.id();
    for round in 0..3 {
        // Without a word; meanwhile others go on.
        first.kill();
        for number in 2..40 {
            say(&bob, if number % 2 == 0 { "news" } else { "sport" }, number).await;
        }
        balancer.lead_to(&second);
        assert!(back(&mut ann).await, "recovered in round {round}");
        assert_eq!(ann.id(), id);
        for number in (2..40).filter(|number| number % 2 == 0) {
            assert_eq!(said(&mut ann).await, number);
        }
        say(&bob, "news", 40).await;
        assert_eq!(said(&mut ann).await, 40);
        let (data, recovered): (Option<String>, bool) =
            ask(&ann, "me", Payload::new()).await.read().expect("what it is");
        assert_eq!((data.as_deref(), recovered), (Some("news"), true));
        if round == 2 {
            return;
        }
        // It goes on at a third one, and so on.
        first = std::mem::replace(&mut second, Process::start(&broker));
        drop(std::mem::replace(
            &mut bob,
            connect(&format!("http://127.0.0.1:{}/", second.port)).await,
        ));
    }
}

async fn quiet() {
    let broker = Broker::start("quiet");
    let (mut first, second) = (Process::start(&broker), Process::start(&broker));
    let balancer = Balancer::before(&first).await;
    let mut ann = connect(&balancer.url).await;
    let bob = connect(&format!("http://127.0.0.1:{}/", second.port)).await;
    join(&ann, "news").await;
    // Long enough that its record is there; nothing has ever been sent to it.
    tokio::time::sleep(Duration::from_millis(200)).await;
    first.kill();
    say(&bob, "news", 1).await;
    balancer.lead_to(&second);
    assert!(back(&mut ann).await, "recovered");
    assert_eq!(said(&mut ann).await, 1);
}

async fn successor() {
    let broker = Broker::start("successor");
    let mut only = Process::start(&broker);
    let balancer = Balancer::before(&only).await;
    let mut ann = connect(&balancer.url).await;
    join(&ann, "news").await;
    say(&ann, "news", 1).await;
    assert_eq!(said(&mut ann).await, 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    only.kill();
    let only = Process::start(&broker);
    balancer.lead_to(&only);
    assert!(back(&mut ann).await, "recovered");
    say(&ann, "news", 2).await;
    assert_eq!(said(&mut ann).await, 2);
}

async fn empty() {
    let mut broker = Broker::start("empty");
    let (first, second) = (Process::start(&broker), Process::start(&broker));
    let mut ann = connect(&format!("http://127.0.0.1:{}/", first.port)).await;
    let mut bob = connect(&format!("http://127.0.0.1:{}/", second.port)).await;
    for client in [&ann, &bob] {
        join(client, "news").await;
    }
    say(&bob, "news", 1).await;
    for client in [&mut ann, &mut bob] {
        assert_eq!(said(client).await, 1);
    }
    broker.kill();
    // This waits for a Redis, and so does its acknowledgement.
    let waits = Payload::new().with("news").and_then(|its| its.with(&2)).expect("JSON");
    bob.emit("say", waits).expect("it is connected");
    broker.start_again();
    for client in [&mut ann, &mut bob] {
        // Either it was written and read before the new epoch was noticed, or the client is new; never neither.
        loop {
            match next(client).await {
                Event::Message(message) if message.name() == "said" => {}
                Event::Disconnected(_) | Event::Failed(_) => {}
                Event::Connected { recovered } => {
                    assert!(!recovered, "nobody knows what was lost");
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        join(client, "news").await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    say(&ann, "news", 3).await;
    for client in [&mut ann, &mut bob] {
        let mut number = said(client).await;
        while number == 2 {
            number = said(client).await;
        }
        assert_eq!(number, 3);
    }
}
