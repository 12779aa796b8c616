//! What can go wrong with a simulator.

use std::io;

use athm_core::{EcommerceId, Status};

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
}
