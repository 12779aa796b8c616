//! Reads fields of a JSON object in each of the provider's spellings.

use athm_core::{Amount, Item};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value};

/// A field whose value isn't what was expected.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadField {
    pub(crate) name: String,
    pub(crate) expected: &'static str,
}

impl BadField {
    pub(crate) fn message(&self) -> String {
        format!("{} must be {}", self.name, self.expected)
    }
}

/// A JSON object. Methods that take several names read the first that is present; null and blank texts count as absent.
pub(crate) struct Fields {
    map: Map<String, Value>,
    within: String,
}

impl Fields {
    /// The object in a body, if it is one.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let map = serde_json::from_slice(body).ok()?;
        Some(Self { map, within: String::new() })
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.map.contains_key(name)
    }

    /// A field's value, also null or blank.
    pub(crate) fn raw(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    pub(crate) fn is_absent(&self, name: &str) -> bool {
        self.present(&[name]).is_none()
    }

    fn present<'n>(&self, names: &[&'n str]) -> Option<(&'n str, &Value)> {
        names.iter().find_map(|name| {
            let value = self.map.get(*name)?;
            let absent = value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty());
            (!absent).then_some((*name, value))
        })
    }

    pub(crate) fn bad(&self, name: &str, expected: &'static str) -> BadField {
        BadField { name: format!("{}{name}", self.within), expected }
    }

    /// A trimmed text; a number is read as its digits.
    pub(crate) fn text(&self, names: &[&str]) -> Result<Option<String>, BadField> {
        let Some((name, value)) = self.present(names) else { return Ok(None) };
        match value {
            Value::String(text) => Ok(Some(text.trim().to_owned())),
            Value::Number(number) => Ok(Some(number.to_string())),
            _ => Err(self.bad(name, "a text")),
        }
    }

    /// An amount of money, zero or more.
    pub(crate) fn amount(&self, names: &[&str]) -> Result<Option<Amount>, BadField> {
        let Some((name, value)) = self.present(names) else { return Ok(None) };
        let amount = match value {
            Value::String(text) => text.trim().parse().ok(),
            other => Amount::deserialize(other).ok(),
        };
        match amount {
            Some(amount) if amount >= Amount::ZERO => Ok(Some(amount)),
            _ => Err(self.bad(name, "an amount of dollars, such as 25.00 or \"25.00\"")),
        }
    }

    /// A whole number, zero or more, as `3`, `3.0`, `"3"` or `"0003"`.
    pub(crate) fn whole(&self, names: &[&str]) -> Result<Option<u64>, BadField> {
        let Some((name, value)) = self.present(names) else { return Ok(None) };
        let number = match value {
            Value::String(text) => text.trim().parse().ok(),
            Value::Number(number) => number.to_string().trim_end_matches(".0").parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| self.bad(name, "a whole number"))
    }

    /// A boolean.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, BadField> {
        match self.present(&[name]) {
            None => Ok(None),
            Some((_, Value::Bool(flag))) => Ok(Some(*flag)),
            Some(_) => Err(self.bad(name, "true or false")),
        }
    }

    /// A text that parses as `T`.
    pub(crate) fn parsed<T: std::str::FromStr>(
        &self,
        names: &[&str],
        expected: &'static str,
    ) -> Result<Option<T>, BadField> {
        let Some(text) = self.text(names)? else { return Ok(None) };
        let name = self.present(names).map_or("", |(name, _)| name);
        text.parse().map(Some).map_err(|_| self.bad(name, expected))
    }

    /// The items: an array, or a text that contains one as JSON.
    pub(crate) fn items(&self) -> Result<Vec<Item>, BadField> {
        const EXPECTED: &str = "a list of items";
        let values: Vec<Value> = match self.present(&["items"]) {
            None => return Ok(Vec::new()),
            Some((_, Value::Array(values))) => values.clone(),
            Some((_, Value::String(text))) => serde_json::from_str(text).map_err(|_| self.bad("items", EXPECTED))?,
            Some(_) => return Err(self.bad("items", EXPECTED)),
        };
        let items = values.into_iter().enumerate().map(|(index, value)| match value {
            Value::Object(map) => Self { map, within: format!("items[{index}].") }.item(),
            _ => Err(self.bad(&format!("items[{index}]"), "an item")),
        });
        items.collect()
    }

    fn item(&self) -> Result<Item, BadField> {
        let text = |name| -> Result<String, BadField> { Ok(self.text(&[name])?.unwrap_or_default()) };
        let quantity = self.text(&["quantity"])?.map_or(Ok(Decimal::ONE), |text| text.trim().parse());
        let quantity = quantity.map_err(|_| self.bad("quantity", "a number of things"))?;
        let price = self.amount(&["price"])?.unwrap_or_default();
        Ok(Item::new(text("name")?, price)
            .quantity(quantity)
            .description(text("description")?)
            .tax(self.amount(&["tax"])?.unwrap_or_default())
            .metadata(text("metadata")?)
            .sku(text("sku")?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(json: &str) -> Fields {
        Fields::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn an_amount_is_a_text_or_a_number_and_blank_is_none() {
        for json in [r#"{"a":"3.00"}"#, r#"{"a":3}"#, r#"{"a":3.0}"#, r#"{"a":" 3 "}"#, r#"{"a":null,"b":3}"#] {
            assert_eq!(fields(json).amount(&["a", "b"]), Ok(Some(Amount::from_cents(300))), "{json}");
        }
        for json in [r#"{}"#, r#"{"a":null}"#, r#"{"a":""}"#] {
            assert_eq!(fields(json).amount(&["a"]), Ok(None), "{json}");
        }
        for json in [r#"{"a":"x"}"#, r#"{"a":true}"#, r#"{"a":-1}"#, r#"{"a":[]}"#, r#"{"a":1.005}"#] {
            assert_eq!(fields(json).amount(&["a"]).unwrap_err().name, "a", "{json}");
        }
    }

    #[test]
    fn items_are_a_list_or_the_text_of_one() {
        let list = fields(r#"{"items":[{"name":"Mug","quantity":"2","price":"13.50","tax":null}]}"#).items().unwrap();
        let text = fields(r#"{"items":"[{\"name\":\"Mug\",\"quantity\":2,\"price\":13.5}]"}"#).items().unwrap();
        assert_eq!(list, text);
        assert_eq!(list, [Item::new("Mug", Amount::from_cents(1350)).quantity(2)]);
    }

    #[test]
    fn a_bad_item_is_named_with_its_place() {
        let error = fields(r#"{"items":[{"name":"Mug"},{"price":"much"}]}"#).items().unwrap_err();
        assert_eq!(error.name, "items[1].price");
    }
}
