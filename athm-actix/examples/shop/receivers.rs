//! What the shop does about payments. Nothing else changes an order's state: no page, no handler.

use athm_actix::{BoxError, Customer, Refund, State, Transaction, receiver};

use crate::live::Running;
use crate::orders::{ORDER_PREFIX, OrderState, Orders};

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

/// Money came in.
#[receiver(completed, if = names_an_order)]
fn fulfil(transaction: &Transaction, State(orders): State<Orders>, running: Running) -> Result<(), BoxError> {
    let result = orders.change(transaction.metadata_1(), |order| {
        // A buyer can open a payment of one dollar with this order's number.
        let expected = transaction.expect_total(order.total);
        match expected {
            // A receiver that is run again may come late.
            _ if order.state == OrderState::Refunded => {}
            Ok(()) => order.state = OrderState::Paid,
            Err(_) if order.state != OrderState::Paid => order.state = OrderState::Underpaid,
            // What is paid stays paid; the error tells of the other money.
            Err(_) => {}
        }
        expected
    });
    running.ended(result)
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
        if order.payment == transaction.id() {
            order.receipt_to = customer.email.clone();
        }
        Ok::<(), BoxError>(())
    });
    running.ended(result)
}

/// The customer declined, or the shop called it off.
#[receiver(cancelled, if = names_an_order)]
fn cancel(transaction: &Transaction, State(orders): State<Orders>, running: Running) -> Result<(), BoxError> {
    running.ended(close(&orders, transaction, OrderState::Cancelled))
}

/// The payment wasn't approved in time.
#[receiver(expired, if = names_an_order)]
fn expire(transaction: &Transaction, State(orders): State<Orders>, running: Running) -> Result<(), BoxError> {
    running.ended(close(&orders, transaction, OrderState::Expired))
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
        if order.payment == transaction.id() && refund.total_refunded == transaction.total() {
            order.state = OrderState::Refunded;
        }
        Ok::<(), BoxError>(())
    });
    running.ended(result)
}

/// Another payment that only carries this order's number can't close it.
fn close(orders: &Orders, transaction: &Transaction, state: OrderState) -> Result<(), BoxError> {
    orders.change(transaction.metadata_1(), |order| {
        if order.waits_for(transaction) {
            order.state = state;
        }
        Ok::<(), BoxError>(())
    })
}
