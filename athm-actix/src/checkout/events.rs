//! Server-sent events: tells the page that something has changed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::rt::time::{Instant, sleep};
use actix_web::web::Bytes;
use athm_core::Athm;
use athm_core::checkouts::{Checkout, CheckoutId, CheckoutState};
use futures_util::Stream;
use futures_util::stream;

use super::component::version;

/// How often the database is read for one page.
const PAUSE: Duration = Duration::from_millis(500);
/// How often a comment is sent: only what is sent shows that the browser has gone.
const COMMENT_INTERVAL: Duration = Duration::from_secs(2);
/// How long one answer lasts. The browser asks again, so that no answer holds up a server that shuts down.
const LENGTH: Duration = Duration::from_secs(20);
/// How many pages of one checkout, and of all, are notified at once. The others ask every two seconds.
const MAX_OF_CHECKOUT: usize = 8;
const MAX_IN_ALL: usize = 1000;

/// The streams that are open.
#[derive(Debug, Clone, Default)]
pub(super) struct Streams(Arc<Mutex<HashMap<CheckoutId, usize>>>);

/// The place of one stream.
pub(super) struct Place {
    streams: Streams,
    of: CheckoutId,
}

impl Streams {
    /// A place for one more; `None` when there are too many.
    pub(super) fn enter(&self, of: CheckoutId) -> Option<Place> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.get(&of).copied().unwrap_or_default();
        if count >= MAX_OF_CHECKOUT || open.values().sum::<usize>() >= MAX_IN_ALL {
            return None;
        }
        open.insert(of, count + 1);
        Some(Place { streams: self.clone(), of })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.of);
            }
        }
    }
}

/// What a stream has sent so far.
struct Sent {
    athm: Athm,
    place: Place,
    until: Instant,
    /// When the next comment is due.
    comment_at: Instant,
    version: Option<String>,
    is_over: bool,
}

/// The version of the checkout, now and whenever it changes, until it waits no more.
pub(super) fn changes(athm: Athm, place: Place) -> impl Stream<Item = Result<Bytes, actix_web::Error>> {
    let now = Instant::now();
    let (until, comment_at) = (now + LENGTH, now + COMMENT_INTERVAL);
    let sent = Sent { athm, place, until, comment_at, version: None, is_over: false };
    stream::unfold(sent, |mut sent| async move {
        if sent.is_over {
            return None;
        }
        loop {
            // A database that is closed, or that can't be read: the browser asks again.
            let checkout: Checkout = sent.athm.checkouts().find(sent.place.of).await.ok()??;
            let version = version(&checkout);
            sent.is_over = !matches!(checkout.state(), CheckoutState::Waiting { .. });
            if sent.version.as_ref() != Some(&version) {
                let event = format!("retry: 500\ndata: {version}\n\n");
                sent.version = Some(version);
                return Some((Ok(Bytes::from(event)), sent));
            }
            if sent.is_over || Instant::now() >= sent.until {
                return None;
            }
            if Instant::now() >= sent.comment_at {
                sent.comment_at = Instant::now() + COMMENT_INTERVAL;
                return Some((Ok(Bytes::from_static(b":\n\n")), sent));
            }
            sleep(PAUSE).await;
        }
    })
}
