//! axe-core finds nothing, in any state.

use serde_json::Value;

use crate::browser::{Browser, Settings};
use crate::looks::STATES;
use crate::shop::Shop;

#[tokio::test(flavor = "multi_thread")]
async fn axe_finds_no_violation_in_any_state_in_light_and_dark() {
    let path = std::env::var("ATHM_TEST_AXE").expect("ATHM_TEST_AXE: run it with tests/with-browser");
    let axe = std::fs::read_to_string(path).expect("axe.min.js");
    let (shop, browser) = (Shop::open().await, Browser::open(Settings::default()).await);
    for state in STATES {
        let checkout = state.reach(&shop).await;
        for is_dark in [false, true] {
            browser.show_as(Settings { is_dark, width: 320, ..Settings::default() }).await;
            browser.goto(&shop.page(&checkout)).await;
            browser.state(state.name).await;
            browser.run(&axe).await;
            // It leaves open what stands on a drawing. A text in the colour of its ground is no open question.
            let run = "const done = arguments[0]; const same = (found) => found.nodes.some((node) => \
                       /1:1/.test(node.failureSummary)); axe.run().then((found) => done([...found.violations, \
                       ...found.incomplete.filter(same)].map((violation) => `${violation.id}: ${violation.nodes.map(\
                       (node) => node.html + ' ' + node.failureSummary).join('; ')}`)));";
            let found = browser.client.execute_async(run, Vec::new()).await.expect("axe runs");
            let passes = browser.run("return document.querySelectorAll('[data-part]').length").await;
            assert_eq!((found, passes), (Value::Array(Vec::new()), Value::from(1)), "{} dark: {is_dark}", state.name);
        }
    }
    browser.close().await;
}
