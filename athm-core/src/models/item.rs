//! Items: the lines of a payment.

use super::Amount;

/// One line of what was bought, as the merchant listed it.
///
/// ```
/// use athm_core::{Amount, Item};
///
/// let coffee = Item::new("Coffee", Amount::from_cents(350)).quantity(2).description("Yauco, medium roast");
/// assert_eq!(coffee.quantity, 2);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Item {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub description: String,
    /// The quantity.
    pub quantity: u32,
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
            quantity: 1,
            price,
            tax: Amount::ZERO,
            metadata: String::new(),
            sku: String::new(),
        }
    }

    /// The quantity.
    #[must_use]
    pub fn quantity(mut self, quantity: u32) -> Self {
        self.quantity = quantity;
        self
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
