//! Three servers as processes on a real Redis, and everything that can happen to them. The short form is a test; the long one is
//! `tests/together/run.sh`, which says by variables how long, how many users, and how often each speaks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::crowd::{Client, Shared, quantile, told_of_gaps, user};
use crate::judge::{First, Loss, judge};
use crate::network::Network;
use crate::servers::{CABLES, Redis, Server, is_missing, skip};

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

struct Story {
    redis: Redis,
    servers: Vec<Server>,
    shared: Arc<Shared>,
    losses: Vec<Loss>,
    /// How long they talk between two things that happen.
    talk: Duration,
    begun: Instant,
    /// How often the network was cut, and how often it should have been and couldn't.
    cuts: usize,
    skipped: usize,
}

impl Story {
    async fn talk(&self, what: &str) {
        let heard = || self.shared.heard.load(Ordering::Relaxed);
        let said = || self.shared.said.lock().expect("whole").len();
        let (heard_before, said_before, begun) = (heard(), said(), Instant::now());
        tokio::time::sleep(self.talk).await;
        let seconds = begun.elapsed().as_secs_f64();
        println!(
            "{:5.1} s: {what}: {:.0} said and {:.0} heard a second",
            self.begun.elapsed().as_secs_f64(),
            (said() - said_before) as f64 / seconds,
            (heard() - heard_before) as f64 / seconds,
        );
    }

    async fn kill_a_server(&mut self, at: usize) {
        self.servers[at].kill();
        self.talk("a server is killed").await;
        self.servers[at].start_again();
        self.talk("it is back").await;
    }

    async fn kill_redis(&mut self) {
        let before = self.shared.local.load(Ordering::Relaxed);
        self.redis.kill();
        tokio::time::sleep(Duration::from_millis(1500)).await;
        self.talk("Redis is killed").await;
        assert!(self.shared.local.load(Ordering::Relaxed) > before, "those who are here hear it");
        self.redis.start_again();
        self.talk("it is back with everything").await;
    }

    /// The network between these servers and Redis is cut, which nobody is told: what is on its way may arrive when it is mended, or never.
    async fn cut(&mut self, servers: std::ops::Range<usize>, what: &str) {
        let Some(network) = &self.redis.network else {
            println!("        skipped: {what}");
            self.skipped += 1;
            return;
        };
        let before = self.shared.local.load(Ordering::Relaxed);
        servers.clone().for_each(|at| network.cut(at));
        self.until_alone(servers.clone(), 1).await;
        self.talk(what).await;
        assert!(self.shared.local.load(Ordering::Relaxed) > before, "those who are here hear it");
        for server in &self.servers[servers.clone()] {
            assert_eq!(server.metric("alone"), 1, "it is cut off still");
        }
        let network = self.redis.network.as_ref().expect("it is there still");
        servers.clone().for_each(|at| network.mend(at));
        self.until_alone(servers, 0).await;
        self.talk("the network is mended").await;
        self.cuts += 1;
    }

