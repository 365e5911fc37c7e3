//! Runs against small servers, each with a fault of its own that has to be found and named.

mod faults;
mod program;
mod protocols;
mod servers;

use std::time::Duration;

use sockless_load::report::Report;
use sockless_load::run::run;
use sockless_load::scenario::{Overrides, Scenario};

/// A scenario for tests: short, and with what is given.
fn scenario(url: &str, head: &str, message: &str) -> Scenario {
    let text = format!(
        "url = {url:?}\nramp = \"100ms\"\nduration = \"500ms\"\ndrain = \"3s\"\n{head}\n[message]\nsend = '{{mark}}'\n{message}\n"
    );
    let overrides = Overrides::default();
    Scenario::parse(&text, &overrides).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

/// Runs it to its end.
async fn measure(scenario: Scenario) -> Report {
    let run = run(scenario, std::future::pending(), |_| {});
    // For machines that are busy with something else.
    let report = tokio::time::timeout(Duration::from_secs(120), run).await.expect("it ends");
    report.expect("the system allows it")
}
