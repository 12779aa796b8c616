//! The one task that writes: it drains what waits, commits once, and answers each caller after the commit.

use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::fault::{Fault, Result};
use super::session::{Link, Session, Times};
use crate::StoreError;
use crate::store::{Answer, SetUp};

/// How many writes may wait; more are refused, so that a stalled server shows at the edge.
const WAITING: usize = 1024;
/// How long a write that nobody waits for may wait for company.
const COMPANY: Duration = Duration::from_millis(10);
/// How long one that can't be refused waits for a lost connection to come back.
const ABSENCE: Duration = Duration::from_secs(10);
/// How long a batch may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a batch is tried that other processes get in the way of, before its writes are tried one by one.
const TRIES: u32 = 6;

/// What a request is executed with: everything that it does is in the batch's database transaction.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) session: &'a Session,
    pub(super) times: Times,
    pub(super) set_up: &'a SetUp,
}

/// Something to write. It may be executed several times, of which one is committed at most.
pub(super) trait Request: Send + Sync + 'static {
    type Written: Send;
    type Answer: Send;

    /// What it is about: of two requests about the same, the later one is executed after the earlier one.
    fn about(&self) -> About;

    fn execute(&self, turn: Turn<'_>) -> impl Future<Output = Result<Self::Written>> + Send;

    /// After the commit, whether or not anybody still waits.
    fn committed(self, written: Self::Written, set_up: &SetUp) -> Self::Answer;
}

pub(super) enum About {
    These(Vec<String>),
    Everything,
}

trait Job: Send {
    fn about(&self) -> About;

    fn execute<'a>(&'a mut self, turn: Turn<'a>) -> BoxFuture<'a, Result<()>>;

    fn answer(self: Box<Self>, committed: std::result::Result<(), StoreError>, set_up: &SetUp);
}

struct Share<R: Request> {
    request: R,
    written: Option<std::result::Result<R::Written, StoreError>>,
    answer: oneshot::Sender<std::result::Result<R::Answer, StoreError>>,
}

impl<R: Request> Job for Share<R> {
    fn about(&self) -> About {
        self.request.about()
    }

    fn execute<'a>(&'a mut self, turn: Turn<'a>) -> BoxFuture<'a, Result<()>> {
        async move {
            // What an earlier try had taken is given back first.
            self.written = None;
            // One that panics fails alone.
            let executed = AssertUnwindSafe(self.request.execute(turn)).catch_unwind().await;
            self.written = Some(match executed.unwrap_or_else(|_| Err(Fault::Failed(StoreError::Panicked))) {
                Ok(written) => Ok(written),
                Err(Fault::Refused(error)) => Err(error),
                Err(fault) => return Err(fault),
            });
            Ok(())
        }
        .boxed()
    }

    fn answer(self: Box<Self>, committed: std::result::Result<(), StoreError>, set_up: &SetUp) {
        let Self { request, written, answer } = *self;
        let written = committed.and_then(|()| written.unwrap_or(Err(StoreError::Closed)));
        // A caller that has gone away misses only the answer.
        let _ = answer.send(written.map(|written| request.committed(written, set_up)));
    }
}

enum Message {
    Write(Box<dyn Job>),
    /// A write whose caller is in no hurry, and that can't be refused.
    Lazy(Box<dyn Job>),
    Close(oneshot::Sender<std::result::Result<(), StoreError>>),
}

/// A handle to the task.
pub(super) struct Writer {
    sender: UnboundedSender<Message>,
    waiting: Arc<AtomicUsize>,
}

impl Writer {
    pub(super) fn start(link: Link, set_up: Arc<SetUp>) -> Self {
        let (sender, receiver) = unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let house = set_up.house.clone();
        let queue = Queue { receiver, waiting: Arc::clone(&waiting), most: set_up.batching.most(), left: Vec::new() };
        house.spawn(run(queue, Committer { link, set_up }));
        Self { sender, waiting }
    }

