//! Sessions that belong to somebody, and connections that their server closes.

use std::time::Duration;

use sockless_tokio::session::{Event, Options, Reliable, SUBPROTOCOL, Sessions, SessionsServer};
use sockless_tokio::{
    Client, ClientOptions, CloseCode, ServerOptions, WebSocket, accept, connect_over,
};
use tokio::io::{DuplexStream, duplex};

type Near = WebSocket<DuplexStream, Client>;

const HELLO: &str = "\u{10}h000102030405060708090a0b0c0d0e0f 1 64 65536";
const RESUME: &str = "\u{10}r000102030405060708090a0b0c0d0e0f 2 0 0 64 65536";
const UNKNOWN: &str = "\u{10}xunknown 0";

/// A connection that is served as this owner's, or nobody's, and its answer to an opening.
async fn open(
    server: &SessionsServer,
    owner: Option<&'static str>,
    opening: &str,
) -> (Near, String) {
    let (near, far) = duplex(1 << 16);
    let options = ClientOptions::new().with_subprotocols([SUBPROTOCOL]);
    let client = connect_over(near, "ws://localhost/", options);
    let options = ServerOptions::new().with_subprotocols([SUBPROTOCOL]);
    let (client, socket) = tokio::join!(client, accept(far, options));
    let (mut client, socket) = (client.expect("a client"), socket.expect("a server"));
    let server = server.clone();
    tokio::spawn(async move {
        match owner {
            Some(owner) => server.serve_as(socket, owner).await,
            None => server.serve(socket).await,
        }
    });
    client.send(opening).await.expect("sent");
    let answer = client.recv().await.expect("an answer").expect("an answer");
    (client, answer.as_text().expect("text").to_owned())
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    // For machines that are busy with something else.
    tokio::time::timeout(Duration::from_secs(240), future).await.expect("within four minutes")
}

#[tokio::test]
async fn a_session_is_resumed_by_its_owner_alone() {
    in_time(async {
        let mut sessions = Sessions::new(Options::new());
        let server = sessions.clone_server();
        let (ann, answer) = open(&server, Some("ann"), HELLO).await;
        assert!(answer.starts_with("\u{10}w"), "{answer}");
        let session = sessions.accept().await.expect("a session");
        assert_eq!(session.owner(), Some("ann"));
        drop(ann);
        for opening in [HELLO, RESUME] {
            for owner in [Some("bob"), Some(""), None] {
                let (_, answer) = open(&server, owner, opening).await;
                assert_eq!(answer, UNKNOWN, "{owner:?} {opening}");
            }
        }
        let (_ann, answer) = open(&server, Some("ann"), RESUME).await;
        assert!(answer.starts_with("\u{10}w"), "{answer}");
        assert_eq!(server.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_session_of_nobody_is_not_somebodys() {
    in_time(async {
        let mut sessions = Sessions::new(Options::new());
        let server = sessions.clone_server();
        let (_client, _) = open(&server, None, HELLO).await;
        assert_eq!(sessions.accept().await.expect("a session").owner(), None);
        assert_eq!(open(&server, Some("ann"), RESUME).await.1, UNKNOWN);
    })
    .await;
}

async fn next(session: &mut Reliable) -> Event {
    session.recv().await.expect("it goes on")
}

#[tokio::test]
async fn a_connection_is_closed_behind_what_was_sent_and_its_session_goes_on() {
    in_time(async {
        let mut sessions = Sessions::new(Options::new());
        let server = sessions.clone_server();
        let (mut client, _) = open(&server, None, HELLO).await;
        let mut session = sessions.accept().await.expect("a session");
        assert!(matches!(next(&mut session).await, Event::Connected { resumed: false }));
        session.send("the last").await.expect("taken");
        session.close_connection(CloseCode::new(1012).expect("a code"), "retry-after=3");
        let message = client.recv().await.expect("a message").expect("a message");
        assert_eq!(message.as_text(), Some("the last"));
        assert!(client.recv().await.is_none());
        let frame = client.close_frame().expect("a close");
        assert_eq!((frame.code.get(), &*frame.reason), (1012, "retry-after=3"));
        assert!(matches!(next(&mut session).await, Event::Lost));
        // Nothing is left of it for the next connection.
        session.close_connection(CloseCode::new(1008).expect("a code"), "");
        let (mut client, answer) = open(&server, None, RESUME).await;
        assert!(answer.starts_with("\u{10}w"), "{answer}");
        assert!(matches!(next(&mut session).await, Event::Connected { resumed: true }));
        session.send("and again").await.expect("taken");
        for text in ["the last", "and again"] {
            let message = client.recv().await.expect("a message").expect("a message");
            assert_eq!(message.as_text(), Some(text));
        }
    })
    .await;
}
