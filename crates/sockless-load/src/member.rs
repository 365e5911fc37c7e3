//! One connection: it is opened, says what has to be said first, sends when it is time, and marks off what arrives.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::crowd::{Counts, Crowd, Loss, Person, Phase, fill, micros};
use crate::mark::{self, Mark};
use crate::scenario::{Audience, Step};
use crate::schedule::{Schedule, size};
use crate::tally::{Arrival, Tally};
use crate::template::Placeholder;
use crate::wire::{Body, Dial, Outgoing, Received, Sent, Wire};

/// When something that there was no room for is tried again.
const AGAIN: Duration = Duration::from_millis(1);
/// How many messages go out before it is looked at what has come in.
const BURST: u32 = 32;

/// How a connection has ended.
pub(crate) enum Fate {
    /// It was never ready.
    Failed,
    /// It was, and went away.
    Dropped,
    /// It was open until the end.
    Open(Wire),
}

/// What one connection has done.
pub(crate) struct End {
    pub(crate) number: u32,
    pub(crate) fate: Fate,
    /// How many messages it had to send until the end of the measurement, and how many it has sent: the first ones.
    pub(crate) planned: u32,
    pub(crate) sent: u32,
    /// What it has got: of its own, or of each member of its group.
    pub(crate) tallies: Vec<Tally>,
}

/// Whoever has one of these tells when it has gone: the connection is ready, or never will be.
pub(crate) type Ready = tokio::sync::mpsc::Sender<()>;

/// Runs one connection until the measurement is over.
pub(crate) async fn run(crowd: Arc<Crowd>, number: u32, ready: Ready) -> End {
    let person = crowd.person(number);
    let pattern = &crowd.scenario.pattern;
    let duration = crowd.scenario.duration;
    let schedule =
        crowd.scenario.message.as_ref().map(|_| Schedule::new(pattern, number, duration));
    let mut phase = crowd.phase();
    let at = crowd.opens_at(number);
    let interrupted = tokio::select! {
        () = sleep_until(at) => false,
        _ = over(&mut phase) => true,
    };
    let opened = if interrupted {
        None
    } else {
        tokio::select! {
            opened = open(&crowd, &person) => Some(opened),
            _ = over(&mut phase) => None,
        }
    };
    let planned = |end| schedule.map_or(0, |schedule| schedule.count_before(end));
    let wire = match opened {
        Some(Ok(wire)) => wire,
        failed => {
            // Those that the user didn't wait for have neither failed nor succeeded.
            if let Some(Err(why)) = failed {
                crowd.lose(Loss::Failed, why);
            }
            drop(ready);
            let planned = planned(over(&mut phase).await);
            return End { number, fate: Fate::Failed, planned, sent: 0, tallies: Vec::new() };
        }
    };
    Counts::add(&crowd.counts.opened);
    let took = micros(at.elapsed());
    let _ = crowd.times(number).opening.record(took);
    drop(ready);
    let mut member = Member { crowd, person, schedule, sequence: 0, tallies: Vec::new() };
    let fate = member.measure(wire, &mut phase).await;
    let planned = planned(over(&mut phase).await);
    End { number, fate, planned, sent: member.sequence, tallies: member.tallies }
}

/// Waits until the run is over, and says what it has taken.
async fn over(phase: &mut watch::Receiver<Phase>) -> u64 {
    match phase.wait_for(|phase| matches!(phase, Phase::Over { .. })).await.as_deref() {
        Ok(Phase::Over { end }) => *end,
        _ => 0,
    }
}

/// Opens the connection, and does what has to be done first.
async fn open(crowd: &Crowd, person: &Person) -> Result<Wire, String> {
    let scenario = &crowd.scenario;
    let value = |placeholder| crowd.value(person, placeholder);
    let fields =
        scenario.fields.iter().map(|(name, value_of)| (name.clone(), value_of.fill(value)));
    let dial = Dial {
        protocol: scenario.protocol,
        url: scenario.url.fill(value),
        fields: fields.collect(),
        subprotocols: scenario.subprotocols.clone(),
        timeout: scenario.timeout,
    };
    let late = |what: &str| format!("{what}: not within {:?}", scenario.timeout);
    let opening = timeout(scenario.timeout, Wire::open(&dial));
    let mut wire = opening.await.map_err(|_| late("opening it"))??;
    for (at, step) in scenario.opening.iter().enumerate() {
        let what = format!("step {} of [[open]]", at + 1);
        let deadline = Instant::now() + scenario.timeout;
        let done = timeout_at(deadline, take_step(&mut wire, step, &value));
        match done.await {
            Ok(Ok(())) => {}
            Ok(Err(why)) => return Err(format!("{what}: {why}")),
            Err(_) => return Err(late(&what)),
        }
    }
    Ok(wire)
}

async fn take_step(
    wire: &mut Wire,
    step: &Step,
    value: &impl Fn(Placeholder) -> String,
) -> Result<(), String> {
    if let Some(shape) = &step.send {
        let outgoing = fill(shape, value).ok_or("its arguments are no JSON with these values")?;
        if wire.try_send(outgoing) != Sent::Yes {
            return Err("it could not be sent".into());
        }
    }
    let Some(awaited) = &step.awaits else { return Ok(()) };
    loop {
        match wire.recv().await {
            Received::Body(body) if body.contains(awaited) => return Ok(()),
            Received::Body(body) => {
                if step.refusal.as_ref().is_some_and(|refusal| body.contains(refusal)) {
                    return Err(format!("refused: {}", body.beginning()));
                }
            }
            Received::Ended(why) => return Err(why),
        }
    }
}

/// A connection that is ready.
struct Member {
    crowd: Arc<Crowd>,
    person: Person,
    schedule: Option<Schedule>,
    /// Of the next message.
    sequence: u32,
    tallies: Vec<Tally>,
}