    /// Writes in its turn. [`StoreError::Busy`] when too much waits already.
    pub(super) fn write<R: Request>(&self, request: R) -> Answer<'static, R::Answer> {
        if self.waiting.load(Ordering::Acquire) >= WAITING {
            return async { Err(StoreError::Busy) }.boxed();
        }
        let (answer, answered) = oneshot::channel();
        self.send(Message::Write(Box::new(Share { request, written: None, answer })), answered)
    }

    /// The same for what has happened already and can't be refused. It may wait a little for others to share a commit.
    pub(super) fn write_lazily<R: Request>(&self, request: R) -> Answer<'static, R::Answer> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Lazy(Box::new(Share { request, written: None, answer })), answered)
    }

    /// Writes what waits, and ends the task.
    pub(super) fn close(&self) -> Answer<'static, ()> {
        let (answer, answered) = oneshot::channel();
        self.send(Message::Close(answer), answered)
    }

    fn send<T: Send + 'static>(
        &self,
        message: Message,
        answered: oneshot::Receiver<std::result::Result<T, StoreError>>,
    ) -> Answer<'static, T> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        let sent = self.sender.send(message).map_err(|_| StoreError::Closed);
        async move {
            sent?;
            answered.await.unwrap_or(Err(StoreError::Closed))
        }
        .boxed()
    }
}

/// A write that waits.
struct Waiting {
    job: Box<dyn Job>,
    is_lazy: bool,
    /// When it gives up; none until the connection was lost.
    until: Option<Instant>,
}

struct Queue {
    receiver: UnboundedReceiver<Message>,
    waiting: Arc<AtomicUsize>,
    most: usize,
    /// What a lost connection has left to be written.
    left: Vec<Waiting>,
}

/// What is committed together.
struct Batch {
    writes: Vec<Waiting>,
    closed: Option<oneshot::Sender<std::result::Result<(), StoreError>>>,
}

impl Queue {
    /// Everything that waits. When none of it is in a hurry, what comes within the next moments too; `None` when
    /// nobody can send anything any more.
    async fn next(&mut self) -> Option<Batch> {
        let mut batch = Batch { writes: std::mem::take(&mut self.left), closed: None };
        let mut patience = Some(Instant::now() + COMPANY);
        if batch.writes.is_empty() {
            let message = self.receiver.recv().await?;
            patience = self.take(message, &mut batch);
        }
        while batch.writes.len() < self.most && batch.closed.is_none() {
            let next = match patience {
                Some(until) => timeout_at(until, self.receiver.recv()).await.ok().flatten(),
                None => self.receiver.try_recv().ok(),
            };
            let Some(message) = next else { break };
            // One that is in a hurry ends the patience of all.
            patience = self.take(message, &mut batch).and(patience);
        }
        Some(batch)
    }

    /// Until when this one has time.
    fn take(&self, message: Message, batch: &mut Batch) -> Option<Instant> {
        self.waiting.fetch_sub(1, Ordering::AcqRel);
        match message {
            Message::Write(job) => batch.writes.push(Waiting { job, is_lazy: false, until: None }),
            Message::Lazy(job) => {
                batch.writes.push(Waiting { job, is_lazy: true, until: None });
                return Some(Instant::now() + COMPANY);
            }
            Message::Close(answer) => batch.closed = Some(answer),
        }
        None
    }
}

async fn run(mut queue: Queue, committer: Committer) {
    while let Some(Batch { writes, closed }) = queue.next().await {
        queue.left = committer.write(writes).await;
        if let Some(closed) = closed {
            for left in queue.left.drain(..) {
                left.job.answer(Err(StoreError::Closed), &committer.set_up);
            }
            committer.link.close().await;
            let _ = closed.send(Ok(()));
            return;
        }
        if !queue.left.is_empty() {
            sleep(COMPANY).await;
        }
    }
}

struct Committer {
    link: Link,
    set_up: Arc<SetUp>,
}

