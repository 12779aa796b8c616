//! The words that the attribute knows, and which one was probably meant by another.

/// A signal: its name in the attribute, and its variant of `athm_core::Signal`.
pub(crate) struct SignalWord {
    pub(crate) name: &'static str,
    pub(crate) variant: &'static str,
}

/// Every signal, in the order in which messages list them.
pub(crate) const SIGNALS: [SignalWord; 5] = [
    SignalWord { name: "received", variant: "Received" },
    SignalWord { name: "completed", variant: "Completed" },
    SignalWord { name: "cancelled", variant: "Cancelled" },
    SignalWord { name: "expired", variant: "Expired" },
    SignalWord { name: "refunded", variant: "Refunded" },
];

/// An option: its name, and what a good one looks like.
pub(crate) struct OptionWord {
    pub(crate) name: &'static str,
    pub(crate) example: &'static str,
}

impl OptionWord {
    /// Whether it stands alone, without a value.
    pub(crate) fn is_flag(&self) -> bool {
        self.name == self.example
    }
}

pub(crate) const ID: &str = "id";
pub(crate) const ORDER: &str = "order";
pub(crate) const SENDER: &str = "sender";
pub(crate) const ATTEMPTS: &str = "attempts";
pub(crate) const TIMEOUT: &str = "timeout";
pub(crate) const BACKOFF: &str = "backoff";
pub(crate) const CONCURRENCY: &str = "concurrency";
pub(crate) const IF: &str = "if";
pub(crate) const WAS: &str = "was";
pub(crate) const BLOCKING: &str = "blocking";
pub(crate) const CRATE: &str = "crate";

