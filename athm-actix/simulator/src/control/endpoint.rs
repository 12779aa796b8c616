//! The list of control endpoints: routes, `--help` and documentation come from it.

/// One of the simulator's own HTTP endpoints, for tests in other languages and for its pages.
///
/// Bodies are forms or the same fields in JSON, unless the summary says otherwise. The answer is 303 (to the page), 201
/// or 200 on success, 400 for an unreadable field, 404 for an unknown payment, and 409 if the payment's state doesn't
/// allow the change.
///
/// ```
/// use athm_simulator::ControlEndpoint;
///
/// for endpoint in ControlEndpoint::ALL {
///     println!("{} {} {}: {}", endpoint.method(), endpoint.path(), endpoint.example(), endpoint.summary());
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ControlEndpoint {
    /// `POST /simulator/payments`.
    InsertPayment,
    /// `GET /simulator/payments/{id}`.
    ShowPayment,
    /// `POST /simulator/payments/{id}/approve`.
    ApprovePayment,
    /// `POST /simulator/payments/{id}/decline`.
    DeclinePayment,
    /// `POST /simulator/payments/{id}/refund`.
    RefundPayment,
    /// `POST /simulator/received`.
    ReceivePayment,
    /// `POST /simulator/test-webhook`.
    SendTestWebhook,
    /// `POST /simulator/faults`.
    QueueFault,
    /// `POST /simulator/webhook-faults`.
    QueueWebhookFault,
    /// `POST /simulator/outage`.
    SetOutage,
    /// `POST /simulator/lag`.
    SetLag,
    /// `POST /simulator/faults/clear`.
    ClearFaults,
    /// `POST /simulator/time`.
    AdvanceTime,
}

impl ControlEndpoint {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::InsertPayment,
        Self::ShowPayment,
        Self::ApprovePayment,
        Self::DeclinePayment,
        Self::RefundPayment,
        Self::ReceivePayment,
        Self::SendTestWebhook,
        Self::QueueFault,
        Self::QueueWebhookFault,
        Self::SetOutage,
        Self::SetLag,
        Self::ClearFaults,
        Self::AdvanceTime,
    ];

    /// The HTTP method, `GET` or `POST`.
    #[must_use]
    pub fn method(self) -> &'static str {
        if self == Self::ShowPayment { "GET" } else { "POST" }
    }

    /// The path; `{id}` stands for an `ecommerceId`.
    #[must_use]
    pub fn path(self) -> &'static str {
        match self {
            Self::InsertPayment => "/simulator/payments",
            Self::ShowPayment => "/simulator/payments/{id}",
            Self::ApprovePayment => "/simulator/payments/{id}/approve",
            Self::DeclinePayment => "/simulator/payments/{id}/decline",
            Self::RefundPayment => "/simulator/payments/{id}/refund",
            Self::ReceivePayment => "/simulator/received",
            Self::SendTestWebhook => "/simulator/test-webhook",
            Self::QueueFault => "/simulator/faults",
            Self::QueueWebhookFault => "/simulator/webhook-faults",
            Self::SetOutage => "/simulator/outage",
            Self::SetLag => "/simulator/lag",
            Self::ClearFaults => "/simulator/faults/clear",
            Self::AdvanceTime => "/simulator/time",
        }
    }

    /// An example of the body, empty where none is read.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::InsertPayment => r#"{"ecommerceStatus":"COMPLETED","total":25}"#,
            Self::ReceivePayment => "kind=donation&total=5.00",
            Self::QueueFault => "fault=timeout-after&endpoint=refund",
            Self::QueueWebhookFault => "fault=lost",
            Self::SetOutage => "outage=firewall",
            Self::SetLag => "find=5&search=30",
            Self::AdvanceTime => "seconds=130",
            _ => "",
        }
    }

    /// What it does, in one line.
    #[must_use]
    pub fn summary(self) -> &'static str {
        match self {
            Self::InsertPayment => {
                "adds a payment: the data object of a find answer, in JSON; absent fields are defaulted"
            }
            Self::ShowPayment => "the payment's find answer, and its outcome (which tells expired from cancelled)",
            Self::ApprovePayment => "the customer approves",
            Self::DeclinePayment => "the customer declines",
            Self::RefundPayment => "the business refunds what is left, from its own app",
            Self::ReceivePayment => "an app payment (kind=payment) or a donation; message is optional",
            Self::SendTestWebhook => "sends the provider's test event to the subscribed address",
            Self::QueueFault => "the next request fails in that way; endpoint is optional",
            Self::QueueWebhookFault => "the next webhook fails in that way",
            Self::SetOutage => "every request fails in that way; an empty outage ends it",
            Self::SetLag => "find, and search with report, show later changes after that many seconds",
            Self::ClearFaults => "empties the queues of faults, and ends the outage and the lags",
            Self::AdvanceTime => "advances the simulator's clock",
        }
    }
}
