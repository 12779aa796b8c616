//! Parameters that may be missing, and the context itself.

use athm_core::dispatch::Dispatcher;
use athm_core::{
    Amount, Context, FromContext, Refund, Rejection, Sender, Signal, State, Status, Transaction, receiver,
};
use athm_tests::TextRecorder;

struct OrderNumber(u32);

impl FromContext<'_> for OrderNumber {
    fn from_context(context: &Context<'_>) -> Result<Self, Rejection> {
        let metadata = context.transaction().metadata_1();
        metadata.parse().map(Self).map_err(|_| Rejection::new(format!("{metadata:?} is no order")))
    }
}

#[receiver(completed, refunded, id = "parameters.optional", sender = "parameters")]
fn optional(
    refund: Option<&Refund>,
    number: Option<State<u8>>,
    order: Result<OrderNumber, Rejection>,
    State(recorder): State<TextRecorder>,
) {
    let number = number.map(|State(number)| *number);
    let order = order.map_or_else(|rejection| rejection.to_string(), |OrderNumber(number)| number.to_string());
    recorder.note(format!("refund: {}, number: {number:?}, order: {order}", refund.is_some()));
}

#[receiver(expired, id = "parameters.context", sender = ["parameters", Sender::SWEEPER])]
fn context(context: &Context<'_>, State(recorder): State<TextRecorder>) {
    recorder.note(format!("{} by {} for {}", context.signal(), context.sender(), context.receiver()));
}

fn payment(status: Status, order: &str) -> Transaction {
    Transaction::builder(status, Amount::from_cents(2500)).metadata_1(order).build()
}

fn linked(recorder: &TextRecorder) -> Dispatcher {
    athm_tests::linked_dispatcher("parameters.").state(recorder.clone())
}

#[tokio::test]
async fn what_the_context_does_not_hold_is_none_and_why_is_an_error() {
    let (recorder, sender) = (TextRecorder::new(), Sender::new("parameters"));
    let failed = linked(&recorder).send_robust(Signal::Completed, &payment(Status::Completed, "seven"), &sender).await;
    assert!(failed.is_empty(), "{failed:?}");
    assert_eq!(recorder.noted(), [r#"refund: false, number: None, order: "seven" is no order"#]);
}

#[tokio::test]
async fn what_the_context_holds_is_given() {
    let (recorder, paid) = (TextRecorder::new(), payment(Status::Completed, "7"));
    athm_core::testing::call("parameters.optional", &Transaction::sample().completed().metadata_1("7").build())
        .state(recorder.clone())
        .state(5_u8)
        .await
        .unwrap();
    linked(&recorder).state(6_u8).send_robust(Signal::Completed, &paid, &Sender::new("parameters")).await;
    let noted = ["refund: false, number: Some(5), order: 7", "refund: false, number: Some(6), order: 7"];
    assert_eq!(recorder.noted(), noted);
}

#[tokio::test]
async fn a_receiver_of_several_senders_hears_each_of_them_and_no_other() {
    let recorder = TextRecorder::new();
    for sender in [Sender::new("parameters"), Sender::CALLBACK, Sender::SWEEPER] {
        let expired = payment(Status::Expired, "7");
        assert!(linked(&recorder).send_robust(Signal::Expired, &expired, &sender).await.is_empty());
    }
    let noted = ["expired by parameters for parameters.context", "expired by sweeper for parameters.context"];
    assert_eq!(recorder.noted(), noted);
}
