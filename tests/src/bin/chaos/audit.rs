//! Whether the books agree.

use std::collections::{HashMap, HashSet};

use athm_actix::ids::EcommerceId;
use athm_actix::{Status, TransactionKind};
use athm_simulator::{Fault, ReceivedRequest, SimulatedPayment, Simulator};
use serde_json::Value;

use crate::effects::{Done, Effect};
use crate::trouble::DAMAGED;

/// What isn't as it should be; what it is about is named on the error output.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) state_mismatches: usize,
    pub(crate) signals_missing: usize,
    pub(crate) signals_doubled: usize,
    pub(crate) money_calls_repeated: usize,
    pub(crate) details: Vec<String>,
}

impl Findings {
    pub(crate) fn is_clean(&self) -> bool {
        self.is_settled() && self.signals_doubled + self.money_calls_repeated == 0
    }

    /// Whether nothing is left that time may mend.
    pub(crate) fn is_settled(&self) -> bool {
        self.state_mismatches + self.signals_missing == 0
    }
}

/// What the parent knows of the processes under test.
pub(crate) struct Books<'a> {
    /// What they have recorded.
    pub(crate) rows: &'a [Value],
    /// What their receivers did.
    pub(crate) done: &'a Done,
    /// The checkouts that the processes answered as open: these must be recorded.
    pub(crate) opened: &'a HashSet<EcommerceId>,
}

pub(crate) fn audit(simulator: &Simulator, books: &Books<'_>) -> Findings {
    let mut findings = Findings::default();
    let mut payments = simulator.payments();
    payments.retain(|payment| payment.metadata_1 != DAMAGED);
    states(&payments, books, &mut findings);
    signals(&payments, books, &mut findings);
    money_calls(&simulator.requests(), &mut findings);
    findings
}

/// What the provider has, and what is recorded of it, to the cent.
#[derive(Debug, PartialEq, Eq)]
struct State {
    status: &'static str,
    total: i64,
    fee: i64,
    net: i64,
    refunded: i64,
}

impl State {
    fn of_the_provider(payment: &SimulatedPayment) -> Self {
        Self {
            status: word(&payment.status),
            total: payment.total.cents(),
            fee: payment.fee.unwrap_or_default().cents(),
            net: payment.net_amount.unwrap_or_default().cents(),
            refunded: payment.refunded_amount.cents(),
        }
    }

    fn of_ours(row: &Value) -> Self {
        let cents = |name: &str| row[name].as_i64().unwrap_or_default();
        let status = match row["status"].as_str().unwrap_or_default() {
            "open" => "open",
            "confirmed" => "confirmed",
            "completed" => "completed",
            "cancelled" | "expired" => "ended",
            _ => "unknown",
        };
        Self { status, total: cents("total"), fee: cents("fee"), net: cents("net"), refunded: cents("refunded") }
    }
}

/// The provider calls both ways to lose a payment the same.
fn word(status: &Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Confirmed => "confirmed",
        Status::Completed => "completed",
        Status::Cancelled | Status::Expired => "ended",
        _ => "unknown",
    }
}

/// What a payment is recorded under: a checkout by its ecommerceId, any other by its movement of money.
fn key_of_the_provider(payment: &SimulatedPayment) -> Option<String> {
    match payment.kind {
        TransactionKind::Ecommerce => Some(payment.ecommerce_id.to_string()),
        // It is recorded with the payment that it gives back from.
        TransactionKind::Refund => None,
        _ => payment.reference_number.as_ref().map(ToString::to_string),
    }
}

fn key_of_ours(row: &Value) -> String {
    let text = |name: &str| row[name].as_str().map(str::to_owned);
    text("ecommerceId").or_else(|| text("reference")).unwrap_or_default()
}

fn states(payments: &[SimulatedPayment], books: &Books<'_>, findings: &mut Findings) {
    let mut recorded: HashMap<String, Vec<&Value>> = HashMap::new();
    // One that was recorded too late to be damaged.
    for row in books.rows.iter().filter(|row| row["name"] != DAMAGED) {
        recorded.entry(key_of_ours(row)).or_default().push(row);
    }
    for payment in payments {
        let Some(key) = key_of_the_provider(payment) else { continue };
        let (wanted, rows) = (State::of_the_provider(payment), recorded.remove(&key));
        let is_as_it_should_be = match rows.as_deref() {
            Some([row]) => State::of_ours(row) == wanted,
            Some(_) => false,
            // The shop never received this ecommerceId, so it can't be paid.
            None => wanted.status != "completed" && !books.opened.contains(&payment.ecommerce_id),
        };
        if !is_as_it_should_be {
            findings.state_mismatches += 1;
            let (kind, name) = (&payment.kind, &payment.metadata_1);
            findings.details.push(format!("{kind} {name}: the provider has {wanted:?}, recorded is {rows:?}"));
        }
    }
    // What strangers invented, and what is there twice.
    for (_, rows) in recorded {
        findings.state_mismatches += rows.len();
        findings.details.push(format!("there never was {rows:?}"));
    }
}

