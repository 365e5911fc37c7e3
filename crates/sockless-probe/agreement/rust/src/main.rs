//! Testees on other Rust crates: an echo server, or the client that Autobahn's addresses are for.
//!
//! ```text
//! testees LIBRARY server PORT
//! testees LIBRARY client ws://HOST:PORT NAME
//! ```

mod fast;
mod tokio_ws;
mod tungsten;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args[..] {
        ["tungstenite", "server", port] => tungsten::server(port.parse().expect("a port")),
        ["tungstenite", "client", url, name] => run(url, name, tungsten::visit),
        ["tokio-websockets", "server", port] => tokio_ws::server(port.parse().expect("a port")),
        ["tokio-websockets", "client", url, name] => run(url, name, tokio_ws::visit),
        ["fastwebsockets", "server", port] => fast::server(port.parse().expect("a port")),
        ["fastwebsockets", "client", url, name] => run(url, name, fast::visit),
        _ => panic!("testees LIBRARY server PORT | testees LIBRARY client URL NAME"),
    }
}

/// Runs all cases of the server at this address.
fn run(url: &str, name: &str, visit: fn(&str, bool) -> String) {
    let count: usize = visit(&format!("{url}/getCaseCount"), false).parse().expect("a count");
    for number in 1..=count {
        visit(&format!("{url}/runCase?case={number}&agent={name}"), true);
    }
    visit(&format!("{url}/updateReports?agent={name}"), false);
}

/// A runtime on one thread.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}
