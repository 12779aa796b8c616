//! Whether writes share a commit.

/// How many writes share one commit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Batching {
    /// All that wait, up to 256.
    #[default]
    Grouped,
    /// One: to measure what sharing brings.
    OneByOne,
}

impl Batching {
    pub(crate) fn most(self) -> usize {
        match self {
            Self::Grouped => 256,
            Self::OneByOne => 1,
        }
    }
}
