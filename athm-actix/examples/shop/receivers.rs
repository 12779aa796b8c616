//! What the shop does about payments. Nothing else changes an order's state: no page, no handler.

use athm_actix::{Athm, BoxError, Customer, Refund, State, Transaction, receiver};

use crate::live::Running;
use crate::orders::{NotPaid, ORDER_PREFIX, OrderState, Orders, UnknownOrder};

/// Whether the payment names an order of the shop. The business may take other payments with the same tokens: of these, the
/// receivers of orders hear nothing. What carries an order's number is still compared with the order, by its own guard.
fn names_an_order(transaction: &Transaction) -> bool {
    transaction.metadata_1().starts_with(ORDER_PREFIX)
}

/// Every outcome, whatever it is: the shop's audit trail.
#[receiver(received)]
fn audit(transaction: &Transaction, running: Running) {
    tracing::info!(payment = %transaction.id(), status = %transaction.status(), total = %transaction.total(), "ATH Móvil response");
    running.succeeded();
}

/// Money came in. Which money pays the order, the order decides.
#[receiver(completed, if = names_an_order)]
fn fulfil(transaction: &Transaction, State(orders): State<Orders>, running: Running) -> Result<(), BoxError> {
    running.ended(orders.change(transaction.metadata_1(), |order| -> Result<(), NotPaid> { order.pay(transaction) }))
}

/// Who paid is known seconds after the payment. This receiver alone waits for it; `examples/receipt` sends the mail.
#[receiver(completed, if = names_an_order)]
fn send_receipt(
    transaction: &Transaction,
    customer: &Customer,
    State(orders): State<Orders>,
    running: Running,
) -> Result<(), BoxError> {
    let result = orders.change(transaction.metadata_1(), |order| {
        if order.payment == Some(transaction.id()) {
            order.receipt_to = customer.email.clone();
        }
        Ok::<(), BoxError>(())
    });
    running.ended(result)
}

/// The customer declined, or called it off. The checkout may be tried again.
#[receiver(cancelled, if = names_an_order)]
async fn cancel(
    transaction: &Transaction,
    State(orders): State<Orders>,
    athm: Athm,
    running: Running,
) -> Result<(), BoxError> {
    running.ended(close(&orders, &athm, transaction, OrderState::Cancelled).await)
}

/// The payment wasn't approved in time. The checkout may be tried again.
#[receiver(expired, if = names_an_order)]
async fn expire(
    transaction: &Transaction,
    State(orders): State<Orders>,
    athm: Athm,
    running: Running,
) -> Result<(), BoxError> {
    running.ended(close(&orders, &athm, transaction, OrderState::Expired).await)
}

/// A refund was made, here or in the provider's own app.
#[receiver(refunded, if = names_an_order)]
fn take_back(
    transaction: &Transaction,
    refund: &Refund,
    orders: State<Orders>,
    running: Running,
) -> Result<(), BoxError> {
    let result = orders.change(transaction.metadata_1(), |order| {
        if order.payment == Some(transaction.id()) && refund.total_refunded == transaction.total() {
            order.state = OrderState::Refunded;
        }
        Ok::<(), BoxError>(())
    });
    running.ended(result)
}

/// Closes an order whose newest payment has ended. An earlier try can't close it, nor can another payment that only carries
/// its number.
async fn close(orders: &Orders, athm: &Athm, transaction: &Transaction, state: OrderState) -> Result<(), BoxError> {
    let number = transaction.metadata_1();
    let order = orders.find(number).ok_or_else(|| UnknownOrder::new(number))?;
    let checkout = athm.checkouts().find(order.checkout.parse()?).await?;
    let newest = checkout.as_ref().and_then(|checkout| checkout.payment()).map(Transaction::id);
    orders.change(number, |order| {
        if order.is_unpaid() && newest == Some(transaction.id()) {
            order.state = state;
        }
        Ok::<(), BoxError>(())
    })
}
