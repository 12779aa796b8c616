//! What the shop does, for its pages and its tests.

use athm_actix::checkouts::{Checkout, CheckoutOptions, NewCheckout};
use athm_actix::errors::{OperationError, StoreError};
use athm_actix::ids::TransactionId;
use athm_actix::transactions::TransactionQuery;
use athm_actix::{Athm, BoxError, Item, NewRefund, Scope, Status, Transaction};
use athm_simulator::{SimulatedPayment, Simulator};

use crate::live::Runs;
use crate::orders::{Order, OrderState, Orders, Product};

/// What every handler has at hand.
#[derive(Clone)]
pub(crate) struct Shop {
    pub(crate) athm: Athm,
    pub(crate) orders: Orders,
    pub(crate) runs: Runs,
    pub(crate) api_url: String,
}

/// An order as a page shows it.
pub(crate) struct ShownOrder {
    pub(crate) order: Order,
    /// Where it is paid; `None` if athm's database is another one than the order's.
    pub(crate) checkout: Option<Checkout>,
    /// Money with the order's number that didn't pay it, and that isn't given back yet.
    pub(crate) surplus: Vec<Transaction>,
}

impl Shop {
    /// athm's own routes: the page that takes the payment, the callback, the webhook.
    pub(crate) fn service(&self) -> Scope {
        athm_actix::scope("/athm", &self.athm).checkout(CheckoutOptions::new().business("Colmado La Loma"))
    }

    /// Offers a checkout, and then opens its order: nothing is paid before the order is on disk.
    pub(crate) async fn sell(&self, product: &Product) -> Result<Order, BoxError> {
        let id = Orders::new_id();
        let item = Item::new(product.name, product.price).description(product.description);
        let new = NewCheckout::new(product.price, &id).metadata_2("demo shop").item(item);
        let new = new.return_url("/").idempotency_key(&id);
        let checkout = self.athm.checkout(new).await?.id().to_string();
        let (product, total, state) = (product.name.to_owned(), product.price, OrderState::Open);
        let order = Order { id, product, total, state, checkout, payment: None, receipt_to: None };
        self.orders.add(order.clone())?;
        Ok(order)
    }

    /// An order as it is shown.
    pub(crate) async fn shown(&self, mut order: Order) -> Result<ShownOrder, StoreError> {
        let checkout = self.checkout(&order).await?;
        order.state = order.shown_state(checkout.as_ref());
        let surplus = self.surplus(&order).await?;
        Ok(ShownOrder { order, checkout, surplus })
    }

    /// The latest orders as they are shown, newest first.
    pub(crate) async fn recent_orders(&self, most: usize) -> Result<Vec<Order>, StoreError> {
        let mut shown = Vec::new();
        for mut order in self.orders.newest_first().into_iter().take(most) {
            order.state = order.shown_state(self.checkout(&order).await?.as_ref());
            shown.push(order);
        }
        Ok(shown)
    }

    async fn checkout(&self, order: &Order) -> Result<Option<Checkout>, StoreError> {
        match order.checkout.parse() {
            Ok(id) => self.athm.checkouts().find(id).await,
            Err(_) => Ok(None),
        }
    }

    /// Money that came in with the order's number and didn't pay it: a second payment, or another amount.
    async fn surplus(&self, order: &Order) -> Result<Vec<Transaction>, StoreError> {
        let paid = TransactionQuery::new().metadata_1(&order.id).status(Status::Completed);
        let paid = self.athm.transactions(paid).await?;
        let is_kept = |payment: &&Transaction| payment.refunded_amount() < payment.total();
        let surplus = paid.transactions().iter().filter(|payment| order.is_surplus(payment));
        Ok(surplus.filter(is_kept).cloned().collect())
    }

    /// All of the order's money back. athm takes care that it can't be given twice.
    pub(crate) async fn give_back(&self, order: &Order) -> Result<(), OperationError> {
        if let Some(payment) = order.payment {
            self.refund(payment).await?;
        }
        Ok(())
    }

    /// The money back that didn't pay the order.
    pub(crate) async fn give_surplus_back(&self, order: &Order) -> Result<(), OperationError> {
        for payment in self.surplus(order).await? {
            self.refund(payment.id()).await?;
        }
        Ok(())
    }

    async fn refund(&self, payment: TransactionId) -> Result<(), OperationError> {
        match self.athm.refund(payment, NewRefund::full()).await {
            // It is given back already.
            Ok(_) | Err(OperationError::NotPaid { .. } | OperationError::RefundTooMuch { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The demo's own simulator forgets when it stops: what is still open from an earlier run can't be paid any more.
    pub(crate) async fn end_what_an_earlier_run_left_open(&self, simulator: &Simulator) -> Result<(), BoxError> {
        for order in self.orders.newest_first() {
            let Some(checkout) = self.checkout(&order).await? else { continue };
            let Some(payment) = checkout.payment().filter(|payment| !payment.status().is_final()) else { continue };
            let Some(&ticket) = payment.ecommerce_id() else { continue };
            let ended = SimulatedPayment::new(payment.total()).ecommerce_id(ticket).status(Status::Cancelled);
            simulator.insert(ended.metadata_1(payment.metadata_1()).metadata_2(payment.metadata_2()));
            self.athm.refresh(payment.id()).await?;
        }
        Ok(())
    }
}