fn signals(payments: &[SimulatedPayment], books: &Books<'_>, findings: &mut Findings) {
    let recorded: HashSet<String> = books.rows.iter().map(key_of_ours).collect();
    for payment in payments {
        let Some(key) = key_of_the_provider(payment).filter(|key| recorded.contains(key)) else { continue };
        let is_checkout = payment.kind == TransactionKind::Ecommerce;
        let name = if is_checkout { &payment.metadata_1 } else { &key };
        let effects: Vec<_> = books.done.get(name).into_iter().flat_map(|keys| keys.values()).collect();
        let count = |receiver: &str, signals: &[&str]| {
            let is_it = |effect: &&&Effect| effect.receiver == receiver && signals.contains(&effect.signal.as_str());
            effects.iter().filter(is_it).count()
        };
        let is = |status: &str| usize::from(is_checkout && word(&payment.status) == status);
        for (receiver, signals, wanted) in [
            ("steady", &["completed"][..], is("completed")),
            ("shaky", &["completed"], is("completed")),
            ("steady", &["cancelled", "expired"], is("ended")),
        ] {
            let found = count(receiver, signals);
            findings.signals_missing += wanted.saturating_sub(found);
            findings.signals_doubled += found.saturating_sub(wanted);
            if found != wanted {
                findings.details.push(format!("{name}: {receiver} ran {found} times of {wanted} for {signals:?}"));
            }
        }
        let refunds: Vec<i64> =
            effects.iter().filter(|effect| effect.receiver == "refunds").map(|effect| effect.cents).collect();
        let refunded: i64 = refunds.iter().sum();
        if !is_checkout {
            // Once for the money, and once for each time that some of it was given back.
            let (found, wanted) = (count("till", &["received"]), 1 + refunds.len());
            findings.signals_missing += wanted.saturating_sub(found);
            findings.signals_doubled += found.saturating_sub(wanted);
            if found != wanted {
                findings.details.push(format!("{name}: till ran {found} times of {wanted}"));
            }
        }
        let wanted = payment.refunded_amount.cents();
        findings.signals_missing += usize::from(refunded < wanted);
        findings.signals_doubled += usize::from(refunded > wanted);
        if refunded != wanted {
            findings.details.push(format!("{name}: signals of refunds add up to {refunded} of {wanted} cents"));
        }
    }
}

/// Authorizations without a read in between, and refunds that were sent twice. (The shop asks for no two refunds of one
/// amount of one payment.)
fn money_calls(requests: &[ReceivedRequest], findings: &mut Findings) {
    let mut unread: HashMap<EcommerceId, bool> = HashMap::new();
    let mut refunds: HashMap<(EcommerceId, i64), usize> = HashMap::new();
    for request in requests {
        let Some(payment) = request.payment else { continue };
        if request.path.ends_with("/findPayment") && is_readable(request) {
            unread.insert(payment, false);
        } else if request.path.ends_with("/authorization") {
            if unread.insert(payment, !is_clear_refusal(request)) == Some(true) {
                findings.money_calls_repeated += 1;
                findings.details.push(format!("{payment} was authorized again without having been read"));
            }
        } else if request.path.ends_with("/refund")
            && let Some(amount) = request.amount
        {
            let sent = refunds.entry((payment, amount.cents())).or_default();
            *sent += 1;
            if *sent > 1 {
                findings.money_calls_repeated += 1;
                findings.details.push(format!("the refund of {amount} of {payment} was sent {sent} times"));
            }
        }
    }
}

fn is_readable(request: &ReceivedRequest) -> bool {
    request.status == Some(200) && !is_spoilt(request)
}

/// A refusal that arrived, after which the call may be repeated. "Not confirmed" isn't one: the payment may be paid. A
/// firewall's page isn't one either: it may have withheld the answer instead of the request.
fn is_clear_refusal(request: &ReceivedRequest) -> bool {
    if matches!(request.fault, Some(Fault::Unauthorized | Fault::Forbidden)) {
        return true;
    }
    let is_clear = request.refused_with.as_deref().is_some_and(|code| code != "BTRA_0032");
    is_clear && request.status.is_some() && !is_spoilt(request)
}

fn is_spoilt(request: &ReceivedRequest) -> bool {
    let spoils = |fault: &Fault| !fault.keeps_answer();
    request.fault.as_ref().is_some_and(spoils)
}

#[cfg(test)]
mod tests;
