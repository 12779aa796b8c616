//! The text forms of faults with a description each: for errors, for the page and for `--help`.

use super::{Fault, WebhookFault};

impl Fault {
    /// The text forms, each with its description as the continuation of "the request …".
    ///
    /// ```
    /// use athm_simulator::Fault;
    ///
    /// for (text, description) in Fault::EXAMPLES {
    ///     assert!(text.parse::<Fault>().is_ok(), "{text}: {description}");
    /// }
    /// ```
    pub const EXAMPLES: &[(&str, &str)] = &[
        ("reject=BTRA_9998", "is refused with that code"),
        ("reject-after=BTRA_0999", "is done, and answered with that error code and HTTP 200"),
        ("unauthorized", "is refused with HTTP 401, as for a wrong token"),
        ("forbidden", "is refused with HTTP 403, as for a token without permission"),
        ("firewall", "is refused with HTTP 403 and an HTML page"),
        ("slow=3s", "is answered after 3 s"),
        ("timeout", "is never answered, without effect"),
        ("timeout-after", "is done, and never answered"),
        ("timeout-late=5s", "is done, never answered, and visible after 5 s"),
        ("timeout-late-find=5s", "is done, never answered, and visible to find after 5 s"),
        ("timeout-late-search=5s", "is done, never answered, and visible to search after 5 s"),
        ("error", "fails with HTTP 500, without effect"),
        ("error-after", "is done, and fails with HTTP 500"),
        ("error-late=5s", "is done, fails with HTTP 500, and is visible after 5 s"),
        ("bad-gateway", "fails with HTTP 502 and an HTML page, without effect"),
        ("bad-gateway-after", "is done, and fails with HTTP 502 and an HTML page"),
        ("garbage", "is answered with HTTP 200 and no JSON, without effect"),
        ("garbage-after", "is done, and answered with HTTP 200 and no JSON"),
        ("truncated", "is done, and its answer is cut off half-way"),
        ("truncated-late=5s", "is done, its answer is cut off, and it is visible after 5 s"),
        ("stale=5s", "is done, and visible to find, search and report after 5 s"),
        ("stale-find=5s", "is done, and visible to find after 5 s"),
        ("stale-search=5s", "is done, and visible to search and report after 5 s"),
        ("stale-refunded-amount", "is a refund, answered with the refunded amount from before"),
        ("total=1.00", "opens or completes the payment with that total"),
        ("odd=latin-1", "is answered in Latin-1"),
        ("odd=half-emoji", "is answered with a text cut within an emoji"),
        ("odd=offset-date", "is answered with dates that have an offset"),
        ("odd=negative-refund", "is answered with negative amounts of refunds"),
        ("odd=fractional-price", "is answered with an item of fractional price and quantity"),
        ("odd=unreadable-neighbour", "is answered with one more transaction that has no total"),
        ("bom", "is answered after a byte order mark"),
    ];
}

impl WebhookFault {
    /// The text forms, each with its description as the continuation of "the webhook …".
    ///
    /// ```
    /// use athm_simulator::WebhookFault;
    ///
    /// for (text, description) in WebhookFault::EXAMPLES {
    ///     assert!(text.parse::<WebhookFault>().is_ok(), "{text}: {description}");
    /// }
    /// ```
    pub const EXAMPLES: &[(&str, &str)] = &[
        ("lost", "is never sent"),
        ("doubled", "is sent twice"),
        ("delayed=5s", "is sent after 5 s"),
        ("reordered", "is sent after the next one"),
        ("forged", "is sent after a forged one"),
    ];
}

/// The text forms, for an error.
pub(super) fn texts(examples: &[(&str, &str)]) -> String {
    examples.iter().map(|(text, _)| *text).collect::<Vec<_>>().join(", ")
}
