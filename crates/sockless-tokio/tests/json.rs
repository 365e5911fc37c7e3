//! Values as messages of JSON.

#![cfg(feature = "json")]

mod ends;

use ends::pair;
use serde::{Deserialize, Serialize};
use sockless_tokio::{Config, JsonError};

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Point {
    x: i32,
    y: i32,
}

#[tokio::test]
async fn values_are_messages_of_json() {
    let (mut client, mut server) = pair(1000, Config::default()).await;
    client.send_json(&Point { x: 1, y: -2 }).await.expect("sent");
    client.send("{\"x\": 1}").await.expect("sent");
    client.send(b"{\"x\":3,\"y\":4}"[..].to_vec()).await.expect("sent");
    let point: Point = server.recv_json().await.expect("one").expect("a point");
    assert_eq!(point, Point { x: 1, y: -2 });
    let wrong = server.recv_json::<Point>().await.expect("one");
    assert!(matches!(wrong, Err(JsonError::Json(_))), "{wrong:?}");
    let point: Point = server.recv_json().await.expect("one").expect("it goes on");
    assert_eq!(point, Point { x: 3, y: 4 });
    drop(client);
    assert!(matches!(server.recv_json::<Point>().await, Some(Err(JsonError::Socket(_)))));
    assert!(server.recv_json::<Point>().await.is_none());
}
