//! What customers do.

use std::time::Duration;

use athm_actix::checkouts::ButtonTheme;
use athm_actix::testing::Clock;
use athm_tests::{advance_until, eventually};
use futures_util::future::join;

use crate::browser::{Browser, Settings};
use crate::shop::{PHONE, Shop};
use crate::shop_process::ShopProcess;

const TAB: &str = "\u{e004}";
const ENTER: &str = "\u{e007}";

async fn open() -> (Shop, Browser) {
    (Shop::open().await, Browser::open(Settings::default()).await)
}

async fn pay(browser: &Browser) {
    browser.fill("input[name=phone]", PHONE).await;
    browser.click(".athm-pay").await;
    browser.state("waiting").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_pays_approves_and_gets_a_receipt() {
    let (shop, browser) = open().await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    browser.fill("input[name=phone]", "7875550199").await;
    assert_eq!(browser.run("return document.querySelector('[name=phone]').value").await, "(787) 555-0199");
    browser.click(".athm-pay").await;
    browser.state("waiting").await;
    assert!(browser.text(".athm-text").await.contains("0199"));
    // What a screen reader reads out, and where the keyboard is.
    assert_eq!(
        browser.run("return document.querySelector('[data-status]').textContent").await,
        "Approve the payment in your app"
    );
    assert_eq!(browser.run("return document.activeElement.matches('[data-focus]')").await, true);
    shop.approve(&checkout).await;
    browser.state("completed").await;
    let receipt = browser.text(".athm-receipt").await;
    assert!(receipt.contains("order-7") && receipt.contains("$42.10"), "{receipt}");
    assert_eq!(shop.recorder.wait_for(2).await[1], "completed by authorize");
    browser.click("a.athm-pay").await;
    browser.find("h1").await;
    assert!(browser.client.current_url().await.unwrap().path().ends_with("/thanks"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_declines_and_tries_again() {
    let (shop, browser) = open().await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    pay(&browser).await;
    shop.simulator.decline(&shop.payment(&checkout).await).unwrap();
    browser.state("cancelled").await;
    assert!(browser.text(".athm-part").await.contains("You have not been charged"));
    pay(&browser).await;
    shop.approve(&checkout).await;
    browser.state("completed").await;
    assert_eq!(shop.opened(), 2);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_that_is_not_approved_expires_and_is_tried_again() {
    let clock = Clock::manual();
    let (shop, browser) = (Shop::open_at(clock.clone()).await, Browser::open(Settings::default()).await);
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    pay(&browser).await;
    // The provider answers with the one word CANCEL: it is the deadline that makes it an expiry.
    clock.advance(Duration::from_secs(11 * 60));
    browser.state("expired").await;
    let text = browser.text(".athm-part").await;
    assert!(text.contains("The time is over") && text.contains("You have not been charged"), "{text}");
    assert_eq!(shop.recorder.wait_for(2).await[1], "expired by sweeper");
    pay(&browser).await;
    shop.approve(&checkout).await;
    advance_until(&clock, async || shop.recorder.noted().len() == 4).await;
    browser.state("completed").await;
    assert_eq!(shop.opened(), 2);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_number_is_corrected() {
    let (shop, browser) = open().await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    // Too short a number is refused before anything is sent.
    browser.fill("input[name=phone]", "555-0199").await;
    browser.click(".athm-pay").await;
    browser.find("[data-error]:not(:empty)").await;
    assert_eq!((shop.opened(), browser.text(".athm-error").await.contains("ten digits")), (0, true));
    pay(&browser).await;
    browser.click(".athm summary").await;
    browser.fill(".athm details input[name=phone]", "787-555-0123").await;
    browser.click(".athm-second").await;
    eventually(async || browser.text(".athm-text").await.contains("0123")).await;
    let payment = shop.simulator.payment(&shop.payment(&checkout).await).unwrap();
    assert_eq!((payment.customer.phone.as_deref(), shop.opened()), (Some("7875550123"), 1));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_clicks_open_one_payment() {
    let (shop, browser) = open().await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    browser.fill("input[name=phone]", PHONE).await;
    browser.run("const pay = document.querySelector('.athm-pay'); pay.click(); pay.click(); pay.click();").await;
    browser.state("waiting").await;
    // Going back and clicking once more opens none either.
    browser.goto(&shop.page(&checkout)).await;
    browser.client.back().await.unwrap();
    assert_eq!(shop.opened(), 1);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_paid_although_its_tab_is_closed_after_the_approval() {
    let (shop, browser) = open().await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    pay(&browser).await;
    browser.goto("about:blank").await;
    shop.approve(&checkout).await;
    assert_eq!(shop.recorder.wait_for(2).await, ["received by authorize", "completed by authorize"]);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_that_waits_survives_a_server_that_is_killed_and_started_again() {
    let (mut shop, browser) = (ShopProcess::open().await, Browser::open(Settings::default()).await);
    browser.goto(&shop.offer().await).await;
    pay(&browser).await;
    shop.kill();
    // The customer approves while no server runs.
    let payments = shop.simulator.payments();
    assert_eq!(payments.len(), 1);
    shop.simulator.approve(&payments[0].ecommerce_id).unwrap();
    shop.start_again().await;
    browser.state("completed").await;
    eventually(async || shop.shipped().await == "order-7").await;
    let authorized = shop.simulator.requests().iter().filter(|one| one.path.ends_with("/authorization")).count();
    assert_eq!((authorized, shop.simulator.payments().len()), (1, 1));
    // The console tells of the connection that broke off.
    browser.console().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_without_a_connection_reads_so_and_pays_once_it_is_back() {
    let (shop, browser) = open().await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    browser.fill("input[name=phone]", PHONE).await;
    browser.set_offline(true).await;
    browser.click(".athm-pay").await;
    let alert = browser.find("[role=alert].athm-alert").await.text().await.unwrap();
    assert!(alert.contains("no connection"), "{alert}");
    browser.set_offline(false).await;
    browser.click(".athm-pay").await;
    browser.state("waiting").await;
    assert_eq!((shop.opened(), browser.text(".athm-alert").await), (1, String::new()));
    // The console tells of the request that failed.
    browser.console().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_phones_pay_one_payment() {
    let shop = Shop::open().await;
    let (one, other) = (Browser::open(Settings::default()).await, Browser::open(Settings::default()).await);
    let checkout = shop.offer().await;
    for (browser, phone) in [(&one, PHONE), (&other, "787-555-0123")] {
        browser.goto(&shop.page(&checkout)).await;
        browser.fill("input[name=phone]", phone).await;
    }
    join(one.click(".athm-pay"), other.click(".athm-pay")).await;
    join(one.state("waiting"), other.state("waiting")).await;
    assert_eq!(shop.opened(), 1);
    shop.approve(&checkout).await;
    join(one.state("completed"), other.state("completed")).await;
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_pay_one_payment() {
    let (shop, browser) = open().await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    let first = browser.client.window().await.unwrap();
    let second = browser.client.new_window(true).await.unwrap().handle;
    browser.client.switch_to_window(second.clone()).await.unwrap();
    browser.goto(&shop.page(&checkout)).await;
    pay(&browser).await;
    // The first tab asks as soon as it is looked at.
    browser.client.switch_to_window(first).await.unwrap();
    browser.state("waiting").await;
    assert_eq!(shop.opened(), 1);
    shop.approve(&checkout).await;
    browser.state("completed").await;
    browser.client.switch_to_window(second).await.unwrap();
    browser.state("completed").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_pays_in_spanish_on_a_narrow_phone() {
    let shop = Shop::open().await;
    let browser = Browser::open(Settings { width: 320, language: "es-PR", ..Settings::default() }).await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    assert_eq!(browser.text(".athm-pay").await, "Pagar $42.10 con ATH Móvil");
    assert_eq!(browser.run("return document.documentElement.lang").await, "es");
    pay(&browser).await;
    assert_eq!(browser.text("h2").await, "Aprueba el pago en tu aplicación");
    // Nothing is cut off.
    assert_eq!(browser.run("return document.documentElement.scrollWidth").await, 320);
    shop.approve(&checkout).await;
    browser.state("completed").await;
    assert_eq!(browser.text("h2").await, "Pago completado");
    assert_eq!(browser.run("return document.documentElement.scrollWidth").await, 320);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_pays_with_the_keyboard_alone() {
    let (shop, browser) = open().await;
    let checkout = shop.offer().await;
    browser.goto(&shop.page(&checkout)).await;
    let mut reached = false;
    for _ in 0..8 {
        browser.press(TAB).await;
        reached = browser.run("return document.activeElement.name === 'phone'").await == true;
        if reached {
            break;
        }
    }
    assert!(reached, "the field for the phone isn't reached");
    browser.press(PHONE).await;
    browser.press(ENTER).await;
    browser.state("waiting").await;
    // From the heading on: the number, then the button that cancels.
    browser.press(TAB).await;
    assert_eq!(browser.run("return document.activeElement.tagName").await, "SUMMARY");
    browser.press(TAB).await;
    browser.press(ENTER).await;
    browser.state("cancelled").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_pays_without_scripts() {
    let shop = Shop::open().await;
    let browser = Browser::open(Settings { has_scripts: false, ..Settings::default() }).await;
    let checkout = shop.offer().await;
    browser.goto(&shop.own_page(&checkout, ButtonTheme::Accent)).await;
    browser.fill("input[name=phone]", "12").await;
    browser.click(".athm-pay").await;
    browser.find("[aria-invalid=true]").await;
    pay(&browser).await;
    shop.approve(&checkout).await;
    // The page reloads itself.
    browser.state("completed").await;
    // The number that couldn't be read was answered with an error, which the console tells.
    browser.console().await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_component_is_paid_on_a_page_of_the_shops_own() {
    let (shop, browser) = open().await;
    for theme in [ButtonTheme::Accent, ButtonTheme::Dark, ButtonTheme::Light] {
        let checkout = shop.offer().await;
        let own_page = shop.own_page(&checkout, theme);
        browser.goto(&own_page).await;
        pay(&browser).await;
        shop.approve(&checkout).await;
        browser.state("completed").await;
        assert_eq!(browser.client.current_url().await.unwrap().as_str(), own_page);
    }
    browser.close().await;
}
