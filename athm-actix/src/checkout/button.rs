//! The component for pages of your own.

use std::fmt;
use std::str::FromStr;

use athm_core::checkouts::{Checkout, Language};

use super::component::View;

/// How the button looks: `accent`, `dark` or `light`.
///
/// ```
/// use athm_actix::checkouts::ButtonTheme;
///
/// assert_eq!("dark".parse(), Ok(ButtonTheme::Dark));
/// assert_eq!(ButtonTheme::default().to_string(), "accent");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ButtonTheme {
    /// The accent colour, `--athm-accent`.
    #[default]
    Accent,
    /// White on black.
    Dark,
    /// Black on white.
    Light,
}

impl fmt::Display for ButtonTheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Accent => "accent",
            Self::Dark => "dark",
            Self::Light => "light",
        })
    }
}

impl FromStr for ButtonTheme {
    type Err = UnknownTheme;

    fn from_str(text: &str) -> Result<Self, UnknownTheme> {
        match text {
            "accent" => Ok(Self::Accent),
            "dark" => Ok(Self::Dark),
            "light" => Ok(Self::Light),
            _ => Err(UnknownTheme),
        }
    }
}

/// Not the name of a theme.
///
/// ```
/// use athm_actix::checkouts::{ButtonTheme, UnknownTheme};
///
/// assert_eq!("pink".parse::<ButtonTheme>(), Err(UnknownTheme));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected accent, dark or light")]
pub struct UnknownTheme;

/// The component that takes a checkout's payment, for a page of your own: [`checkout_button`].
///
/// Write it into the page unescaped, as its `Display` is HTML: `(PreEscaped(button))` with maud, `{{ button|safe }}` with
/// askama, `{button}` with `format!`.
///
/// ```
/// use athm_actix::checkouts::{ButtonTheme, Checkout, Language};
///
/// fn page(checkout: &Checkout) -> String {
///     let button = athm_actix::checkout_button(checkout).theme(ButtonTheme::Dark).language(Language::Spanish);
///     format!("<!DOCTYPE html><title>Orden 7</title><main>{button}</main>")
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "it is shown by its `Display`"]
pub struct CheckoutButton<'a> {
    checkout: &'a Checkout,
    path: String,
    theme: ButtonTheme,
    language: Option<Language>,
}

/// The component that takes a checkout's payment, for a page of your own: the field for the phone, the button, and then
/// what the customer waits for, until the receipt.
///
/// It is HTML with a style sheet and a script that the [scope](crate::scope) serves. Without the script its form leads to
/// the checkout's own page. The page that holds it must be on the origin of the scope, and under a
/// `Content-Security-Policy` its `style-src`, `script-src` and `connect-src` need `'self'`.
///
/// ```
/// use athm_actix::checkouts::Checkout;
///
/// fn page(checkout: &Checkout) -> String {
///     format!("<!DOCTYPE html><title>Order 7</title><main>{}</main>", athm_actix::checkout_button(checkout))
/// }
/// ```
pub fn checkout_button(checkout: &Checkout) -> CheckoutButton<'_> {
    CheckoutButton { checkout, path: String::from("/athm"), theme: ButtonTheme::default(), language: None }
}

impl CheckoutButton<'_> {
    /// The path that the [scope](crate::scope) is mounted under (`/athm` unless given).
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// How the button looks.
    pub fn theme(mut self, theme: ButtonTheme) -> Self {
        self.theme = theme;
        self
    }

    /// The language (the checkout's, or English, unless given).
    pub fn language(mut self, language: Language) -> Self {
        self.language = Some(language);
        self
    }
}

impl fmt::Display for CheckoutButton<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let view = View {
            checkout: self.checkout,
            path: self.path.trim_end_matches('/'),
            theme: self.theme,
            language: self.language.or(self.checkout.language()).unwrap_or(Language::English),
            problem: None,
        };
        f.write_str(&view.root().into_string())
    }
}
