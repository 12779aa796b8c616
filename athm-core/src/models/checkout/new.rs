//! A checkout to be offered.

use std::time::Duration;

use crate::models::{Amount, InvalidPayment, Item, Language, NewPayment};

/// A checkout that is to be offered to a customer: [`Athm::checkout`](crate::Athm::checkout).
///
/// ```
/// use athm_core::checkouts::NewCheckout;
/// use athm_core::{Amount, Item};
///
/// let checkout = NewCheckout::new(Amount::from_cents(2500), "order-7")
///     .tax(Amount::from_cents(258))
///     .item(Item::new("Coffee", Amount::from_cents(2242)))
///     .return_url("https://shop.example/orders/7")
///     .idempotency_key("order-7");
/// assert!(checkout.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a checkout is offered by `Athm::checkout`"]
pub struct NewCheckout {
    pub(crate) payment: NewPayment,
    pub(crate) language: Option<Language>,
    pub(crate) return_url: Option<String>,
}

impl NewCheckout {
    const MAX_URL_CHARS: usize = 2048;

    /// A checkout of that total. `metadata_1` is what ties its payment to your order, 1 to 40 characters, not all of them
    /// blank.
    pub fn new(total: Amount, metadata_1: impl Into<String>) -> Self {
        let payment = NewPayment::new(total, metadata_1);
        Self { payment, language: None, return_url: None }
    }

    /// The second text to attach to the payment, 1 to 40 characters (`-` unless given).
    pub fn metadata_2(mut self, text: impl Into<String>) -> Self {
        self.payment = self.payment.metadata_2(text);
        self
    }

    /// The part of the total before tax (the total less the tax, unless given).
    pub fn subtotal(mut self, subtotal: Amount) -> Self {
        self.payment = self.payment.subtotal(subtotal);
        self
    }

    /// The tax within the total.
    pub fn tax(mut self, tax: Amount) -> Self {
        self.payment = self.payment.tax(tax);
        self
    }

    /// One more line of what is bought.
    pub fn item(mut self, item: Item) -> Self {
        self.payment = self.payment.item(item);
        self
    }

    /// How long the customer has to approve each payment: whole seconds, 120 to 600 (600 unless given).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.payment = self.payment.timeout(timeout);
        self
    }

    /// The page's language. Unless given, it is what the customer's browser prefers.
    pub fn language(mut self, language: Language) -> Self {
        self.language = Some(language);
        self
    }

    /// Where the customer goes on afterwards: an `https` or `http` address, or a path of your own that begins with `/`. At
    /// most 2048 characters.
    pub fn return_url(mut self, url: impl Into<String>) -> Self {
        self.return_url = Some(url.into());
        self
    }

    /// A name of yours for this checkout, 1 to 255 characters: a second call with the same key and content returns the
    /// first checkout instead of a second one.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.payment = self.payment.idempotency_key(key);
        self
    }

    /// Checks the provider's rules and athm's own. Nothing is sent for it.
    ///
    /// # Errors
    ///
    /// [`InvalidCheckout`] names the first rule that is broken.
    pub fn validate(&self) -> Result<(), InvalidCheckout> {
        self.payment.validate()?;
        if let Some(url) = &self.return_url
            && !is_address(url)
        {
            return Err(InvalidCheckout::ReturnUrl);
        }
        Ok(())
    }
}

/// A link with another scheme (`javascript:`) would run as a script of the page.
fn is_address(url: &str) -> bool {
    let is_plain = url.len() <= NewCheckout::MAX_URL_CHARS && url.bytes().all(|byte| byte.is_ascii_graphic());
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    // Browsers read `//host` and `/\host` as another host.
    let is_path = url.starts_with('/') && !url[1..].starts_with(['/', '\\']);
    is_plain && (is_path || host.is_some_and(|host| !host.is_empty() && !host.starts_with(['/', '\\', '?', '#'])))
}

/// Why a checkout can't be offered.
///
/// ```
/// use athm_core::Amount;
/// use athm_core::checkouts::{InvalidCheckout, NewCheckout};
///
/// let error = NewCheckout::new(Amount::from_cents(2500), "order-7").return_url("javascript:alert(1)").validate();
/// assert_eq!(error.unwrap_err(), InvalidCheckout::ReturnUrl);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCheckout {
    /// Its payment breaks a rule of the provider's, or its idempotency key one of athm's.
    #[error(transparent)]
    Payment(#[from] InvalidPayment),
    /// The customer can't be sent there.
    #[error(
        "return_url must be an http or https address, or a path that begins with one slash, of 2048 characters at most"
    )]
    ReturnUrl,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_sent_back_to_pages_only() {
        let check = |url: &str| NewCheckout::new(Amount::from_cents(2500), "order-7").return_url(url).validate();
        for url in ["https://shop.example", "http://127.0.0.1:8080/orders/7?x=1", "/", "/orders/7"] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
        let long = format!("/{}", "x".repeat(2048));
        for url in [
            "",
            "javascript:alert(1)",
            "//evil.example",
            "/\\evil.example",
            "https://",
            "orders/7",
            "/a b",
            "/\n",
            &long,
        ] {
            assert_eq!(check(url), Err(InvalidCheckout::ReturnUrl), "{url}");
        }
    }

    #[test]
    fn the_payments_own_rules_and_the_key_are_checked() {
        let new = |cents| NewCheckout::new(Amount::from_cents(cents), "order-7");
        assert!(matches!(new(99).validate(), Err(InvalidCheckout::Payment(InvalidPayment::Total { .. }))));
        let no_key = InvalidCheckout::Payment(InvalidPayment::IdempotencyKey { length: 0 });
        assert_eq!(new(100).idempotency_key("").validate(), Err(no_key));
        assert_eq!(new(100).idempotency_key("ñ".repeat(255)).validate(), Ok(()));
    }
}
