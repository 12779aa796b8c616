//! What a customer posts to pay.

use std::fmt;
use std::net::IpAddr;

use crate::models::PhoneNumber;

/// A customer's wish to pay a checkout: [`Checkouts::pay`](crate::checkouts::Checkouts::pay).
///
/// ```
/// use athm_core::checkouts::PayCheckout;
///
/// let request = PayCheckout::new("787-555-0199".parse()?).email("ines@example.com").known_attempts(0);
/// # Ok::<(), athm_core::errors::IdError>(())
/// ```
#[derive(Clone)]
#[must_use = "it is carried out by `Checkouts::pay`"]
pub struct PayCheckout {
    pub(super) phone: PhoneNumber,
    pub(super) email: Option<String>,
    pub(super) known_attempts: Option<u32>,
    pub(super) address: Option<IpAddr>,
}

impl PayCheckout {
    /// The phone that is to approve.
    pub fn new(phone: PhoneNumber) -> Self {
        Self { phone, email: None, known_attempts: None, address: None }
    }

    /// Where the customer wants a receipt. Cut after 254 characters, the longest address there is; an empty one is none.
    pub fn email(mut self, email: impl AsRef<str>) -> Self {
        let email: String = email.as_ref().trim().chars().filter(|char| !char.is_control()).take(254).collect();
        self.email = Some(email).filter(|email| !email.is_empty());
        self
    }

    /// How many [attempts](crate::checkouts::Checkout::attempts) the page knew of that the customer pressed the button on:
    /// an old page that is posted again opens no payment.
    pub fn known_attempts(mut self, attempts: u32) -> Self {
        self.known_attempts = Some(attempts);
        self
    }

    /// Whom to count the request against: an address may change checkouts 20 times at once, and once a second after that.
    pub fn address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }
}

/// Without the e-mail address.
impl fmt::Debug for PayCheckout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PayCheckout").field("known_attempts", &self.known_attempts).finish_non_exhaustive()
    }
}
