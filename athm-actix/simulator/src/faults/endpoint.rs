//! The endpoints of the provider's API.

/// An endpoint of the provider's API, for [`Simulator::fail_next`](crate::Simulator::fail_next).
///
/// ```
/// use athm_simulator::{Endpoint, Fault, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let simulator = Simulator::start().await?;
/// for endpoint in Endpoint::ALL {
///     simulator.fail_next(endpoint, Fault::ByteOrderMark);
/// }
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Endpoint {
    /// `POST /payment`.
    Create,
    /// `POST /business/findPayment`.
    Find,
    /// `POST /authorization`.
    Authorize,
    /// `PUT /business/updatePhoneNumber`.
    UpdatePhone,
    /// `POST /business/cancel`.
    Cancel,
    /// `POST /refund`.
    Refund,
    /// `POST searchTransaction`.
    Search,
    /// `GET transactionReport`.
    Report,
    /// `POST /webhook/post`.
    Subscribe,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Create,
        Self::Find,
        Self::Authorize,
        Self::UpdatePhone,
        Self::Cancel,
        Self::Refund,
        Self::Search,
        Self::Report,
        Self::Subscribe,
    ];

    /// Its name in the control endpoint and on the page.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Find => "find",
            Self::Authorize => "authorize",
            Self::UpdatePhone => "update_phone",
            Self::Cancel => "cancel",
            Self::Refund => "refund",
            Self::Search => "search",
            Self::Report => "report",
            Self::Subscribe => "subscribe",
        }
    }

    /// The end of its path.
    const fn path(self) -> &'static str {
        match self {
            Self::Create => "/payment",
            Self::Find => "/findPayment",
            Self::Authorize => "/authorization",
            Self::UpdatePhone => "/updatePhoneNumber",
            Self::Cancel => "/cancel",
            Self::Refund => "/refund",
            Self::Search => "/searchTransaction",
            Self::Report => "/transactionReport",
            Self::Subscribe => "/webhook/post",
        }
    }

    pub(crate) fn of(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|endpoint| path.ends_with(endpoint.path()))
    }
}
