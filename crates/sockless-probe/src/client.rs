//! Runs the cases for the clients that connect, by the addresses of Autobahn's fuzzing server, so that a client that was tested with
//! that one is tested unchanged.

use std::collections::{HashMap, HashSet};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::address::Address;
use crate::case::Case;
use crate::cases;
use crate::exchange::{Event, Session};
use crate::options::Run;
use crate::report::{Progress, Report, Result, check, publish};
use crate::stage::{Caller, Stage};
use crate::verdict::Testee;
use crate::wire::frame::Frame;
use crate::wire::head::Head;
use crate::wire::link::{Link, Turn};
use crate::wire::tls::Identity;

/// How many clients are served at a time; the others wait to be accepted.
const CLIENTS: usize = 256;
/// How long it is waited for the next connection of a run that has begun.
const IDLE: Duration = Duration::from_secs(60);
const HEAD_WAIT: Duration = Duration::from_secs(5);
const CLOSE_WAIT: Duration = Duration::from_secs(1);

/// What is known of one client under test.
#[derive(Default)]
struct Agent {
    results: HashMap<usize, Result>,
    /// How many of its cases are running.
    running: usize,
    started: Option<Instant>,
}

#[derive(Default)]
struct State {
    agents: HashMap<String, Agent>,
    progress: Option<Progress>,
    last: Option<Instant>,
    /// The keys of the latest connections.
    keys: HashSet<String>,
    /// How the run ended.
    ended: Option<std::result::Result<bool, String>>,
}

/// What all connections share.
struct Server<'r> {
    run: &'r Run,
    cases: Vec<Case>,
    state: Mutex<State>,
    changed: Condvar,
    clients: AtomicUsize,
}

