//! Items: the lines of a payment.

use rust_decimal::Decimal;

use super::Amount;

/// One line of what was bought, as the merchant listed it.
///
/// ```
/// use athm_core::{Amount, Item};
///
/// let coffee = Item::new("Coffee", Amount::from_cents(350)).quantity(2).description("Yauco, medium roast");
/// assert_eq!(coffee.quantity, 2.into());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The quantity. It isn't whole for what is sold by weight.
    pub quantity: Decimal,
    /// The price of one.
    pub price: Amount,
    /// The tax on it.
    pub tax: Amount,
    /// A text of the merchant's.
    pub metadata: String,
    /// The merchant's stock-keeping unit.
    pub sku: String,
}

impl Item {
    /// One piece at that price.
    #[must_use]
    pub fn new(name: impl Into<String>, price: Amount) -> Self {
        Self {
            name: name.into(),
            description: String::new(),
            quantity: Decimal::ONE,
            price,
            tax: Amount::ZERO,
            metadata: String::new(),
            sku: String::new(),
        }
    }

    /// The quantity.
    ///
    /// ```
    /// # use athm_core::{Amount, Item};
    /// use rust_decimal::Decimal;
    ///
    /// let cheese = Item::new("Cheese", Amount::from_cents(1200)).quantity(Decimal::new(75, 2));
    /// assert_eq!(cheese.quantity.to_string(), "0.75");
    /// ```
    #[must_use]
    pub fn quantity(mut self, quantity: impl Into<Decimal>) -> Self {
        self.quantity = quantity.into().normalize();
        self
    }

    /// The price of all of it, rounded half to even; `None` past what 64 bits of cents can hold.
    ///
    /// ```
    /// # use athm_core::{Amount, Item};
    /// # use rust_decimal::Decimal;
    /// let cheese = Item::new("Cheese", Amount::from_cents(1250)).quantity(Decimal::new(75, 2));
    /// assert_eq!(cheese.total(), Some(Amount::from_cents(938)));
    /// ```
    #[must_use]
    pub fn total(&self) -> Option<Amount> {
        Decimal::from(self.price).checked_mul(self.quantity).and_then(|total| Amount::rounded(total).ok())
    }

    /// What it is.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// The tax on it.
    #[must_use]
    pub fn tax(mut self, tax: Amount) -> Self {
        self.tax = tax;
        self
    }

    /// A text of the merchant's.
    #[must_use]
    pub fn metadata(mut self, metadata: impl Into<String>) -> Self {
        self.metadata = metadata.into();
        self
    }

    /// The merchant's stock-keeping unit.
    #[must_use]
    pub fn sku(mut self, sku: impl Into<String>) -> Self {
        self.sku = sku.into();
        self
    }
}
