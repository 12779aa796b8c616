//! The queue of copies: messages are stored as they came, behind the path of the message.
//!
//! No payment depends on a copy, so a copy holds up nothing: it is queued in memory, and one task writes what is queued, one
//! batch at a time. However many messages arrive, the store's own queue holds one write of copies at most.
//!
//! Any sender can post messages, so each [lane](MessageLane) has a bounded queue. When it is full, copies are shed and
//! counted. Those of messages that brought news go first. Of the others, 250 or 1 MiB a second are written at most: what a
//! flood adds to the database leaves the disk to genuine records. All copies together take a tenth of the time at most: on a
//! busy server, the other nine tenths are for payments and deliveries.
//!
//! One sort of copy is waited for: a message that names no payment is answered 200, and nothing else of it is stored. When
//! the queue is full, it is answered 503 in place of that.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::select;
use tokio::sync::{Notify, oneshot};
use tokio::time::sleep;

use crate::store::{MessageBatch, MessageCopy, MessageLane, MessageState, ProcessedMessage, Store, StoreError};
use crate::util::in_flight::{InFlight, InFlightGuard};
use crate::util::limit::LogLimit;
use crate::util::text::causes;

/// How many copies of each lane are queued, and how many bytes of bodies.
const MAX_NEWS: usize = 1024;
const MAX_OTHERS: usize = 256;
const MAX_BYTES: usize = 8 << 20;
/// Of the other lane, the half that copies may fill that no answer waits for.
const MAX_UNAWAITED: usize = MAX_OTHERS / 2;
/// How many copies of each lane one write holds, and about how many bytes of bodies. Few: what is recorded meanwhile waits.
const BATCH_OF_NEWS: (usize, usize) = (32, 1 << 20);
const BATCH_OF_OTHERS: (usize, usize) = (64, 256 << 10);
/// The pause after a write, for each copy of the other lane and for each of its bytes: a write of 64 is followed by a
/// quarter of a second.
const PAUSE_PER_COPY: Duration = Duration::from_millis(4);
const PAUSE_PER_BYTE: Duration = Duration::from_micros(1);

/// The pause after a write, by how long it took: copies are written for a tenth of the time.
const REST: u32 = 9;
const MAX_REST: Duration = Duration::from_secs(1);

static FAILED: LogLimit = LogLimit::new();

/// Of which messages copies are stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CopyPolicy {
    /// Of recorded and pending ones.
    pub(crate) recorded: bool,
    /// Of refused and unmatched ones.
    pub(crate) refused: bool,
}

impl CopyPolicy {
    pub(crate) fn wants(self, state: MessageState) -> bool {
        match state {
            MessageState::Recorded | MessageState::Pending => self.recorded,
            MessageState::Refused | MessageState::Unmatched => self.refused,
        }
    }
}

/// The queue of copies. A clone is the same queue.
#[derive(Clone)]
pub(crate) struct Copies(Arc<Inner>);

struct Inner {
    policy: CopyPolicy,
    queue: Mutex<Queue>,
    /// Notified when something is queued.
    queued: Notify,
    /// Counts what is queued or being written.
    unwritten: InFlight,
    shed: AtomicU64,
    is_closing: AtomicBool,
    /// Notified at a shutdown: no pause is made any more.
    closing: Notify,
}

#[derive(Default)]
struct Queue {
    news: Lane,
    others: Lane,
    processed: Vec<(ProcessedMessage, InFlightGuard)>,
    /// The store is closed: nothing is queued any more.
    is_closed: bool,
}

#[derive(Default)]
struct Lane {
    copies: VecDeque<QueuedCopy>,
    bytes: usize,
}

struct QueuedCopy {
    copy: MessageCopy,
    /// The message's answer waits for it.
    written: Option<oneshot::Sender<Result<(), StoreError>>>,
    unwritten: InFlightGuard,
}

/// What waits for a batch to be written.
#[derive(Default)]
struct Callers {
    answers: Vec<oneshot::Sender<Result<(), StoreError>>>,
    unwritten: Vec<InFlightGuard>,
}

impl Lane {
    /// Moves what fits into the batch, oldest first; at least one.
    fn take(&mut self, (most, most_bytes): (usize, usize), batch: &mut MessageBatch, callers: &mut Callers) {
        let (mut copies, mut bytes) = (0, 0);
        while copies < most && bytes < most_bytes {
            let Some(QueuedCopy { copy, written, unwritten }) = self.copies.pop_front() else { break };
            copies += 1;
            bytes += copy.body.len();
            batch.copies.push(copy);
            callers.answers.extend(written);
            callers.unwritten.push(unwritten);
        }
        self.bytes -= bytes;
    }
}

