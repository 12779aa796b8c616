//! What others do to the database of a run: rows that are edited by hand, and rows that an idle session locks.

use crate::RunDatabase;

/// What lasts until the next trouble, or until it is dropped.
#[derive(Default)]
pub struct Trouble {
    #[cfg(feature = "postgres")]
    held: Option<crate::HeldTransaction>,
}

impl Trouble {
    /// Damages the recorded rows of the payments whose `metadata1` is like `damaged`, and has their deliveries due again. On
    /// PostgreSQL an idle session locks the deliveries of those like `locked`.
    pub fn make(&mut self, database: &RunDatabase, damaged: &str, locked: &str) {
        let of = format!("(SELECT id FROM athm_transaction WHERE metadata_1 LIKE '{damaged}')");
        let events = format!("(SELECT id FROM athm_event WHERE transaction_id IN {of})");
        database.execute(&format!(
            "UPDATE athm_item SET quantity = 'many' WHERE transaction_id IN {of};
             UPDATE athm_delivery SET state = 'due' WHERE event_id IN {events}"
        ));
        #[cfg(feature = "postgres")]
        if let RunDatabase::Postgres(database) = database {
            self.held = None;
            self.held = Some(database.hold(&format!(
                "SELECT 1 FROM athm_delivery d JOIN athm_event e ON e.id = d.event_id \
                 JOIN athm_transaction t ON t.id = e.transaction_id WHERE t.metadata_1 LIKE '{locked}' FOR UPDATE OF d"
            )));
        }
        #[cfg(not(feature = "postgres"))]
        let _ = locked;
    }

    /// Ends what lasts.
    pub fn end(&mut self) {
        *self = Self::default();
    }
}