/// Runs them: whether all is well.
///
/// # Errors
///
/// What to tell the user, if the run was not possible or not complete.
pub(crate) fn run(run: &Run) -> std::result::Result<bool, String> {
    let cases: Vec<Case> =
        cases::all(Testee::Client).into_iter().filter(|case| run.choice.takes(case)).collect();
    if cases.is_empty() {
        return Err("no case matches; sockless-probe cases client lists them all".to_owned());
    }
    check(&run.wanted)?;
    let listen = |error| match error {
        error if std::io::Error::kind(&error) == ErrorKind::AddrInUse => {
            format!("{} is in use; is another probe running?", run.address)
        }
        error => format!("{}: {error}", run.address),
    };
    let listener = TcpListener::bind(run.setting.address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    let scheme = if run.identity.is_some() { "wss" } else { "ws" };
    println!("sockless-probe listens on {scheme}://{address} with {} cases", cases.len());
    let server = Server {
        run,
        cases,
        state: Mutex::new(State::default()),
        changed: Condvar::new(),
        clients: AtomicUsize::new(0),
    };
    thread::scope(|scope| {
        loop {
            if let Some(ended) = server.ended() {
                return ended;
            }
            if server.clients.load(Ordering::Relaxed) >= CLIENTS {
                thread::sleep(Duration::from_millis(2));
                continue;
            }
            match listener.accept() {
                Ok((stream, _)) => {
                    server.clients.fetch_add(1, Ordering::Relaxed);
                    let server = &server;
                    scope.spawn(move || {
                        server.serve(stream);
                        server.clients.fetch_sub(1, Ordering::Relaxed);
                    });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    thread::sleep(Duration::from_millis(1));
                }
                Err(_) => thread::sleep(Duration::from_millis(50)),
            }
        }
    })
}

impl Server<'_> {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How the run has ended, if it has.
    fn ended(&self) -> Option<std::result::Result<bool, String>> {
        let mut state = self.state();
        let idle = state.last.is_some_and(|at| at.elapsed() > IDLE);
        if idle && !self.run.stay && self.clients.load(Ordering::Relaxed) == 0 {
            let names: Vec<String> = state.agents.keys().cloned().collect();
            drop(state);
            for name in names {
                // What was done is in the report, and the status is that of a run that is not complete.
                let _ = self.publish(&name);
            }
            return Some(Err(format!(
                "no client has connected for {} s, and none asked for its reports; did it die?",
                IDLE.as_secs()
            )));
        }
        state.ended.take()
    }

    fn serve(&self, stream: TcpStream) {
        let identity = self.run.identity.as_ref();
        let tls = identity.map(Identity::connection).transpose();
        let Ok(mut link) = tls.and_then(|tls| Link::new(stream, tls)) else { return };
        let Some((head, rest)) = read_request(&mut link) else { return };
        let repeated_key = {
            let mut state = self.state();
            state.last = Some(Instant::now());
            if state.keys.len() >= 10_000 {
                state.keys.clear();
            }
            !state.keys.insert(head.value("Sec-WebSocket-Key").unwrap_or_default())
        };
        let address = Address::of(head.resource_name());
        let index = address.case.as_deref().and_then(|case| self.find(case));
        let caller = Caller { link, head, rest, repeated_key };
        match (&*address.path, &address.agent, index) {
            ("/runCase", Some(agent), Some(index)) => self.run_case(caller, agent, index),
            ("/getCaseCount", ..) => self.tell(caller, &self.cases.len().to_string()),
            ("/getCaseInfo", _, Some(index)) => {
                let case = &self.cases[index];
                self.tell(caller, &json!({"id": case.id, "description": case.says}).to_string());
            }
            ("/getCaseStatus", Some(agent), Some(index)) => {
                let behavior = self.wait_for(agent, index);
                self.tell(caller, &json!({"behavior": behavior}).to_string());
            }
            ("/updateReports", Some(agent), _) => {
                self.wait_for_all(agent);
                let ended = self.publish(agent);
                self.tell(caller, "");
                if !self.run.stay {
                    self.state().ended.get_or_insert(ended);
                }
            }
            ("/stopServer", ..) => {
                self.tell(caller, "");
                self.state().ended.get_or_insert(Ok(true));
            }
            _ => refuse(caller),
        }
        self.state().last = Some(Instant::now());
    }

    fn find(&self, case: &str) -> Option<usize> {
        let number = case.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
        match number {
            Some(index) => (index < self.cases.len()).then_some(index),
            None => self.cases.iter().position(|own| own.id == case),
        }
    }

    fn run_case(&self, caller: Caller, name: &str, index: usize) {
        {
            let mut state = self.state();
            // The names are the clients' own: there is a bound on how many there are.
            if state.agents.len() >= 64 && !state.agents.contains_key(name) {
                drop(state);
                return refuse(caller);
            }
            let agent = state.agents.entry(name.to_owned()).or_default();
            agent.running += 1;
            agent.started.get_or_insert_with(Instant::now);
            let quiet = self.run.wanted.quiet;
            state.progress.get_or_insert_with(|| Progress::new(self.cases.len(), quiet));
        }
        let case = &self.cases[index];
        let mut stage = Stage::new(&self.run.setting, &case.id, case.limit, Some(caller));
        let finding = case.run(&mut stage);
        let (log, took) = stage.into_log();
        let result = Result::new(case, finding, log, took);
        let mut state = self.state();
        if let Some(progress) = &mut state.progress {
            progress.add(&result);
        }
        let agent = state.agents.entry(name.to_owned()).or_default();
        agent.running -= 1;
        agent.results.insert(index, result);
        self.changed.notify_all();
    }

    /// The behavior of a case of this agent, once there is one.
    fn wait_for(&self, name: &str, index: usize) -> &'static str {
        let until = Instant::now() + Duration::from_secs(30);
        let mut state = self.state();
        loop {
            let found = state.agents.get(name).and_then(|agent| agent.results.get(&index));
            if let Some(result) = found {
                return result.finding.behavior.name();
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return "UNKNOWN";
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until no case of this agent is running any more.
    fn wait_for_all(&self, name: &str) {
        let until = Instant::now() + Duration::from_secs(30);
        let mut state = self.state();
        while state.agents.get(name).is_some_and(|agent| agent.running > 0) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn publish(&self, name: &str) -> std::result::Result<bool, String> {
        let state = self.state();
        if let Some(progress) = &state.progress {
            progress.end();
        }
        let Some(agent) = state.agents.get(name) else {
            return Err(format!("{name} asked for its reports, and has run no case"));
        };
        let mut done: Vec<usize> = agent.results.keys().copied().collect();
        done.sort_unstable();
        let (count, all) = (done.len(), self.cases.len());
        let stopped = (count < all).then(|| {
            format!("{name} has run {count} of {all} cases; the others are not in the report")
        });
        let mut report = Report {
            agent: self.run.wanted.agent.clone().unwrap_or_else(|| name.to_owned()),
            testee: Testee::Client,
            address: self.run.address.clone(),
            seed: self.run.setting.seed,
            quick: self.run.quick,
            took: agent.started.map_or(Duration::ZERO, |at| at.elapsed()),
            results: done.iter().filter_map(|index| agent.results.get(index).cloned()).collect(),
            stopped,
        };
        drop(state);
        publish(&mut report, &self.run.wanted)
    }

    /// Tells a client something, and closes.
    fn tell(&self, caller: Caller, text: &str) {
        let mut stage = Stage::new(&self.run.setting, "told", HEAD_WAIT, Some(caller));
        let Ok(mut session) = stage.open() else { return };
        if !text.is_empty() {
            session.send(&Frame::text(text));
        }
        close(&mut session);
    }
}

/// Closes a connection that is about nothing: both Close frames, or a second at most.
fn close(session: &mut Session) {
    session.send_close(1000);
    let until = session.within(CLOSE_WAIT);
    while session.close_received.is_none() {
        if matches!(session.next(until), None | Some(Event::End(_) | Event::Broke(_))) {
            return;
        }
    }
}

fn read_request(link: &mut Link) -> Option<(Head, Vec<u8>)> {
    let until = Instant::now() + HEAD_WAIT;
    let mut bytes = Vec::new();
    loop {
        bytes.extend(link.take_arrived());
        if let Some((head, len)) = Head::find(&bytes) {
            return Some((head, bytes.split_off(len)));
        }
        if bytes.len() > 64 << 10 || link.ended().is_some() {
            return None;
        }
        if link.turn(until, true) == Turn::TimedOut {
            return None;
        }
    }
}

/// Answers who asks for something that isn't there.
fn refuse(mut caller: Caller) {
    let body = "sockless-probe: /getCaseCount, /runCase?case=N&agent=NAME, /getCaseInfo?case=N, \
        /getCaseStatus?case=N&agent=NAME and /updateReports?agent=NAME are served here.\n";
    let answer = format!(
        "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    caller.link.queue(answer.into_bytes(), usize::MAX);
    let until = Instant::now() + CLOSE_WAIT;
    while !caller.link.is_flushed() && caller.link.turn(until, true) != Turn::TimedOut {
        caller.link.take_arrived();
    }
    caller.link.shut();
    while caller.link.ended().is_none() && caller.link.turn(until, true) != Turn::TimedOut {
        caller.link.take_arrived();
    }
}
