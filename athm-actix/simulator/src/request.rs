//! One request of the provider's API, as its endpoint sees it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use athm_core::Amount;
use athm_core::ids::EcommerceId;

use crate::faults::{Effect, Fault};
use crate::shared::Shared;

/// A request's number in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestNumber(pub(crate) u64);

/// What the middleware passes to an endpoint besides the body.
#[derive(Debug, Clone)]
pub(crate) struct ApiRequest {
    number: Option<u64>,
    fault: Option<Fault>,
}

impl ApiRequest {
    /// Whether the request takes effect, independent of its answer.
    pub(crate) fn effect(&self) -> Effect {
        self.fault.as_ref().map_or(Effect::Done, Fault::effect)
    }

    /// The total that replaces the requested one.
    pub(crate) fn other_total(&self) -> Option<Amount> {
        match self.fault {
            Some(Fault::Total(total)) => Some(total),
            _ => None,
        }
    }

    /// Whether a refund is answered with the refunded amount from before.
    pub(crate) fn has_stale_refunded_amount(&self) -> bool {
        self.fault == Some(Fault::StaleRefundedAmount)
    }

    /// Logs the payment that the request names.
    pub(crate) fn log_payment(&self, shared: &Shared, payment: EcommerceId) {
        let mut log = shared.log();
        if let Some(request) = self.number.and_then(|number| log.request_mut(number)) {
            request.payment = Some(payment);
        }
    }

    /// Logs the amount that the request asks for.
    pub(crate) fn log_amount(&self, shared: &Shared, amount: Amount) {
        let mut log = shared.log();
        if let Some(request) = self.number.and_then(|number| log.request_mut(number)) {
            request.amount = Some(amount);
        }
    }
}

impl FromRequest for ApiRequest {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let number = extensions.get::<RequestNumber>().map(|number| number.0);
        let fault = extensions.get::<Fault>().cloned();
        ready(Ok(Self { number, fault }))
    }
}