impl Member {
    /// Sends and receives until the run is over, or the connection is.
    async fn measure(&mut self, mut wire: Wire, phase: &mut watch::Receiver<Phase>) -> Fate {
        let mut timer = std::pin::pin!(sleep_until(Instant::now()));
        let mut full = false;
        loop {
            let now_in = *phase.borrow_and_update();
            if matches!(now_in, Phase::Over { .. }) {
                return Fate::Open(wire);
            }
            let planned = self.next_planned(now_in);
            let next = match planned {
                Some(_) if full => Some(Instant::now() + AGAIN),
                planned => planned,
            };
            if let Some(next) = next
                && timer.deadline() != next
            {
                timer.as_mut().reset(next);
            }
            tokio::select! {
                received = wire.recv() => match received {
                    Received::Body(body) => {
                        // As it is now: what comes may be of a measurement of which this task hasn't heard yet.
                        let phase = *phase.borrow();
                        self.receive(&body, phase);
                    }
                    Received::Ended(why) => {
                        self.crowd.lose(Loss::Dropped, why);
                        return Fate::Dropped;
                    }
                },
                () = &mut timer, if next.is_some() => full = self.send_due(&mut wire, now_in),
                _ = phase.changed() => {}
            }
        }
    }

    /// When the next message is planned.
    fn next_planned(&self, phase: Phase) -> Option<Instant> {
        let Phase::Measuring { start, end } = phase else { return None };
        let planned = self.schedule.and_then(|schedule| schedule.planned(self.sequence))?;
        (planned < end).then(|| start + Duration::from_nanos(planned))
    }

    /// Sends what is due: whether there was no room for all of it.
    fn send_due(&mut self, wire: &mut Wire, phase: Phase) -> bool {
        for _ in 0..BURST {
            let now = Instant::now();
            match self.next_planned(phase) {
                Some(planned) if planned <= now => {
                    let late = now - planned;
                    let Some(outgoing) = self.outgoing(late) else { return false };
                    match wire.try_send(outgoing) {
                        Sent::Yes => {
                            self.sequence += 1;
                            self.count_sent();
                            let mut times = self.crowd.times(self.person.number);
                            let _ = times.lateness.record(micros(late));
                        }
                        Sent::Full => return true,
                        // The connection is going: what is received says why.
                        Sent::No => return true,
                    }
                }
                _ => return false,
            }
        }
        false
    }

    fn count_sent(&self) {
        let crowd = &self.crowd;
        Counts::add(&crowd.counts.sent);
        let group = size(&crowd.scenario.pattern, self.person.group);
        let receivers = u64::from(crowd.scenario.receivers(group));
        crowd.counts.expected.fetch_add(receivers, std::sync::atomic::Ordering::Relaxed);
    }

    /// The next message, that much later than planned.
    fn outgoing(&self, late: Duration) -> Option<Outgoing> {
        let message = self.crowd.scenario.message.as_ref()?;
        let mark = Mark {
            run: self.crowd.run,
            sender: self.person.number,
            sequence: self.sequence,
            planned: self.schedule?.planned(self.sequence)?,
            late: u32::try_from(late.as_micros()).unwrap_or(u32::MAX),
        };
        fill(&message.shape, |placeholder| match placeholder {
            Placeholder::Mark => mark.text(),
            Placeholder::Sequence => mark.sequence.to_string(),
            Placeholder::Padding => "x".repeat(message.padding),
            other => self.crowd.value(&self.person, other),
        })
    }

    /// Marks off what a message has in it.
    fn receive(&mut self, body: &Body, phase: Phase) {
        let now = Instant::now();
        for part in body.parts() {
            for mark in mark::find(part) {
                self.mark_off(mark, now, phase);
            }
        }
    }

    fn mark_off(&mut self, mark: Mark, now: Instant, phase: Phase) {
        let counts = &self.crowd.counts;
        let (Phase::Measuring { start, .. }, Some(place)) = (phase, self.place(&mark)) else {
            Counts::add(&counts.stray);
            return;
        };
        if self.tallies.len() <= place {
            self.tallies.resize_with(place + 1, Tally::default);
        }
        match self.tallies[place].arrived(mark.sequence) {
            Arrival::Doubled => return Counts::add(&counts.doubled),
            Arrival::OutOfOrder => Counts::add(&counts.reordered),
            Arrival::InOrder => {}
        }
        Counts::add(&counts.delivered);
        let latency =
            micros(now.saturating_duration_since(start + Duration::from_nanos(mark.planned)));
        let mut times = self.crowd.times(self.person.number);
        let _ = times.recent.record(latency);
        if mark.planned >= crate::span::nanoseconds(self.crowd.scenario.warmup) {
            let _ = times.latency.record(latency);
            let _ = times.from_sending.record(latency.saturating_sub(mark.late.into()));
        }
    }

    /// Where a message is counted, if it is one that belongs here.
    fn place(&self, mark: &Mark) -> Option<usize> {
        let pattern = &self.crowd.scenario.pattern;
        let message = self.crowd.scenario.message.as_ref()?;
        let own = mark.sender == self.person.number;
        let known = mark.run == self.crowd.run
            && mark.sender / pattern.group == self.person.group
            && mark.sender % pattern.group < size(pattern, self.person.group);
        let sent = known
            && Schedule::new(pattern, mark.sender, self.crowd.scenario.duration)
                .planned(mark.sequence)
                == Some(mark.planned);
        match message.to {
            _ if !sent => None,
            Audience::Sender => own.then_some(0),
            Audience::Others if own => None,
            Audience::Group | Audience::Others => Some((mark.sender % pattern.group) as usize),
        }
    }
}
