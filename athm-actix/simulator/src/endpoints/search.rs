//! Searches movements of money by any of their fields.

use actix_web::{HttpResponse, web};
use athm_core::Amount;

use super::tokens::with_both_tokens_legacy;
use crate::answers::{Search, daily_number, phone};
use crate::faults::View;
use crate::fields::{BadField, Fields};
use crate::payment::SimulatedPayment;
use crate::refusal::LegacyRefusal;
use crate::shared::Shared;

/// A bare object, or a list when several match.
pub(super) async fn search(shared: web::Data<Shared>, body: web::Bytes) -> Result<HttpResponse, LegacyRefusal> {
    let fields = with_both_tokens_legacy(&shared, &body)?;
    // An unreadable criterion matches nothing.
    let query = Query::read(&fields).map_err(|_| LegacyRefusal::UNKNOWN)?.ok_or(LegacyRefusal::CRITERIA_REQUIRED)?;

    let mut ledger = shared.ledger();
    let found: Vec<Search<'_>> =
        ledger.visible(View::Search).filter(|payment| query.matches(payment)).map(Search::new).collect();
    match found.as_slice() {
        [] => Err(LegacyRefusal::UNKNOWN),
        [one] => Ok(HttpResponse::Ok().json(one)),
        several => Ok(HttpResponse::Ok().json(several)),
    }
}

/// The criteria; each that is given must match exactly.
struct Query {
    reference_number: Option<String>,
    daily_transaction_id: Option<u64>,
    name: Option<String>,
    phone_number: Option<String>,
    email: Option<String>,
    total: Option<Amount>,
    metadata_1: Option<String>,
    metadata_2: Option<String>,
}

impl Query {
    fn read(fields: &Fields) -> Result<Option<Self>, BadField> {
        let names = [
            "referenceNumber",
            "dailyTransactionID",
            "dailyTransactionId",
            "name",
            "phoneNumber",
            "email",
            "total",
            "metadata1",
            "metadata2",
        ];
        if names.iter().all(|name| fields.is_absent(name)) {
            return Ok(None);
        }
        Ok(Some(Self {
            reference_number: fields.text(&["referenceNumber"])?,
            daily_transaction_id: fields.whole(&["dailyTransactionID", "dailyTransactionId"])?,
            name: fields.text(&["name"])?,
            phone_number: fields.text(&["phoneNumber"])?,
            email: fields.text(&["email"])?,
            total: fields.amount(&["total"])?,
            metadata_1: fields.text(&["metadata1"])?,
            metadata_2: fields.text(&["metadata2"])?,
        }))
    }

    /// Search covers movements of money: payments without a reference number are excluded.
    fn matches(&self, payment: &SimulatedPayment) -> bool {
        let Some(reference) = &payment.reference_number else { return false };
        let customer = &payment.customer;
        equals(&self.reference_number, Some(reference.as_str()))
            && self.daily_transaction_id.is_none_or(|number| number == daily_number(payment))
            && equals(&self.name, customer.name.as_deref())
            && equals(&self.phone_number, customer.phone.as_deref().map(phone).as_deref())
            && equals(&self.email, customer.email.as_deref())
            && self.total.is_none_or(|total| total == payment.total)
            && equals(&self.metadata_1, Some(&payment.metadata_1))
            && equals(&self.metadata_2, Some(&payment.metadata_2))
    }
}

fn equals(wanted: &Option<String>, found: Option<&str>) -> bool {
    wanted.as_deref().is_none_or(|wanted| Some(wanted) == found)
}
