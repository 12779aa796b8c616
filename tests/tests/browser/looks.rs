//! Images of every state, for people to look at: target/screenshots.

use athm_actix::checkouts::{Checkout, PayCheckout};
use athm_simulator::{Effect, Endpoint, Fault, TestPhone};
use athm_tests::eventually;

use crate::browser::{Browser, Settings};
use crate::shop::{Shop, order};

/// A state of the page, and how it is reached.
pub(crate) struct State {
    pub(crate) name: &'static str,
}

pub(crate) const STATES: [State; 7] = [
    State { name: "ready" },
    State { name: "waiting" },
    State { name: "approved" },
    State { name: "completed" },
    State { name: "cancelled" },
    State { name: "expired" },
    State { name: "failed" },
];

impl State {
    /// A checkout in this state.
    pub(crate) async fn reach(&self, shop: &Shop) -> Checkout {
        let checkout = shop.athm.checkout(order()).await.expect("a checkout");
        let (id, checkouts) = (checkout.id(), shop.athm.checkouts());
        let pay = |phone: &str| PayCheckout::new(phone.parse().expect("a number"));
        let number = format!("787556{:04}", shop.opened());
        match self.name {
            "ready" => {}
            "cancelled" => drop(checkouts.cancel(id, None).await.expect("it is cancelled")),
            "failed" => drop(checkouts.pay(id, pay(TestPhone::Blocked.number())).await.expect("it is answered")),
            "approved" => {
                // The provider takes its time with the money.
                shop.simulator.fail_next(Endpoint::Authorize, Fault::Timeout(Effect::Absent));
                checkouts.pay(id, pay(&number)).await.expect("it opens");
                shop.approve(&checkout).await;
            }
            _ => drop(checkouts.pay(id, pay(&number)).await.expect("it opens")),
        }
        match self.name {
            "completed" => shop.approve(&checkout).await,
            "expired" => {
                let payment = shop.payment(&checkout).await;
                let ended = athm_actix::Transaction::builder(athm_actix::Status::Expired, checkout.total());
                let ended = ended.ecommerce_id(payment).metadata_1("order-7").build();
                shop.athm.record(ended, athm_actix::Sender::WEBHOOK).await.expect("it is recorded");
            }
            _ => {}
        }
        eventually(async || {
            let found = checkouts.find(id).await.expect("it reads").expect("it is there");
            let name = if found.is_approved() { "approved" } else { found.state().as_str() };
            name == self.name
        })
        .await;
        checkout
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_state_is_shown_at_three_widths_in_light_and_dark() {
    let (shop, browser) = (Shop::open().await, Browser::open(Settings::default()).await);
    for state in STATES {
        let checkout = state.reach(&shop).await;
        for (width, is_dark) in [(320, false), (320, true), (768, false), (768, true), (1280, false), (1280, true)] {
            browser.show_as(Settings { width, is_dark, ..Settings::default() }).await;
            let language = if is_dark { "es" } else { "en" };
            browser.goto(&format!("{}?lang={language}", shop.page(&checkout))).await;
            browser.state(state.name).await;
            assert_eq!(browser.run("return document.documentElement.scrollWidth").await, width, "{}", state.name);
            let scheme = if is_dark { "dark" } else { "light" };
            browser.screenshot(&format!("{}-{width}-{scheme}", state.name)).await;
        }
    }
    browser.close().await;
}
