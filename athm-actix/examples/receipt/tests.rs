//! The receipt, from the payment to the mail server.

use std::time::{Duration, Instant};

use athm_actix::testing::{BuilderExt as _, Clock};
use athm_actix::{Amount, Athm, Message, MessageResult, Sender, Status};
use athm_simulator::{SimulatedPayment, Simulator};
use serde_json::json;
use tempfile::TempDir;

use crate::Shop;
use crate::smtp_stub::SmtpStub;

struct Demo {
    athm: Athm,
    simulator: Simulator,
    smtp: SmtpStub,
    clock: Clock,
    _folder: TempDir,
}

impl Demo {
    /// A shop whose form asked for those addresses, and a mail server without room for the first mails.
    async fn start(emails: &[(&str, &str)], refused: usize) -> Self {
        let (simulator, smtp) = (Simulator::start().await.unwrap(), SmtpStub::start(refused).unwrap());
        let (clock, folder) = (Clock::manual(), tempfile::tempdir().unwrap());
        let mut shop = Shop::new(&smtp.address).unwrap();
        *shop.emails.get_mut().unwrap() =
            emails.iter().map(|(order, email)| ((*order).to_owned(), (*email).to_owned())).collect();
        let athm = Athm::builder()
            .tokens("public", "private")
            .without_credential_check()
            .api_url(simulator.url())
            .database_url(format!("sqlite://{}", folder.path().join("athm.db").display()))
            .clock(clock.clone())
            .state(shop)
            .start()
            .await
            .unwrap();
        Self { athm, simulator, smtp, clock, _folder: folder }
    }

    /// The order is paid, and its message comes in.
    async fn paid(&self, email: Option<&str>) {
        let mut payment = SimulatedPayment::new(Amount::from_cents(2500)).status(Status::Completed);
        payment.customer.email = email.map(ToOwned::to_owned);
        let id = self.simulator.insert(payment.metadata_1("order-7"));
        let body = json!({ "ecommerceId": id, "status": "COMPLETED" }).to_string().into_bytes();
        let message = Message::parse("application/json", &body).unwrap();
        assert_eq!(self.athm.receive(message, Sender::CALLBACK, body).await.unwrap(), MessageResult::Recorded);
        self.athm.idle().await;
    }

    /// Lets time pass until the next mail.
    async fn mail(&self) -> String {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Ok(mail) = self.smtp.mails.try_recv() {
                return mail;
            }
            assert!(Instant::now() < deadline, "no mail came");
            self.clock.advance(Duration::from_secs(1));
            self.athm.idle().await;
            actix_web::rt::task::yield_now().await;
        }
    }
}

#[actix_web::test]
async fn the_receipt_goes_to_the_address_that_the_provider_names() {
    let demo = Demo::start(&[("order-7", "form@shop.example")], 0).await;
    demo.paid(Some("ana@shop.example")).await;
    assert!(demo.smtp.mails.try_recv().is_err(), "the customer isn't known yet");
    let mail = demo.mail().await;
    for line in ["To: ana@shop.example", "Subject: Your receipt for order-7", "We have received 25.00."] {
        assert!(mail.contains(line), "{line} in {mail}");
    }
    assert!(demo.athm.deliveries().dead().await.unwrap().is_empty());
    assert!(demo.smtp.mails.try_recv().is_err(), "one receipt");
}

#[actix_web::test]
async fn without_one_it_goes_to_the_address_of_the_shops_own_form() {
    let demo = Demo::start(&[("order-7", "form@shop.example")], 0).await;
    demo.paid(None).await;
    assert!(demo.mail().await.contains("To: form@shop.example"));
}

#[actix_web::test]
async fn a_mail_server_without_room_is_tried_again_with_the_same_message_id() {
    let demo = Demo::start(&[], 1).await;
    demo.paid(Some("ana@shop.example")).await;
    let mail = demo.mail().await;
    let id = mail.lines().find(|line| line.starts_with("Message-ID: ")).unwrap();
    assert!(id.ends_with("@shop.example>"), "{id}");
    demo.athm.idle().await;
    assert!(demo.athm.deliveries().dead().await.unwrap().is_empty());
}
