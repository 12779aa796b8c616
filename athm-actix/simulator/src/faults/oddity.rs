//! Correct answers in unusual forms, as public integrations report them of the provider.

use std::fmt;
use std::str::FromStr;

/// An unusual form of a correct answer, for [`Fault::Odd`](crate::Fault::Odd). All have been seen at the provider.
///
/// ```
/// use athm_simulator::{Endpoint, Fault, Oddity, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = Simulator::start().await?;
/// for oddity in Oddity::ALL {
///     simulator.fail_next(Endpoint::Find, Fault::Odd(oddity));
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Oddity {
    /// A text in Latin-1, so that the body isn't UTF-8.
    Latin1,
    /// A text that ends with the first half of a surrogate pair, `\ud83d`.
    HalfEmoji,
    /// Dates in ISO 8601 with an offset, `2026-03-04T19:06:07+00:00`.
    OffsetDate,
    /// Refunds and refunded amounts with a minus sign.
    NegativeRefund,
    /// One more item, with a price of `10.583333`, a quantity of `"0.75"` and a tax of `0.004`.
    FractionalPrice,
    /// One more transaction in the answers of search and report, before the others, with `total` null.
    UnreadableNeighbour,
}

impl Oddity {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Latin1,
        Self::HalfEmoji,
        Self::OffsetDate,
        Self::NegativeRefund,
        Self::FractionalPrice,
        Self::UnreadableNeighbour,
    ];
}

impl fmt::Display for Oddity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Latin1 => "latin-1",
            Self::HalfEmoji => "half-emoji",
            Self::OffsetDate => "offset-date",
            Self::NegativeRefund => "negative-refund",
            Self::FractionalPrice => "fractional-price",
            Self::UnreadableNeighbour => "unreadable-neighbour",
        })
    }
}

impl FromStr for Oddity {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|oddity| oddity.to_string() == text).ok_or(())
    }
}
