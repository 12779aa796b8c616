//! The source that reported a transition first.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// The source that reported a transition first: Django's `sender`, compared by value.
///
/// athm's own senders are constants here; a callback of your own has the name that you give it, and
/// `#[receiver(completed, sender = "kiosk")]` listens to that one alone.
///
/// ```
/// use athm_core::Sender;
///
/// const KIOSK: Sender = Sender::from_static("kiosk");
/// assert_eq!(KIOSK, Sender::new(String::from("kiosk")));
/// assert_ne!(KIOSK, Sender::CALLBACK);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sender(Cow<'static, str>);

impl Sender {
    /// The customer's browser posted the result of the checkout.
    pub const CALLBACK: Self = Self::from_static("callback");
    /// The provider's server posted an event.
    pub const WEBHOOK: Self = Self::from_static("webhook");
    /// Our own authorization of a payment was answered.
    pub const AUTHORIZE: Self = Self::from_static("authorize");
    /// Our own cancellation of a payment was answered.
    pub const CANCEL: Self = Self::from_static("cancel");
    /// Our own refund of a payment was answered.
    pub const REFUND: Self = Self::from_static("refund");
    /// A scheduled poll of an open payment.
    pub const SWEEPER: Self = Self::from_static("sweeper");
    /// The program asked about the payment: [`Athm::refresh`](crate::Athm::refresh).
    pub const REFRESH: Self = Self::from_static("refresh");
    /// A person accepted the total of a payment: [`Athm::accept_mismatch`](crate::Athm::accept_mismatch).
    pub const ACCEPT: Self = Self::from_static("accept");
    /// A reconciliation with the provider's report.
    pub const RECONCILE: Self = Self::from_static("reconcile");

    /// A sender of that name.
    #[must_use]
    pub fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self(name.into())
    }

    /// A sender of that name, for a constant.
    #[must_use]
    pub const fn from_static(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The sender's name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
