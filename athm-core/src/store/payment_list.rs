//! The statements that list payments, for both backends.
//!
//! A list follows one index, and the other conditions filter what that finds. Which one, [`PaymentList::of`] decides: who paid
//! is more selective than what the merchant wrote, and that more than the status. A condition that isn't asked for is NULL.
//! SQLite numbers parameters as they appear, so that they stand in their order.

use super::TransactionQuery;
use super::row::transaction_columns;

macro_rules! list {
    ($with:literal, $from:literal) => {
        concat!(
            $with,
            "SELECT ",
            transaction_columns!(),
            $from,
            " AND t.created_at >= $2 AND t.created_at < $3 AND (t.created_at, t.id) < ($4, $5) ",
            "AND (CAST($6 AS TEXT) IS NULL OR t.status = $6) AND (CAST($7 AS TEXT) IS NULL OR t.kind = $7) ",
            "AND (CAST($8 AS TEXT) IS NULL OR t.metadata_1 = $8) ",
            "AND (CAST($9 AS TEXT) IS NULL OR t.metadata_2 = $9) ",
            "AND (CAST($10 AS TEXT) IS NULL OR substr(t.reference_number, 1, length($10)) = $10) ",
            "AND (CAST($11 AS TEXT) IS NULL OR t.daily_transaction_id = $11) ",
            "AND (CAST($12 AS TEXT) IS NULL OR EXISTS (SELECT 1 FROM athm_customer o ",
            "WHERE o.transaction_id = t.id AND lower(o.email) = lower($12))) ",
            "ORDER BY t.created_at DESC, t.id DESC LIMIT $13"
        )
    };
}

const ALL: &str = list!("", " FROM athm_transaction t WHERE CAST($1 AS TEXT) IS NULL");
const OF_STATUS: &str = list!("", " FROM athm_transaction t WHERE t.status = $1");
const OF_METADATA: &str = list!("", " FROM athm_transaction t WHERE t.metadata_1 = $1");
// The few payments of a customer are found first, whatever the planner thinks of the limit.
const OF_PHONE: &str = list!(
    "WITH c AS MATERIALIZED (SELECT transaction_id FROM athm_customer WHERE phone = $1) ",
    " FROM c CROSS JOIN athm_transaction t WHERE t.id = c.transaction_id"
);
const OF_EMAIL: &str = list!(
    "WITH c AS MATERIALIZED (SELECT transaction_id FROM athm_customer WHERE lower(email) = lower($1)) ",
    " FROM c CROSS JOIN athm_transaction t WHERE t.id = c.transaction_id"
);

/// Completed payments of a customer, by phone or e-mail address, newest first: `$1` is the phone, `$2` the address, `$3` the
/// least total, `$4` how many.
pub(super) const PAID_BY: &str = concat!(
    "WITH c AS MATERIALIZED (SELECT transaction_id FROM athm_customer WHERE phone = $1 ",
    "UNION SELECT transaction_id FROM athm_customer WHERE lower(email) = lower($2)) SELECT ",
    transaction_columns!(),
    " FROM c CROSS JOIN athm_transaction t WHERE t.id = c.transaction_id AND t.status = 'completed' AND t.total >= $3 ",
    "ORDER BY t.created_at DESC, t.id DESC LIMIT $4"
);

/// The statement for a query, and its first parameter and those from the sixth on. The second to the fifth are the range of
/// time and where the page before ended; the last is the size of the page.
pub(super) struct PaymentList {
    pub(super) sql: &'static str,
    pub(super) by: Option<String>,
    pub(super) filters: [Option<String>; 7],
}

impl PaymentList {
    pub(super) fn of(query: &TransactionQuery) -> Self {
        let mut status = query.status.as_ref().map(ToString::to_string);
        let mut metadata_1 = query.metadata_1.clone();
        let phone = query.customer_phone.as_ref().map(|phone| phone.as_str().to_owned());
        let mut email = query.customer_email.as_ref().map(|email| email.0.clone());
        let (sql, by) = if phone.is_some() {
            (OF_PHONE, phone)
        } else if email.is_some() {
            (OF_EMAIL, email.take())
        } else if metadata_1.is_some() {
            (OF_METADATA, metadata_1.take())
        } else if status.is_some() {
            (OF_STATUS, status.take())
        } else {
            (ALL, None)
        };
        let kind = query.kind.as_ref().map(ToString::to_string);
        let TransactionQuery { metadata_2, reference_prefix, daily_transaction_id, .. } = query.clone();
        Self { sql, by, filters: [status, kind, metadata_1, metadata_2, reference_prefix, daily_transaction_id, email] }
    }
}