/// Every option, in the order in which messages list them.
pub(crate) const OPTIONS: [OptionWord; 11] = [
    OptionWord { name: ID, example: r#"id = "shop::fulfil""# },
    OptionWord { name: ORDER, example: "order = 10" },
    OptionWord { name: SENDER, example: r#"sender = "kiosk""# },
    OptionWord { name: ATTEMPTS, example: "attempts = 3" },
    OptionWord { name: BACKOFF, example: r#"backoff = "10s""# },
    OptionWord { name: TIMEOUT, example: r#"timeout = "30s""# },
    OptionWord { name: CONCURRENCY, example: "concurrency = 2" },
    OptionWord { name: IF, example: "if = is_of_the_shop" },
    OptionWord { name: WAS, example: r#"was = "shop::fulfil""# },
    OptionWord { name: BLOCKING, example: BLOCKING },
    OptionWord { name: CRATE, example: "crate = my_framework::athm" },
];

/// What else a signal is called: by django-athm before and since 1.0, by the provider, by other providers of payments,
/// and in American English.
const OTHER_NAMES: [(&str, &str); 32] = [
    ("athm_response_received", "received"),
    ("all", "received"),
    ("any", "received"),
    ("athm_completed_response", "completed"),
    ("payment_completed", "completed"),
    ("payment_succeeded", "completed"),
    ("approved", "completed"),
    ("captured", "completed"),
    ("charged", "completed"),
    ("paid", "completed"),
    ("succeeded", "completed"),
    ("success", "completed"),
    ("successful", "completed"),
    ("athm_cancelled_response", "cancelled"),
    ("payment_cancelled", "cancelled"),
    ("payment_canceled", "cancelled"),
    ("canceled", "cancelled"),
    ("cancel", "cancelled"),
    ("aborted", "cancelled"),
    ("athm_expired_response", "expired"),
    ("payment_expired", "expired"),
    ("lapsed", "expired"),
    ("timed_out", "expired"),
    ("timedout", "expired"),
    ("timeout", "expired"),
    ("athm_refunded_response", "refunded"),
    ("payment_refunded", "refunded"),
    ("refund", "refunded"),
    ("refund_completed", "refunded"),
    ("refund_sent", "refunded"),
    ("refund_succeeded", "refunded"),
    ("partially_refunded", "refunded"),
];

/// What a payment that isn't approved is called elsewhere. ATH Móvil has no signal for it alone.
const DECLINED: [&str; 8] =
    ["declined", "denied", "failed", "failure", "payment_declined", "payment_failed", "refused", "rejected"];

/// States of a payment in which nothing is decided, so that no signal fires.
const SILENT_STATES: [&str; 6] = ["open", "created", "payment_created", "confirm", "confirmed", "pending"];

/// What else an option is called: by Django, and by libraries of queues.
const OTHER_OPTIONS: [(&str, &str); 37] = [
    ("dispatch_uid", ID),
    ("key", ID),
    ("label", ID),
    ("name", ID),
    ("uid", ID),
    ("priority", ORDER),
    ("from", SENDER),
    ("senders", SENDER),
    ("source", SENDER),
    ("max_attempts", ATTEMPTS),
    ("max_retries", ATTEMPTS),
    ("retries", ATTEMPTS),
    ("tries", ATTEMPTS),
    ("delay", BACKOFF),
    ("retry_after", BACKOFF),
    ("retry_delay", BACKOFF),
    ("deadline", TIMEOUT),
    ("time_limit", TIMEOUT),
    ("limit", CONCURRENCY),
    ("max_concurrency", CONCURRENCY),
    ("parallel", CONCURRENCY),
    ("parallelism", CONCURRENCY),
    ("workers", CONCURRENCY),
    ("condition", IF),
    ("filter", IF),
    ("guard", IF),
    ("only_if", IF),
    ("predicate", IF),
    ("when", IF),
    ("where", IF),
    ("alias", WAS),
    ("aliases", WAS),
    ("formerly", WAS),
    ("old_id", WAS),
    ("renamed", WAS),
    ("renamed_from", WAS),
    ("spawn_blocking", BLOCKING),
];

/// athm's own senders: those of `athm_core::Sender`.
const SENDERS: [&str; 9] =
    ["callback", "webhook", "authorize", "cancel", "sweeper", "refresh", "accept", "reconcile", "refund"];

/// The signal of that name.
pub(crate) fn signal(name: &str) -> Option<&'static SignalWord> {
    SIGNALS.iter().find(|signal| signal.name == name)
}

/// The option of that name.
pub(crate) fn option(name: &str) -> Option<&'static OptionWord> {
    OPTIONS.iter().find(|option| option.name == name)
}

/// Whether an unknown bare word is a misspelt option that stands alone.
pub(crate) fn is_like_a_flag(written: &str) -> bool {
    let lower = written.to_lowercase();
    meant(&lower, &OTHER_OPTIONS, [BLOCKING].into_iter()) == Some(BLOCKING)
}

/// The sender of athm's own that a text almost spells. A digit makes it another name: `callback2`.
pub(crate) fn sender_meant(written: &str) -> Option<&'static str> {
    let bare: String = written.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    if SENDERS.contains(&written) || bare.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    SENDERS.into_iter().find(|sender| strsim::osa_distance(&bare, sender) <= 1)
}

/// What to write for a word that is no signal.
pub(crate) fn help_with_signal(written: &str) -> String {
    let lower = written.to_lowercase();
    if DECLINED.contains(&lower.as_str()) {
        return format!("{}\nnote: a payment that is declined is `cancelled`", one_signal());
    }
    let names = || SIGNALS.iter().map(|signal| signal.name);
    let help = match meant(&lower, &OTHER_NAMES, names()) {
        _ if SILENT_STATES.contains(&lower.as_str()) => {
            "write `received` for every outcome: a payment has none as long as it is open, confirmed or pending"
                .to_owned()
        }
        Some(name) => format!("write `{name}`"),
        None => return one_signal(),
    };
    format!("{help}\nnote: the signals are {}", listed(names()))
}

/// What to write where a signal is missing.
pub(crate) fn one_signal() -> String {
    format!("write one of {}", listed(SIGNALS.iter().map(|signal| signal.name)))
}

/// What to write for an option that doesn't exist.
pub(crate) fn help_with_option(written: &str) -> String {
    let names = || OPTIONS.iter().map(|option| option.name);
    match meant(&written.to_lowercase(), &OTHER_OPTIONS, names()).and_then(option) {
        Some(option) => format!("write `{}`\nnote: the options are {}", option.example, listed(names())),
        None => format!("write one of {}", listed(names())),
    }
}

fn listed(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// The name that goes by another one elsewhere, or is near enough to be meant.
fn meant(
    written: &str,
    others: &[(&str, &'static str)],
    names: impl Iterator<Item = &'static str>,
) -> Option<&'static str> {
    let other = others.iter().find_map(|&(other, name)| (other == written).then_some(name));
    other.or_else(|| nearest(written, names))
}

/// The name that is misspelt: by two letters at most, and by one in a name as short as `id`. The first letter must be
/// right: `uncompleted` is no misspelt `completed`, and who follows such advice runs the wrong code.
fn nearest(written: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    names
        .filter(|name| name.chars().next() == written.chars().next())
        .map(|name| (strsim::osa_distance(written, name), name))
        .filter(|&(distance, name)| distance <= if name.len() < 4 { 1 } else { 2 })
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_only_similar_is_not_suggested() {
        let other_meanings = [
            "closed",
            "created",
            "deleted",
            "delivered",
            "ended",
            "funded",
            "incompleted",
            "inspired",
            "pending",
            "recorded",
            "refused",
            "rejected",
            "released",
            "resolved",
            "returned",
            "reversed",
            "reviewed",
            "shipped",
            "uncompleted",
            "unexpired",
        ];
        for written in other_meanings {
            let help = help_with_signal(written);
            let is_of_every_outcome = help.starts_with("write `received` for every outcome");
            assert!(help.starts_with("write one of ") || is_of_every_outcome, "{written}: {help}");
        }
    }

    #[test]
    fn what_is_misspelt_is_suggested() {
        for (written, name) in [
            ("Completed", "completed"),
            ("complete", "completed"),
            ("competed", "completed"),
            ("compelted", "completed"),
            ("recieved", "received"),
            ("recived", "received"),
            ("cancled", "cancelled"),
            ("cancellled", "cancelled"),
            ("expires", "expired"),
            ("exipred", "expired"),
            ("refunds", "refunded"),
            ("refunde", "refunded"),
        ] {
            assert!(help_with_signal(written).starts_with(&format!("write `{name}`\n")), "{written}");
        }
    }

    #[test]
    fn a_sender_that_is_nearly_one_of_ours_is_found() {
        for (written, sender) in [
            ("Callback", "callback"),
            ("call_back", "callback"),
            ("webhooks", "webhook"),
            ("web-hook", "webhook"),
            ("calback", "callback"),
            ("SWEEPER", "sweeper"),
            ("refunds", "refund"),
            ("Refresh", "refresh"),
        ] {
            assert_eq!(sender_meant(written), Some(sender), "{written}");
        }
        for written in SENDERS.into_iter().chain(["kiosk", "callback2", "shop callback", "cancellations", "canteen"]) {
            assert_eq!(sender_meant(written), None, "{written}");
        }
    }

    #[test]
    fn every_other_name_of_a_signal_leads_to_it() {
        for (other, name) in OTHER_NAMES {
            assert!(signal(other).is_none() && signal(name).is_some());
            assert!(help_with_signal(other).starts_with(&format!("write `{name}`\n")), "{other}");
        }
        for declined in DECLINED {
            assert!(help_with_signal(declined).starts_with("write one of "), "{declined}");
        }
        for state in SILENT_STATES {
            assert!(help_with_signal(state).starts_with("write `received` for every outcome"), "{state}");
        }
    }

    #[test]
    fn every_other_name_of_an_option_leads_to_it() {
        for (other, name) in OTHER_OPTIONS {
            let example = option(name).unwrap().example;
            assert!(help_with_option(other).starts_with(&format!("write `{example}`\n")), "{other}");
        }
    }
}
