//! The shop's own books: what it sells, and what was ordered.
//!
//! A JSON file, to keep the demo short; a real shop has a database. What matters is the same: an order is on disk
//! before its customer sees it, so that a receiver that runs after a crash still finds it.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fs, io};

use athm_actix::checkouts::{Checkout, CheckoutState};
use athm_actix::ids::TransactionId;
use athm_actix::{Amount, BoxError, Permanent, Transaction, UnexpectedTotal};
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
    /// The checkout at which it is paid: the last part of its page's address.
    pub(crate) checkout: String,
    /// The one payment that paid it. Once it is set, it stays.
    pub(crate) payment: Option<TransactionId>,
    /// The e-mail address that the receipt goes to, once the provider has named the customer.
    #[serde(default)]
    pub(crate) receipt_to: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum OrderState {
    /// To be paid.
    Open,
    /// The customer is asked to approve. No receiver tells this: it is shown as the checkout has it, and never stored.
    Waiting,
    /// By the customer, and not paid: shown, and never stored.
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
    /// The order's own guard: compares the totals, and then binds the order to this payment, once. Another payment that
    /// comes later pays nothing, however it came about, so that the order is sent once.
    pub(crate) fn pay(&mut self, transaction: &Transaction) -> Result<(), NotPaid> {
        match self.payment {
            // The same payment again: a receiver may run more than once.
            Some(payment) if payment == transaction.id() => Ok(()),
            Some(_) => Err(NotPaid::Already { source: Permanent::MARK }),
            None => {
                // A buyer can open a payment of one dollar with this order's number.
                if let Err(unexpected) = transaction.expect_total(self.total) {
                    self.state = OrderState::Underpaid;
                    return Err(unexpected.into());
                }
                (self.payment, self.state) = (Some(transaction.id()), OrderState::Paid);
                Ok(())
            }
        }
    }

    /// How it is shown while its checkout is as it is.
    pub(crate) fn shown_state(&self, checkout: Option<&Checkout>) -> OrderState {
        match checkout {
            Some(checkout) if self.is_unpaid() && checkout.is_approved() => OrderState::Approved,
            Some(checkout) if self.is_unpaid() && matches!(checkout.state(), CheckoutState::Waiting { .. }) => {
                OrderState::Waiting
            }
            _ => self.state,
        }
    }

    /// Whether no money has come in for it.
    pub(crate) fn is_unpaid(&self) -> bool {
        matches!(self.state, OrderState::Open | OrderState::Cancelled | OrderState::Expired)
    }

    /// Whether a paid payment with its number is none that it waits for: a second one, or one of another amount.
    pub(crate) fn is_surplus(&self, payment: &Transaction) -> bool {
        match self.payment {
            Some(paid_by) => payment.id() != paid_by,
            None => payment.expect_total(self.total).is_err(),
        }
    }
}

/// Why money that came in doesn't pay the order.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotPaid {
    #[error(transparent)]
    Total(#[from] UnexpectedTotal),
    #[error("another payment has paid this order: give this one back")]
    Already {
        /// No retry changes it.
        source: Permanent,
    },
}

/// A payment that names no order of the shop's.
#[derive(Debug, thiserror::Error)]
#[error("there is no order {id:?}")]
pub(crate) struct UnknownOrder {
    id: String,
    /// An order is stored before its payment can be made, so the receiver needs no retry.
    source: Permanent,
}

impl UnknownOrder {
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.to_owned(), source: Permanent::MARK }
    }
}
