//! Lists of payments.

use std::time::Duration;

use athm_core::transactions::TransactionQuery;
use athm_core::{Sender, TransactionKind};
use athm_tests::completed_payment;
use serde_json::json;

use crate::SimulatorFixture;

#[tokio::test]
async fn payments_are_listed_by_what_the_merchant_wrote_and_by_who_paid_a_page_at_a_time() {
    let fixture = SimulatorFixture::open().await;
    let paid = |n: u32, phone: &str| {
        completed_payment()
            .metadata_1("order-7")
            .metadata_2(format!("part-{n}"))
            .customer_phone(phone)
            .customer_email("Ines@example.com")
    };
    for (n, phone) in [(0, "7875550199"), (1, "7875550199"), (2, "9395550142")] {
        let id = fixture.simulator.insert(paid(n, phone));
        fixture.webhook(json!({ "ecommerceId": id, "status": "COMPLETED" })).await;
        let recorded = fixture.athm.transaction_by_ecommerce_id(&id).await.unwrap().unwrap();
        let reference = recorded.reference_number().unwrap();
        let found = fixture.athm.provider().unwrap().find_by_reference(reference).await.unwrap();
        fixture.athm.record(found, Sender::new("test")).await.unwrap();
        fixture.clock.advance(Duration::from_secs(60));
    }
    let count = async |query: TransactionQuery| fixture.athm.transactions(query).await.unwrap().transactions().len();
    let newest = TransactionQuery::new;
    let start = fixture.clock.now() - Duration::from_secs(180);
    assert_eq!(count(newest().metadata_1("order-7")).await, 3);
    assert_eq!(count(newest().customer_phone("(787) 555-0199".parse().unwrap())).await, 2);
    assert_eq!(count(newest().customer_email("ines@EXAMPLE.com")).await, 3);
    assert_eq!(count(newest().customer_email("ines@example.com").metadata_2("part-1")).await, 1);
    assert_eq!(count(newest().since(start).kind(TransactionKind::Ecommerce)).await, 3);
    assert_eq!(count(newest().since(start).kind(TransactionKind::Donation)).await, 0);
    let second = newest().since(start + Duration::from_secs(60)).until(start + Duration::from_secs(120));
    assert_eq!(count(second.clone().metadata_2("part-1")).await, 1);
    assert_eq!(count(second.metadata_2("part-2")).await, 0);
    let first = newest().customer_email("ines@example.com").limit(2);
    let page = fixture.athm.transactions(first.clone()).await.unwrap();
    assert_eq!((page.transactions()[0].metadata_2(), page.transactions().len()), ("part-2", 2));
    let rest = fixture.athm.transactions(first.after(page.next().unwrap())).await.unwrap();
    assert_eq!((rest.transactions()[0].metadata_2(), rest.transactions().len(), rest.next()), ("part-0", 1, None));
    assert!(!format!("{:?}", newest().customer_email("ines@example.com")).contains("ines"));
}
