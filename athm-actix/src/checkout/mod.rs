//! The page that takes a payment: routes, component, hosted page.
//!
//! A browser holds a checkout's address and nothing else: what is to be paid is in the database. Everything is rendered
//! here, in both languages; the script only puts what is rendered in the place of what was. Without it, forms post and the
//! page reloads itself.

mod answer;
mod assets;
mod button;
mod component;
mod customer_text;
mod events;
mod form;
mod guard;
mod icons;
mod json;
mod language;
mod options;
mod page;
mod qr;
mod routes;
mod texts;

pub use self::button::{ButtonTheme, CheckoutButton, UnknownTheme, checkout_button};
pub use self::customer_text::CustomerText;
pub use self::options::CheckoutOptions;
pub use self::qr::qr_code;
pub(crate) use self::routes::service;
