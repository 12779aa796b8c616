//! The items of a checkout in one column: they are read and written as a whole.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde::de::Error as _;
use serde::{Deserialize, Serialize};

use crate::models::{Amount, Item};

/// Items as JSON, with amounts in cents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StoredItems(pub(crate) Vec<Item>);

#[derive(Serialize, Deserialize)]
struct StoredItem {
    name: String,
    description: String,
    quantity: String,
    price: i64,
    tax: i64,
    metadata: String,
    sku: String,
}

impl fmt::Display for StoredItems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items = self.0.iter().map(|item| StoredItem {
            name: item.name.clone(),
            description: item.description.clone(),
            quantity: item.quantity.to_string(),
            price: item.price.cents(),
            tax: item.tax.cents(),
            metadata: item.metadata.clone(),
            sku: item.sku.clone(),
        });
        let json = serde_json::to_string(&items.collect::<Vec<_>>()).map_err(|_| fmt::Error)?;
        f.write_str(&json)
    }
}

impl FromStr for StoredItems {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, serde_json::Error> {
        let items: Vec<StoredItem> = serde_json::from_str(text)?;
        let item = |stored: StoredItem| {
            let quantity = stored.quantity.parse::<Decimal>().map_err(serde_json::Error::custom)?;
            Ok(Item {
                name: stored.name,
                description: stored.description,
                quantity,
                price: Amount::from_cents(stored.price),
                tax: Amount::from_cents(stored.tax),
                metadata: stored.metadata,
                sku: stored.sku,
            })
        };
        items.into_iter().map(item).collect::<Result<_, serde_json::Error>>().map(Self)
    }
}

#[test]
fn items_are_read_back_as_they_were_written() {
    let cheese = Item::new("Queso \"fresco\"", Amount::from_cents(1250)).quantity(Decimal::new(75, 2)).sku("q-1");
    let items = StoredItems(vec![cheese.description("a\u{0}b"), Item::new("Mug", Amount::from_cents(100))]);
    assert_eq!(items.to_string().parse::<StoredItems>().unwrap(), items);
    assert_eq!("[]".parse::<StoredItems>().unwrap(), StoredItems::default());
}
