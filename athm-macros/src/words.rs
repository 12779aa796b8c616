//! The words that the attribute knows, and what somebody meant who wrote another one.

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
pub(crate) const BLOCKING: &str = "blocking";
pub(crate) const CRATE: &str = "crate";

/// Every option, in the order in which messages list them.
pub(crate) const OPTIONS: [OptionWord; 7] = [
    OptionWord { name: ID, example: r#"id = "shop::fulfil""# },
    OptionWord { name: ORDER, example: "order = 10" },
    OptionWord { name: SENDER, example: r#"sender = "kiosk""# },
    OptionWord { name: ATTEMPTS, example: "attempts = 3" },
    OptionWord { name: TIMEOUT, example: r#"timeout = "30s""# },
    OptionWord { name: BLOCKING, example: BLOCKING },
    OptionWord { name: CRATE, example: "crate = my_framework::athm" },
];

/// What else a signal is called: by django-athm before and since 1.0, by the provider, and in American English.
const OTHER_NAMES: [(&str, &str); 16] = [
    ("athm_response_received", "received"),
    ("athm_completed_response", "completed"),
    ("payment_completed", "completed"),
    ("paid", "completed"),
    ("athm_cancelled_response", "cancelled"),
    ("payment_cancelled", "cancelled"),
    ("canceled", "cancelled"),
    ("cancel", "cancelled"),
    ("payment_failed", "cancelled"),
    ("athm_expired_response", "expired"),
    ("payment_expired", "expired"),
    ("timeout", "expired"),
    ("refund_sent", "refunded"),
    ("refund", "refunded"),
    ("payment_refunded", "refunded"),
    ("refund_completed", "refunded"),
];

/// States of a payment in which nothing is decided, so that no signal fires.
const SILENT_STATES: [&str; 6] = ["open", "created", "payment_created", "confirm", "confirmed", "pending"];

/// What else an option is called: by Django, and by libraries of queues.
const OTHER_OPTIONS: [(&str, &str); 6] = [
    ("dispatch_uid", ID),
    ("name", ID),
    ("priority", ORDER),
    ("retries", ATTEMPTS),
    ("max_retries", ATTEMPTS),
    ("max_attempts", ATTEMPTS),
];

/// The signal of that name.
pub(crate) fn signal(name: &str) -> Option<&'static SignalWord> {
    SIGNALS.iter().find(|signal| signal.name == name)
}

/// The option of that name.
pub(crate) fn option(name: &str) -> Option<&'static OptionWord> {
    OPTIONS.iter().find(|option| option.name == name)
}

/// Whether a bare word that is nothing is nearer to an option that stands alone than to a signal.
pub(crate) fn is_like_a_flag(written: &str) -> bool {
    let words = SIGNALS.iter().map(|signal| signal.name).chain([BLOCKING]);
    nearest(&written.to_lowercase(), words) == Some(BLOCKING)
}

/// What to write for a word that is no signal.
pub(crate) fn help_with_signal(written: &str) -> String {
    let lower = written.to_lowercase();
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

/// The name that is near enough.
fn nearest(written: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    const NEAR: f64 = 0.75;
    names
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .filter(|&(likeness, _)| likeness >= NEAR)
        .max_by(|(one, _), (other, _)| one.total_cmp(other))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::{OTHER_NAMES, OTHER_OPTIONS, SILENT_STATES, help_with_option, help_with_signal, option, signal};

    #[test]
    fn every_other_name_of_a_signal_leads_to_it() {
        for (other, name) in OTHER_NAMES {
            assert!(signal(other).is_none() && signal(name).is_some());
            assert!(help_with_signal(other).starts_with(&format!("write `{name}`\n")), "{other}");
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
