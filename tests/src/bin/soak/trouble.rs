//! What others do to the database meanwhile: rows that are edited by hand, and rows that an idle session locks.

use athm_tests::RunDatabase;

use crate::load::Load;

/// After how many kills there is trouble again.
pub(crate) const INTERVAL: u32 = 20;

/// What lasts until the next trouble.
#[derive(Default)]
pub(crate) struct Trouble {
    #[cfg(feature = "postgres")]
    held: Option<athm_tests::HeldTransaction>,
}

impl Trouble {
    /// Damages the rows of one payment, and has its deliveries due again. On PostgreSQL an idle session locks those of
    /// another one.
    pub(crate) async fn make(&mut self, number: u32, database: &RunDatabase, load: &Load) {
        let damaged = format!("damaged-{number}");
        load.deliver(&damaged).await;
        let of = format!("(SELECT id FROM athm_transaction WHERE metadata_1 = '{damaged}')");
        let events = format!("(SELECT id FROM athm_event WHERE transaction_id IN {of})");
        database.execute(&format!(
            "UPDATE athm_item SET quantity = 'many' WHERE transaction_id IN {of};
             UPDATE athm_delivery SET state = 'due' WHERE event_id IN {events}"
        ));
        #[cfg(feature = "postgres")]
        if let RunDatabase::Postgres(database) = database {
            let locked = format!("locked-{number}");
            load.deliver(&locked).await;
            self.held = None;
            self.held = Some(database.hold(&format!(
                "SELECT 1 FROM athm_delivery d JOIN athm_event e ON e.id = d.event_id \
                 JOIN athm_transaction t ON t.id = e.transaction_id WHERE t.metadata_1 = '{locked}' FOR UPDATE"
            )));
        }
    }

    /// Ends what lasts.
    pub(crate) fn end(&mut self) {
        *self = Self::default();
    }
}