impl Committer {
    /// All of them in one commit, or one by one when one of them can't be written. Returns what waits for a lost
    /// connection to come back.
    async fn write(&self, mut writes: Vec<Waiting>) -> Vec<Waiting> {
        if writes.is_empty() {
            return writes;
        }
        let error = match self.commit(&mut writes).await {
            Ok(()) => return self.answer(writes, &Ok(())),
            Err(fault) if fault.is_lost() => return self.put_off(writes, fault.into_error()),
            Err(fault) => fault.into_error(),
        };
        if writes.len() == 1 {
            return self.answer(writes, &Err(error));
        }
        let mut left = Vec::new();
        for write in writes {
            let mut alone = vec![write];
            left.extend(match self.commit(&mut alone).await {
                Ok(()) => self.answer(alone, &Ok(())),
                Err(fault) if fault.is_lost() => self.put_off(alone, fault.into_error()),
                Err(fault) => self.answer(alone, &Err(fault.into_error())),
            });
        }
        left
    }

    fn answer(&self, writes: Vec<Waiting>, committed: &std::result::Result<(), StoreError>) -> Vec<Waiting> {
        writes.into_iter().for_each(|write| write.job.answer(committed.clone(), &self.set_up));
        Vec::new()
    }

    /// Whoever waits is told at once; what can't be refused is tried again for a while.
    fn put_off(&self, writes: Vec<Waiting>, error: StoreError) -> Vec<Waiting> {
        let now = Instant::now();
        let mut left = Vec::new();
        for mut write in writes {
            let until = *write.until.get_or_insert(now + ABSENCE);
            if write.is_lazy && until > now {
                left.push(write);
            } else {
                write.job.answer(Err(error.clone()), &self.set_up);
            }
        }
        left
    }

    /// Tries again when other processes were in the way, and once more when the connection was lost before the
    /// server was to commit.
    async fn commit(&self, writes: &mut [Waiting]) -> Result<()> {
        let mut has_lost = false;
        let mut tries = 0;
        loop {
            tries += 1;
            let session = self.link.session().await?;
            let done =
                timeout(PATIENCE, self.try_to_commit(&session, writes)).await.unwrap_or_else(|_| Err(Fault::slow()));
            match done {
                Err(fault) if fault.is_lost() => {
                    self.link.forget(&session).await;
                    if has_lost || matches!(fault, Fault::Unknown(_)) {
                        return Err(fault);
                    }
                    has_lost = true;
                }
                Err(Fault::InTheWay(error)) if tries < TRIES => {
                    tracing::debug!(%error, tries, "another process was in the way; tried again");
                    sleep(Duration::from_micros(fastrand::u64(0..=2_000) << tries)).await;
                }
                done => return done,
            }
        }
    }

    async fn try_to_commit(&self, session: &Session, writes: &mut [Waiting]) -> Result<()> {
        let times = session.begin(&self.set_up.clock).await?;
        let turn = Turn { session, times, set_up: &self.set_up };
        for wave in waves(writes) {
            let executed = join_all(wave.into_iter().map(|write| write.job.execute(turn))).await;
            let faults = executed.into_iter().filter_map(std::result::Result::err);
            if let Some(fault) = faults.reduce(Fault::or_cause) {
                if !fault.is_lost() {
                    session.run("ROLLBACK").await?;
                }
                return Err(fault);
            }
        }
        session.commit().await
    }
}

/// In groups that are executed one after another: what is about the same comes in its order, and each group is sorted,
/// so that processes lock rows in one order.
fn waves(writes: &mut [Waiting]) -> Vec<Vec<&mut Waiting>> {
    let mut waves: Vec<Vec<(String, &mut Waiting)>> = Vec::new();
    let mut last = HashMap::<String, usize>::new();
    let mut first_free = 0;
    for write in writes {
        let (wave, name) = match write.job.about() {
            About::These(names) => {
                let wave =
                    names.iter().filter_map(|name| last.get(name).map(|last| last + 1)).fold(first_free, usize::max);
                let name = names.first().cloned().unwrap_or_default();
                last.extend(names.into_iter().map(|name| (name, wave)));
                (wave, name)
            }
            About::Everything => {
                let wave = waves.len();
                first_free = wave + 1;
                (wave, String::new())
            }
        };
        if waves.len() <= wave {
            waves.resize_with(wave + 1, Vec::new);
        }
        waves[wave].push((name, write));
    }
    let sorted = waves.into_iter().map(|mut wave| {
        wave.sort_by(|(one, _), (other, _)| one.cmp(other));
        wave.into_iter().map(|(_, write)| write).collect()
    });
    sorted.collect()
}
