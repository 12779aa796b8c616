//! Phone numbers with a fixed behaviour.

use crate::payment::SimulatedPayment;

/// A phone number with a fixed behaviour. It takes effect when `create` or `update_phone` names it.
///
/// ```
/// use athm_simulator::{SimulatedPayment, Simulator, TestPhone};
/// use athm_core::{Amount, NewPayment, Status};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = Simulator::start().await?;
/// let client = athm_core::provider::Client::builder("public", "private").api_url(simulator.url()).build()?;
/// let payment = NewPayment::new(Amount::from_cents(2500), "order-7").phone(TestPhone::Approves.number().parse()?);
/// let created = client.create(&payment).await?;
/// assert_eq!(client.find(&created.ecommerce_id).await?.status(), &Status::Confirmed);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TestPhone {
    /// `7875550190`: approves every payment at once.
    Approves,
    /// `7875550191`: declines every payment at once.
    Declines,
    /// `7875550192`: the authorization of an approved payment is refused with `BTRA_0045` (over the limit of the card),
    /// and cancels the payment.
    OverLimit,
    /// `7875550193`: `create` and `update_phone` are refused with `BTRA_0002`.
    Blocked,
}

impl TestPhone {
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

    /// The test phone that a payment was sent to, if it is one.
    pub(crate) fn of(payment: &SimulatedPayment) -> Option<Self> {
        let number = payment.customer.phone.as_deref()?;
        Self::ALL.into_iter().find(|phone| phone.number() == number)
    }
}
