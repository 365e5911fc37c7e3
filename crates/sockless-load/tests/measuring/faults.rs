//! What servers do right and wrong, as the report has it.

use std::time::Duration;

use sockless_load::report::{Report, html, table};
use sockless_load::run::run;

use super::servers::{Habit, answer, nobody, serve};
use super::{measure, scenario};

/// What was lost, doubled, reordered, missed and left unsent.
fn wrong(report: &Report) -> [u64; 5] {
    let messages = &report.messages;
    let [lost, doubled, reordered] = [messages.lost, messages.doubled, messages.reordered];
    [lost, doubled, reordered, messages.missed, messages.unsent]
}

#[tokio::test]
async fn an_echo_is_whole() {
    let url = serve(Habit::Echo).await;
    let report = measure(scenario(&url, "connections = 10", "every = \"20ms\"")).await;
    assert_eq!((report.connections.opened, report.connections.dropped), (10, 0));
    assert_eq!((report.messages.planned, report.messages.sent), (250, 250));
    assert_eq!((report.messages.delivered, wrong(&report)), (250, [0; 5]));
    assert_eq!((report.latency.count, report.from_sending.count), (250, 250));
    assert_eq!(report.lateness.count, 250);
    assert!(report.held && report.thresholds.is_empty());
    let received: u64 = report.seconds.iter().map(|second| second.delivered).sum();
    assert_eq!(received, 250);
}

#[tokio::test]
async fn a_broadcast_is_expected_by_all_of_the_group() {
    // The server knows no groups, and so one is all there is.
    let url = serve(Habit::Broadcast).await;
    let message = "every = \"50ms\"\nfrom = \"turns\"\nto = \"group\"";
    let report = measure(scenario(&url, "connections = 8\ngroup = 8", message)).await;
    assert_eq!((report.messages.sent, report.messages.delivered), (10, 80));
    assert_eq!((wrong(&report), report.messages.stray), ([0; 5], 0));
}

#[tokio::test]
async fn others_are_all_but_the_sender() {
    let url = serve(Habit::Others).await;
    let message = "every = \"50ms\"\nfrom = \"turns\"\nto = \"others\"";
    let head = "connections = 8\ngroup = 8";
    let report = measure(scenario(&url, head, message)).await;
    assert_eq!((report.messages.sent, report.messages.delivered), (10, 70));
    assert_eq!((wrong(&report), report.messages.stray), ([0; 5], 0));
    // Where the sender was to get it as well, that is missing, and for each sender.
    let head = "connections = 8\ngroup = 8\ndrain = \"200ms\"".replace("drain", "settle");
    let mut scenario = scenario(&url, &head, &message.replace("others", "group"));
    scenario.drain = Duration::from_millis(300);
    let report = measure(scenario).await;
    assert_eq!((report.messages.sent, wrong(&report)), (10, [10, 0, 0, 0, 0]));
    assert_eq!(report.senders.len(), 8);
}

/// A server that sends to everybody, where the scenario expects groups: what comes from other groups isn't counted as delivered.
#[tokio::test]
async fn what_nobody_waits_for_is_counted_apart() {
    let url = serve(Habit::Broadcast).await;
    let message = "every = \"50ms\"\nto = \"sender\"";
    let report = measure(scenario(&url, "connections = 4", message)).await;
    assert_eq!((report.messages.sent, report.messages.delivered), (40, 40));
    // The last of them may be under way when the first have all.
    assert!((1..=120).contains(&report.messages.stray), "{}", report.messages.stray);
}

#[tokio::test]
async fn every_tenth_message_is_missed_for_its_sender() {
    let url = serve(Habit::LosesTenth).await;
    let mut scenario =
        scenario(&url, "connections = 3", "every = \"5ms\"\n[thresholds]\nlost = 29");
    scenario.drain = Duration::from_millis(500);
    let report = measure(scenario).await;
    assert_eq!((report.messages.sent, report.messages.delivered), (300, 270));
    assert_eq!(wrong(&report), [30, 0, 0, 0, 0]);
    assert!(report.senders.iter().all(|sender| sender.lost == 10), "{:?}", report.senders);
    assert!(!report.held);
    assert_eq!(report.thresholds[0].measured, "30");
    assert!(table(&report).contains("10 lost, 0 doubled, 0 out of order: sent by user2"));
}

#[tokio::test]
async fn what_comes_twice_is_counted_and_no_delivery() {
    let url = serve(Habit::Doubles).await;
    let report = measure(scenario(&url, "connections = 2", "every = \"5ms\"")).await;
    assert_eq!((report.messages.sent, report.messages.delivered), (200, 200));
    // The run ends when all has come, and the second of the last one may come after that.
    let doubled = report.messages.doubled;
    assert!((38..=40).contains(&doubled), "{doubled}");
    assert_eq!((report.messages.lost, report.latency.count), (0, 200));
}

