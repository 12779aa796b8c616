//! Rates of random faults.

use std::time::Duration;

use athm_core::Amount;
use fastrand::Rng;

use super::{Effect, Fault, Oddity, View, WebhookFault};

/// How long a random fault delays a webhook, or the visibility of an effect.
const LATE: Duration = Duration::from_secs(2);

/// Rates of random faults, of requests ([`FaultRates`]) or webhooks ([`WebhookFaultRates`]).
///
/// ```
/// use athm_simulator::{Effect, Fault, FaultRates, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // 20 of a thousand requests are refused, and 50 take effect but are never answered.
/// let rates = FaultRates::none()
///     .with(Fault::Reject { code: String::from("BTRA_9998") }, 20)
///     .with(Fault::Timeout(Effect::Done), 50);
/// let simulator = Simulator::builder().seed(7).faults(rates).start().await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "rates are given to `SimulatorBuilder` or to `Simulator`"]
pub struct Rates<F> {
    each: Vec<(F, u16)>,
}

/// Rates of random faults of the provider's API.
///
/// ```
/// use athm_simulator::FaultRates;
///
/// let rates = FaultRates::all(100); // every kind of fault, together 100 of a thousand requests
/// # let _ = rates;
/// ```
pub type FaultRates = Rates<Fault>;
/// Rates of random webhook faults.
///
/// ```
/// use athm_simulator::{WebhookFault, WebhookFaultRates};
///
/// let rates = WebhookFaultRates::none().with(WebhookFault::Lost, 200);
/// # let _ = rates;
/// ```
pub type WebhookFaultRates = Rates<WebhookFault>;

impl<F> Rates<F> {
    /// No random faults.
    pub const fn none() -> Self {
        Self { each: Vec::new() }
    }

    /// Adds a fault with its rate per thousand. Rates beyond a sum of a thousand have no effect.
    pub fn with(mut self, fault: F, of_a_thousand: u16) -> Self {
        self.each.push((fault, of_a_thousand));
        self
    }

    fn evenly(faults: Vec<F>, of_a_thousand: u16) -> Self {
        let (count, total) = (u16::try_from(faults.len()).unwrap_or(u16::MAX), of_a_thousand.min(1000));
        // The remainder of the division goes to the first faults.
        let share = |index: usize| total / count + u16::from(index < usize::from(total % count));
        Self { each: faults.into_iter().enumerate().map(|(index, fault)| (fault, share(index))).collect() }
    }
}

impl<F: Clone> Rates<F> {
    pub(crate) fn draw(&self, random: &mut Rng) -> Option<F> {
        let mut rendered = random.u16(0..1000);
        self.each.iter().find_map(|(fault, rate)| match rendered.checked_sub(*rate) {
            Some(rest) => {
                rendered = rest;
                None
            }
            None => Some(fault.clone()),
        })
    }
}

impl FaultRates {
    /// Every kind of fault; `of_a_thousand` is the rate of all together.
    pub fn all(of_a_thousand: u16) -> Self {
        let mut faults = transport_faults();
        faults.push(Fault::RejectAfter { code: String::from("BTRA_0999") });
        faults.extend([Fault::Unauthorized, Fault::Forbidden, Fault::FirewallPage]);
        faults.extend([View::Find, View::Search].map(|view| Fault::StaleIn(view, LATE)));
        faults.extend([Fault::StaleRefundedAmount, Fault::Total(Amount::from_cents(100))]);
        faults.extend(Oddity::ALL.map(Fault::Odd));
        Self::evenly(faults, of_a_thousand)
    }

    /// The faults of a network and of servers that fail: answers are lost, late, damaged or refused, but the provider
    /// states nothing wrong. `of_a_thousand` is the rate of all together.
    ///
    /// ```
    /// use athm_simulator::FaultRates;
    ///
    /// let rates = FaultRates::transport(250);
    /// # let _ = rates;
    /// ```
    pub fn transport(of_a_thousand: u16) -> Self {
        Self::evenly(transport_faults(), of_a_thousand)
    }
}

fn transport_faults() -> Vec<Fault> {
    let late = Effect::Late(LATE);
    let refused = Fault::Reject { code: String::from("BTRA_9998") };
    let mut faults = vec![refused, Fault::Slow(Duration::from_millis(300)), Fault::ByteOrderMark, Fault::Stale(LATE)];
    for effect in [Effect::Absent, Effect::Done, late] {
        faults.extend([Fault::Timeout, Fault::InternalError, Fault::BadGateway, Fault::Garbage].map(|f| f(effect)));
    }
    faults.extend([Effect::Done, late].map(Fault::Truncated));
    faults
}

impl WebhookFaultRates {
    /// Every kind of fault; `of_a_thousand` is the rate of all together.
    pub fn all(of_a_thousand: u16) -> Self {
        use WebhookFault::{Delayed, Doubled, Forged, Lost, Reordered};

        Self::evenly(vec![Lost, Doubled, Delayed(LATE), Reordered, Forged], of_a_thousand)
    }
}

/// No random faults.
impl<F> Default for Rates<F> {
    fn default() -> Self {
        Self::none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_rate() {
        let rates = FaultRates::none().with(Fault::ByteOrderMark, 100).with(Fault::Timeout(Effect::Done), 300);
        let mut random = Rng::with_seed(7);
        let rendered: Vec<_> = (0..10_000).map(|_| rates.draw(&mut random)).collect();
        let count = |fault: &Option<Fault>| rendered.iter().filter(|rendered| *rendered == fault).count();
        assert!((900..1100).contains(&count(&Some(Fault::ByteOrderMark))));
        assert!((2800..3200).contains(&count(&Some(Fault::Timeout(Effect::Done)))));
        assert!((5800..6200).contains(&count(&None)));
    }

    #[test]
    fn the_rates_of_all_faults_add_up() {
        for of_a_thousand in [0, 5, 300, 1000] {
            let sum: u16 = FaultRates::all(of_a_thousand).each.iter().map(|(_, rate)| rate).sum();
            assert_eq!(sum, of_a_thousand);
            let sum: u16 = FaultRates::transport(of_a_thousand).each.iter().map(|(_, rate)| rate).sum();
            assert_eq!(sum, of_a_thousand);
        }
        let always = WebhookFaultRates::all(1000);
        assert!(always.draw(&mut Rng::with_seed(7)).is_some());
    }
}
