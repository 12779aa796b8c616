//! A checkout as JSON, for pages and apps of your own.

use athm_core::checkouts::{Checkout, CheckoutState, Language};
use serde_json::{Value, json};

/// It holds the token of its forms: a page of another origin can't read it.
pub(super) fn checkout(checkout: &Checkout, language: Language, error: Option<&str>) -> Value {
    let deadline = match checkout.state() {
        CheckoutState::Waiting { deadline } => Some(deadline.to_string()),
        _ => None,
    };
    let items = checkout.items().iter().map(|item| {
        json!({ "name": item.name, "quantity": item.quantity.to_string(), "price": item.price, "total": item.total() })
    });
    json!({
        "id": checkout.id().to_string(),
        "state": checkout.state().as_str(),
        "approved": checkout.is_approved(),
        "deadline": deadline,
        "total": checkout.total(),
        "subtotal": checkout.subtotal(),
        "tax": checkout.tax(),
        "items": items.collect::<Vec<_>>(),
        "attempts": checkout.attempts(),
        "token": checkout.form_token(),
        "reference": checkout.payment().and_then(|payment| payment.reference_number()).map(|number| number.as_str()),
        "failure": checkout.failure(language),
        "error": error,
        "language": language.code(),
        "return_url": checkout.return_url(),
    })
}
