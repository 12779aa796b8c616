//! Why an operation failed.

use std::sync::Arc;

use crate::models::{Amount, InvalidRefund, RefundId, RefundState, Status, TransactionId};
use crate::provider::{InvalidRequest, ProviderError};
use crate::receiver::BoxError;
use crate::store::StoreError;

/// Why a payment can't be created, authorized, cancelled, changed or refunded.
///
/// ```
/// use athm_core::errors::OperationError;
///
/// fn is_money_in_doubt(error: &OperationError) -> bool {
///     matches!(error, OperationError::RefundUnknown { .. } | OperationError::RefundPending { .. } | OperationError::Closed)
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OperationError {
    /// Callbacks are trusted: there are no tokens to call the provider with.
    #[error("callbacks are trusted: there are no tokens to call the provider with")]
    NoProvider,
    /// There is no such payment.
    #[error("there is no payment {id}")]
    UnknownTransaction {
        /// The payment that was named.
        id: TransactionId,
    },
    /// The payment wasn't opened here, or too long ago: nothing is kept to authorize it with.
    #[error(
        "nothing is kept to authorize the payment {id} with: it was opened elsewhere, has ended, or is older than 15 minutes"
    )]
    NoAuthToken {
        /// The payment that was named.
        id: TransactionId,
    },
    /// The payment may have been opened, or not. Its id is unknown, so no customer can pay it.
    #[error("the payment may have been opened, or not; no money can move for it, and a new payment may be opened")]
    CreateUnknown(#[source] ProviderError),
    /// The payment of an intent couldn't be opened yet. athm goes on trying until its deadline: open no other for its order.
    #[error("the payment {id} couldn't be opened yet, and is tried again until its deadline: open no other ({reason})")]
    NotOpenedYet {
        /// The id of the intent.
        id: TransactionId,
        /// Why not.
        reason: String,
    },
    /// The payment is completed, and can't be cancelled any more: give the money back instead.
    #[error("the payment {id} is completed, and can't be cancelled any more: refund it instead")]
    Completed {
        /// The payment that was named.
        id: TransactionId,
    },
    /// The payment has ended, so that nothing can be changed about it.
    #[error("the payment {id} has ended ({status}), so that nothing can be changed about it")]
    Ended {
        /// The payment that was named.
        id: TransactionId,
        /// The state in which it ended.
        status: Status,
    },
    /// The provider reports another total than the one that the payment was opened with. It isn't authorized, and fires no
    /// `completed`, until that is [accepted](crate::Athm::accept_mismatch).
    #[error("the payment {id} was opened with a total of {expected}, and the provider says {total}: accept it first")]
    Mismatch {
        /// The payment that was named.
        id: TransactionId,
        /// The total that it was opened with.
        expected: Amount,
        /// The total that the provider reports.
        total: Amount,
    },
    /// A check of the program's own refuses the payment. **Where it is completed, the money has moved**: no receiver runs
    /// for it, and [`Athm::problems`](crate::Athm::problems) lists it.
    #[error("a check refuses the payment {id}, which is {status}: {reason}")]
    Rejected {
        /// The payment that was named.
        id: TransactionId,
        /// The state that it is in.
        status: Status,
        /// What the check says.
        reason: String,
    },
    /// The program has cancelled the payment, and the outcome isn't known yet. The cancel is sent again until the payment
    /// has ended.
    #[error("the payment {id} was cancelled, and the outcome isn't known yet: it isn't authorized meanwhile")]
    CancelUnresolved {
        /// The payment that was named.
        id: TransactionId,
    },
    /// Another call for the payment is under way, and doesn't end.
    #[error("another call for the payment {id} is under way: try again in a moment")]
    UnderWay {
        /// The payment that was named.
        id: TransactionId,
    },
    /// An earlier authorization has no known outcome yet. athm asks the provider until it is known.
    #[error("an earlier authorization of the payment {id} has an unknown outcome: try again in 30 seconds")]
    Unresolved {
        /// The payment that was named.
        id: TransactionId,
    },
    /// There is nothing to refund: the payment isn't completed, or has no reference number yet.
    #[error(
        "the payment {id} can't be refunded: it is {status}, and a refund needs a completed payment with a reference number"
    )]
    NotPaid {
        /// The payment that was named.
        id: TransactionId,
        /// The state that it is in.
        status: Status,
    },
    /// The refund is larger than what is left to refund. Nothing was sent.
    #[error("only {left} of the payment {id} is left to refund")]
    RefundTooMuch {
        /// The payment that was named.
        id: TransactionId,
        /// What is left to refund.
        left: Amount,
    },
    /// An earlier refund of the payment has no known outcome yet. Nothing was sent.
    #[error(
        "the refund {refund} of the payment {id} has no known outcome yet: no further refund is possible until then"
    )]
    RefundPending {
        /// The payment that was named.
        id: TransactionId,
        /// The earlier refund.
        refund: RefundId,
    },
    /// The refund may have been done, or not. Its amount stays reserved while athm finds out; don't repeat it.
    #[error("the refund {refund} may have been done, or not: athm finds out; don't repeat it")]
    RefundUnknown {
        /// The refund.
        refund: RefundId,
        /// What came in place of an answer, or why the answer couldn't be recorded.
        #[source]
        source: BoxError,
    },
    /// The idempotency key was used for a payment with another content. Nothing was sent.
    #[error("the idempotency key was used for a payment with another content")]
    KeyTaken,
    /// The intent to open the payment isn't committed, or its transaction was rolled back. Nothing was sent.
    #[error("the intent to open the payment {id} isn't committed: commit your transaction first, and open it then")]
    NotCommitted {
        /// The id that the payment was to have.
        id: TransactionId,
    },
    /// The payment couldn't be opened by its deadline, or the provider refused it. No money can move for it.
    #[error("the payment {id} couldn't be opened: {reason}")]
    NotOpened {
        /// The id that the payment was to have.
        id: TransactionId,
        /// What the provider answered last, or that no time is left.
        reason: String,
    },
    /// The transaction is on another database than athm's. Nothing was written.
    #[error("the transaction is on another database than athm's: what is to commit with it must be in one database")]
    OtherDatabase,
    /// The intent to open the payment couldn't be written in the transaction. Nothing was sent.
    #[error("the intent to open the payment couldn't be written in this transaction")]
    NotWritten(#[source] BoxError),
    /// There is no such refund.
    #[error("there is no refund {id}")]
    UnknownRefund {
        /// The refund that was named.
        id: RefundId,
    },
    /// There is nothing to resolve: it is known whether the refund was done, or it is under way right now.
    #[error("the refund {id} can't be resolved: it is {state}, or under way right now")]
    RefundNotPending {
        /// The refund that was named.
        id: RefundId,
        /// How it stands.
        state: RefundState,
    },
    /// The provider couldn't be asked about the payment, or doesn't know it. Nothing was changed.
    #[error("the provider couldn't be asked about the payment")]
    Lookup(#[source] Arc<ProviderError>),
    /// The provider refused, or gave no clear answer. See [`ProviderError::is_outcome_unknown`].
    #[error("the call to the provider failed")]
    Provider(#[from] ProviderError),
    /// The database can't do it. Of a refund: nothing was sent. Of anything else: the provider did it, or may have, and that
    /// couldn't be recorded; ask again.
    #[error("the payment couldn't be recorded")]
    Store(#[from] StoreError),
    /// athm was shut down meanwhile. What was under way may have been done: the next start finds out.
    #[error("athm was shut down")]
    Closed,
}

impl From<InvalidRefund> for OperationError {
    fn from(error: InvalidRefund) -> Self {
        InvalidRequest::from(error).into()
    }
}

impl From<InvalidRequest> for OperationError {
    fn from(error: InvalidRequest) -> Self {
        Self::Provider(error.into())
    }
}
