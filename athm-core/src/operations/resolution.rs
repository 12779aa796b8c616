//! How a person resolves a refund without a known outcome.

/// What a person found out about a refund, in the ATH Business app for example.
///
/// ```no_run
/// # async fn resolve(athm: athm_core::Athm, refund: athm_core::ids::RefundId) -> Result<(), athm_core::errors::OperationError> {
/// use athm_core::refunds::RefundResolution;
///
/// let refund = athm.refunds().resolve(refund, RefundResolution::NotDone).await?;
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
