//! What a server process does: this program, started again.

use std::io::BufRead;
use std::process::ExitCode;
use std::time::Duration;

use axum::Router;
use sockless_channels::Config as NodeConfig;
use sockless_socketio::engine;
use sockless_socketio::service::{RedisSettings, Socket, SocketIo};
use sockless_socketio::socket::cluster::Cluster;
use sockless_socketio::socket::{Config, Namespace, Payload, Recovery, Target};

type Ended = Result<(), Box<dyn std::error::Error + Send + Sync>>;

const SOON: Duration = Duration::from_secs(2);

async fn handle(mut socket: Socket) -> Ended {
    let all = Target::all(Namespace::main());
    while let Some(mut event) = socket.recv().await {
        match event.name() {
            "join" => {
                let (room,): (String,) = event.read()?;
                socket.join(&room);
                socket.set_data(&room)?;
                event.reply(Payload::new())?;
            }
            // To a room, on all servers.
            "say" => {
                let (room, number): (String, u64) = event.read()?;
                socket.io().broadcast(
                    &all.clone().to(&room),
                    "said",
                    Payload::new().with(&number)?,
                )?;
                event.reply(Payload::new())?;
            }
            "who" => {
                let found = socket.io().fetch(&all, SOON).await?;
                let rooms: Vec<usize> =
                    found.sockets.iter().map(|socket| socket.rooms().count()).collect();
                event.reply(Payload::new().with(&rooms)?.with(&found.missing)?)?;
            }
            "ask all" => {
                let asked = socket.io().ask_all(&all, "question", Payload::new(), SOON).await?;
                let answers = asked.answers.len();
                event.reply(Payload::new().with(&answers)?.with(&asked.silent)?)?;
            }
            "me" => {
                let (data, recovered) = (socket.data::<String>()?, socket.is_recovered());
                event.reply(Payload::new().with(&data)?.with(&recovered)?)?;
            }
            "put out" => {
                let (id,): (String,) = event.read()?;
                socket.io().disconnect_all(&all.clone().to(&id), false)?;
                event.reply(Payload::new())?;
            }
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn serve(port: u16, url: &str) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("there is a runtime").block_on(async {
        let node = NodeConfig::default()
            .with_patience(Duration::from_millis(1_500))
            .with_audit(Duration::from_millis(600))
            .with_backoff(Duration::from_millis(20), Duration::from_millis(200));
        let cluster = Cluster::default().with_node(node).with_silence(Duration::from_secs(3));
        let recovery = Recovery::default().with_window(Duration::from_secs(30));
        let io = SocketIo::builder()
            .with_engine(
                engine::Config::default()
                    .with_ping(Duration::from_millis(300), Duration::from_millis(400)),
            )
            .with_sockets(Config::default().with_recovery(recovery))
            .with_cluster(RedisSettings::new(url), cluster)
            .expect("an address")
            .namespace("/", handle)
            .build();
        let health = io.clone();
        let router: Router = Router::new().route_service("/socket.io/", io);
        let listener =
            tokio::net::TcpListener::bind(("127.0.0.1", port)).await.expect("a free port");
        // It ends with the test that has started it.
        std::thread::spawn(|| {
            let _ = std::io::stdin().lock().read_line(&mut String::new());
            std::process::exit(0);
        });
        while !health.health().is_some_and(|health| health.connected) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        println!("ready");
        axum::serve(listener, router).await.expect("it serves");
    });
    ExitCode::SUCCESS
}