#[tokio::test]
async fn what_comes_in_another_order_is_counted() {
    let url = serve(Habit::Swaps).await;
    let report = measure(scenario(&url, "connections = 2", "every = \"5ms\"")).await;
    assert_eq!((report.messages.delivered, wrong(&report)), (200, [0, 0, 40, 0, 0]));
}

/// A client that waits for answers would have asked once in the second in which the server stalls, and seen one latency of a second among 200. Here
/// each of the hundred messages that were planned then counts with its whole time.
#[tokio::test]
async fn a_server_that_stalls_cannot_hide_it() {
    let url = serve(Habit::Stalls(50)).await;
    let mut scenario = scenario(&url, "connections = 1", "every = \"10ms\"");
    scenario.duration = Duration::from_secs(2);
    let report = measure(scenario).await;
    assert_eq!((report.messages.planned, report.messages.delivered), (200, 200));
    assert_eq!(wrong(&report), [0; 5]);
    assert!(report.latency.max_ms >= 990.0, "{:?}", report.latency);
    // They wait from a second down to nothing: a tenth of the 200 waits for 800 ms and more.
    assert!(report.latency.p90_ms >= 780.0, "{:?}", report.latency);
    assert!(report.latency.mean_ms >= 230.0, "{:?}", report.latency);
    let page = html(&report);
    assert!(page.contains("<svg"));
}

/// A server that doesn't read at all: what can't be sent counts from its planned time as well.
#[tokio::test]
async fn what_a_server_does_not_read_is_late_and_not_left_out() {
    let url = serve(Habit::Stalls(20)).await;
    let message = "every = \"2ms\"\npadding = 200000".replace("2ms", "5ms");
    let head = "connections = 1\nsettle = \"0s\"";
    let text = format!(
        "url = {url:?}\nramp = 0\nduration = \"700ms\"\ndrain = \"30s\"\n{head}\n[message]\nsend = '{{mark}}{{padding}}'\n{message}\n"
    );
    let scenario = sockless_load::scenario::Scenario::parse(&text, &Default::default());
    let report = measure(scenario.expect("good")).await;
    assert_eq!((report.messages.planned, report.messages.delivered), (140, 140));
    assert_eq!(wrong(&report), [0; 5]);
    // 120 messages of 200 kB are more than sockets and queues hold: some were sent late, and it shows.
    assert!(report.lateness.max_ms > 100.0 && report.is_late(), "{:?}", report.lateness);
    assert!(report.latency.p50_ms > 300.0, "{:?}", report.latency);
}

#[tokio::test]
async fn a_connection_that_is_closed_in_the_middle_is_dropped_with_its_reason() {
    let url = serve(Habit::Closes(5)).await;
    let mut scenario =
        scenario(&url, "connections = 3", "every = \"20ms\"\n[thresholds]\ndropped = 2");
    scenario.drain = Duration::from_millis(300);
    let report = measure(scenario).await;
    let connections = &report.connections;
    assert_eq!((connections.opened, connections.failed, connections.dropped), (3, 0, 3));
    assert_eq!(connections.reasons.len(), 1);
    assert_eq!(connections.reasons[0].why, "closed by the server with 4000: enough");
    assert_eq!((report.messages.planned, report.messages.delivered), (75, 15));
    // What was under way when it was closed nobody has lost who was there; what wasn't sent is said.
    assert_eq!(report.messages.lost, 0);
    assert_eq!(report.messages.sent + report.messages.unsent, 75);
    assert_eq!(report.messages.missed, report.messages.sent - 15);
    assert!(!report.held);
    let url = serve(Habit::Cuts(5)).await;
    let mut cut = super::scenario(&url, "connections = 2", "every = \"20ms\"");
    cut.drain = Duration::from_millis(300);
    let report = measure(cut).await;
    assert_eq!(report.connections.dropped, 2);
    assert!(!report.connections.reasons[0].why.contains("closed by the server"));
}

