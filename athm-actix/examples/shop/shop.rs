//! What the shop does, for its pages and its tests.

use athm_actix::errors::StoreError;
use athm_actix::{Athm, BoxError, Item, NewPayment, Sender, Status, Transaction};
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

impl Shop {
    /// Opens a payment, and then its order: a payment without an order only expires.
    pub(crate) async fn sell(&self, product: &Product) -> Result<Order, BoxError> {
        let id = Orders::new_id();
        let item = Item::new(product.name, product.price).description(product.description);
        let payment = NewPayment::new(product.price, &id).metadata_2("demo shop").item(item);
        let payment = self.athm.create(payment).await?.id();
        let state = OrderState::Waiting;
        let (product, total) = (product.name.to_owned(), product.price);
        let order = Order { id, product, total, state, payment, receipt_to: None };
        self.orders.add(order.clone())?;
        Ok(order)
    }

    /// An order as it is shown, and its payment as athm last saw it.
    pub(crate) async fn shown(&self, mut order: Order) -> Result<(Order, Option<Transaction>), StoreError> {
        let payment = self.athm.transaction(order.payment).await?;
        let is_approved = payment.as_ref().is_some_and(|payment| *payment.status() == Status::Confirmed);
        if is_approved && order.state == OrderState::Waiting {
            order.state = OrderState::Approved;
        }
        Ok((order, payment))
    }

    /// The latest orders as they are shown, newest first.
    pub(crate) async fn recent_orders(&self, most: usize) -> Result<Vec<Order>, StoreError> {
        let mut shown = Vec::new();
        for order in self.orders.newest_first().into_iter().take(most) {
            shown.push(self.shown(order).await?.0);
        }
        Ok(shown)
    }

    /// Asks the provider how an order's payment stands, and takes the money if it is approved. For a customer whose
    /// page runs no script; a real shop does it on a schedule, for customers who closed the page too early.
    pub(crate) async fn check(&self, order: &Order) -> Result<(), BoxError> {
        let Some(payment) = self.athm.transaction(order.payment).await? else { return Ok(()) };
        let (Some(provider), Some(ticket)) = (self.athm.provider(), payment.ecommerce_id()) else { return Ok(()) };
        let found = provider.find(ticket).await?;
        let recorded = self.athm.record(found, Sender::from_static("check")).await?;
        if *recorded.transaction().status() == Status::Confirmed {
            self.athm.authorize(order.payment).await?;
        }
        Ok(())
    }

    /// The demo's own simulator forgets when it stops: what is still open from an earlier run can't be paid any more.
    pub(crate) async fn end_what_an_earlier_run_left_open(&self, simulator: &Simulator) -> Result<(), BoxError> {
        for order in self.orders.newest_first() {
            let Some(payment) = self.athm.transaction(order.payment).await? else { continue };
            let Some(&ticket) = payment.ecommerce_id().filter(|_| !payment.status().is_final()) else { continue };
            let ended = SimulatedPayment::new(payment.total()).ecommerce_id(ticket).status(Status::Cancelled);
            simulator.insert(ended.metadata_1(payment.metadata_1()).metadata_2(payment.metadata_2()));
            self.check(&order).await?;
        }
        Ok(())
    }
}
