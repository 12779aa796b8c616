//! Correct answers in unusual forms.

use athm_core::ids::EcommerceId;
use athm_core::{Amount, Item, Status};
use athm_simulator::{Endpoint, Fault, FaultRates, Oddity, Simulator};
use serde_json::{Value, json};

use crate::{Shop, payment, send};

impl Shop {
    fn sold(&self) -> EcommerceId {
        let item = Item::new("Mug", Amount::from_cents(2500));
        self.simulator.insert(payment(2500).status(Status::Completed).metadata_1("order-7").item(item))
    }

    async fn find_bytes(&self, id: &EcommerceId) -> Vec<u8> {
        let body = json!({ "ecommerceId": id.to_string(), "publicToken": "public" });
        let answer = send(self.ecommerce("/business/findPayment").json(&body)).await;
        assert_eq!(answer.status().as_u16(), 200);
        answer.bytes().await.unwrap().to_vec()
    }
}

#[tokio::test]
async fn find_answers_with_bytes_that_are_no_utf_8_or_half_an_emoji() {
    let shop = Shop::open().await;
    let id = shop.sold();
    shop.simulator.fail_next(Endpoint::Find, Fault::Odd(Oddity::Latin1));
    assert!(String::from_utf8(shop.find_bytes(&id).await).is_err());
    shop.simulator.fail_next(Endpoint::Find, Fault::Odd(Oddity::HalfEmoji));
    let text = String::from_utf8(shop.find_bytes(&id).await).unwrap();
    assert!(text.contains(r"\ud83d") && serde_json::from_str::<Value>(&text).is_err(), "{text}");
}

#[tokio::test]
async fn find_answers_with_offsets_and_fractions() {
    let shop = Shop::open().await;
    let id = shop.sold();
    shop.simulator.fail_next(Endpoint::Find, Fault::Odd(Oddity::OffsetDate));
    let plain_date = shop.simulator.payment(&id).unwrap().date.unwrap();
    let date = shop.find(&id).await["data"]["transactionDate"].as_str().unwrap().to_owned();
    assert!(date.ends_with("+00:00"), "{date}");
    assert_eq!(date.parse::<jiff::Timestamp>().unwrap().as_second(), plain_date.as_second());

    shop.simulator.fail_next(Endpoint::Find, Fault::Odd(Oddity::FractionalPrice));
    let items = shop.find(&id).await["data"]["items"].clone();
    assert_eq!((&items[0]["name"], &items[1]["quantity"]), (&json!("Mug"), &json!("0.75")));
    assert_eq!(shop.find(&id).await["data"]["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn search_answers_with_negative_refunds_and_unreadable_neighbours() {
    let shop = Shop::open().await;
    let id = shop.sold();
    let refund = shop.simulator.refund(&id, Amount::from_cents(625)).unwrap();
    let reference = |id: &EcommerceId| {
        let payment = shop.simulator.payment(id).unwrap();
        json!({ "referenceNumber": payment.reference_number.unwrap().to_string() })
    };
    for _ in 0..2 {
        shop.simulator.fail_next(Endpoint::Search, Fault::Odd(Oddity::NegativeRefund));
    }
    assert_eq!(shop.search(reference(&refund)).await["total"], -6.25);
    assert_eq!(shop.search(reference(&id)).await["totalRefundedAmount"], -6.25);

    shop.simulator.fail_next(Endpoint::Search, Fault::Odd(Oddity::UnreadableNeighbour));
    let found = shop.search(json!({ "metadata1": "order-7" })).await;
    assert_eq!((&found[0]["total"], &found[1]["total"]), (&Value::Null, &json!(25)));
}

#[tokio::test]
async fn odd_answers_are_random_with_a_rate_and_a_seed() {
    let odd = async || {
        let rates = FaultRates::none().with(Fault::Odd(Oddity::FractionalPrice), 500);
        let shop = Shop::with(Simulator::builder().seed(7).faults(rates).start().await.unwrap());
        let id = shop.sold();
        let mut odd = Vec::new();
        for _ in 0..20 {
            odd.push(shop.find(&id).await["data"]["items"].as_array().unwrap().len() == 2);
        }
        odd
    };
    let first = odd().await;
    assert_eq!(first, odd().await);
    assert!(first.contains(&true) && first.contains(&false));
}