#[tokio::test]
async fn who_is_refused_says_why_and_nothing_measured_is_no_success() {
    let cases = [
        (answer("HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n").await, "429"),
        (answer("SSH-2.0-OpenSSH_9.9\r\n").await, ""),
        (nobody().await, "refused"),
    ];
    for (url, why) in cases {
        let report = measure(scenario(&url, "connections = 4", "every = \"50ms\"")).await;
        assert_eq!((report.connections.failed, report.connections.opened), (4, 0));
        let reason = &report.connections.reasons[0];
        assert_eq!((reason.what, reason.count), ("failed", 4));
        assert!(reason.why.contains(why), "{}", reason.why);
        assert!(!report.held);
        assert_eq!((report.messages.sent, report.setting.measured_seconds), (0, 0.0));
        let shown = table(&report);
        assert!(shown.contains("FAIL connections: 0, at least 1"), "{shown}");
    }
}

#[tokio::test]
async fn who_never_answers_fails_in_time() {
    let url = answer("").await;
    let report =
        measure(scenario(&url, "connections = 2\ntimeout = \"300ms\"", "every = 0.1")).await;
    assert_eq!(report.connections.failed, 2);
    // An answer that is awaited and doesn't come: the step is named.
    let url = serve(Habit::Echo).await;
    let head = "connections = 2\ntimeout = \"300ms\"\n[[open]]\nsend = \"hello\"\n[[open]]\nawait = \"welcome\"";
    let report = measure(scenario(&url, head, "every = 0.1")).await;
    let why = &report.connections.reasons[0].why;
    assert!(why.contains("step 2 of [[open]]") && why.contains("300ms"), "{why}");
}

/// It doesn't wait for what won't come any more.
#[tokio::test]
async fn a_refusal_in_the_opening_is_the_reason() {
    let url = serve(Habit::Greets("no: the room is full")).await;
    let head =
        "connections = 2\ntimeout = \"100s\"\n[[open]]\nawait = \"welcome\"\nrefusal = \"no:\"";
    let report = measure(scenario(&url, head, "every = 0.1")).await;
    assert_eq!((report.connections.failed, report.connections.opened), (2, 0));
    let why = &report.connections.reasons[0].why;
    assert_eq!(why, "step 1 of [[open]]: refused: no: the room is full");
}

#[tokio::test]
async fn what_is_awaited_comes_first() {
    let url = serve(Habit::Greets("hello, user1 of 0")).await;
    let head = "connections = 2\n[[open]]\nawait = \"hello\"\n[[open]]\nsend = '{\"user\":\"{user}\",\"group\":{group}}'\nawait = '{\"user\":\"user'";
    let report = measure(scenario(&url, head, "every = 0.1")).await;
    assert_eq!((report.connections.opened, report.messages.delivered), (2, 10));
    assert!(report.connections.opening.p50_ms >= 50.0, "{:?}", report.connections.opening);
}

#[tokio::test]
async fn connections_without_messages_are_held() {
    let url = serve(Habit::Echo).await;
    let text = format!(
        "url = {url:?}\nconnections = 5\nduration = 0.5\nramp = 0\n[thresholds]\ndropped = 0"
    );
    let scenario = sockless_load::scenario::Scenario::parse(&text, &Default::default());
    let report = measure(scenario.expect("good")).await;
    assert_eq!((report.connections.opened, report.messages.planned), (5, 0));
    assert!(report.held && report.setting.measured_seconds == 0.5);
    assert!(!table(&report).contains("arrivals"));
}

#[tokio::test]
async fn warm_up_is_left_out_of_latencies_alone() {
    let url = serve(Habit::Echo).await;
    let mut scenario = scenario(&url, "connections = 1", "every = \"10ms\"");
    scenario.warmup = Duration::from_millis(200);
    let report = measure(scenario).await;
    assert_eq!((report.messages.delivered, report.latency.count), (50, 30));
}

#[tokio::test]
async fn a_run_that_is_stopped_has_what_was_measured() {
    let url = serve(Habit::Echo).await;
    let mut scenario = scenario(&url, "connections = 2", "every = \"10ms\"");
    scenario.duration = Duration::from_secs(3600);
    let stop = tokio::time::sleep(Duration::from_millis(700));
    let report = run(scenario, stop, |_| {}).await.expect("allowed");
    assert!(report.setting.interrupted);
    assert!(report.messages.delivered > 0 && wrong(&report) == [0; 5], "{:?}", report.messages);
    // Only what was planned until then counts.
    assert!(report.messages.planned < 150, "{:?}", report.messages);
    assert_eq!(report.messages.planned, report.messages.sent);
    // While connections are being opened.
    let url = answer("").await;
    let scenario = super::scenario(&url, "connections = 3", "every = \"10ms\"");
    let report = run(scenario, tokio::time::sleep(Duration::from_millis(200)), |_| {}).await;
    let report = report.expect("allowed");
    assert!(report.setting.interrupted && report.connections.failed == 0 && !report.held);
}
