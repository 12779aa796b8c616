//! A person's word on a refund.

/// What became of a refund, as a person has found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RefundResolution {
    /// The money was given back.
    Done,
    /// It was not.
    NotDone,
}
