//! What can go wrong with a simulator.

use std::io;

use athm_core::{Amount, EcommerceId, Status};

/// Why a [`Simulator`](super::Simulator) can't start, or can't do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SimulatorError {
    /// The port is taken, or may not be used.
    #[error("the simulator can't listen on 127.0.0.1:{port}; choose another port, or none for a free one")]
    Bind {
        /// The port asked for; 0 stands for any free one.
        port: u16,
        /// What the system said.
        source: io::Error,
    },
    /// The server's thread can't be run.
    #[error("the simulator's server can't be started")]
    Start {
        /// What the system said.
        source: io::Error,
    },
    /// No payment has that `ecommerceId`.
    #[error("the simulator has no payment {id}")]
    UnknownPayment {
        /// The `ecommerceId` asked for.
        id: EcommerceId,
    },
    /// The payment isn't in a state from which it can go there.
    #[error("payment {id} is {status}; only {expected} payments can be {wanted}")]
    WrongStatus {
        /// The payment.
        id: EcommerceId,
        /// The state that it is in.
        status: Status,
        /// The states in which it would be possible.
        expected: &'static str,
        /// What was asked for.
        wanted: &'static str,
    },
    /// The customer's card isn't good for the payment, which is cancelled with that.
    #[error("payment {id} is over the limit of the customer's card")]
    OverLimit {
        /// The payment.
        id: EcommerceId,
    },
    /// So much can't be given back.
    #[error("of payment {id} {left} can be given back, and no more")]
    NotRefundable {
        /// The payment.
        id: EcommerceId,
        /// What has not been given back yet.
        left: Amount,
    },
    /// The word names no fault.
    #[error(
        "{found:?} is no fault; these are: reject=CODE, slow=2s, timeout, error, bad-gateway, garbage (each also as in timeout-after and timeout-late=5s), truncated, stale=5s, bom"
    )]
    UnknownFault {
        /// The word.
        found: String,
    },
    /// Webhooks can't be sent there.
    #[error(
        "the simulator sends webhooks to this machine alone, as in http://127.0.0.1:8080/athm/webhook: found {url:?}"
    )]
    Listener {
        /// The address.
        url: String,
    },
    /// The word names no fault of a webhook.
    #[error("{found:?} is no fault of a webhook; these are: lost, doubled, delayed=5s, reordered, forged")]
    UnknownWebhookFault {
        /// The word.
        found: String,
    },
}
