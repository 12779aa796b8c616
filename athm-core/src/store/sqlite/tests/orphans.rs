//! Claims beside deliveries that no process can run.

use super::*;
use crate::store::fixtures::RUNNABLE;
use crate::store::sqlite::claim::{ORDINARY, SUSPECTS};

#[tokio::test]
async fn two_hundred_thousand_orphaned_deliveries_are_not_read_by_a_claim() {
    let fixture = StoreFixture::with_slots(0);
    for n in 0..3 {
        fixture.record(n).await.unwrap();
    }
    let fill = "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 200000) \
        INSERT INTO athm_delivery (id, event_id, signal, receiver, state, attempts, is_replay, due_at, created_at) \
        SELECT randomblob(16), (SELECT min(id) FROM athm_event), 'completed', 'gone-' || n, 'due', 0, 0, 0, 0 FROM numbers";
    fixture.store.writer.write(move |connection| Ok(execute(connection, fill, [])?), |()| ()).await.unwrap();
    let plan = |sql: &'static str| {
        fixture.store.reader.read(move |connection| {
            let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            statement.raw_query().mapped(|row| row.get::<_, String>(3)).collect::<rusqlite::Result<Vec<_>>>()
        })
    };
    let suspects = plan(SUSPECTS).await.unwrap();
    assert!(suspects.iter().any(|step| step.contains("athm_delivery_interrupted (due_at<?)")), "{suspects:?}");
    assert!(!suspects.iter().any(|step| step.contains("athm_delivery_runnable")), "{suspects:?}");
    let plan = plan(ORDINARY).await.unwrap();
    assert!(plan[0].contains("athm_delivery_runnable (<expr>=? AND due_at<?)"), "{plan:?}");
    assert!(!plan.iter().any(|step| step.contains("TEMP B-TREE")), "{plan:?}");
    assert_eq!(fixture.claim().await.len(), 3);
    let now = fixture.clock.steady();
    assert!(!fixture.store.has_due_deliveries(now, vec![String::from(RUNNABLE)]).await.unwrap());
}
