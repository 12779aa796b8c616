//! The movements of money in a range of time.

use std::time::Duration;

use actix_web::{HttpResponse, ResponseError, web};
use jiff::{SignedDuration, Timestamp};

use super::tokens::with_both_tokens_legacy;
use crate::answers::Report;
use crate::clock;
use crate::faults::View;
use crate::fields::Fields;
use crate::refusal::Refusal;
use crate::shared::Shared;

/// The longest range. The provider has a limit and doesn't publish it; this one is invented.
const MAX_RANGE: SignedDuration = SignedDuration::from_hours(31 * 24);

/// A bare list, newest first. The request is a GET with a body.
pub(super) async fn report(shared: web::Data<Shared>, body: web::Bytes) -> HttpResponse {
    let fields = match with_both_tokens_legacy(&shared, &body) {
        Ok(fields) => fields,
        Err(refusal) => return refusal.error_response(),
    };
    let mut ledger = shared.ledger();
    let (from, to) = match range(&fields, ledger.now()) {
        Ok(range) => range,
        Err(refusal) => return refusal.answer(),
    };
    let within = |date: &Timestamp| (from..=to).contains(&date.as_second());
    let mut found: Vec<_> =
        ledger.visible(View::Search).filter(|payment| payment.date.as_ref().is_some_and(within)).collect();
    if found.is_empty() {
        return Refusal::report("BTRA_0046", "There are no transactions for the indicated date range").answer();
    }
    found.sort_by_key(|payment| std::cmp::Reverse(payment.date));
    let entries: Vec<_> = found.into_iter().enumerate().map(|(index, payment)| Report::new(index, payment)).collect();
    HttpResponse::Ok().json(entries)
}

/// The first and the last second.
fn range(fields: &Fields, now: Timestamp) -> Result<(i64, i64), Refusal> {
    let date = |name, code, message| {
        let text = fields.text(&[name]).ok().flatten();
        text.as_deref().and_then(clock::read).ok_or_else(|| Refusal::report(code, message))
    };
    let from = date("fromDate", "BTRA_0023", "Error with the From date")?;
    let to = date("toDate", "BTRA_0024", "Error with the To date")?;
    if from > now {
        return Err(Refusal::report("BTRA_0047", "Date from cannot be future"));
    }
    // Tolerates a client whose clock is slightly ahead.
    if to > clock::after(now, Duration::from_secs(60)) {
        return Err(Refusal::report("BTRA_0048", "Date to cannot be future"));
    }
    if from >= to {
        return Err(Refusal::report("BTRA_0025", "The From date must be before the To date"));
    }
    if to.duration_since(from) >= MAX_RANGE {
        return Err(Refusal::report("BTRA_0026", "The difference between dates must be lower than 31 days"));
    }
    Ok((from.as_second(), to.as_second()))
}
