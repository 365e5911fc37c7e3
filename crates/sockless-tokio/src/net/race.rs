//! Connecting to one of several addresses (RFC 8305, section 5): both families in turn, the next attempt when the one before has taken a
//! while or has failed, and the first that succeeds wins.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long an attempt is waited for before the next begins.
const DELAY: Duration = Duration::from_millis(250);

/// The addresses in the order of the attempts: the families in turn, beginning with the first one's, each in the order of the system's resolver.
pub(super) fn interleave(addresses: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let (mut all, mut firsts, mut others) =
        (addresses.into_iter().peekable(), Vec::new(), Vec::new());
    let Some(first) = all.peek().copied() else { return Vec::new() };
    for address in all {
        match address.is_ipv6() == first.is_ipv6() {
            true => firsts.push(address),
            false => others.push(address),
        }
    }
    let (mut firsts, mut others) = (firsts.into_iter(), others.into_iter());
    let mut turns = Vec::new();
    loop {
        let before = turns.len();
        turns.extend(firsts.next());
        turns.extend(others.next());
        if turns.len() == before {
            return turns;
        }
    }
}

/// The first attempt that succeeds; the first error if none does.
pub(super) async fn race<T, F: Future<Output = io::Result<T>>>(
    addresses: Vec<SocketAddr>,
    attempt: impl Fn(SocketAddr) -> F,
) -> io::Result<T> {
    let mut left = addresses.into_iter();
    let mut attempts = Vec::new();
    let mut failed = None;
    let mut next = pin!(sleep_until(Instant::now()));
    poll_fn(|cx| {
        loop {
            let before = attempts.len();
            let mut won = None;
            attempts.retain_mut(|running: &mut std::pin::Pin<Box<F>>| {
                match running.as_mut().poll(cx) {
                    Poll::Pending => true,
                    Poll::Ready(Ok(stream)) => {
                        won.get_or_insert(stream);
                        false
                    }
                    Poll::Ready(Err(error)) => {
                        failed.get_or_insert(error);
                        false
                    }
                }
            });
            if let Some(stream) = won {
                return Poll::Ready(Ok(stream));
            }
            // One that has failed is not waited for.
            let is_due = attempts.len() < before || next.as_mut().poll(cx).is_ready();
            match left.next() {
                Some(address) if is_due => {
                    attempts.push(Box::pin(attempt(address)));
                    next.as_mut().reset(Instant::now() + DELAY);
                }
                Some(address) => {
                    left = std::iter::once(address)
                        .chain(left.by_ref())
                        .collect::<Vec<_>>()
                        .into_iter();
                    return Poll::Pending;
                }
                None if attempts.is_empty() => {
                    let none = || io::Error::new(io::ErrorKind::NotFound, "there is no address");
                    return Poll::Ready(Err(failed.take().unwrap_or_else(none)));
                }
                None => return Poll::Pending,
            }
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn families_take_turns_beginning_with_the_first() {
        let [a, b, c, d] = ["[::1]:1", "[::2]:1", "1.1.1.1:1", "[::3]:1"].map(address);
        assert_eq!(interleave([a, b, c, d]), [a, c, b, d]);
        assert_eq!(interleave([c, a, b]), [c, a, b]);
        assert_eq!(interleave([]), []);
    }

    /// For each port, how many milliseconds an attempt takes, and whether it succeeds.
    async fn run(attempts: &'static [(u64, bool)]) -> (Result<u16, io::ErrorKind>, u128) {
        let addresses =
            (0..attempts.len() as u16).map(|port| SocketAddr::from(([127, 0, 0, 1], port)));
        let started = Instant::now();
        let won = race(addresses.collect(), |address| async move {
            let (millis, succeeds) = attempts[usize::from(address.port())];
            tokio::time::sleep(Duration::from_millis(millis)).await;
            match succeeds {
                true => Ok(address.port()),
                false => Err(io::Error::from(io::ErrorKind::ConnectionRefused)),
            }
        });
        (won.await.map_err(|error| error.kind()), started.elapsed().as_millis())
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_attempt_begins_after_a_quarter_of_a_second_or_a_failure() {
        assert_eq!(run(&[(100, true), (0, true)]).await, (Ok(0), 100));
        // The first hangs.
        assert_eq!(run(&[(60_000, true), (100, true)]).await, (Ok(1), 350));
        // The first is slow, and wins all the same.
        assert_eq!(run(&[(300, true), (100, true)]).await, (Ok(0), 300));
        // Those that fail are not waited for.
        assert_eq!(run(&[(10, false), (10, false), (10, true)]).await, (Ok(2), 30));
        assert_eq!(run(&[(60_000, false), (10, false), (10, true)]).await, (Ok(2), 270));
        let refused = Err(io::ErrorKind::ConnectionRefused);
        assert_eq!(run(&[(10, false), (10, false)]).await, (refused, 20));
        assert_eq!(run(&[]).await, (Err(io::ErrorKind::NotFound), 0));
    }
}
