//! Who paid.

use std::fmt;

/// Who paid, as the provider reports it. Its `Debug` shows nothing personal, so that no log does.
///
/// ```
/// use athm_core::{Customer, receiver};
///
/// #[receiver(completed)] // delivered once the provider has named the customer
/// fn thank(customer: &Customer) {
///     if let Some(email) = &customer.email {
///         send(email, "Thank you!");
///     }
/// }
/// # fn send(_: &str, _: &str) {}
/// # let _ = thank;
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Customer {
    /// The customer's name.
    pub name: Option<String>,
    /// The customer's phone: its digits alone, ten of them in Puerto Rico.
    pub phone: Option<String>,
    /// The customer's e-mail address.
    pub email: Option<String>,
    /// The words that the customer sent along with an app payment or donation.
    pub message: Option<String>,
}

impl Customer {
    /// `None` if nothing is known of the customer.
    pub(crate) fn non_empty(self) -> Option<Self> {
        (self != Self::default()).then_some(self)
    }
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Customer([redacted])")
    }
}