    /// Waits until all of these know that they are alone, or that they aren't.
    async fn until_alone(&self, servers: std::ops::Range<usize>, alone: u64) {
        let begun = Instant::now();
        while !self.servers[servers.clone()].iter().all(|server| server.metric("alone") == alone) {
            assert!(begun.elapsed() < Duration::from_secs(120), "alone is to be {alone}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Redis loses everything: what lies between the two epochs can't be known.
    async fn empty_redis(&mut self) {
        self.redis.kill();
        self.redis.erase();
        self.redis.start_again();
        self.talk("Redis has lost everything").await;
        let (start, _) = self.redis.log().expect("a log");
        self.losses.push(Loss { after: start, up_to: start });
    }

    /// A server stands still while the stream goes on and is trimmed.
    async fn trim_under_a_server(&mut self, at: usize) {
        let (_, before) = self.redis.log().expect("a log");
        self.servers[at].signal("-STOP");
        self.talk("a server stands still").await;
        let trimmed = self.redis.ask(&["XTRIM", "sockless-chat:s:log", "MAXLEN", "5"]);
        let (_, after) = self.redis.log().expect("a log");
        println!("        {} entries are trimmed under it", trimmed.unwrap_or_default());
        self.losses.push(Loss { after: before.saturating_sub(2000), up_to: after });
        self.servers[at].signal("-CONT");
        self.talk("it goes on").await;
    }
}

/// Tells it all, and judges.
async fn story(users: usize, a_room: usize, pause: Duration, talk: Duration, rounds: u64) {
    let network = Network::lay(CABLES);
    if let Err(why) = &network {
        println!("the network can't be cut here: {why}");
        // Whoever has set this has counted it: no package gives the right to it.
        if std::env::var_os("SOCKLESS_NO_NETWORKS").is_none() {
            skip("cuts of the network between chat servers and Redis");
        }
    }
    let redis = Redis::start_in(network.ok(), true);
    let start = |cable| Server::start_by(&redis, cable, &["--lobby", "none"]);
    let servers: Vec<Server> = (0..CABLES - 1).map(start).collect();
    let shared = Arc::new(Shared {
        servers: servers.iter().map(|server| server.address.clone()).collect(),
        talk: AtomicBool::new(false),
        moves: AtomicU64::new(0),
        said: Mutex::default(),
        first: Mutex::new(First::new()),
        users,
        a_room,
        pause,
        heard: AtomicU64::new(0),
        local: AtomicU64::new(0),
        times: Mutex::default(),
    });
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<Client> = (0..users).map(|number| Client::new(number, &shared)).collect();
    let joined: Vec<_> = clients.iter().map(|client| Arc::clone(&client.joined)).collect();
    let quiet: Vec<_> = clients.iter().map(|client| Arc::clone(&client.quiet)).collect();
    let tasks: Vec<_> =
        clients.into_iter().map(|client| tokio::spawn(client.live(Arc::clone(&stop)))).collect();
    let all = |flags: &[Arc<AtomicBool>]| flags.iter().all(|flag| flag.load(Ordering::SeqCst));
    let until = async |flags: &[Arc<AtomicBool>], what: &str| {
        let begun = Instant::now();
        while !all(flags) {
            let left = flags.iter().filter(|flag| !flag.load(Ordering::SeqCst)).count();
            assert!(begun.elapsed() < Duration::from_secs(90), "{what}: {left} aren't");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    until(&joined, "everybody is in a room").await;
    let (losses, begun) = (Vec::new(), Instant::now());
    let mut story = Story { redis, servers, shared, losses, talk, begun, cuts: 0, skipped: 0 };
    story.shared.talk.store(true, Ordering::SeqCst);
    for round in 0..rounds {
        story.talk("everybody talks").await;
        story.kill_a_server(round as usize % 3).await;
        story.kill_redis().await;
        let one = (round as usize + 2) % 3;
        story.cut(one..one + 1, "one server is cut off from Redis").await;
        story.cut(0..3, "all servers are cut off from Redis").await;
        story.trim_under_a_server((round as usize + 1) % 3).await;
        story.empty_redis().await;
    }
    let talked = story.begun.elapsed();
    story.shared.talk.store(false, Ordering::SeqCst);
    until(&quiet, "everybody is quiet").await;
    // Each once more, at another server.
    story.shared.moves.fetch_add(1, Ordering::SeqCst);
    quiet.iter().for_each(|flag| flag.store(false, Ordering::SeqCst));
    until(&quiet, "everybody is quiet again").await;
    stop.store(true, Ordering::SeqCst);
    let mut told = Vec::new();
    for task in tasks {
        let client = task.await.expect("no client has seen anything wrong");
        told.push((user(client.number), client.told));
    }
    let shared = &story.shared;
    let said = shared.said.lock().expect("whole").clone();
    let counts = judge(&said, &shared.first.lock().expect("whole"), &told, &story.losses)
        .unwrap_or_else(|wrong| panic!("{wrong}"));
    let mut times = shared.times.lock().expect("whole").clone();
    let seconds = talked.as_secs_f64();
    println!(
        "{users} users in rooms of {a_room}, {seconds:.0} s: {} said ({:.0} a second), {} heard ({:.0} a second), {} that weren't were said to \
         be missing, {} of them late after all, {} heard alone; told of incomplete: {:?} (times: clients)",
        counts.said,
        counts.said as f64 / seconds,
        counts.heard,
        counts.heard as f64 / seconds,
        counts.excused,
        counts.late,
        shared.local.load(Ordering::Relaxed),
        told_of_gaps(&told),
    );
    println!(
        "from saying to stored: half within {} ms, 99 of 100 within {} ms, all within {} ms (with Redis away for seconds); gaps of \
         servers {:?}; memory of servers {:?} KiB",
        quantile(&mut times, 500),
        quantile(&mut times, 990),
        quantile(&mut times, 1000),
        story.servers.iter().map(|server| server.metric("gaps_total")).collect::<Vec<_>>(),
        story.servers.iter().map(Server::memory).collect::<Vec<_>>(),
    );
    println!("the network was cut {} times, and {} cuts were skipped", story.cuts, story.skipped);
    assert!(counts.said > users && counts.heard > users);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_and_redis_die_and_nothing_is_lost_unsaid() {
    if is_missing() {
        return;
    }
    let users = number("SOCKLESS_USERS", 12) as usize;
    let a_room = number("SOCKLESS_A_ROOM", 6) as usize;
    let pause = Duration::from_millis(number("SOCKLESS_PAUSE_MS", 220));
    let talk = Duration::from_millis(number("SOCKLESS_TALK_MS", 900));
    story(users, a_room, pause, talk, number("SOCKLESS_ROUNDS", 1)).await;
}
