//! Whether the books agree.

use std::collections::{HashMap, HashSet};

use athm_actix::simulator::{Fault, Phone, ReceivedRequest, SimulatedPayment, Simulator};
use athm_actix::{EcommerceId, Status, TransactionKind};
use serde_json::Value;

use crate::effects::Done;

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

pub(crate) fn audit(simulator: &Simulator, rows: &[Value], done: &Done) -> Findings {
    let mut findings = Findings::default();
    let payments = simulator.payments();
    states(&payments, rows, &mut findings);
    signals(&payments, rows, done, &mut findings);
    money_calls(&payments, &simulator.requests(), &mut findings);
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

fn states(payments: &[SimulatedPayment], rows: &[Value], findings: &mut Findings) {
    let mut recorded: HashMap<EcommerceId, Vec<&Value>> = HashMap::new();
    for row in rows {
        match row["ecommerceId"].as_str().and_then(|id| id.parse().ok()) {
            Some(id) => recorded.entry(id).or_default().push(row),
            None => {
                findings.state_mismatches += 1;
                findings.details.push(format!("a row without a ticket: {row}"));
            }
        }
    }
    for payment in payments.iter().filter(|payment| payment.kind == TransactionKind::Ecommerce) {
        let (wanted, rows) = (State::of_the_provider(payment), recorded.remove(&payment.ecommerce_id));
        let is_as_it_should_be = match rows.as_deref() {
            Some([row]) => State::of_ours(row) == wanted,
            Some(_) => false,
            // A ticket of an answer that never came: nobody can ever pay for it.
            None => wanted.status != "completed",
        };
        if !is_as_it_should_be {
            findings.state_mismatches += 1;
            let name = &payment.metadata_1;
            findings.details.push(format!("{name}: the provider has {wanted:?}, recorded is {rows:?}"));
        }
    }
    // What strangers invented.
    for (_, rows) in recorded {
        findings.state_mismatches += rows.len();
        findings.details.push(format!("there never was {rows:?}"));
    }
}

fn signals(payments: &[SimulatedPayment], rows: &[Value], done: &Done, findings: &mut Findings) {
    let recorded: HashMap<&str, &Value> =
        rows.iter().filter_map(|row| row["ecommerceId"].as_str().map(|id| (id, row))).collect();
    for payment in payments.iter().filter(|payment| payment.kind == TransactionKind::Ecommerce) {
        if !recorded.contains_key(payment.ecommerce_id.to_string().as_str()) {
            continue;
        }
        let name = &payment.metadata_1;
        let effects: Vec<_> = done.get(name).into_iter().flat_map(|keys| keys.values()).collect();
        let count = |receiver: &str, signals: &[&str]| {
            let is_it = |effect: &&&crate::effects::Effect| {
                effect.receiver == receiver && signals.contains(&effect.signal.as_str())
            };
            effects.iter().filter(is_it).count()
        };
        let is = |status: &str| usize::from(word(&payment.status) == status);
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
        let refunded: i64 =
            effects.iter().filter(|effect| effect.receiver == "refunds").map(|effect| effect.cents).sum();
        let wanted = payment.refunded_amount.cents();
        findings.signals_missing += usize::from(refunded < wanted);
        findings.signals_doubled += usize::from(refunded > wanted);
        if refunded != wanted {
            findings.details.push(format!("{name}: signals of refunds add up to {refunded} of {wanted} cents"));
        }
    }
}

/// Authorizations without a read in between, and refunds that were sent twice. (The shop asks for no two refunds of one
/// amount of one payment.) A card that isn't good for the payment is a clear no, after which anybody may ask again.
fn money_calls(payments: &[SimulatedPayment], requests: &[ReceivedRequest], findings: &mut Findings) {
    let is_over_limit =
        |payment: &&SimulatedPayment| payment.customer.phone.as_deref() == Some(Phone::OverLimit.number());
    let over_limit: HashSet<_> = payments.iter().filter(is_over_limit).map(|payment| payment.ecommerce_id).collect();
    let mut unread: HashMap<EcommerceId, bool> = HashMap::new();
    let mut refunds: HashMap<(EcommerceId, i64), usize> = HashMap::new();
    for request in requests {
        let Some(payment) = request.payment else { continue };
        if request.path.ends_with("/findPayment") && is_readable(request) {
            unread.insert(payment, false);
        } else if request.path.ends_with("/authorization") && !over_limit.contains(&payment) {
            if unread.insert(payment, true) == Some(true) {
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
    let spoils = |fault: &Fault| !matches!(fault, Fault::Slow(_) | Fault::Stale(_) | Fault::ByteOrderMark);
    request.status == Some(200) && !request.fault.as_ref().is_some_and(spoils)
}

#[cfg(test)]
mod tests {
    use athm_actix::Amount;
    use athm_actix::simulator::{Effect as Outcome, Endpoint};
    use serde_json::json;

    use super::*;
    use crate::effects::Effect;

    async fn one_paid() -> (Simulator, Value, Done) {
        let simulator = Simulator::start().await.unwrap();
        let paid = SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed).metadata_1("order-1");
        let id = simulator.insert(paid);
        let row = json!({
            "ecommerceId": id.to_string(), "status": "completed", "total": 2500, "fee": 56, "net": 2444, "refunded": 0,
        });
        let effect = |receiver: &str| Effect { receiver: receiver.into(), signal: "completed".into(), cents: 2500 };
        let keys = [("a".to_owned(), effect("steady")), ("b".to_owned(), effect("shaky"))];
        (simulator, row, Done::from([("order-1".to_owned(), keys.into())]))
    }

    #[tokio::test]
    async fn books_that_agree_are_clean_and_a_cent_is_found() {
        let (simulator, row, done) = one_paid().await;
        assert_eq!(audit(&simulator, std::slice::from_ref(&row), &done), Findings::default());
        for field in ["total", "fee", "net", "refunded"] {
            let mut altered = row.clone();
            altered[field] = json!(row[field].as_i64().unwrap() + 1);
            assert_eq!(audit(&simulator, &[altered], &done).state_mismatches, 1, "{field}");
        }
        assert_eq!(audit(&simulator, &[], &done).state_mismatches, 1);
        assert_eq!(audit(&simulator, &[row.clone(), row.clone()], &done).state_mismatches, 1);
        let invented = json!({ "ecommerceId": uuid::Uuid::now_v7().to_string(), "status": "open" });
        assert_eq!(audit(&simulator, &[row, invented], &done).state_mismatches, 1);
    }

    #[tokio::test]
    async fn signals_that_are_missing_or_doubled_are_found() {
        let (simulator, row, mut done) = one_paid().await;
        let keys = done.get_mut("order-1").unwrap();
        let steady = keys.remove("a").unwrap();
        assert_eq!(audit(&simulator, std::slice::from_ref(&row), &done).signals_missing, 1);
        let keys = done.get_mut("order-1").unwrap();
        keys.insert("a".into(), steady.clone());
        keys.insert("c".into(), steady.clone());
        keys.insert("d".into(), Effect { receiver: "refunds".into(), signal: "refunded".into(), cents: 1 });
        keys.insert("e".into(), Effect { signal: "expired".into(), ..steady });
        assert_eq!(audit(&simulator, &[row], &done).signals_doubled, 3);
    }

    #[tokio::test]
    async fn money_calls_that_are_repeated_are_found() {
        let (simulator, row, done) = one_paid().await;
        let id: EcommerceId = row["ecommerceId"].as_str().unwrap().parse().unwrap();
        let ecommerce = format!("{}/api/business-transaction/ecommerce", simulator.url());
        let (client, token) = (athm_tests::http_client(), simulator.auth_token(&id).unwrap());
        let authorize = async || {
            client.post(format!("{ecommerce}/authorization")).bearer_auth(&token).send().await.unwrap();
        };
        let find = async || {
            let body = json!({ "ecommerceId": id.to_string(), "publicToken": "p" });
            client.post(format!("{ecommerce}/business/findPayment")).json(&body).send().await.unwrap();
        };
        let found = || audit(&simulator, std::slice::from_ref(&row), &done).money_calls_repeated;
        authorize().await;
        find().await;
        authorize().await;
        assert_eq!(found(), 0);
        simulator.fail_next(Endpoint::Find, Fault::InternalError(Outcome::Done));
        find().await;
        authorize().await;
        assert_eq!(found(), 1);

        let reference = simulator.payment(&id).unwrap().reference_number.unwrap().to_string();
        for amount in ["1.00", "2.00", "1.00"] {
            let body =
                json!({ "publicToken": "p", "privateToken": "p", "referenceNumber": reference, "amount": amount });
            simulator.fail_next(Endpoint::Refund, Fault::Reject { code: String::from("BTRA_0030") });
            client.post(format!("{ecommerce}/refund")).json(&body).send().await.unwrap();
        }
        assert_eq!(found(), 2);
    }
}
