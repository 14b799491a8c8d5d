//! The closed loop: so many connections, each sending its next request when the last is answered.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use futures::future::{Either, select};
use futures::stream::FuturesUnordered;

use crate::Failure;
use crate::client::{Client, Wire};
use crate::server::Server;
use crate::table::{Done, median, percentile, rates};

/// How long to run before measuring.
pub const WARM_UP_SECONDS: u64 = 1;
/// Slices of a measurement; their median counts.
const SLICES: usize = 5;

/// What a case is given.
pub struct Bench {
    /// The server.
    pub server: Server,
    /// Connections at once.
    pub connections: usize,
    /// How long to measure.
    pub seconds: u64,
    /// Where the contents of the next case begin to be numbered.
    numbered: Cell<u64>,
}

/// What was seen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Measured {
    /// Operations a second.
    pub rate: f64,
    /// Bytes a second.
    pub bytes: f64,
    /// Milliseconds.
    pub p50_ms: f64,
    /// Milliseconds.
    pub p99_ms: f64,
    /// The server's processor time, milliseconds an operation.
    pub cpu_ms: f64,
    /// MiB.
    pub memory_mib: f64,
}

/// A connection outside of a measurement.
pub struct Alone(Client, Wire);

impl Alone {
    /// Does something with it.
    pub async fn with<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        over(&mut self.1, work(&mut self.0)).await
    }
}

/// Work over a connection, which is polled in the same task: no task wakes another.
async fn over<T>(
    wire: &mut Wire,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    match select(pin!(work), pin!(wire)).await {
        Either::Left((done, _)) => done,
        Either::Right((Err(e), _)) => Err(e.into()),
        // The connection ends once its answer is complete; the work may not have seen it yet.
        Either::Right((Ok(()), work)) => work.await,
    }
}

impl Bench {
    /// Around a server that runs.
    pub const fn new(server: Server, connections: usize, seconds: u64) -> Self {
        Self { server, connections, seconds, numbered: Cell::new(0) }
    }

    /// A number no other content of this run has, for content `n` of the current case.
    pub fn unique(&self, n: u64) -> u64 {
        self.numbered.get() + n
    }

    /// Begins another case.
    pub fn next_case(&self) {
        self.numbered.set(self.numbered.get() + (1 << 32));
    }

    /// One connection.
    pub async fn client(&self) -> Result<Alone, Failure> {
        let (client, wire) = Client::connect(self.server.address, &self.server.token).await?;
        Ok(Alone(client, wire))
    }

    /// One connection of somebody else.
    pub async fn client_with(&self, token: &str) -> Result<Alone, Failure> {
        let (client, wire) = Client::connect(self.server.address, token).await?;
        Ok(Alone(client, wire))
    }

    /// Warms up, then measures for the time asked for. `operation` is given its number and gives
    /// the bytes it moved; none ends the measurement.
    pub async fn loops<F>(&self, operation: F) -> Result<Measured, Failure>
    where
        F: AsyncFn(&mut Client, u64) -> Result<Option<u64>, Failure>,
    {
        let number = Cell::new(0);
        let warm = Duration::from_secs(WARM_UP_SECONDS);
        self.pass(self.connections, &number, Some(warm), u64::MAX, &operation).await?;
        self.server.forget_memory()?;
        let cpu = self.server.cpu_ms()?;
        let span = Duration::from_secs(self.seconds);
        let done = self.pass(self.connections, &number, Some(span), u64::MAX, &operation).await?;
        let cpu = self.server.cpu_ms()? - cpu;
        let last = done.iter().map(|d| d.at).max().unwrap_or(0);
        let span = last.min(u64::try_from(span.as_micros())?);
        let (rate, bytes) = rates(&done, span, SLICES);
        self.measured(rate, bytes, cpu, &done)
    }

    /// Measures whole rounds of so many operations at once; the median round counts.
    pub async fn rounds<F>(
        &self,
        at_once: usize,
        rounds: usize,
        operation: F,
    ) -> Result<Measured, Failure>
    where
        F: AsyncFn(&mut Client, u64) -> Result<Option<u64>, Failure>,
    {
        let number = Cell::new(0);
        let round = at_once as u64;
        self.pass(at_once, &number, None, round, &operation).await?;
        self.server.forget_memory()?;
        let cpu = self.server.cpu_ms()?;
        let (mut all, mut speeds) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            let began = Instant::now();
            number.set(all.len() as u64 + round);
            let until = number.get() + round;
            let done = self.pass(at_once, &number, None, until, &operation).await?;
            let seconds = began.elapsed().as_secs_f64();
            #[allow(clippy::cast_precision_loss)]
            speeds.push((
                done.len() as f64 / seconds,
                done.iter().map(|d| d.bytes).sum::<u64>() as f64 / seconds,
            ));
            all.extend(done);
        }
        let cpu = self.server.cpu_ms()? - cpu;
        let of =
            |pick: fn(&(f64, f64)) -> f64| median(&speeds.iter().map(pick).collect::<Vec<_>>());
        self.measured(of(|s| s.0), of(|s| s.1), cpu, &all)
    }

    /// Repeats an operation over all connections until it says it is done.
    pub async fn until_done<F>(&self, operation: F) -> Result<(), Failure>
    where
        F: AsyncFn(&mut Client, u64) -> Result<Option<u64>, Failure>,
    {
        self.pass(self.connections, &Cell::new(0), None, u64::MAX, &operation).await?;
        Ok(())
    }

    #[allow(clippy::cast_precision_loss)]
    fn measured(
        &self,
        rate: f64,
        bytes: f64,
        cpu: f64,
        done: &[Done],
    ) -> Result<Measured, Failure> {
        if done.is_empty() {
            return Err("nothing was done in the time given".into());
        }
        let mut took: Vec<u64> = done.iter().map(|d| d.took).collect();
        Ok(Measured {
            rate,
            bytes,
            p50_ms: percentile(&mut took, 0.50) as f64 / 1e3,
            p99_ms: percentile(&mut took, 0.99) as f64 / 1e3,
            cpu_ms: cpu / done.len() as f64,
            memory_mib: self.server.memory_mib()?,
        })
    }

    /// One pass: numbers below `until`, for a time or until the operation says it is done.
    async fn pass<F>(
        &self,
        connections: usize,
        number: &Cell<u64>,
        span: Option<Duration>,
        until: u64,
        operation: &F,
    ) -> Result<Vec<Done>, Failure>
    where
        F: AsyncFn(&mut Client, u64) -> Result<Option<u64>, Failure>,
    {
        let done = RefCell::new(Vec::new());
        let (began, over_now) = (Instant::now(), Cell::new(false));
        let worker = async || -> Result<(), Failure> {
            let mut connection = self.client().await?;
            let work = async |client: &mut Client| {
                while !over_now.get() && number.get() < until {
                    let n = number.replace(number.get() + 1);
                    let sent = Instant::now();
                    let Some(bytes) = operation(client, n).await? else {
                        over_now.set(true);
                        break;
                    };
                    let at = micros(began.elapsed());
                    let took = micros(sent.elapsed());
                    done.borrow_mut().push(Done { at, took, bytes });
                    over_now.set(over_now.get() || span.is_some_and(|s| began.elapsed() >= s));
                }
                Ok(())
            };
            connection.with(work).await
        };
        let mut workers: FuturesUnordered<_> = (0..connections).map(|_| worker()).collect();
        while let Some(ended) = workers.next().await {
            ended?;
        }
        drop(workers);
        Ok(done.into_inner())
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
