//! How often what goes wrong.

use std::time::Duration;

use fastrand::Rng;

use super::{Effect, Fault};
use crate::WebhookFault;

/// How often faults happen by chance: of requests ([`FaultRates`]), or of webhooks ([`WebhookFaultRates`]).
///
/// ```
/// use athm_simulator::{Effect, Fault, FaultRates, Simulator};
///
/// # #[actix_web::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // 20 of a thousand requests are refused, and 50 are never answered although they had their effect.
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

/// How often requests of the provider's API go wrong.
pub type FaultRates = Rates<Fault>;
/// How often webhooks go wrong.
pub type WebhookFaultRates = Rates<WebhookFault>;

impl<F> Rates<F> {
    /// Nothing goes wrong by chance.
    pub const fn none() -> Self {
        Self { each: Vec::new() }
    }

    /// One more thing goes wrong so many times in a thousand. What is more than a thousand altogether never comes up.
    pub fn with(mut self, fault: F, of_a_thousand: u16) -> Self {
        self.each.push((fault, of_a_thousand));
        self
    }

    fn evenly(faults: Vec<F>, of_a_thousand: u16) -> Self {
        let (count, total) = (u16::try_from(faults.len()).unwrap_or(u16::MAX), of_a_thousand.min(1000));
        // What is left over by the division goes to the first ones.
        let share = |place: usize| total / count + u16::from(place < usize::from(total % count));
        Self { each: faults.into_iter().enumerate().map(|(place, fault)| (fault, share(place))).collect() }
    }
}

impl<F: Clone> Rates<F> {
    pub(crate) fn draw(&self, random: &mut Rng) -> Option<F> {
        let mut drawn = random.u16(0..1000);
        self.each.iter().find_map(|(fault, rate)| match drawn.checked_sub(*rate) {
            Some(rest) => {
                drawn = rest;
                None
            }
            None => Some(fault.clone()),
        })
    }
}

impl FaultRates {
    /// Every sort of fault, all of them together so many times in a thousand.
    pub fn all(of_a_thousand: u16) -> Self {
        let late = Effect::Late(Duration::from_secs(2));
        let refused = Fault::Reject { code: String::from("BTRA_9998") };
        let mut faults = vec![refused, Fault::Slow(Duration::from_millis(300)), Fault::ByteOrderMark];
        faults.push(Fault::Stale(Duration::from_secs(2)));
        for effect in [Effect::Absent, Effect::Done, late] {
            faults.extend([Fault::Timeout, Fault::InternalError, Fault::BadGateway, Fault::Garbage].map(|f| f(effect)));
        }
        faults.extend([Effect::Done, late].map(Fault::Truncated));
        Self::evenly(faults, of_a_thousand)
    }
}

impl WebhookFaultRates {
    /// Every sort of fault, all of them together so many times in a thousand.
    pub fn all(of_a_thousand: u16) -> Self {
        use WebhookFault::{Delayed, Doubled, Forged, Lost, Reordered};

        Self::evenly(vec![Lost, Doubled, Delayed(Duration::from_secs(2)), Reordered, Forged], of_a_thousand)
    }
}

/// Nothing goes wrong by chance.
impl<F> Default for Rates<F> {
    fn default() -> Self {
        Self::none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_comes_as_often_as_it_should() {
        let rates = FaultRates::none().with(Fault::ByteOrderMark, 100).with(Fault::Timeout(Effect::Done), 300);
        let mut random = Rng::with_seed(7);
        let drawn: Vec<_> = (0..10_000).map(|_| rates.draw(&mut random)).collect();
        let count = |fault: &Option<Fault>| drawn.iter().filter(|drawn| *drawn == fault).count();
        assert!((900..1100).contains(&count(&Some(Fault::ByteOrderMark))));
        assert!((2800..3200).contains(&count(&Some(Fault::Timeout(Effect::Done)))));
        assert!((5800..6200).contains(&count(&None)));
    }

    #[test]
    fn all_faults_together_are_as_many_as_asked_for() {
        for of_a_thousand in [0, 5, 300, 1000] {
            let sum: u16 = FaultRates::all(of_a_thousand).each.iter().map(|(_, rate)| rate).sum();
            assert_eq!(sum, of_a_thousand);
        }
        let always = WebhookFaultRates::all(1000);
        assert!(always.draw(&mut Rng::with_seed(7)).is_some());
    }
}
