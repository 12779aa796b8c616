//! The simulator's errors.

use std::io;

use athm_core::ids::EcommerceId;
use athm_core::{Amount, Status};

/// An error of a [`Simulator`](crate::Simulator): it can't start, or a call is refused.
///
/// ```
/// use athm_core::{Amount, Status};
/// use athm_simulator::{SimulatedPayment, Simulator, SimulatorError};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = Simulator::start().await?;
/// let id = simulator.insert(SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Cancelled));
/// let error = simulator.approve(&id).unwrap_err();
/// assert!(matches!(error, SimulatorError::WrongStatus { status: Status::Cancelled, .. }));
/// # Ok(()) }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The port is taken or not permitted.
    #[error("the simulator can't listen on 127.0.0.1:{port}; choose another port, or 0 for a free one")]
    Bind {
        /// The requested port; 0 means any free one.
        port: u16,
        /// The operating system's error.
        source: io::Error,
    },
    /// The server or its thread can't be started.
    #[error("the simulator's server can't be started")]
    Start {
        /// The operating system's error.
        source: io::Error,
    },
    /// No payment has that `ecommerceId`.
    #[error("the simulator has no payment {id}")]
    UnknownPayment {
        /// The requested `ecommerceId`.
        id: EcommerceId,
    },
    /// The payment's state doesn't allow the change.
    #[error("payment {id} is {status}; only {expected} payments can be {wanted}")]
    WrongStatus {
        /// The payment.
        id: EcommerceId,
        /// Its state.
        status: Status,
        /// The states that allow the change.
        expected: &'static str,
        /// The requested change.
        wanted: &'static str,
    },
    /// The payment exceeds the limit of the customer's card, and was cancelled.
    #[error("payment {id} is over the limit of the customer's card")]
    OverLimit {
        /// The payment.
        id: EcommerceId,
    },
    /// The refund exceeds what is left of the payment.
    #[error("at most {left} of payment {id} can be refunded")]
    NotRefundable {
        /// The payment.
        id: EcommerceId,
        /// The amount that can still be refunded.
        left: Amount,
    },
    /// The text names no [`Fault`](crate::Fault).
    #[error("{found:?} is not a fault; known are: {known}")]
    UnknownFault {
        /// The text.
        found: String,
        /// Examples of all text forms.
        known: String,
    },
    /// The text names no [`WebhookFault`](crate::WebhookFault).
    #[error("{found:?} is not a webhook fault; known are: {known}")]
    UnknownWebhookFault {
        /// The text.
        found: String,
        /// Examples of all text forms.
        known: String,
    },
    /// The text names no [`Outage`](crate::Outage).
    #[error("{found:?} is not an outage; known are: {known}")]
    UnknownOutage {
        /// The text.
        found: String,
        /// All text forms.
        known: String,
    },
    /// The webhook URL isn't on loopback.
    #[error(
        "the simulator sends webhooks only to this machine, as in http://127.0.0.1:8080/athm/webhook: found {url:?}"
    )]
    WebhookUrl {
        /// The URL.
        url: String,
    },
}