/// How long nothing is written after this batch, for the sake of the store's other writes.
fn pause_after(batch: &MessageBatch) -> Duration {
    let others = batch.copies.iter().filter(|copy| copy.lane == MessageLane::Other);
    others.map(|copy| PAUSE_PER_COPY + PAUSE_PER_BYTE * u32::try_from(copy.body.len()).unwrap_or(u32::MAX)).sum()
}

impl Copies {
    pub(crate) fn new(policy: CopyPolicy) -> Self {
        Self(Arc::new(Inner {
            policy,
            queue: Mutex::default(),
            queued: Notify::new(),
            unwritten: InFlight::default(),
            shed: AtomicU64::new(0),
            is_closing: AtomicBool::new(false),
            closing: Notify::new(),
        }))
    }

    pub(crate) fn policy(&self) -> CopyPolicy {
        self.0.policy
    }

    /// How many copies were shed.
    pub(crate) fn shed(&self) -> u64 {
        self.0.shed.load(Ordering::Relaxed)
    }

    /// Queues a copy, or sheds it.
    pub(crate) fn add(&self, copy: MessageCopy) {
        if !self.push(copy, None, MAX_UNAWAITED) {
            self.count_shed(1);
        }
    }

    /// Queues a copy, and waits until it is durable. [`StoreError::Busy`] when the queue is full.
    pub(crate) async fn write(&self, copy: MessageCopy) -> Result<(), StoreError> {
        let (sender, written) = oneshot::channel();
        if !self.push(copy, Some(sender), MAX_OTHERS) {
            self.count_shed(1);
            return Err(StoreError::Busy);
        }
        written.await.unwrap_or(Err(StoreError::Closed))
    }

    /// The copies of a message that was pending are settled with it. There are never more of these than lookups, so that
    /// none is shed.
    pub(crate) fn update(&self, processed: ProcessedMessage) {
        let mut queue = self.queue();
        if !queue.is_closed {
            queue.processed.push((processed, self.0.unwritten.enter()));
            drop(queue);
            self.0.queued.notify_one();
        }
    }

    /// Waits until everything that is queued is written or dropped.
    pub(crate) async fn flush(&self) {
        self.0.unwritten.wait_until_zero().await;
    }

    /// The same, without pauses: at a shutdown.
    pub(crate) async fn close(&self) {
        self.0.is_closing.store(true, Ordering::Release);
        self.0.closing.notify_one();
        self.flush().await;
    }

    /// Writes what is queued, until the store is closed.
    pub(crate) async fn run(self, store: Arc<dyn Store>) {
        let mut logged = 0;
        loop {
            let Some((batch, callers)) = self.take() else {
                self.0.queued.notified().await;
                continue;
            };
            let (pause, started) = (pause_after(&batch), Instant::now());
            let copies = batch.copies.len();
            let written = store.insert_messages(Arc::new(batch)).await;
            let pause = pause.max(MAX_REST.min(started.elapsed() * REST));
            match &written {
                Ok(()) => {}
                Err(StoreError::Closed) => self.count_shed(copies),
                Err(error) => {
                    self.count_shed(copies);
                    logged += copies as u64;
                    FAILED.log(|| tracing::error!(error = causes(error), copies, "messages couldn't be stored"));
                }
            }
            for answer in callers.answers {
                // A sender that has gone away misses only the answer.
                let _ = answer.send(written.clone());
            }
            if matches!(written, Err(StoreError::Closed)) {
                *self.queue() = Queue { is_closed: true, ..Queue::default() };
                return;
            }
            drop(callers.unwritten);
            let shed = self.shed();
            if shed > logged {
                tracing::warn!(shed = shed - logged, "messages weren't stored: too many arrive");
                logged = shed;
            }
            if !self.0.is_closing.load(Ordering::Acquire) {
                select(pin!(sleep(pause)), pin!(self.0.closing.notified())).await;
            }
        }
    }

    /// The next batch, and who waits for it. `None` when nothing is queued.
    fn take(&self) -> Option<(MessageBatch, Callers)> {
        let mut queue = self.queue();
        let (mut batch, mut callers) = (MessageBatch::default(), Callers::default());
        queue.news.take(BATCH_OF_NEWS, &mut batch, &mut callers);
        queue.others.take(BATCH_OF_OTHERS, &mut batch, &mut callers);
        for (processed, unwritten) in std::mem::take(&mut queue.processed) {
            batch.processed.push(processed);
            callers.unwritten.push(unwritten);
        }
        (!callers.unwritten.is_empty()).then_some((batch, callers))
    }

