//! How a person resolves a refund without a known outcome.

/// What a person found out about a refund, in the ATH Business app for example.
///
/// ```no_run
/// # async fn resolve(athm: athm_core::Athm, refund: athm_core::RefundId) -> Result<(), athm_core::OperationError> {
/// use athm_core::RefundResolution;
///
/// let refund = athm.refund_resolve(refund, RefundResolution::NotDone).await?;
/// println!("{} may be refunded again", refund.amount);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundResolution {
    /// The money was given back.
    Done,
    /// The money was not given back.
    NotDone,
}
