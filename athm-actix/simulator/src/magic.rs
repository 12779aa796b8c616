//! Phone numbers of customers who don't decide for themselves.

use crate::SimulatedPayment;

/// A customer whose part is played by a phone number, given when a payment is opened or sent to another phone.
///
/// ```
/// use athm_simulator::{Phone, SimulatedPayment, Simulator};
/// use athm_core::{Amount, NewPayment, Status};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = Simulator::start().await?;
/// let client = athm_core::provider::Client::builder("public", "private").api_url(simulator.url()).build()?;
/// let payment = NewPayment::new(Amount::from_cents(2500), "order-7").phone(Phone::Approves.number().parse()?);
/// let ticket = client.create(&payment).await?;
/// assert_eq!(client.find(&ticket.ecommerce_id).await?.status(), &Status::Confirmed);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Phone {
    /// `7875550190`: approves every payment at once.
    Approves,
    /// `7875550191`: declines every payment at once.
    Declines,
    /// `7875550192`: approves like anybody else, but the authorization is refused with `BTRA_0045` (over the limit of
    /// the card), and ends the payment.
    OverLimit,
    /// `7875550193`: can't be sent a payment: `BTRA_0002`.
    Blocked,
}

impl Phone {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Approves, Self::Declines, Self::OverLimit, Self::Blocked];

    /// Its ten digits.
    #[must_use]
    pub const fn number(self) -> &'static str {
        match self {
            Self::Approves => "7875550190",
            Self::Declines => "7875550191",
            Self::OverLimit => "7875550192",
            Self::Blocked => "7875550193",
        }
    }

    /// Whose phone a payment was sent to, if it is one of these.
    pub(crate) fn of(payment: &SimulatedPayment) -> Option<Self> {
        let number = payment.customer.phone.as_deref()?;
        Self::ALL.into_iter().find(|phone| phone.number() == number)
    }
}