    fn push(
        &self,
        copy: MessageCopy,
        written: Option<oneshot::Sender<Result<(), StoreError>>>,
        max_others: usize,
    ) -> bool {
        let mut queue = self.queue();
        let is_closed = queue.is_closed;
        let (lane, most) = match copy.lane {
            MessageLane::News => (&mut queue.news, MAX_NEWS),
            MessageLane::Other => (&mut queue.others, max_others),
        };
        if is_closed || lane.copies.len() >= most || lane.bytes + copy.body.len() > MAX_BYTES {
            return false;
        }
        lane.bytes += copy.body.len();
        lane.copies.push_back(QueuedCopy { copy, written, unwritten: self.0.unwritten.enter() });
        drop(queue);
        self.0.queued.notify_one();
        true
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count_shed(&self, copies: usize) {
        self.0.shed.fetch_add(copies as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use jiff::Timestamp;

    use super::*;
    use crate::models::{MessageId, Sender};

    fn copy(lane: MessageLane, bytes: usize) -> MessageCopy {
        MessageCopy {
            id: MessageId::new(),
            state: MessageState::Refused,
            lane,
            sender: Sender::CALLBACK,
            content_type: None,
            remote_address: None,
            size: bytes as u64,
            body: vec![b'x'; bytes].into(),
            answer: 422,
            reason: None,
            key: None,
            transaction: None,
            received_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn copies() -> Copies {
        Copies::new(CopyPolicy { recorded: true, refused: true })
    }

    #[test]
    fn a_flood_of_junk_sheds_junk_alone() {
        let copies = copies();
        (0..1000).for_each(|_| copies.add(copy(MessageLane::Other, 100)));
        assert_eq!(copies.shed(), 1000 - MAX_UNAWAITED as u64);
        (0..MAX_NEWS).for_each(|_| copies.add(copy(MessageLane::News, 100)));
        assert_eq!(copies.shed(), 1000 - MAX_UNAWAITED as u64);
        copies.add(copy(MessageLane::News, 100));
        assert_eq!(copies.shed(), 1001 - MAX_UNAWAITED as u64);
    }

    #[test]
    fn an_answer_that_waits_for_its_copy_finds_room_beside_those_that_do_not_and_is_refused_without_any() {
        let copies = copies();
        (0..1000).for_each(|_| copies.add(copy(MessageLane::Other, 100)));
        let waiting: Vec<_> = (0..MAX_OTHERS - MAX_UNAWAITED)
            .map(|_| {
                let mut written = Box::pin(copies.write(copy(MessageLane::Other, 100)));
                assert!((&mut written).now_or_never().is_none(), "it waits");
                written
            })
            .collect();
        let refused = copies.write(copy(MessageLane::Other, 100)).now_or_never();
        assert!(matches!(refused, Some(Err(StoreError::Busy))), "{refused:?}");
        drop(waiting);
    }

    #[test]
    fn large_bodies_fill_a_queue_by_their_size() {
        let copies = copies();
        (0..MAX_UNAWAITED).for_each(|_| copies.add(copy(MessageLane::Other, 128 * 1024)));
        assert_eq!(copies.shed(), MAX_UNAWAITED as u64 - 64);
    }

    #[test]
    fn a_batch_takes_the_news_first_and_a_part_of_the_others_and_the_pause_follows_the_others() {
        let copies = copies();
        (0..100).for_each(|_| copies.add(copy(MessageLane::Other, 100)));
        (0..10).for_each(|_| copies.add(copy(MessageLane::News, 100)));
        let (batch, _) = copies.take().unwrap();
        assert_eq!(batch.copies.len(), 10 + 64);
        assert!(batch.copies[..10].iter().all(|copy| copy.lane == MessageLane::News));
        assert_eq!(pause_after(&batch), Duration::from_micros(64 * 4100));
        let (batch, _) = copies.take().unwrap();
        assert_eq!(batch.copies.len(), 36);
        assert!(copies.take().is_none());
        copies.add(copy(MessageLane::Other, 300_000));
        copies.add(copy(MessageLane::Other, 300_000));
        assert_eq!(copies.take().unwrap().0.copies.len(), 1, "one at least");
    }
}
