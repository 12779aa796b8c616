//! The shop's own books: what it sells, and what was ordered.
//!
//! A JSON file, to keep the demo short; a real shop has a database. What matters is the same: an order is on disk
//! before its customer sees it, so that a receiver that runs after a crash still finds it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use athm_actix::ids::TransactionId;
use athm_actix::{Amount, BoxError, Permanent, Transaction};
use serde::{Deserialize, Serialize};

/// What every order's number begins with.
pub(crate) const ORDER_PREFIX: &str = "order-";

pub(crate) struct Product {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) price: Amount,
}

/// What is for sale. The form names a product by its place: prices are never taken from a page.
pub(crate) const PRODUCTS: [Product; 2] = [
    Product { name: "Café de Yauco", description: "Whole beans, 12 oz", price: Amount::from_cents(14_50) },
    Product { name: "Pique criollo", description: "Hot sauce, 8 oz", price: Amount::from_cents(8_75) },
];

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Goes to the provider as metadata 1, and comes back with the payment.
    pub(crate) id: String,
    pub(crate) product: String,
    pub(crate) total: Amount,
    pub(crate) state: OrderState,
    /// The payment that the shop opened for it.
    pub(crate) payment: TransactionId,
    /// The e-mail address that the receipt goes to, once the provider has named the customer.
    #[serde(default)]
    pub(crate) receipt_to: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderState {
    Waiting,
    /// By the customer, and not paid. No receiver tells this: it is shown when athm has seen it, and never stored.
    Approved,
    Paid,
    /// Some other amount came in with this order's number.
    Underpaid,
    Cancelled,
    Expired,
    /// Paid once, and all of it given back.
    Refunded,
}

/// All orders, oldest first. A clone is the same books.
#[derive(Clone)]
pub(crate) struct Orders {
    orders: Arc<Mutex<Vec<Order>>>,
    file: Arc<Path>,
}

impl Orders {
    pub(crate) fn open(file: &Path) -> Result<Self, BoxError> {
        let orders = match fs::read(file) {
            Ok(json) => serde_json::from_slice(&json)
                .map_err(|error| format!("{} holds no orders ({error}): delete it to begin anew", file.display()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(format!("{} can't be read: {error}", file.display()).into()),
        };
        Ok(Self { orders: Arc::new(Mutex::new(orders)), file: file.into() })
    }

    /// A number for a new order. Random, so that payments of an earlier database never carry it, and no neighbour's
    /// order is found by counting.
    pub(crate) fn new_id() -> String {
        const ALPHABET: &[u8] = b"23456789abcdefghjkmnpqrstuvwxyz";
        let letters = (0..8).filter_map(|_| fastrand::choice(ALPHABET)).map(|&letter| char::from(letter));
        format!("{ORDER_PREFIX}{}", letters.collect::<String>())
    }

    pub(crate) fn add(&self, order: Order) -> io::Result<()> {
        let mut orders = self.lock();
        let changed = orders.iter().cloned().chain([order]).collect();
        self.save(&mut orders, changed)
    }

    pub(crate) fn find(&self, id: &str) -> Option<Order> {
        self.lock().iter().find(|order| order.id == id).cloned()
    }

    pub(crate) fn newest_first(&self) -> Vec<Order> {
        self.lock().iter().rev().cloned().collect()
    }

    /// Changes an order, and saves it whatever `change` returns.
    pub(crate) fn change<E: Into<BoxError>>(
        &self,
        id: &str,
        change: impl FnOnce(&mut Order) -> Result<(), E>,
    ) -> Result<(), BoxError> {
        let mut orders = self.lock();
        let mut changed = orders.clone();
        let order = changed.iter_mut().find(|order| order.id == id).ok_or_else(|| UnknownOrder::new(id))?;
        let result = change(order);
        self.save(&mut orders, changed)?;
        result.map_err(Into::into)
    }

    /// First the file, as a whole, then the memory: a change that can't be kept hasn't happened.
    fn save(&self, orders: &mut Vec<Order>, changed: Vec<Order>) -> io::Result<()> {
        let draft: PathBuf = self.file.with_extension("json.new");
        fs::write(&draft, serde_json::to_vec_pretty(&changed)?)?;
        fs::rename(&draft, &self.file)?;
        *orders = changed;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Order>> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Order {
    /// Whether that payment is the one the shop opened for this order, and nothing has come of the order yet.
    pub(crate) fn waits_for(&self, transaction: &Transaction) -> bool {
        self.state == OrderState::Waiting && self.payment == transaction.id()
    }
}

/// A payment that names no order of the shop's.
#[derive(Debug, thiserror::Error)]
#[error("there is no order {id:?}")]
struct UnknownOrder {
    id: String,
    /// An order is stored before its payment can be made, so the receiver needs no retry.
    source: Permanent,
}

impl UnknownOrder {
    fn new(id: &str) -> Self {
        Self { id: id.to_owned(), source: Permanent::MARK }
    }
}
