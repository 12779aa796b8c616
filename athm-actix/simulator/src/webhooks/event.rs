//! The events that webhooks report.

use std::fmt;

use athm_core::{Status, TransactionKind};

use crate::payment::SimulatedPayment;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Completed,
    Cancelled,
    Expired,
    Payment,
    Donation,
    Refund,
    Simulated,
}

impl Event {
    /// The events of a subscription.
    pub(crate) const SUBSCRIBABLE: [Self; 6] =
        [Self::Payment, Self::Refund, Self::Donation, Self::Completed, Self::Cancelled, Self::Expired];

    /// The event of a payment that has just reached its status.
    pub(super) fn of(payment: &SimulatedPayment) -> Option<Self> {
        match (&payment.kind, &payment.status) {
            (TransactionKind::Ecommerce, Status::Completed) => Some(Self::Completed),
            (TransactionKind::Ecommerce, Status::Cancelled) => Some(Self::Cancelled),
            (TransactionKind::Ecommerce, Status::Expired) => Some(Self::Expired),
            (TransactionKind::Payment, Status::Completed) => Some(Self::Payment),
            (TransactionKind::Donation, Status::Completed) => Some(Self::Donation),
            (TransactionKind::Refund, Status::Completed) => Some(Self::Refund),
            (TransactionKind::Simulated, _) => Some(Self::Simulated),
            _ => None,
        }
    }

    /// Its field in the subscribe request.
    pub(crate) fn field(self) -> &'static str {
        match self {
            Self::Completed => "ecommercePaymentReceivedEvent",
            Self::Cancelled => "ecommercePaymentCancelledEvent",
            Self::Expired => "ecommercePaymentExpiredEvent",
            Self::Payment => "paymentReceivedEvent",
            Self::Donation => "donationReceivedEvent",
            Self::Refund => "refundSentEvent",
            Self::Simulated => "simulatedEvent",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Completed => "ecommerce completed",
            Self::Cancelled => "ecommerce cancelled",
            Self::Expired => "ecommerce expired",
            Self::Payment => "payment",
            Self::Donation => "donation",
            Self::Refund => "refund",
            Self::Simulated => "simulated",
        })
    }
}
