//! What a write is to the one who writes: how it is executed, and how its caller is answered.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all, join3};
use jiff::Timestamp;
use tokio::sync::oneshot;

use super::fault::{Fault, Result};
use super::record::Recording;
use super::session::{Session, Times};
use crate::outbox::{End, Ended};
use crate::store::{SetUp, StoreError};

/// What one caller is told.
pub(super) type Outcome<T> = std::result::Result<T, StoreError>;

/// What a request is executed with: everything that it does is in the batch's database transaction.
#[derive(Clone, Copy)]
pub(super) struct Turn<'a> {
    pub(super) session: &'a Session,
    pub(super) times: Times,
    pub(super) set_up: &'a SetUp,
}

impl Turn<'_> {
    /// The server's time.
    pub(super) fn now(&self) -> Timestamp {
        self.times.there(self.set_up.clock.steady())
    }
}

/// Something to write. It may be executed several times, of which one is committed at most.
pub(super) trait Request: Sized + Send + Sync + 'static {
    /// What its caller is told once it is committed.
    type Written: Send;

    /// What it is about: of two requests about the same, the later one is executed after the earlier one.
    fn about(&self) -> About {
        About::Everything
    }

    /// Something to do after the commit, whether or not anybody still waits.
    fn committed(self, _written: &mut Self::Written, _set_up: &SetUp) {}
}

/// One that is executed by itself. Its statements are sent together with those of the others.
pub(super) trait Single: Request {
    fn execute(&self, turn: Turn<'_>) -> impl Future<Output = Result<Self::Written>> + Send;
}

/// One that is executed by the same statements as all others of its kind. No two of them are about the same.
pub(super) trait Batched: Request {
    fn execute_all(
        requests: &[&Self],
        turn: Turn<'_>,
    ) -> impl Future<Output = Result<Vec<Outcome<Self::Written>>>> + Send;
}

pub(super) enum About {
    These(Vec<String>),
    Everything,
}

/// A request, and whoever waits for it.
pub(super) struct Share<R: Request> {
    request: R,
    written: Option<Outcome<R::Written>>,
    answer: oneshot::Sender<Outcome<R::Written>>,
}

impl<R: Request> Share<R> {
    pub(super) fn new(request: R) -> (Self, oneshot::Receiver<Outcome<R::Written>>) {
        let (answer, answered) = oneshot::channel();
        (Self { request, written: None, answer }, answered)
    }

    fn answer(self, committed: Outcome<()>, set_up: &SetUp) {
        let Self { request, written, answer } = self;
        let mut written = committed.and_then(|()| written.unwrap_or(Err(StoreError::Closed)));
        if let Ok(written) = &mut written {
            request.committed(written, set_up);
        }
        // A caller that has gone away misses only the answer.
        let _ = answer.send(written);
    }
}

/// A share of any kind.
pub(super) enum Job {
    Record(Box<Share<Recording>>),
    End(Share<Ended>),
    Other(Box<dyn Alone>),
}

/// A share of a kind of which there are few.
pub(super) trait Alone: Send {
    fn about(&self) -> About;

    fn execute<'a>(&'a mut self, turn: Turn<'a>) -> BoxFuture<'a, Result<()>>;

    fn answer(self: Box<Self>, committed: Outcome<()>, set_up: &SetUp);
}

impl From<Share<Recording>> for Job {
    fn from(share: Share<Recording>) -> Self {
        Self::Record(Box::new(share))
    }
}

impl From<Share<Ended>> for Job {
    fn from(share: Share<Ended>) -> Self {
        Self::End(share)
    }
}

impl<R: Single> From<Share<R>> for Job {
    fn from(share: Share<R>) -> Self {
        Self::Other(Box::new(share))
    }
}

impl Job {
    pub(super) fn about(&self) -> About {
        match self {
            Self::Record(share) => share.request.about(),
            Self::End(share) => share.request.about(),
            Self::Other(share) => share.about(),
        }
    }

    /// What gives back the deliveries that it has claimed for this process, in case that it was committed and nobody has
    /// heard of it: they would wait for their leases to end. Those of a claim do: another process may have them by now.
    pub(super) fn given_back(&self, at: Timestamp) -> impl Iterator<Item = Self> {
        let works = match self {
            Self::Record(share) => share.written.iter().flatten().flat_map(|(_, works)| works).collect(),
            Self::End(_) | Self::Other(_) => Vec::new(),
        };
        let claimed = works.into_iter().flat_map(|work| &work.deliveries);
        claimed.map(move |claimed| {
            let (id, attempt) = (claimed.planned.id, claimed.attempt);
            Share::new(Ended { id, attempt, at, end: End::Unstarted }).0.into()
        })
    }

    pub(super) fn answer(self, committed: Outcome<()>, set_up: &SetUp) {
        match self {
            Self::Record(share) => share.answer(committed, set_up),
            Self::End(share) => share.answer(committed, set_up),
            Self::Other(share) => share.answer(committed, set_up),
        }
    }
}

/// Executes them all at once: no two of them are about the same.
pub(super) async fn execute(jobs: Vec<&mut Job>, turn: Turn<'_>) -> Result<()> {
    let (mut recordings, mut ends, mut others) = (Vec::new(), Vec::new(), Vec::new());
    for job in jobs {
        match job {
            Job::Record(share) => recordings.push(&mut **share),
            Job::End(share) => ends.push(share),
            Job::Other(share) => others.push(share.execute(turn)),
        }
    }
    let (recorded, ended, others) = join3(together(recordings, turn), together(ends, turn), join_all(others)).await;
    let faults = [recorded, ended].into_iter().chain(others).filter_map(Result::err);
    faults.reduce(Fault::or_cause).map_or(Ok(()), Err)
}

async fn together<R: Batched>(mut shares: Vec<&mut Share<R>>, turn: Turn<'_>) -> Result<()> {
    if shares.is_empty() {
        return Ok(());
    }
    // What an earlier try had taken is given back first.
    shares.iter_mut().for_each(|share| share.written = None);
    let requests: Vec<_> = shares.iter().map(|share| &share.request).collect();
    let written = caught(R::execute_all(&requests, turn)).await?;
    for (share, written) in shares.into_iter().zip(written) {
        share.written = Some(written);
    }
    Ok(())
}

impl<R: Single> Alone for Share<R> {
    fn about(&self) -> About {
        self.request.about()
    }

    fn execute<'a>(&'a mut self, turn: Turn<'a>) -> BoxFuture<'a, Result<()>> {
        async move {
            self.written = None;
            self.written = Some(match caught(self.request.execute(turn)).await {
                Ok(written) => Ok(written),
                Err(Fault::Refused(error)) => Err(error),
                Err(fault) => return Err(fault),
            });
            Ok(())
        }
        .boxed()
    }

    fn answer(self: Box<Self>, committed: Outcome<()>, set_up: &SetUp) {
        Self::answer(*self, committed, set_up);
    }
}

/// A mistake in one write must not end the task that all others need: the batch is tried again one by one.
async fn caught<T>(executing: impl Future<Output = Result<T>>) -> Result<T> {
    AssertUnwindSafe(executing).catch_unwind().await.unwrap_or_else(|_| Err(Fault::Failed(StoreError::Panicked)))
}
