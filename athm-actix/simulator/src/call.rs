//! One request of the provider's API, as its endpoint sees it.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use athm_core::{Amount, EcommerceId};

use crate::Effect;
use crate::shared::Shared;

/// The number that a request has in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) u64);

/// What an endpoint is told besides its body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call {
    number: Option<u64>,
    /// What may come of it, however it will be answered.
    pub(crate) effect: Effect,
}

impl Call {
    /// Notes in the log which payment it is about.
    pub(crate) fn is_about(self, shared: &Shared, payment: EcommerceId) {
        let mut log = shared.log();
        if let Some(request) = self.number.and_then(|number| log.of(number)) {
            request.payment = Some(payment);
        }
    }

    /// Notes in the log how much money it is about.
    pub(crate) fn is_about_amount(self, shared: &Shared, amount: Amount) {
        let mut log = shared.log();
        if let Some(request) = self.number.and_then(|number| log.of(number)) {
            request.amount = Some(amount);
        }
    }
}

impl FromRequest for Call {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let extensions = request.extensions();
        let number = extensions.get::<Number>().map(|number| number.0);
        let effect = extensions.get::<Effect>().copied().unwrap_or(Effect::Done);
        ready(Ok(Self { number, effect }))
    }
}
