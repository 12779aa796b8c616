//! A payment to be opened.

use std::time::Duration;

use super::{Amount, Item, PhoneNumber};

/// A payment that is to be opened at the provider: [`Athm::create`](crate::Athm::create).
///
/// ```
/// use athm_core::{Amount, Item, NewPayment};
///
/// let payment = NewPayment::new(Amount::from_cents(2500), "order-7")
///     .tax(Amount::from_cents(258))
///     .item(Item::new("Coffee", Amount::from_cents(2242)));
/// assert!(payment.validate().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a payment is opened by `Athm::create`"]
pub struct NewPayment {
    pub(crate) total: Amount,
    pub(crate) subtotal: Option<Amount>,
    pub(crate) tax: Amount,
    pub(crate) metadata_1: String,
    pub(crate) metadata_2: String,
    pub(crate) items: Vec<Item>,
    pub(crate) timeout: Duration,
    pub(crate) phone: Option<PhoneNumber>,
    pub(crate) idempotency_key: Option<String>,
}

impl NewPayment {
    const MIN_TOTAL: Amount = Amount::from_cents(100);
    const MAX_TOTAL: Amount = Amount::from_cents(150_000);
    const MAX_METADATA_CHARS: usize = 40;
    const MAX_KEY_CHARS: usize = 255;
    const TIMEOUT: std::ops::RangeInclusive<u64> = 120..=600;

    /// A payment of that total. `metadata_1` is what ties it to your order, 1 to 40 characters, not all of them blank.
    pub fn new(total: Amount, metadata_1: impl Into<String>) -> Self {
        Self {
            total,
            subtotal: None,
            tax: Amount::ZERO,
            metadata_1: metadata_1.into(),
            metadata_2: String::from("-"),
            items: Vec::new(),
            timeout: Duration::from_secs(*Self::TIMEOUT.end()),
            phone: None,
            idempotency_key: None,
        }
    }

    /// The second text to attach, 1 to 40 characters (`-` unless given: the provider refuses an empty one).
    pub fn metadata_2(mut self, text: impl Into<String>) -> Self {
        self.metadata_2 = text.into();
        self
    }

    /// The part of the total before tax (the total less the tax, unless given). It is shown to the customer.
    pub fn subtotal(mut self, subtotal: Amount) -> Self {
        self.subtotal = Some(subtotal);
        self
    }

    /// The tax within the total. It is shown to the customer.
    pub fn tax(mut self, tax: Amount) -> Self {
        self.tax = tax;
        self
    }

    /// One more line of what is bought.
    pub fn item(mut self, item: Item) -> Self {
        self.items.push(item);
        self
    }

    /// How long the customer has to approve it: whole seconds, 120 to 600 (600 unless given).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The phone that is to approve it: a payment that is created here is approved on the customer's phone. The provider's
    /// checkout button can't show it: the button's script opens a payment of its own.
    pub fn phone(mut self, phone: PhoneNumber) -> Self {
        self.phone = Some(phone);
        self
    }

    /// A name of yours for this payment, 1 to 255 characters: a second call with the same key and content opens no second
    /// payment. It returns the first one, also after a restart and from another process. A payment that couldn't be opened is
    /// opened by the next call with its key, for the phone of that call. athm keeps the key; the provider knows none.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Checks the provider's rules, so that a refusal costs no request.
    ///
    /// # Errors
    ///
    /// [`InvalidPayment`] names the first rule that is broken.
    pub fn validate(&self) -> Result<(), InvalidPayment> {
        if !(Self::MIN_TOTAL..=Self::MAX_TOTAL).contains(&self.total) {
            return Err(InvalidPayment::Total { found: self.total });
        }
        for (field, text) in [("metadata1", &self.metadata_1), ("metadata2", &self.metadata_2)] {
            let length = text.chars().count();
            if text.trim().is_empty() || length > Self::MAX_METADATA_CHARS {
                return Err(InvalidPayment::Metadata { field, length });
            }
        }
        if !Self::TIMEOUT.contains(&self.timeout.as_secs()) || self.timeout.subsec_nanos() != 0 {
            return Err(InvalidPayment::Timeout { found: self.timeout });
        }
        if let Some(key) = &self.idempotency_key {
            let length = key.chars().count();
            if length == 0 || length > Self::MAX_KEY_CHARS {
                return Err(InvalidPayment::IdempotencyKey { length });
            }
        }
        Ok(())
    }

    pub(crate) fn stated_subtotal(&self) -> Amount {
        self.subtotal.or_else(|| self.total.checked_sub(self.tax)).unwrap_or(self.total)
    }
}

/// Why the provider would refuse a payment.
///
/// ```
/// use athm_core::errors::InvalidPayment;
/// use athm_core::{Amount, NewPayment};
///
/// let error = NewPayment::new(Amount::from_cents(99), "order-7").validate().unwrap_err();
/// assert!(matches!(error, InvalidPayment::Total { .. }));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPayment {
    /// Too little, or too much.
    #[error("the total must be 1.00 to 1500.00 dollars, found {found}")]
    Total {
        /// The total asked for.
        found: Amount,
    },
    /// An attached text is empty or too long.
    #[error("{field} must have 1 to 40 characters, not all of them blank; found {length}")]
    Metadata {
        /// The provider's name of the field.
        field: &'static str,
        /// How many characters it has.
        length: usize,
    },
    /// The customer would have too little time, or too much.
    #[error("the timeout must be 120 to 600 whole seconds, found {found:?}")]
    Timeout {
        /// The timeout asked for.
        found: Duration,
    },
    /// The key is empty or too long.
    #[error("an idempotency key must have 1 to 255 characters, found {length}")]
    IdempotencyKey {
        /// How many characters it has.
        length: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_providers_limits_are_checked_before_anything_is_sent() {
        let payment = |cents| NewPayment::new(Amount::from_cents(cents), "order-7");
        assert_eq!(payment(100).validate(), Ok(()));
        assert_eq!(payment(150_000).validate(), Ok(()));
        assert!(matches!(payment(99).validate(), Err(InvalidPayment::Total { .. })));
        assert!(matches!(payment(150_001).validate(), Err(InvalidPayment::Total { .. })));
        assert_eq!(NewPayment::new(Amount::from_cents(100), "ñ".repeat(40)).validate(), Ok(()));
        for metadata in [String::new(), " ".into(), "x".repeat(41)] {
            let error = payment(100).metadata_2(metadata).validate().unwrap_err();
            assert!(matches!(error, InvalidPayment::Metadata { field: "metadata2", .. }));
        }
        for timeout in [119_000, 601_000, 120_500] {
            let error = payment(100).timeout(Duration::from_millis(timeout)).validate().unwrap_err();
            assert!(matches!(error, InvalidPayment::Timeout { .. }));
        }
    }
}
